#include <lattice/discovery/address_book.hpp>

#include <algorithm>
#include <bit>

#include <lattice/discovery/address_times.hpp>

namespace lattice {
namespace {

Secret<32> drawn_key(Rng& rng) {
  Secret<32> key;
  rng.fill(key.span());
  return key;
}

bool trusted(PeerSource source) { return source < PeerSource::peer_exchange; }

// Trusted sources have no address: each has groups of its own, several, so that two of its addresses that want the same place
// both find one.
constexpr uint8_t trusted_tries = 8;
AddressGroup trusted_group(PeerSource source, uint8_t attempt) {
  AddressGroup group;  // no address's group begins like this
  group.bytes[0] = 0xff;
  group.bytes[1] = static_cast<uint8_t>(source);
  group.bytes[2] = attempt;
  return group;
}

}  // namespace

AddressBook::AddressBook(const Secret<32>& key, size_t capacity, Instant began)
    : places_(key, capacity), pool_(places_.layout()), began_(began) {}

AddressBook::AddressBook(Rng& rng, size_t capacity, Instant began) : AddressBook(drawn_key(rng), capacity, began) {
  jitter_ = rng.next();
}

bool AddressBook::acceptable(const Endpoint& endpoint, const IpAddress& from) {
  if (endpoint.port == 0) return false;
  return endpoint.ip.is_routable() || (endpoint.ip.is_loopback() && from.is_loopback());
}

bool AddressBook::add(const KnownAddress& address, const IpAddress& teller, Now now, Rng& rng) {
  const Endpoint& endpoint = address.endpoint;
  if (is_own(endpoint) || endpoint.port == 0 || endpoint.ip.is_unspecified()) return false;
  wall_ = held_seconds(now.wall);
  // A trusted source says that it is there now; a peer's clock moves nothing.
  const int64_t last_seen = trusted(address.source) ? wall_ : std::min(address.last_seen, wall_);
  const auto mark = places_.mark(endpoint);
  const uint32_t slot = pool_.find(endpoint, mark);
  const auto source = source_mark(trusted(address.source) ? trusted_group(address.source, 0) : group_of(teller));
  if (slot == AddressPool::none) {
    KnownAddress fresh = address;
    fresh.last_seen = last_seen;
    return add_new(fresh, mark, source, now);
  }
  merge(slot, address, last_seen);
  PoolEntry& entry = pool_.at(slot);
  entry.sources = entry.sources | source.bit;
  if (entry.tried || entry.refs >= refs_max || trusted(address.source)) return true;
  if (rng.below(uint64_t{1} << entry.refs) == 0) add_place(slot, mark, source, now);
  return true;
}

void AddressBook::merge(uint32_t slot, const KnownAddress& address, int64_t last_seen) {
  PoolEntry& entry = pool_.at(slot);
  const bool better = address.source < entry.peer_source();
  if (better) raise_source(slot, address.source);
  // Who answered knows best; hearsay does not replace it, nor what a more trusted source said.
  const bool seen = entry.answered && !entry.stored;
  if (address.node && (!entry.has_node || (better && !seen))) {
    pool_.set_node(slot, *address.node, !entry.answered && !entry.trusted());
  }
  entry.services = static_cast<uint16_t>(entry.services | address.services);
  if (!entry.answered) entry.last_seen = std::max(entry.last_seen, packed_seconds(last_seen));
}

void AddressBook::raise_source(uint32_t slot, PeerSource source) {
  PoolEntry& entry = pool_.at(slot);
  if (trusted(source) && !entry.trusted()) {
    if (trusted_.size() >= trusted_max) return;
    trusted_.push_back(slot);
  }
  entry.source = static_cast<uint8_t>(source) & 7u;
}

bool AddressBook::add_new(const KnownAddress& address, const AddressPlaces::Mark& mark, const AddressPlaces::SourceMark& source,
                          Now now) {
  const bool trust = trusted(address.source) && trusted_.size() < trusted_max;
  const auto place =
      trust ? any_place(address.endpoint, mark, address.source) : free_place(address.endpoint, mark, source, false, now);
  if (!place) return false;
  const uint32_t slot = pool_.insert(address.endpoint, mark);
  if (slot == AddressPool::none) return false;
  PoolEntry& entry = pool_.at(slot);
  entry.source = static_cast<uint8_t>(trust || !trusted(address.source) ? address.source : PeerSource::peer_exchange) & 7u;
  entry.services = static_cast<uint16_t>(address.services);
  entry.last_seen = packed_seconds(address.last_seen);
  entry.sources = source.bit;
  if (trust) trusted_.push_back(slot);
  if (address.node) pool_.set_node(slot, *address.node, !trust);
  pool_.put_new(*place, slot);
  return true;
}

// One more place for an address that has some.
void AddressBook::add_place(uint32_t slot, const AddressPlaces::Mark& mark, const AddressPlaces::SourceMark& source, Now now) {
  const auto place = free_place(pool_.at(slot).endpoint(), mark, source, true, now);
  if (place) pool_.put_new(*place, slot);
}

// The place in `new` for what `source` told, made free where that is allowed.
std::optional<uint32_t> AddressBook::free_place(const Endpoint& endpoint, const AddressPlaces::Mark& mark,
                                                const AddressPlaces::SourceMark& source, bool further, Now now) {
  const uint32_t place = places_.new_place(mark, places_.new_bucket(group_of(endpoint.ip), source));
  const uint32_t other = pool_.at_new(place);
  if (other == AddressPool::none) return place;
  const PoolEntry& entry = pool_.at(other);
  if (entry.endpoint() == endpoint || entry.trusted()) return std::nullopt;
  const bool gives_way = terrible(entry, now) || (!further && entry.refs > 1);
  if (!gives_way) return std::nullopt;
  clear_new(place);
  return place;
}

// A place that cannot be refused but by what is trusted: for addresses of trusted sources, and those that leave `tried`.
std::optional<uint32_t> AddressBook::any_place(const Endpoint& endpoint, const AddressPlaces::Mark& mark, PeerSource source) {
  const AddressGroup group = group_of(endpoint.ip);
  for (uint8_t attempt = 0; attempt < trusted_tries; ++attempt) {
    // What is not trusted counts as told by its own group, whoever told of it.
    const auto from = places_.source_mark(trusted(source) ? trusted_group(source, attempt) : group);
    const uint32_t place = places_.new_place(mark, places_.new_bucket(group, from));
    const uint32_t other = pool_.at_new(place);
    if (other == AddressPool::none) return place;
    if (!pool_.at(other).trusted()) {
      clear_new(place);
      return place;
    }
    if (!trusted(source)) break;
  }
  return std::nullopt;
}

const AddressPlaces::SourceMark& AddressBook::source_mark(const AddressGroup& source) {
  if (!last_source_ || last_source_->group != source) last_source_ = places_.source_mark(source);
  return *last_source_;
}

// Whoever stands there loses this place, and with its last one everything.
void AddressBook::clear_new(uint32_t place) {
  const uint32_t slot = pool_.at_new(place);
  pool_.take_new(place);
  if (pool_.at(slot).refs == 0) forget(slot);
}

void AddressBook::forget(uint32_t slot) {
  const PoolEntry& entry = pool_.at(slot);
  const std::optional<uint32_t> left = entry.tried ? std::optional<uint32_t>(entry.head) : std::nullopt;
  if (entry.trusted()) std::erase(trusted_, slot);
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.newcomer == slot; });
  const auto mark = places_.mark(entry.endpoint());
  pool_.take_all(slot);
  pool_.erase(slot, mark);
  if (!left) return;
  if (const auto next = take_waiting(*left)) promote(*next, *left);
}

