// Blocks: ours to ask for and judge, theirs to be read from the store and sent as fast as they take them.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::ask_blocks(Now now) {
  for (auto& ask : blocks.poll(now.mono)) {
    if (Peer* peer = find_alive(ask.peer)) send(*peer, wire::GetBlocks{std::move(ask.hashes)}, now);
  }
}

void Node::State::on(Peer& peer, wire::Block& message, Now now) {
  const size_t bytes = message.bytes.size();
  const auto expected = blocks.on_block(peer.conn, bytes, now.mono);
  if (!expected) return fault(peer, expected.error().code, expected.error().where, now);
  blocks_dirty = true;
  ++blocks_received;
  block_bytes_received += bytes;
  if (!*expected) return;  // late: another gave it meanwhile
  const RequestId request = expect(ForBlock{peer.conn, **expected, bytes});
  tell_chain(SubmitBlock{request, std::move(message.bytes)});
}

void Node::State::on(Peer& peer, wire::NotFound& message, Now now) {
  arrivals.on_withheld(peer.conn);
  const size_t owed = blocks.on_not_found(peer.conn, message.hashes, now.mono);
  attacks.on(Attack::withholding, peer.remote.ip);
  fault(peer, owed == 0 ? ErrorCode::unrequested : ErrorCode::not_found, "not_found", now);
  blocks_dirty = true;
}

void Node::State::check_block_timeouts(Now now) {
  blocks_checked = now.mono;
  const auto stalls = blocks.on_timeout(now.mono);
  for (const ConnId conn : stalls.useless) {
    Peer* peer = find_alive(conn);
    if (peer == nullptr) continue;
    attacks.on(Attack::withholding, peer->remote.ip);
    reputation.on_fault(peer->remote, ErrorCode::stalled, now.mono);
    close(*peer, ErrorCode::stalled, "blocks", now);
  }
  for (const ConnId conn : stalls.slow) {
    arrivals.on_withheld(conn);
    Peer* peer = find_alive(conn);
    if (peer == nullptr) continue;
    attacks.on(Attack::withholding, peer->remote.ip);
    fault(*peer, ErrorCode::stalled, "blocks", now);
  }
  blocks_dirty = true;
}

void Node::State::on(Peer& peer, wire::GetBlocks& message, Now now) {
  if (peer.serving.wanted.size() + message.hashes.size() > Serving::wanted_max) {
    return fault(peer, ErrorCode::too_many_messages, "get_blocks", now);
  }
  for (const auto& hash : message.hashes) peer.serving.wanted.push_back(hash);
  serve(peer, now);
}

// Sends what was read, in the order asked, and reads on while the link's queue is short.
void Node::State::serve(Peer& peer, Now now) {
  Serving& serving = peer.serving;
  while (peer.open() && !serving.reads.empty() && serving.reads.front().done) {
    Serving::Read read = std::move(serving.reads.front());
    serving.reads.pop_front();
    if (read.body) {
      serving.mean_bytes = (serving.mean_bytes * 7 + read.body->size()) / 8;
      send(peer, wire::Block{std::move(*read.body)}, now);
    } else {
      send(peer, wire::NotFound{{read.block}}, now);
    }
  }
  touched.push_back(peer.conn);
  if (!peer.open() || serving.wanted.empty()) return;
  size_t queued = peer.link->queued_bytes() + serving.reads.size() * serving.mean_bytes;
  while (!serving.wanted.empty() && serving.reads.size() < Serving::reads_max && queued < Serving::queued_bytes_max) {
    const RequestId request = expect(ForBody{peer.conn});
    serving.reads.push_back({request, serving.wanted.front(), false, std::nullopt});
    effects.push_back(ReadBody{request, serving.wanted.front()});
    serving.wanted.pop_front();
    queued += serving.mean_bytes;
  }
}

void Node::State::on_body(RequestId request, std::optional<SharedBytes> body, Now now) {
  const auto read_for = take_pending<ForBody>(request);
  if (!read_for) return;
  Peer* peer = find_alive(read_for->conn);
  if (peer == nullptr) return;
  for (auto& read : peer->serving.reads) {
    if (read.request != request) continue;
    read.done = true;
    read.body = std::move(body);
    break;
  }
  serve(*peer, now);
}

}  // namespace lattice
