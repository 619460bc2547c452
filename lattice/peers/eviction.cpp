#include <lattice/peers/eviction.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <lattice/crypto/hash.hpp>

namespace lattice {
namespace {

using Candidate = const EvictionCandidate*;
using Rest = std::vector<Candidate>;

bool older(Candidate a, Candidate b) { return std::pair(a->connected, a->conn) < std::pair(b->connected, b->conn); }

// Takes the first `count` away, in the order of `before`, which leaves no two equal.
template <class Before>
void protect(Rest& rest, size_t count, Before before) {
  count = std::min(count, rest.size());
  std::ranges::nth_element(rest, rest.begin() + static_cast<ptrdiff_t>(count), before);
  rest.erase(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(count));
}

// Takes away who has the merit, the greatest first, of equal ones the older. Who has none is not protected by it.
template <class Merit>
void protect_merit(Rest& rest, size_t count, Merit merit) {
  const auto has = static_cast<size_t>(std::ranges::count_if(rest, [&](Candidate c) { return merit(*c).has_value(); }));
  protect(rest, std::min(count, has), [&](Candidate a, Candidate b) {
    const auto of_a = merit(*a), of_b = merit(*b);
    return of_a != of_b ? of_a > of_b : older(a, b);
  });
}

// Keyed, the groups are in an order that nobody outside knows. Of each of the last ones the oldest is taken away.
void protect_groups(Rest& rest, size_t count) {
  std::ranges::sort(rest, [](Candidate a, Candidate b) { return a->group != b->group ? a->group > b->group : older(a, b); });
  Rest left;
  size_t taken = 0;
  for (size_t i = 0; i < rest.size(); ++i) {
    const bool first_of_group = i == 0 || rest[i - 1]->group != rest[i]->group;
    if (first_of_group && taken < count)
      ++taken;
    else
      left.push_back(rest[i]);
  }
  rest = std::move(left);
}

using Network = std::pair<bool, std::optional<uint8_t>>;
Network network_of(const EvictionCandidate& c) { return {c.is_v4, c.region}; }

// From the rarest network its oldest, then from the next one, and so round by round; never from the most common one. Returns how
// many it took away.
size_t protect_rare(Rest& rest, size_t count) {
  std::map<Network, Rest> networks;
  std::ranges::sort(rest, older);
  for (Candidate c : rest) networks[network_of(*c)].push_back(c);
  std::vector<std::pair<Network, const Rest*>> rarest_first;
  for (const auto& [network, members] : networks) rarest_first.emplace_back(network, &members);
  std::ranges::sort(rarest_first, {}, [](const auto& entry) { return std::pair(entry.second->size(), entry.first); });
  rarest_first.pop_back();

  std::vector<ConnId> taken;
  for (size_t round = 0; taken.size() < count; ++round) {
    const size_t before = taken.size();
    for (const auto& [network, members] : rarest_first)
      if (round < members->size() && taken.size() < count) taken.push_back((*members)[round]->conn);
    if (taken.size() == before) break;
  }
  std::ranges::sort(taken);
  std::erase_if(rest, [&](Candidate c) { return std::ranges::binary_search(taken, c->conn); });
  return taken.size();
}

// The youngest of the most crowded group; of equally crowded ones of that with the youngest peer.
ConnId youngest_of_crowd(const Rest& rest) {
  struct Crowd {
    size_t members = 0;
    Candidate youngest = nullptr;
  };
  std::map<uint64_t, Crowd> crowds;
  for (Candidate c : rest) {
    Crowd& crowd = crowds[c->group];
    ++crowd.members;
    if (crowd.youngest == nullptr || older(crowd.youngest, c)) crowd.youngest = c;
  }
  const auto less = [](const auto& a, const auto& b) {
    return a.second.members != b.second.members ? a.second.members < b.second.members
                                                : older(a.second.youngest, b.second.youngest);
  };
  return std::ranges::max_element(crowds, less)->second.youngest->conn;
}

}  // namespace

uint64_t keyed_group(ByteView key, const IpAddress& ip) {
  const Digest digest = blake2s_keyed(key, group_of(ip).bytes);
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i) out = out << 8 | digest[i];
  return out;
}

std::optional<ConnId> eviction_victim(std::span<const EvictionCandidate> candidates, const EvictionLimits& limits) {
  Rest rest;
  for (const EvictionCandidate& c : candidates)
    if (c.inbound && !c.named) rest.push_back(&c);

  Rest discouraged = rest;
  std::erase_if(discouraged, [](Candidate c) { return !c->discouraged; });
  if (!discouraged.empty()) return youngest_of_crowd(discouraged);

  protect_groups(rest, limits.groups);
  protect_merit(rest, limits.pings,
                [](const EvictionCandidate& c) { return c.ping_min ? std::optional(-*c.ping_min) : std::nullopt; });
  protect_merit(rest, limits.messages, [](const EvictionCandidate& c) { return c.last_message; });
  protect_merit(rest, limits.blocks, [](const EvictionCandidate& c) { return c.last_block; });
  if (rest.empty()) return std::nullopt;

  const size_t half = rest.size() / 2;
  const size_t rare = protect_rare(rest, half / std::max<size_t>(limits.rare_share, 1));
  protect(rest, half - rare, older);
  return youngest_of_crowd(rest);
}

}  // namespace lattice
