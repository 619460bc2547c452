// Dials: the operator's peers always, then those that outbound.cpp chooses until the slots are full; and who is connected.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

// Dials and handshakes of ours that are under way.
size_t Node::State::dials_count() const {
  return static_cast<size_t>(std::ranges::count_if(peers, [](const auto& entry) {
    const Peer& peer = entry.second;
    return !peer.inbound && (peer.stage == Stage::dialing || peer.stage == Stage::handshake);
  }));
}
size_t Node::State::open_count() const {
  return static_cast<size_t>(std::ranges::count_if(peers, [](const auto& entry) { return entry.second.open(); }));
}
// Those that this node chose. Who comes in by itself may be anybody, and all of them one.
size_t Node::State::outbound_open_count() const {
  return static_cast<size_t>(
      std::ranges::count_if(peers, [](const auto& entry) { return entry.second.open() && !entry.second.inbound; }));
}
// More must be found, also where some are there: they may all be of those who want no others to be found.
bool Node::State::short_of_peers() const { return outbound_open_count() < (config.outbound_target + 1) / 2; }
// A dial or handshake of ours is under way.
bool Node::State::connecting() const {
  return std::ranges::any_of(peers, [](const auto& entry) {
    const Peer& peer = entry.second;
    return !peer.inbound && peer.alive() && !peer.open();
  });
}
// The same, of those that we began with.
bool Node::State::connecting_first() const {
  return std::ranges::any_of(peers, [](const auto& entry) {
    const Peer& peer = entry.second;
    return !peer.inbound && peer.alive() && !peer.open() && peer.source != PeerSource::peer_exchange;
  });
}

bool Node::State::connected_to(const NodeId& node) const {
  return std::ranges::any_of(peers, [&](const auto& entry) {
    const Peer& peer = entry.second;
    return peer.alive() && !peer.asks_after && (peer.node == node || (!peer.node && peer.expected == node));
  });
}

bool Node::State::connected_to(const Endpoint& endpoint) const {
  return std::ranges::any_of(peers, [&](const auto& entry) {
    const Peer& peer = entry.second;
    if (!peer.alive() || peer.asks_after) return false;
    if (!peer.inbound) return peer.remote == endpoint;
    return peer.open() && peer.remote.ip == endpoint.ip && peer.status.listen_port == endpoint.port;
  });
}

ConnId Node::State::start_dial(const Endpoint& endpoint, std::optional<NodeId> expected, PeerSource source, SlotKind slot,
                               Now now) {
  Peer& peer = add_peer(endpoint, false, source, now.mono);
  peer.expected = expected;
  peer.expects_genesis = expected && is_genesis(*expected);
  peer.slot = slot;
  if (peer.takes_slot()) slots.add(peer.conn, slot, slot_address(endpoint), now.mono);
  addresses.on_dialing(endpoint, now.mono);
  effects.push_back(Dial{peer.conn, endpoint});
  return peer.conn;
}

void Node::State::dial(Now now) {
  if (stopping || !loaded()) return;
  if (crawl) return dial_visits(now);
  ask_who_it_is(now);
  dial_kept(now);
  if (!config.discovery) {
    first_round_over |= !connecting();
    return;
  }
  while (dials_count() < config.dials_max) {
    const auto opening = slots.next(now.mono);
    if (!opening || !open_slot(*opening, now)) break;
  }
  if (dns.busy()) return;
  first_round_over |= !connecting_first() && open_count() > 0;
  // Addresses where nobody is are tried again and again: with enough of them a dial is always under way.
  const bool in_vain = short_of_peers() && now.mono - round_began >= round_patience;
  if (connecting() && !in_vain) return;
  if ((outbound_open_count() == 0 || in_vain) && !bootstrap_used && !config.bootstrap.empty()) {
    use_bootstrap(now);
    dial_dirty = false;
    return dial(now);
  }
  first_round_over = true;
}

void Node::State::dial_kept(Now now) {
  for (size_t i = 0; i < kept.size(); ++i) {
    Kept& entry = kept[i];
    if (entry.conn || entry.next_try > now.mono) continue;
    if (slots.size() >= config.connections_max || dials_count() >= config.dials_max) return;
    // Whom the operator named may have changed keys since.
    const auto expected = entry.peer.node ? std::optional(successions.current(*entry.peer.node)) : std::nullopt;
    const auto node = expected ? expected : entry.answered;
    if ((node && (connected_to(*node) || is_self(*node))) || connected_to(entry.peer.endpoint)) continue;
    entry.conn = start_dial(entry.peer.endpoint, expected, PeerSource::operator_given, SlotKind::named, now);
    peers.at(*entry.conn).kept = i;
    peers.at(*entry.conn).likely = entry.answered;
  }
}

// The dial failed, or took too long.
void Node::State::on_dial_ended(Peer& peer, Now now) {
  ++dials_failed;
  dial_dirty = true;
  addresses.on_failed(peer.remote, now.mono);
  end_visit(peer, ErrorCode::dial_failed, now);
  if (peer.kept) {
    Kept& entry = kept[*peer.kept];
    entry.conn.reset();
    entry.next_try = now.mono + entry.backoff.next(provider.rng());
  }
  log(LogLevel::debug, "dial_failed", {{"addr", peer.remote.text()}, {"source", std::string(source_name(peer.source))}});
  enter(peer, Stage::closing, now);
}

}  // namespace lattice
