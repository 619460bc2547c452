// What the chain says, and what follows from it.
#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::on_chain(HeadersVerdict& event, Now now) {
  const auto sent = take_pending<ForHeaders>(event.request);
  if (!sent) return;
  const bool valid = event.error.code == ErrorCode::none;
  headers_dirty = true;
  Peer* peer = find_alive(sent->conn);
  if (peer == nullptr) return;
  peer->headers += event.accepted;
  if (!event.last.hash.is_zero()) peer->shown_height = std::max(peer->shown_height, event.last.height);
  header_sync.on_verdict(peer->conn, valid, event.last, now.mono, event.again);
  if (!event.last.hash.is_zero()) blocks.raise_headers(peer->conn, event.last.height);
  if (peer->announced == event.last.hash) {
    blocks.raise_have(peer->conn, event.last.height);
    peer->announced.reset();
  }
  blocks_dirty = true;
  if (!valid) fault(*peer, event.error.code, event.error.where, now);
}

void Node::State::on_chain(BlockVerdict& event, Now now) {
  const auto sent = take_pending<ForBlock>(event.request);
  if (!sent && take_pending<ForLocalBlock>(event.request) && event.error.code != ErrorCode::none) {
    log(LogLevel::warning, "local_block_refused",
        {{"block", to_hex(event.block.view())},
         {"reason", std::string(error_name(event.error.code))},
         {"where", event.error.where}});
  }
  if (!sent) return;
  const bool valid = event.error.code == ErrorCode::none;
  const bool expected = !valid || event.block == sent->block.hash;
  blocks.on_verdict(sent->conn, sent->block, sent->bytes, valid && expected, now.mono);
  if (valid) note_block_valid(event.block, now);
  blocks_dirty = true;
  Peer* peer = find_alive(sent->conn);
  if (peer == nullptr) return;
  if (!valid) return fault(*peer, event.error.code, event.error.where, now);
  if (!expected) return fault(*peer, ErrorCode::unrequested, "another block", now);
  ++peer->blocks;
  peer->merits.last_block = now.mono;
  reputation.on_useful(*peer->node, now.mono);
}

void Node::State::on_chain(ConsensusVerdict& event, Now now) {
  auto sent = take_pending<ForConsensus>(event.request);
  if (!sent) return;
  --consensus_judging;
  if (event.relay) {
    note_message_valid(sent->message.view(), sent->conn, now);
    broadcast(sent->message, sent->conn, now);
  }
  Peer* peer = find_alive(sent->conn);
  if (peer == nullptr) return;
  if (event.relay) {
    peer->merits.last_message = now.mono;
    reputation.on_useful(*peer->node, now.mono);
  }
  if (event.error.code != ErrorCode::none) fault(*peer, event.error.code, event.error.where, now);
}

void Node::State::on_chain(HeadersFound& event, Now now) {
  const auto asked = take_pending<ForFindHeaders>(event.request);
  if (!asked) return;
  Peer* peer = find_alive(asked->conn);
  if (peer == nullptr) return;
  --peer->serving.header_questions;
  send(*peer, wire::Headers{std::move(event.headers)}, now);
}

// Asks the chain for the next missing bodies, one question at a time.
void Node::State::find_missing() {
  const size_t room = blocks.room();
  if (finding || !more_missing || room == 0 || !loaded()) return;
  finding = true;
  tell_chain(FindMissing{expect(ForMissing{room, generation}), blocks.above(), room});
}

void Node::State::on_chain(MissingFound& event, Now) {
  const auto asked = take_pending<ForMissing>(event.request);
  if (!asked) return;
  finding = false;
  blocks_dirty = true;
  if (asked->generation != generation) return;  // about an older chain of headers: asked again
  blocks.add_missing(event.blocks);
  if (event.blocks.size() < asked->count) more_missing = false;
}

void Node::State::on_chain(BestHeaderChanged& event, Now now) {
  if (have_best) tip_watch.on_progress(synced, now.mono);
  if (have_best && event.fork_height < best.block.height) blocks.rewind(event.fork_height);
  best = std::move(event.best);
  recent_blocks.insert(best.block.hash);
  have_best = more_missing = true;
  ++generation;
  header_sync.set_best(std::move(event.locator));
  headers_dirty = blocks_dirty = dial_dirty = true;
  log(LogLevel::debug, "headers_progress", {{"height", std::to_string(best.block.height)}});
}

void Node::State::on_chain(TipChanged& event, Now now) {
  tip = std::move(event.tip);
  recent_blocks.insert(tip.block.hash);
  log(LogLevel::debug, "tip_changed", {{"height", std::to_string(tip.block.height)}, {"hash", to_hex(tip.block.hash.view())}});
  have_tip = dial_dirty = true;
  close_retired(now);
}

void Node::State::on_chain(PublishConsensus& event, Now now) {
  seen_consensus.insert(blake2s(event.message.view()));
  broadcast(event.message, std::nullopt, now);
}

void Node::State::on_chain(PublishBlock& event, Now now) { announce(event.block.hash, now); }

// Its links end with the next look at all of them (recheck.cpp).
void Node::State::on_chain(EquivocationProved& event, Now) {
  for (const NodeId& node : {event.node, successions.current(event.node)}) reputation.ban_for_ever(node);
  log(LogLevel::warning, "equivocation_proved", {{"node", node_id_text(event.node)}});
}

void Node::State::on_chain(ChainFailed& event, Now now) {
  if (failed) return;
  failed = event.error;
  log(LogLevel::error, "chain_failed", {{"reason", std::string(error_name(event.error.code))}, {"where", event.error.where}});
  stopping = true;
  close_all(ErrorCode::shutting_down, now);
}

// Caught up: no peer asked had validated headers of a better chain, and every body is here. Found out once; from then on the
// node is synced whenever its bodies reach its headers, so that no newcomer can make it doubt.
void Node::State::update_synced(Now now) {
  const bool bodies_here = loaded() && tip.block == best.block;
  if (!caught_up && bodies_here && first_round_over && header_sync.through() > 0 && header_sync.settled()) {
    caught_up = true;
    log(LogLevel::info, "synced", {{"height", std::to_string(tip.block.height)}});
  }
  synced = caught_up && bodies_here;
  if (synced && announced_tip != tip.block.hash) {
    announced_tip = tip.block.hash;
    announce(announced_tip, now);
  }
}

}  // namespace lattice