void AddressBook::erase(const Endpoint& endpoint) {
  if (const uint32_t slot = find_slot(endpoint); slot != AddressPool::none) forget(slot);
}

void AddressBook::mark_own(const Endpoint& endpoint) {
  erase(endpoint);
  if (own_.size() < own_max) own_.insert(endpoint);
}

void AddressBook::on_dialing(const Endpoint& endpoint, Instant now) {
  if (const uint32_t slot = find_slot(endpoint); slot != AddressPool::none) pool_.at(slot).last_try = ticks(now);
}

void AddressBook::on_answered(const Endpoint& endpoint, const NodeId& node, uint64_t services, Now now) {
  wall_ = held_seconds(now.wall);
  const uint32_t slot = find_slot(endpoint);
  if (slot == AddressPool::none) return;
  pool_.set_node(slot, node, false);
  PoolEntry& entry = pool_.at(slot);
  if (services != 0) entry.services = static_cast<uint16_t>(services);
  entry.answered = 1;
  entry.stored = 0;
  entry.failures = 0;
  entry.last_seen = packed_seconds(wall_);
  entry.last_try = ticks(now.mono);
  if (!entry.tried) return into_tried(slot, now);
  take_waiting(entry.head);  // the test is passed
}

void AddressBook::on_connected(const Endpoint& endpoint, Now now) {
  wall_ = held_seconds(now.wall);
  const uint32_t slot = find_slot(endpoint);
  if (slot == AddressPool::none || !pool_.at(slot).answered) return;
  PoolEntry& entry = pool_.at(slot);
  entry.last_seen = packed_seconds(wall_);
  if (entry.tried) take_waiting(entry.head);
}

