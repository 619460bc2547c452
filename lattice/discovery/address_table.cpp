#include <lattice/discovery/address_table.hpp>

#include <algorithm>

namespace lattice {
namespace {

// Lower is dialled earlier.
unsigned rank(const KnownAddress& entry) {
  // What a trusted source named and does not answer is worth no more than who answered once: the others get their turn.
  const bool trusted = entry.source <= PeerSource::bootstrap;
  if (trusted && (entry.answered || entry.failures == 0)) return static_cast<unsigned>(entry.source);
  constexpr auto lowest = static_cast<unsigned>(PeerSource::bootstrap);
  return lowest + (trusted || entry.answered ? 1 : 2);
}

Instant due(const KnownAddress& entry, Duration pause_limit) {
  const bool cut = entry.failures > 0 && pause_limit < AddressTable::pause_max;
  return cut ? std::min(entry.next_try, entry.last_try + pause_limit) : entry.next_try;
}

}  // namespace

bool AddressTable::acceptable(const Endpoint& endpoint, const IpAddress& from) {
  if (endpoint.port == 0) return false;
  return endpoint.ip.is_routable() || (endpoint.ip.is_loopback() && from.is_loopback());
}

bool AddressTable::add(KnownAddress address, Rng& rng) {
  if (is_own(address.endpoint) || address.endpoint.port == 0 || address.endpoint.ip.is_unspecified()) return false;
  const auto found = entries_.find(address.endpoint);
  if (found == entries_.end()) {
    if (entries_.size() >= size_max_ && !make_room(rng)) return false;
    entries_.emplace(address.endpoint, std::move(address));
    return true;
  }
  KnownAddress& entry = found->second;
  const bool better = address.source < entry.source;
  if (better) entry.source = address.source;
  // Who answered knows best; hearsay does not replace it, nor what a more trusted source said.
  const bool seen = entry.answered && !entry.stored;
  if (address.node && (!entry.node || (better && !seen))) entry.node = address.node;
  entry.services |= address.services;
  entry.last_seen = std::max(entry.last_seen, address.last_seen);
  return true;
}

bool AddressTable::make_room(Rng& rng) {
  // A few draws instead of a search: the table is full of hearsay whenever it is full.
  for (int draw = 0; draw < 8; ++draw) {
    const auto victim = std::next(entries_.begin(), static_cast<ptrdiff_t>(rng.below(entries_.size())));
    if (victim->second.answered || victim->second.source < PeerSource::peer_exchange) continue;
    entries_.erase(victim);
    return true;
  }
  return false;
}

void AddressTable::mark_own(const Endpoint& endpoint) {
  entries_.erase(endpoint);
  if (own_.size() < own_max) own_.insert(endpoint);
}

void AddressTable::on_dialing(const Endpoint& endpoint, Instant now) {
  const auto found = entries_.find(endpoint);
  if (found == entries_.end()) return;
  found->second.last_try = now;
  found->second.next_try = now + pause_first;
}

void AddressTable::on_answered(const Endpoint& endpoint, const NodeId& node, uint64_t services, Now now) {
  const auto found = entries_.find(endpoint);
  if (found == entries_.end()) return;
  KnownAddress& entry = found->second;
  entry.node = node;
  if (services != 0) entry.services = services;
  entry.answered = true;
  entry.stored = false;
  entry.failures = 0;
  entry.last_seen = unix_seconds(now.wall);
  entry.next_try = now.mono + pause_first;
}

void AddressTable::on_failed(const Endpoint& endpoint, Instant now, Rng& rng) {
  const auto found = entries_.find(endpoint);
  if (found == entries_.end()) return;
  KnownAddress& entry = found->second;
  ++entry.failures;
  if (entry.failures >= failures_max && !entry.answered && entry.source >= PeerSource::peer_exchange) {
    entries_.erase(found);
    return;
  }
  const Duration pause = std::min<Duration>(pause_max, pause_first * (1u << std::min(entry.failures - 1, 6u)));
  entry.next_try = now + pause + Duration{static_cast<int64_t>(rng.below(static_cast<uint64_t>(pause.count()) / 2))};
}

std::optional<KnownAddress> AddressTable::choose(Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const {
  const KnownAddress* best = nullptr;
  uint64_t equals = 0;
  for (const auto& [endpoint, entry] : entries_) {
    if (due(entry, pause_limit) > now || (best != nullptr && rank(entry) > rank(*best)) || !usable(entry)) continue;
    if (best == nullptr || rank(entry) < rank(*best)) equals = 0;
    // Reservoir sampling: each of n equals is kept with probability 1/n.
    if (rng.below(++equals) == 0) best = &entry;
  }
  return best == nullptr ? std::nullopt : std::optional{*best};
}

std::vector<wire::PeerAddress> AddressTable::sample(const IpAddress& to, size_t count_max, Rng& rng) const {
  std::vector<const KnownAddress*> chosen;
  uint64_t seen = 0;
  for (const auto& [endpoint, entry] : entries_) {
    if (!entry.answered && (entry.services == 0 || !entry.node)) continue;
    if (!acceptable(endpoint, to)) continue;
    ++seen;
    if (chosen.size() < count_max) {
      chosen.push_back(&entry);
    } else if (const uint64_t place = rng.below(seen); place < count_max) {
      chosen[place] = &entry;
    }
  }
  std::vector<wire::PeerAddress> out;
  for (const auto* entry : chosen) out.push_back({entry->endpoint, entry->node, entry->services, entry->last_seen});
  return out;
}

const KnownAddress* AddressTable::find(const Endpoint& endpoint) const {
  const auto found = entries_.find(endpoint);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace lattice
