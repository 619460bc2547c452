// Peer exchange: who else is there.
#include <lattice/node/state.hpp>

namespace lattice {

// Once a link, and much the same on each (discovery/address_cache.hpp): asking again would only show how the book changes.
void Node::State::on(Peer& peer, wire::GetAddresses&, Now now) {
  if (peer.gave_addresses || !peer.relays()) return;
  peer.gave_addresses = true;
  send(peer, wire::Addresses{told_addresses.answer(peer.own, peer.remote.ip, addresses, now, provider.rng())}, now);
}

// What nobody asked for is little, and is not passed on: a node tells of itself by a record that is signed
// (handlers_announcements.cpp).
void Node::State::on(Peer& peer, wire::Addresses& message, Now now) {
  const bool asked = std::exchange(peer.asked_addresses, false);
  if (!asked) {
    if (message.entries.size() > unasked_addresses_max) {
      attacks.on(Attack::address_spam, peer.remote.ip);
      return fault(peer, ErrorCode::unrequested, "addresses", now);
    }
    if (!peer.hearsay.take(static_cast<double>(message.entries.size()), now.mono)) {
      attacks.on(Attack::address_spam, peer.remote.ip);
      return;
    }
  }
  attacks.on(Attack::book_filling, peer.remote.ip, message.entries.size());
  if (!config.discovery || !peer.relays()) return;
  for (const KnownAddress& known : worth_keeping(message, peer.remote.ip, now.wall)) {
    if (known.node) records.say(known.endpoint, *known.node, group_of(peer.remote.ip), !peer.inbound, now.mono);
    const bool taken = addresses.add(known, peer.remote.ip, now, provider.rng());
    if (taken && !peer.inbound) note_machine(known.endpoint.ip, now.mono);
  }
  dial_dirty = true;
}

// An inbound peer that takes connections can be told of, once it answered there; until then it is a candidate like any other.
void Node::State::learn_listener(const Peer& peer, Now now) {
  if (peer.status.listen_port == 0 || !config.discovery) return;
  KnownAddress known;
  known.endpoint = {peer.remote.ip, peer.status.listen_port};
  known.node = peer.node;
  known.source = PeerSource::peer_exchange;
  known.services = peer.status.services;
  known.last_seen = unix_seconds(now.wall);
  if (AddressBook::acceptable(known.endpoint, peer.remote.ip)) {
    addresses.add(known, peer.remote.ip, now, provider.rng());
  }
}

}  // namespace lattice
