#include <lattice/discovery/address_cache.hpp>

#include <algorithm>
#include <map>

#include <lattice/discovery/address_times.hpp>

namespace lattice {

AddressCache::Network AddressCache::network_of(const IpAddress& ip) {
  if (ip.is_loopback()) return Network::loopback;
  return ip.is_v4() ? Network::v4 : Network::v6;
}

std::vector<wire::PeerAddress> AddressCache::draw(const IpAddress& to, const AddressBook& book, Now now, Rng& rng) {
  ++drawn_;
  std::vector<wire::PeerAddress> out;
  for (wire::PeerAddress& entry : book.sample(to, limits::addresses_max, now, rng)) {
    const auto told = told_time(entry.last_seen, now.wall);
    if (!told) continue;
    entry.last_seen = *told;
    out.push_back(std::move(entry));
  }
  // In the book they stand in the order in which this node came to know them.
  for (size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[static_cast<size_t>(rng.below(i))]);
  return out;
}

std::vector<wire::PeerAddress> AddressCache::answer(const NodeId& own, const IpAddress& to, const AddressBook& book, Now now,
                                                    Rng& rng) {
  const Network network = network_of(to);
  const auto found =
      std::ranges::find_if(answers_, [&](const Answer& answer) { return answer.network == network && answer.own == own; });
  if (found != answers_.end()) {
    if (now.mono < found->until && book.size() < 2 * found->book_size) return found->entries;
    answers_.erase(found);
  }
  auto entries = draw(to, book, now, rng);
  if (book.size() <= small_book) return entries;
  if (answers_.size() == answers_max) answers_.erase(answers_.begin());
  const auto spread = static_cast<uint64_t>(life_spread / std::chrono::seconds{1});
  const Instant until = now.mono + life_min + std::chrono::seconds{rng.below(spread)};
  answers_.push_back({network, own, until, book.size(), entries});
  return entries;
}

std::optional<int64_t> told_time(int64_t last_seen, WallTime now) {
  constexpr int64_t day = 86'400, age = std::chrono::seconds{told_age}.count();
  const int64_t today = held_seconds(now);
  if (last_seen < today - age) return std::nullopt;
  return today - today % day - age;
}

std::vector<KnownAddress> worth_keeping(const wire::Addresses& told, const IpAddress& from, WallTime now) {
  const int64_t today = held_seconds(now);
  std::map<AddressGroup, size_t> groups;
  std::set<Endpoint> seen;
  std::vector<KnownAddress> out;
  for (const wire::PeerAddress& entry : told.entries) {
    if (!AddressBook::acceptable(entry.endpoint, from) || (entry.services & wire::service_blocks) == 0) continue;
    const bool cannot_be = entry.last_seen <= packed_epoch || entry.last_seen > today + AddressBook::ahead_max;
    const int64_t last_seen = cannot_be ? today - std::chrono::seconds{doubt_age}.count() : std::min(entry.last_seen, today);
    if (today - last_seen > AddressBook::seen_max) continue;
    if (!seen.insert(entry.endpoint).second || ++groups[group_of(entry.endpoint.ip)] > told_group_max) continue;
    KnownAddress known;
    known.endpoint = entry.endpoint;
    known.node = entry.node;
    known.source = PeerSource::peer_exchange;
    known.services = entry.services;
    known.last_seen = last_seen;
    out.push_back(std::move(known));
  }
  return out;
}

}  // namespace lattice
