// Whom this node chooses: for which slot (peers/slots.hpp), who of the address book, and when one goes for another.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

static constexpr Duration size_interval = std::chrono::minutes{1};

void Node::State::begin_choosing(Now now) {
  Secret<32> key;
  provider.rng().fill(key.span());
  size.emplace(SizeLimits{}, key, now.mono);
  size_due = now.mono;
  exchange_due = now.mono;
  churn_due = now.mono + config.churn_interval;
}

SlotLimits Node::State::slot_limits() const {
  SlotLimits limits;
  limits.connections_max = config.connections_max;
  limits.block_only = std::min(config.block_only_target, config.outbound_target / 5);
  limits.full_relay = config.outbound_target - limits.block_only;
  limits.feeler_interval = config.feeler_interval;
  limits.per_ip = config.inbound_per_ip;
  limits.per_subnet = config.inbound_per_subnet;
  return limits;
}

SlotAddress Node::State::slot_address(const Endpoint& endpoint) const {
  const auto info = config.as_table ? config.as_table->find(endpoint.ip) : std::nullopt;
  return {endpoint, info ? info->asn : 0, info ? info->region : std::nullopt};
}

bool Node::State::open_slot(const SlotPlan::Opening& opening, Now now) {
  if (opening.anchor) return try_anchor(*opening.anchor, now);
  if (opening.kind == SlotKind::feeler) return try_feeler(now);
  return try_chosen(opening.kind, now);
}

static bool names_whom_to_expect(PeerSource source) {
  return source == PeerSource::dns_signed || source == PeerSource::bootstrap;
}

// Somebody whom we dialled sees us there, so we would call ourselves. Each of them can hide one address by that, while it is here.
bool Node::State::seen_at(const Endpoint& endpoint) const {
  return endpoint.port == config.listen_port && std::ranges::any_of(peers, [&](const auto& entry) {
           const Peer& peer = entry.second;
           return !peer.inbound && peer.open() && peer.status.seen_as && peer.status.seen_as->ip == endpoint.ip;
         });
}

// Who answers there: what this node has seen, who a trusted source names, or what enough groups agree on. What one alone says must not
// keep us from whoever is there.
std::optional<NodeId> Node::State::who_answers(const KnownAddress& address, Instant now) const {
  if (address.answered || names_whom_to_expect(address.source)) return address.node;
  return records.agreed(address.endpoint, now);
}

bool Node::State::reachable(const KnownAddress& address, Instant now) const {
  const auto node = who_answers(address, now);
  if (node && (connected_to(*node) || is_self(*node))) return false;
  if (connected_to(address.endpoint) || seen_at(address.endpoint) || addresses.is_own(address.endpoint)) return false;
  const Response response = reputation.response(address.endpoint, node, now);
  return response < Response::discourage || (response == Response::discourage && short_of_peers());
}

// True also where it is not dialled: then the next opening is another.
bool Node::State::try_anchor(const Endpoint& anchor, Now now) {
  slots.anchor_tried(anchor);
  KnownAddress known = addresses.find(anchor).value_or(KnownAddress{});
  known.endpoint = anchor;
  if (!reachable(known, now.mono) || slots.refusal(SlotKind::block_only, slot_address(anchor))) return true;
  ++counts.anchors_tried;
  log(LogLevel::debug, "anchor_dialled", {{"addr", anchor.text()}});
  dial_chosen(known, SlotKind::block_only, now);
  return true;
}

bool Node::State::try_feeler(Now now) {
  if (now.mono < feeler_due) return false;
  const auto chosen =
      addresses.choose_feeler(now.mono, [&](const KnownAddress& a) { return reachable(a, now.mono); }, provider.rng());
  if (!chosen) {
    feeler_due = now.mono + vain_choice_pause;
    return false;
  }
  ++counts.feelers;
  dial_chosen(*chosen, SlotKind::feeler, now);
  return true;
}

// First with all that makes our peers different from each other. Where that finds nobody one in a group (or of a number, or of a
// region) that has its share is taken while there are too few and nobody else may yet answer, and always where nobody from outside can be: in a private network.
bool Node::State::try_chosen(SlotKind kind, Now now) {
  auto chosen = choose(slots, kind, Spread::regions, false, now);
  if (!chosen && config.as_table) chosen = choose(slots, kind, Spread::any, false, now);
  if (!chosen) chosen = choose(slots, kind, Spread::any, true, now);
  if (!chosen) return false;
  dial_chosen(*chosen, kind, now);
  return true;
}

