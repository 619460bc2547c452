// Where nodes are, as they say it themselves: told of this one, judged and passed on of others (discovery/announcements.hpp).
//
// Records travel whole, because an id first would cost two more trips on each hop. What that takes is bounded by how far each
// goes: who is new, or has moved, is told to every peer; a renewal, which nobody waits for, to renewal_fanout of them. And by
// budgets: so many a second for each link, and for each kind of teller.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

static constexpr size_t renewal_fanout = 4;                    // reaches 98% at once: the share s for which s = 1 - exp(-4 s)
static constexpr size_t announcement_queue_max = 1024 * 1024;  // who has not taken so much is told another time

// Not a link that nobody else is to know of, nor one that only asks.
bool Node::State::takes_announcements(const Peer& peer) const {
  return peer.open() && peer.relays() && !peer.asks_after && peer.link->queued_bytes() < announcement_queue_max;
}

// --- of this node ---

// The operator's own first.
void Node::State::set_own_endpoints(std::vector<Endpoint> learned, Now now) {
  learned_endpoints = std::move(learned);
  std::vector<Endpoint> all = config.announce_endpoints;
  all.insert(all.end(), learned_endpoints.begin(), learned_endpoints.end());
  own_endpoints.clear();
  for (const Endpoint& endpoint : all) {
    const bool good = endpoint.port != 0 && !endpoint.ip.is_unspecified();
    if (!good || own_endpoints.size() == announcement_endpoints_max) continue;
    if (std::ranges::find(own_endpoints, endpoint) != own_endpoints.end()) continue;
    own_endpoints.push_back(endpoint);
    addresses.mark_own(endpoint);
  }
  if (started && loaded()) renew_announcement(now);
}

// What enough peers agree on is where this node comes from: where it takes connections that is worth a try for others.
void Node::State::learn_own_endpoint(Now now) {
  if (!config.announce_agreed || config.listen_port == 0) return;
  const auto agreed = own_addresses.exact(now.mono);
  if (!agreed) return;
  const Endpoint endpoint{agreed->value, config.listen_port};
  if (learned_endpoints != std::vector{endpoint}) set_own_endpoints({endpoint}, now);
}

// Before the old one has expired, and when this node has moved; not so often that others would not take it.
void Node::State::renew_announcement(Now now) {
  if (config.listen_port == 0 || !config.discovery || own_endpoints.empty() || stopping) return;
  if (own_announcement) {
    const bool moved = own_announcement->endpoints != own_endpoints;
    // Also where the clock was put back: what is from its future others might refuse.
    const bool old = now.wall >= own_announcement_due || now.wall < own_announcement->head.issued;
    if (!moved && !old) return;
    if (now.mono - own_announced < Announcements::spacing_own) return;
  }
  // A restart remembers nothing: the time is the sequence, and two within a second still differ.
  const auto seconds = static_cast<uint64_t>(std::max<int64_t>(unix_seconds(now.wall), 1));
  const uint64_t sequence = own_announcement ? std::max(seconds, own_announcement->head.sequence + 1) : seconds;
  own_announcement = make_announcement(provider, *config.identity, config.chain.id, sequence, now.wall,
                                       now.wall + announcement_lifetime, wire::service_blocks, own_endpoints);
  own_announcement_bytes = SharedBytes(encode_announcement(*own_announcement));
  own_announced = now.mono;
  // Nodes that were started together are not to renew together.
  const auto life = std::chrono::duration_cast<std::chrono::seconds>(announcement_lifetime).count();
  own_announcement_due = now.wall + std::chrono::seconds{life * 3 / 8 + static_cast<int64_t>(provider.rng().below(life / 4))};
  log(LogLevel::info, "announced_self", {{"addr", own_endpoints.front().text()}, {"sequence", std::to_string(sequence)}});
  for (auto& [conn, peer] : peers) {
    if (takes_announcements(peer)) announce_self(peer, now);
  }
}

// Both ends of a link do so once it is open. Not where this node is there under another identity.
void Node::State::announce_self(Peer& peer, Now now) {
  if (!own_announcement) return renew_announcement(now);  // which tells this peer too
  if (peer.own != own_announcement->head.node || !takes_announcements(peer)) return;
  if (own_announcement->head.expires <= now.wall) return;
  send(peer, wire::Announcement{own_announcement_bytes}, now);
}

// --- of others ---

