// What a peer's messages cost is charged before they are looked at: who owes too much is not read for a while, and who goes on all
// the same is at fault.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

constexpr uint16_t unknown_command = 0xffff;  // of whatever number: one price

static bool is_answer(const Peer& peer, const wire::Message& message) {
  if (std::holds_alternative<wire::Addresses>(message)) return peer.asked_addresses;
  return std::holds_alternative<wire::Headers>(message) || std::holds_alternative<wire::Block>(message) ||
         std::holds_alternative<wire::NotFound>(message) || std::holds_alternative<wire::Pong>(message);
}

// An inventory of nothing is no news, whatever the chain's pace.
static uint16_t charged_as(const wire::Message& message) {
  const auto* inventory = std::get_if<wire::Inventory>(&message);
  return inventory != nullptr && inventory->items.empty() ? unknown_command : static_cast<uint16_t>(wire::command_of(message));
}

// False: the message is not looked at.
bool Node::State::within_budget(Peer& peer, const wire::Message& message, size_t bytes, Now now) {
  return charge(peer, charged_as(message), bytes, is_answer(peer, message), now);
}

bool Node::State::charge(Peer& peer, uint16_t command, size_t bytes, bool solicited, Now now) {
  if (!peer.budget) return true;
  PeerBudget::Verdict verdict = peer.budget->charge(budget_of_all, command, bytes, solicited, now.mono);
  const bool dear = traffic_of(command, solicited) != Traffic::answer &&
                    reputation.response(peer.remote, peer.node, now.mono) >= Response::throttle;
  if (dear && verdict.kind != PeerBudget::Kind::fault)
    verdict = peer.budget->charge(budget_of_all, command, bytes, solicited, now.mono);
  switch (verdict.kind) {
    case PeerBudget::Kind::ok: return true;
    case PeerBudget::Kind::throttle: throttle(peer, verdict.wait, now); return true;
    case PeerBudget::Kind::fault: break;
  }
  ++counts.over_budget;
  attacks.on(Attack::flood, peer.remote.ip);
  fault(peer, ErrorCode::too_many_messages, "message", now);
  return false;
}

// The link skips what it does not know; it was sent all the same.
void Node::State::charge_unknown(Peer& peer, Now now) {
  while (peer.alive() && peer.unknown_charged < peer.link->unknown_messages()) {
    ++peer.unknown_charged;
    charge(peer, unknown_command, 0, false, now);
  }
}

// What the link has already taken in is still handled: a read's worth.
void Node::State::throttle(Peer& peer, Duration wait, Now now) {
  if (!peer.throttled) {
    peer.throttled = true;
    ++counts.throttled;
    attacks.on(Attack::flood, peer.remote.ip);
  }
  read_not_before(peer, now.mono + std::min<Duration>(wait, config.costs.patience));
}

}  // namespace lattice
