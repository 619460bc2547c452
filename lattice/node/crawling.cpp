// A node that walks the network and takes no part in it: each link is a visit, which asks once who else is there, takes the answer
// and ends. discovery/crawl.hpp says whom and when.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

static constexpr Duration visit_patience = std::chrono::seconds{10};  // for the answer, once the channel is open

void Node::State::begin_crawl(Now now) {
  if (!crawl) return;
  for (const auto* given : {&config.connect, &config.bootstrap}) {
    for (const auto& peer : *given) crawl->add(peer.endpoint, std::nullopt, now.mono);
  }
}

void Node::State::dial_visits(Now now) {
  while (dials_count() < config.dials_max) {
    const auto endpoint = crawl->next_visit(now.mono, provider.rng());
    if (!endpoint) break;
    start_dial(*endpoint, std::nullopt, PeerSource::peer_exchange, SlotKind::feeler, now);
  }
  if (!dns.busy()) first_round_over = true;
}

// The other side opened the channel: it is of our chain, and what it says of itself is known.
void Node::State::on_visit_open(Peer& peer, Now now) {
  peer.ping_due = now.mono + config.ping_interval;
  enter(peer, Stage::open, now);
  peer.visit.answered = true;
  peer.visit.node = *peer.node;
  peer.visit.services = peer.status.services;
  peer.visit.height = peer.status.height;
  peer.visit.agent = peer.status.user_agent;
  peer.asked_addresses = true;
  send(peer, wire::GetAddresses{}, now);
}

void Node::State::on_visit_message(Peer& peer, wire::Message& message, Now now) {
  if (auto* ping = std::get_if<wire::Ping>(&message)) return on(peer, *ping, now);
  auto* addresses_told = std::get_if<wire::Addresses>(&message);
  // Announcements, and questions to a node that serves nothing.
  if (addresses_told == nullptr || !peer.asked_addresses) return;
  peer.asked_addresses = false;
  for (const auto& entry : addresses_told->entries) peer.visit.told.push_back(entry.endpoint);
  close(peer, ErrorCode::not_needed, "visit", now);
}

// Who does not say who else is there has answered all the same.
void Node::State::check_visits(Now now) {
  std::vector<ConnId> late;
  for (const auto& [conn, peer] : peers) {
    if (peer.open() && now.mono - peer.since >= visit_patience) late.push_back(conn);
  }
  for (const ConnId conn : late) close(*find(conn), ErrorCode::not_needed, "visit", now);
}

// At two addresses of one node at once, one of the visits was for nothing.
void Node::State::end_visit(Peer& peer, ErrorCode reason, Now now) {
  if (!crawl || peer.inbound) return;
  if (reason == ErrorCode::duplicate_link || reason == ErrorCode::shutting_down)
    return crawl->on_postponed(peer.remote, now.mono);
  crawl->on_visit(peer.remote, peer.visit, now.mono, provider.rng());
  peer.visit = {};
}

}  // namespace lattice
