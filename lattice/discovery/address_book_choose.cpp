// Whom to dial, whom to test, whom to tell of.
#include <algorithm>
#include <array>

#include <lattice/discovery/address_book.hpp>
#include <lattice/discovery/address_times.hpp>

namespace lattice {
namespace {

using std::chrono::seconds;

constexpr uint64_t chance_all = 1024;
// 0.66^n, as Bitcoin Core's address manager has it.
constexpr std::array<uint64_t, 9> chance_after_failures{1024, 676, 446, 294, 194, 128, 85, 56, 37};

// For one choice: a word of the caller's randomness decides all of it, for the system's costs as much as all the rest. What is
// chosen tells a watcher nothing of the next choice's word.
SeededRng dice_of(Rng& rng) { return SeededRng(rng.next()); }

// The same numbers give the same result; who does not know `key` cannot foresee it.
uint64_t mix(uint64_t key, uint64_t a, uint64_t b) {
  uint64_t z = key ^ (a * 0x9e3779b97f4a7c15) ^ (b + 0xd1b54a32d192ed03) * 0x94d049bb133111eb;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

// Whole seconds since the beginning, from 1 on.
uint32_t AddressBook::ticks(Instant now) const {
  if (now <= began_) return 1;
  // Apart, for the difference of two instants may be more than a Duration holds.
  const auto whole = [](Instant time) { return std::chrono::floor<seconds>(time.time_since_epoch()).count(); };
  return static_cast<uint32_t>(std::min<int64_t>(whole(now) - whole(began_) + 1, UINT32_MAX));
}

Instant AddressBook::tried_at(const PoolEntry& entry) const {
  if (entry.last_try == 0) return Instant{};
  const int64_t begin = std::chrono::floor<seconds>(began_.time_since_epoch()).count();
  const int64_t at = begin + int64_t{entry.last_try} - 1;
  // What a Duration can hold, with room for a pause.
  constexpr int64_t last = std::chrono::floor<seconds>(Duration::max()).count() - 86'400;
  return Instant{seconds{std::clamp<int64_t>(at, -last, last)}};
}

// Doubles with each failure; up to half of it more, so that those who failed together do not come back together.
Duration AddressBook::pause(const PoolEntry& entry) const {
  if (entry.failures == 0) return pause_first;
  const auto whole = std::min<Duration>(pause_max, pause_first * (1u << std::min(entry.failures - 1u, 6u)));
  uint64_t low = 0;
  for (size_t i = 8; i < 16; ++i) low = low << 8 | entry.ip[i];
  const uint64_t drawn = mix(jitter_, low, uint64_t{entry.failures} << 16 | entry.port);
  return whole + seconds{static_cast<int64_t>(drawn % static_cast<uint64_t>(whole / seconds{2}))};
}

Instant AddressBook::due(const PoolEntry& entry, Duration pause_limit) const {
  if (entry.last_try == 0) return entry.stored ? stored_after_ : Instant::min();
  const bool cut = entry.failures > 0 && pause_limit < pause_max;
  return tried_at(entry) + (cut ? std::min(pause(entry), pause_limit) : pause(entry));
}

uint64_t AddressBook::chance(const PoolEntry& entry) const {
  uint64_t out = chance_after_failures[std::min<size_t>(entry.failures, chance_after_failures.size() - 1)];
  if (entry.trusted()) return out;
  const int64_t age = wall_ - unpacked_seconds(entry.last_seen);
  if (age > 86'400) out = out * 2 / 3;
  if (age > seen_failing_max) out /= 2;
  if (age > seen_max) out /= 8;
  return std::max<uint64_t>(out, 1);
}

std::optional<KnownAddress> AddressBook::choose(Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const {
  SeededRng dice = dice_of(rng);
  if (auto out = choose_trusted(now, pause_limit, usable, dice)) return out;
  if (auto out = draw(Table::both, now, pause_limit, usable, dice)) return out;
  return scan(Table::both, now, pause_limit, usable, dice);
}

std::optional<KnownAddress> AddressBook::choose_trusted(Instant now, Duration pause_limit, const Usable& usable,
                                                        Rng& rng) const {
  std::optional<KnownAddress> best;
  uint64_t equals = 0;
  for (const uint32_t slot : trusted_) {
    const PoolEntry& entry = pool_.at(slot);
    // Whom a trusted source named and who does not answer is worth no more than the others: they get their turn.
    if (!entry.answered && entry.failures > 0) continue;
    if (due(entry, pause_limit) > now || (best && entry.peer_source() > best->source)) continue;
    KnownAddress candidate = known(slot);
    if (!usable(candidate)) continue;
    if (best && candidate.source < best->source) equals = 0;
    // Reservoir sampling: each of n equals is kept with probability 1/n.
    if (rng.below(++equals) == 0) best = std::move(candidate);
  }
  return best;
}

// A draw between the tables, a bucket, a place in it: three accesses to distant memory or four, and two more for a NodeID.
std::optional<KnownAddress> AddressBook::draw(Table table, Instant now, Duration pause_limit, const Usable& usable,
                                              Rng& rng) const {
  uint64_t boost = chance_all;  // grows, so that of bad ones only one is found all the same
  for (unsigned i = 0; i < draws_max; ++i, boost += boost / 4) {
    const bool none_new = pool_.new_count() == 0, none_tried = pool_.tried_count() == 0 || table == Table::only_new;
    if (none_tried && (none_new || table == Table::only_old)) return std::nullopt;
    const bool from_tried = table == Table::only_old || none_new || (!none_tried && rng.below(new_share) != 0);
    const uint32_t slot = random_slot(from_tried, rng);
    if (slot == AddressPool::none) continue;
    const PoolEntry& entry = pool_.at(slot);
    if (table == Table::only_new && entry.answered) continue;
    if (table == Table::only_old && wall_ - unpacked_seconds(entry.last_seen) <= old_after) continue;
    const uint64_t wanted = chance(entry) * boost;
    if (wanted < chance_all * chance_all && rng.below(chance_all * chance_all) >= wanted) continue;
    if (due(entry, pause_limit) > now) continue;
    KnownAddress candidate = known(slot);
    if (usable(candidate)) return candidate;
  }
  return std::nullopt;
}

uint32_t AddressBook::random_slot(bool tried, Rng& rng) const {
  const PlaceLayout& layout = places_.layout();
  const uint32_t buckets = tried ? layout.tried_buckets : layout.new_buckets;
  uint32_t bucket = 0, taken = 0;
  for (int i = 0; i < 16 && taken == 0; ++i) {
    bucket = static_cast<uint32_t>(rng.below(buckets));
    taken = tried ? pool_.tried_count(bucket) : pool_.new_count(bucket);
  }
  if (taken == 0) return AddressPool::none;
  const auto at = [&](uint32_t place) {
    const uint32_t whole = bucket * layout.bucket_places + place;
    return tried ? pool_.at_tried(whole) : pool_.at_new(whole);
  };
  // Places drawn until one is taken give each the same chance; where few are taken, the next one is good enough.
  uint32_t place = 0;
  for (int i = 0; i < 4; ++i) {
    place = static_cast<uint32_t>(rng.below(layout.bucket_places));
    if (const uint32_t slot = at(place); slot != AddressPool::none) return slot;
  }
  for (;;) {
    place = (place + 1) % layout.bucket_places;
    if (const uint32_t slot = at(place); slot != AddressPool::none) return slot;
  }
}

std::optional<KnownAddress> AddressBook::scan(Table table, Instant now, Duration pause_limit, const Usable& usable,
                                              Rng& rng) const {
  const uint32_t end = pool_.slots_end();
  if (end == 0) return std::nullopt;
  std::optional<KnownAddress> best;
  uint64_t equals = 0;
  const auto begin = static_cast<uint32_t>(rng.below(end));
  for (uint32_t i = 0; i < std::min(end, scan_max); ++i) {
    const uint32_t slot = (begin + i) % end;
    const PoolEntry& entry = pool_.at(slot);
    if (!entry.live || (table == Table::only_new && (entry.answered || entry.tried))) continue;
    if (due(entry, pause_limit) > now) continue;
    KnownAddress candidate = known(slot);
    if (usable(candidate) && rng.below(++equals) == 0) best = std::move(candidate);
  }
  return best;
}

std::optional<KnownAddress> AddressBook::choose_feeler(Instant now, const Usable& usable, Rng& rng) {
  std::erase_if(waiting_, [&](const Waiting& waiting) { return since(waiting.since, now) > test_window; });
  for (const Waiting& waiting : waiting_) {
    const uint32_t slot = pool_.at_tried(waiting.place);
    if (due(pool_.at(slot), pause_alone) > now) continue;
    KnownAddress candidate = known(slot);
    if (usable(candidate)) return candidate;
  }
  SeededRng dice = dice_of(rng);
  if (dice.below(old_share) == 0)
    if (auto out = draw(Table::only_old, now, pause_max, usable, dice)) return out;
  if (auto out = draw(Table::only_new, now, pause_max, usable, dice)) return out;
  return scan(Table::only_new, now, pause_max, usable, dice);
}

std::vector<wire::PeerAddress> AddressBook::sample(const IpAddress& to, size_t count_max, Now now, Rng& rng) const {
  const size_t most = std::min(count_max, std::max(told_min, size() * told_percent / 100));
  std::vector<uint32_t> chosen;
  uint64_t seen = 0;
  for (uint32_t slot = 0; slot < pool_.slots_end() && most > 0; ++slot) {
    const PoolEntry& entry = pool_.at(slot);
    if (!entry.live || (!entry.answered && entry.services == 0)) continue;
    if (!acceptable(entry.endpoint(), to) || terrible(entry, now)) continue;
    ++seen;
    if (chosen.size() < most) {
      chosen.push_back(slot);
    } else if (const uint64_t place = rng.below(seen); place < most) {
      chosen[place] = slot;
    }
  }
  std::vector<wire::PeerAddress> out;
  for (const uint32_t slot : chosen) {
    const PoolEntry& entry = pool_.at(slot);
    // Who answers there is told by who has seen it, or has it from where it is certain: hearsay must not look like many voices.
    const auto node = entry.answered || entry.trusted() ? pool_.node(slot) : std::nullopt;
    out.push_back({entry.endpoint(), node, entry.services, unpacked_seconds(entry.last_seen)});
  }
  return out;
}

}  // namespace lattice