void AddressBook::on_failed(const Endpoint& endpoint, Instant now) {
  const uint32_t slot = find_slot(endpoint);
  if (slot == AddressPool::none) return;
  PoolEntry& entry = pool_.at(slot);
  entry.failures = std::min<uint32_t>(entry.failures + 1, failures_max) & 0xffu;
  // Pauses begin with the dial, which may itself have taken long; with the end of a link that stood.
  if (entry.last_try == 0 || since(tried_at(entry), now) > dial_max) entry.last_try = ticks(now);
  if (entry.failures >= failures_max && !entry.answered && !entry.trusted()) return forget(slot);
  if (!entry.tried) return;
  const uint32_t place = entry.head;
  const auto newcomer = take_waiting(place);
  if (!newcomer) return;
  pool_.take_tried(place);
  promote(*newcomer, place);  // first, so that the old one does not take its place in `new`
  back_to_new(slot);
}

// Test before evict: a place that is taken is waited for.
void AddressBook::into_tried(uint32_t slot, Now now) {
  const Endpoint endpoint = pool_.at(slot).endpoint();
  const auto mark = places_.mark(endpoint);
  const uint32_t place = places_.tried_place(mark, places_.tried_bucket(group_of(endpoint.ip), mark));
  if (pool_.at_tried(place) == AddressPool::none) return promote(slot, place);
  std::erase_if(waiting_, [&](const Waiting& waiting) { return since(waiting.since, now.mono) > test_window; });
  const bool known =
      std::ranges::any_of(waiting_, [&](const Waiting& waiting) { return waiting.newcomer == slot || waiting.place == place; });
  if (!known && waiting_.size() < waiting_max) waiting_.push_back({slot, place, now.mono});
}

void AddressBook::promote(uint32_t slot, uint32_t place) {
  pool_.take_all(slot);
  pool_.put_tried(place, slot);
}

void AddressBook::back_to_new(uint32_t slot) {
  const PoolEntry& entry = pool_.at(slot);
  const auto place = any_place(entry.endpoint(), places_.mark(entry.endpoint()), entry.peer_source());
  if (!place) return forget(slot);
  pool_.put_new(*place, slot);
}

// Who waits for this place of `tried`, and waits no more.
std::optional<uint32_t> AddressBook::take_waiting(uint32_t place) {
  const auto found = std::ranges::find(waiting_, place, &Waiting::place);
  if (found == waiting_.end()) return std::nullopt;
  const uint32_t newcomer = found->newcomer;
  waiting_.erase(found);
  return newcomer;
}

bool AddressBook::terrible(const PoolEntry& entry, Now now) const {
  if (entry.trusted()) return false;
  if (entry.last_try != 0 && since(tried_at(entry), now.mono) < std::chrono::minutes{1}) return false;
  const int64_t age = held_seconds(now.wall) - unpacked_seconds(entry.last_seen);
  if (age > seen_max || age < -ahead_max) return true;
  if (!entry.answered) return entry.failures >= failures_unknown;
  return entry.failures >= failures_answered && age > seen_failing_max;
}