// Cheap things first; an ML-DSA signature, at a worker, last.
void Node::State::on(Peer& peer, wire::Announcement& message, Now now) {
  ++counts.announcements;
  if (!config.discovery || !peer.relays()) return;
  const ByteView bytes = message.bytes.view();
  const auto head = read_announcement_head(bytes);
  if (!head) {
    if (head.error().code == ErrorCode::wrong_version) return;  // of a later version: skipped
    return fault(peer, head.error().code, "announcement", now);
  }
  if (head->chain != config.chain.id) return fault(peer, ErrorCode::wrong_chain, "announcement", now);
  if (is_self(head->node) || announcements.look(*head, now) != Announcements::Look::fresh) return;
  auto record = decode_announcement(bytes);
  if (!record) return fault(peer, record.error().code, "announcement", now);
  const Digest digest = blake2s(bytes);
  if (const auto found = announcements_judging.find(digest); found != announcements_judging.end()) {
    if (std::ranges::find(found->second, peer.conn) == found->second.end()) found->second.push_back(peer.conn);
    return;
  }
  if (!peer.announcements.take(1, now.mono) || announcements_judging.size() >= announcements_judging_max) return;
  if (const auto good = check_announcement_id(*record); !good) return fault(peer, good.error().code, "announcement", now);
  const auto reachable = [&](const Endpoint& endpoint) { return AddressBook::acceptable(endpoint, peer.remote.ip); };
  if (std::ranges::none_of(record->endpoints, reachable)) return;
  announcements_judging[digest] = {peer.conn};
  const auto origin = peer.node == head->node ? AnnouncementOrigin::own_word
                      : peer.inbound          ? AnnouncementOrigin::inbound
                                              : AnnouncementOrigin::outbound;
  std::vector<VerifyWork> work{announcement_work(*record, bytes)};
  ForAnnouncement asked{peer.remote.ip, origin, digest, std::move(message.bytes), std::move(*record)};
  effects.push_back(VerifySeeds{expect(std::move(asked)), std::move(work)});
}

// Who passes a record on has verified it: a wrong signature is the fault of each who sent it, and of nobody else.
void Node::State::on_announcement_verified(const ForAnnouncement& asked, const std::vector<bool>& valid, Now now) {
  auto judged = announcements_judging.extract(asked.digest);
  const std::vector<ConnId> tellers = judged.empty() ? std::vector<ConnId>{} : std::move(judged.mapped());
  if (valid.empty()) return;  // nobody has looked
  if (std::ranges::find(valid, false) != valid.end()) {
    for (const ConnId conn : tellers) {
      if (Peer* peer = find_alive(conn)) fault(*peer, ErrorCode::bad_signature, "announcement", now);
    }
    return;
  }
  const NodeId& node = asked.record.head.node;
  const auto [fresh, news] = announcements.take(asked.record, now);
  if (!fresh) return;
  if (sink.wants(LogLevel::debug)) {
    log(LogLevel::debug, "node_announced",
        {{"peer", node_id_text(node)},
         {"addr", asked.record.endpoints.front().text()},
         {"sequence", std::to_string(asked.record.head.sequence)}});
  }
  if (!reputation.node_avoided(node, now.mono)) {
    for (const Endpoint& endpoint : asked.record.endpoints) {
      if (!AddressBook::acceptable(endpoint, asked.teller)) continue;
      // Whoever signed it need not be there: hearsay until it is dialled.
      KnownAddress known;
      known.endpoint = endpoint;
      known.node = node;
      known.source = PeerSource::peer_exchange;
      known.services = asked.record.services;
      known.last_seen = unix_seconds(asked.record.head.issued);
      addresses.add(known, asked.teller, now, provider.rng());
    }
    dial_dirty = true;
  }
  relay_announcement(asked, news, tellers, now);
}

void Node::State::relay_announcement(const ForAnnouncement& asked, bool news, const std::vector<ConnId>& have, Now now) {
  if (!announcements_passed_on[static_cast<size_t>(asked.origin)].take(1, now.mono)) return;
  std::vector<ConnId> to;
  for (const auto& [conn, peer] : peers) {
    if (!takes_announcements(peer) || peer.node == asked.record.head.node) continue;
    if (std::ranges::find(have, conn) == have.end()) to.push_back(conn);
  }
  const size_t count = news ? to.size() : std::min(to.size(), renewal_fanout);
  for (size_t i = 0; i < count; ++i) {
    if (!news) std::swap(to[i], to[i + static_cast<size_t>(provider.rng().below(to.size() - i))]);
    ++counts.announcements_relayed;
    send(peers.at(to[i]), wire::Announcement{asked.bytes}, now);
  }
}

}  // namespace lattice
