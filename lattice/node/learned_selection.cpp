// Learned selection (peers/perigee.hpp): when blocks and consensus messages come from those that this node chose, and who of
// them goes for a stranger.
#include <lattice/crypto/hash.hpp>
#include <lattice/node/state.hpp>

namespace lattice {

static constexpr Duration message_pause = std::chrono::seconds{1};  // one message is measured in that time, of however many
static constexpr int block_questions = 2;                           // an announcement is followed by: its header, its body

PerigeeLimits Node::State::perigee_limits() const {
  PerigeeLimits limits;
  limits.slots = slot_limits().full_relay;
  limits.learned = std::min(config.learned_slots, limits.slots / 2);
  return limits;
}

// Whom this node chose for everything: not the operator's, not block-only peers, not feelers.
void Node::State::watch_arrivals(const Peer& peer, Now now) {
  if (peer.slot == SlotKind::full_relay && !peer.genesis && !peer.kept) arrivals.add(peer.conn, now.mono);
}

static Duration round_trip(const Peer& peer) { return peer.merits.ping_min.value_or(peer.handshake_time); }

// What counts is when the block could be here. Only news counts: nobody is late with what this node lacked anyway.
void Node::State::note_block_announced(const Peer& peer, const BlockHash& block, Now now) {
  if (caught_up) arrivals.on_announced(peer.conn, block.bytes, now.mono + block_questions * round_trip(peer));
}

void Node::State::note_block_valid(const BlockHash& block, Now now) {
  if (caught_up) arrivals.on_valid(block.bytes, now.mono);
}

// The first copy. Which messages are measured cannot be chosen from outside, but by sending ones that are not valid.
void Node::State::note_message(const Peer& peer, const Digest& message, Now now) {
  if (config.learned_slots == 0 || !caught_up || now.mono < message_due) return;
  message_due = now.mono + message_pause;
  measured_messages.insert(message);
  arrivals.on_announced(peer.conn, message, now.mono);
}

void Node::State::note_message_copy(const Peer& peer, const Digest& message, Now now) {
  if (measured_messages.contains(message)) arrivals.on_announced(peer.conn, message, now.mono);
}

// Whom we tell from now on will not tell us: it could have done so after one round trip at the earliest.
void Node::State::note_message_valid(ByteView message, ConnId from, Now now) {
  if (measured_messages.size() == 0) return;
  const Digest id = blake2s(message);
  if (!measured_messages.contains(id)) return;
  arrivals.on_valid(id, now.mono);
  for (const auto& [conn, peer] : peers)
    if (peer.open() && peer.relays() && conn != from) arrivals.on_announced(conn, id, now.mono + round_trip(peer));
}

bool Node::State::exchange_late(Now now) {
  const auto late = arrivals.exchange(now.mono);
  if (!late || !exchange_peer(*late, now)) return false;
  peers.at(*late).late = true;
  return true;
}

}  // namespace lattice