uint32_t AddressBook::find_slot(const Endpoint& endpoint) const {
  return size() == 0 ? AddressPool::none : pool_.find(endpoint, places_.mark(endpoint));
}

KnownAddress AddressBook::known(uint32_t slot) const {
  const PoolEntry& entry = pool_.at(slot);
  KnownAddress out;
  out.endpoint = entry.endpoint();
  out.node = pool_.node(slot);
  out.source = entry.peer_source();
  out.services = entry.services;
  out.last_seen = unpacked_seconds(entry.last_seen);
  out.answered = entry.answered;
  out.stored = entry.stored;
  out.failures = entry.failures;
  out.last_try = tried_at(entry);
  out.next_try = due(entry, pause_max);
  return out;
}

std::optional<KnownAddress> AddressBook::find(const Endpoint& endpoint) const {
  const uint32_t slot = find_slot(endpoint);
  return slot == AddressPool::none ? std::nullopt : std::optional(known(slot));
}

unsigned AddressBook::sources_of(const Endpoint& endpoint) const {
  const uint32_t slot = find_slot(endpoint);
  return slot == AddressPool::none ? 0 : static_cast<unsigned>(std::popcount(uint32_t{pool_.at(slot).sources}));
}

AddressBook AddressBook::emptied(const Secret<32>& key, Instant dial_after) const {
  AddressBook out(key, capacity(), began_);
  out.jitter_ = jitter_;
  out.wall_ = wall_;
  out.own_ = own_;
  out.stored_after_ = dial_after;
  return out;
}

// `tried`: whether they are places there; it becomes false where the one that it wants is taken and need not be had.
std::vector<uint32_t> AddressBook::wanted_places(const Stored& stored, const AddressPlaces::Mark& mark, bool& tried,
                                                 bool rebuild) {
  const AddressGroup group = group_of(stored.address.endpoint.ip);
  if (tried) {
    const uint32_t place = places_.tried_place(mark, places_.tried_bucket(group, mark));
    if (!rebuild || pool_.at_tried(place) == AddressPool::none) return {place};
    tried = false;
  }
  if (rebuild) return {places_.new_place(mark, places_.new_bucket(group, source_mark(group)))};
  std::vector<uint32_t> out;
  for (const uint32_t bucket : stored.buckets) out.push_back(places_.new_place(mark, bucket));
  return out;
}

bool AddressBook::restore(const Stored& stored, WallTime now, bool rebuild) {
  const KnownAddress& address = stored.address;
  wall_ = held_seconds(now);
  const auto mark = places_.mark(address.endpoint);
  if (pool_.find(address.endpoint, mark) != AddressPool::none) return false;
  bool tried = stored.tried;
  const auto wanted = wanted_places(stored, mark, tried, rebuild);
  const auto taken = [&](uint32_t at) { return (tried ? pool_.at_tried(at) : pool_.at_new(at)) != AddressPool::none; };
  if (wanted.empty() || std::ranges::any_of(wanted, taken)) return false;
  const uint32_t slot = pool_.insert(address.endpoint, mark);
  if (slot == AddressPool::none) return false;
  PoolEntry& entry = pool_.at(slot);
  entry.source = static_cast<uint8_t>(PeerSource::peer_exchange) & 7u;
  entry.services = static_cast<uint16_t>(address.services);
  entry.last_seen = packed_seconds(std::min(address.last_seen, wall_));
  entry.failures = std::min(address.failures, failures_max) & 0xffu;
  entry.sources = stored.sources & ((1u << AddressPlaces::source_bits) - 1);
  entry.stored = 1;
  entry.answered = address.answered;
  if (address.node) pool_.set_node(slot, *address.node, false);
  for (const uint32_t place : wanted) tried ? pool_.put_tried(place, slot) : pool_.put_new(place, slot);
  return true;
}

}  // namespace lattice