std::optional<KnownAddress> Node::State::choose(const SlotPlan& among, SlotKind kind, Spread spread, bool crowded,
                                                Now now) const {
  const Duration pause_limit = open_count() == 0  ? AddressBook::pause_alone
                               : short_of_peers() ? AddressBook::pause_short
                                                  : AddressBook::pause_max;
  const bool in_need = short_of_peers() && !connecting();
  const auto usable = [&](const KnownAddress& address) {
    if (!reachable(address, now.mono)) return false;
    // Hearsay from a region that lacks peers is no better than a name that a trusted source gave.
    const Spread asked = address.source < PeerSource::peer_exchange ? Spread::any : spread;
    const auto refusal = among.refusal(kind, slot_address(address.endpoint), asked);
    if (!refusal) return true;
    const bool diversity = refusal != SlotRefusal::kind_full && refusal != SlotRefusal::all_full;
    return crowded && diversity && (in_need || !address.endpoint.ip.is_routable());
  };
  return addresses.choose(now.mono, pause_limit, usable, provider.rng());
}

ConnId Node::State::dial_chosen(const KnownAddress& chosen, SlotKind kind, Now now) {
  // Hearsay about who answers somewhere must not keep us from whoever does: only a signed list names whom to expect.
  const bool certain = names_whom_to_expect(chosen.source);
  const auto expected = certain && chosen.node ? std::optional(successions.current(*chosen.node)) : std::nullopt;
  const ConnId conn = start_dial(chosen.endpoint, expected, chosen.source, kind, now);
  peers.at(conn).likely = chosen.node;
  return conn;
}

// Once a second: whoever stands beside another of ours in its group goes for somebody better, and now and then one goes by
// chance: who came to be all our peers does not stay so. The old one stays until the new one is there.
void Node::State::rebalance(Now now) {
  if (!config.discovery || now.mono < exchange_due || short_of_peers() || connecting()) return;
  const auto missing = slots.next(now.mono);
  if (missing && missing->kind != SlotKind::feeler) return;  // that comes first
  exchange_due = now.mono + vain_choice_pause;
  if (const auto redundant = slots.redundant(); redundant && exchange_peer(*redundant, now)) return;
  if (exchange_late(now) || churn_due > now.mono) return;
  churn_due = now.mono + std::chrono::duration_cast<Duration>(config.churn_interval * (0.5 + provider.rng().unit()));
  if (const auto old = churned(now)) exchange_peer(*old, now);
}

std::optional<ConnId> Node::State::churned(Now now) {
  std::vector<ConnId> can_go;
  for (const auto& [conn, peer] : peers) {
    if (peer.open() && peer.slot == SlotKind::full_relay && !peer.genesis && !arrivals.is_learned(conn) &&
        now.mono - peer.since >= config.churn_interval)
      can_go.push_back(conn);
  }
  if (can_go.empty()) return std::nullopt;
  return can_go[provider.rng().below(can_go.size())];
}

bool Node::State::exchange_peer(ConnId old, Now now) {
  SlotPlan without = slots;
  without.remove(old);
  const auto chosen = choose(without, SlotKind::full_relay, Spread::regions, false, now);
  if (!chosen) return false;
  peers.at(dial_chosen(*chosen, SlotKind::full_relay, now)).replaces = old;
  return true;
}

void Node::State::close_replaced(Peer& peer, Now now) {
  const auto replaced = std::exchange(peer.replaces, std::nullopt);
  Peer* old = replaced ? find_alive(*replaced) : nullptr;
  if (old == nullptr) return;
  ++counts.exchanged;
  counts.exchanged_late += old->late;
  close(*old, ErrorCode::not_needed, old->late ? "learned selection" : "exchanged", now);
}

void Node::State::note_machine(const IpAddress& ip, Instant now) {
  if (size && config.adaptive_limit) size->observe(ip, now);
}

// The ceiling for who comes in goes with the network's size; who is in stays.
void Node::State::follow_size(Now now) {
  if (!size || !config.adaptive_limit || now.mono < size_due) return;
  size_due = now.mono + size_interval;
  const size_t before = adaptive.value();
  const size_t limit = adaptive.update(size->machines(now.mono));
  slots.set_inbound_per_region(limit);
  if (limit == before) return;
  log(LogLevel::info, "peer_limit",
      {{"machines", std::to_string(static_cast<uint64_t>(size->machines(now.mono)))},
       {"per_region", std::to_string(limit)},
       {"inbound_max", std::to_string(slots.inbound_max())}});
}

}  // namespace lattice
