// Headers and announcements: questions of peers to the chain, ours to peers.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::on(Peer& peer, wire::GetHeaders& message, Now now) {
  if (peer.serving.header_questions >= Serving::header_questions_max) {
    return fault(peer, ErrorCode::too_many_messages, "get_headers", now);
  }
  ++peer.serving.header_questions;
  const RequestId request = expect(ForFindHeaders{peer.conn});
  tell_chain(FindHeaders{request, std::move(message.locator), message.stop, limits::headers_max, limits::headers_bytes_max});
}

void Node::State::on(Peer& peer, wire::Headers& message, Now now) {
  size_t bytes = 0;
  for (const auto& header : message.headers) bytes += header.size();
  if (const auto wanted = header_sync.on_headers(peer.conn, message.headers.size(), bytes, now.mono); !wanted) {
    return fault(peer, wanted.error().code, wanted.error().where, now);
  }
  headers_dirty = true;
  headers_received += message.headers.size();
  if (message.headers.empty()) return header_sync.on_verdict(peer.conn, true, BlockRef{}, now.mono);
  tell_chain(SubmitHeaders{expect(ForHeaders{peer.conn}), std::move(message.headers), peer.conn.value});
}

// New blocks are told of one at a time. Of a longer list no more are remembered as news: each is looked for among all that was.
static constexpr size_t news_max = 8;

void Node::State::on(Peer& peer, wire::Inventory& message, Now now) {
  size_t news = 0;
  for (const auto& item : message.items) {
    if (item.type != wire::InventoryType::block) continue;
    peer.told = item.hash;
    if (news++ < news_max) note_block_announced(peer, item.hash, now);
    if (item.hash == best.block.hash) {
      blocks.raise_have(peer.conn, best.block.height);
      blocks_dirty = true;
    } else if (item.hash == tip.block.hash) {
      blocks.raise_have(peer.conn, tip.block.height);
    } else if (!recent_blocks.contains(item.hash)) {
      peer.announced = item.hash;
      header_sync.on_announced(peer.conn);
      headers_dirty = true;
    }
  }
}

void Node::State::ask_headers(Now now) {
  for (auto& ask : header_sync.poll(now.mono)) {
    if (Peer* peer = find_alive(ask.peer)) send(*peer, wire::GetHeaders{std::move(ask.locator), {}}, now);
  }
}

void Node::State::check_header_timeouts(Now now) {
  for (const ConnId conn : header_sync.late(now.mono)) {
    Peer* peer = find_alive(conn);
    if (peer == nullptr) continue;
    attacks.on(Attack::withholding, peer->remote.ip);
    reputation.on_fault(peer->remote, ErrorCode::request_timeout, now.mono);
    close(*peer, ErrorCode::request_timeout, "headers", now);
  }
  headers_dirty = true;
}

// Whoever dialled us is told also of what it has told us: by that it measures us.
void Node::State::announce(const BlockHash& block, Now now) {
  const wire::Message message = wire::Inventory{{{wire::InventoryType::block, block}}};
  for (auto& [conn, peer] : peers) {
    if (!peer.open() || peer.told_by_us == block || (peer.told == block && !peer.inbound)) continue;
    peer.told = peer.told_by_us = block;
    send(peer, message, now);
  }
}

}  // namespace lattice
