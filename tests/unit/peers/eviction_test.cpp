#include <lattice/peers/eviction.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

#include "../../slow_build.hpp"

namespace lattice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Candidates = std::vector<EvictionCandidate>;

const ByteArray<16> key{1, 2, 3};
Instant at(int64_t s) { return Instant{seconds{s}}; }

EvictionCandidate plain(uint64_t conn, uint64_t group, int64_t since) {
  EvictionCandidate c;
  c.conn = ConnId{conn};
  c.group = group;
  c.connected = at(since);
  return c;
}

void shuffle(Candidates& candidates, Rng& rng) {
  for (size_t i = candidates.size(); i > 1; --i) std::swap(candidates[i - 1], candidates[rng.below(i)]);
}

EvictionCandidate random_candidate(uint64_t conn, Rng& rng) {
  EvictionCandidate c = plain(conn, rng.below(6), static_cast<int64_t>(rng.below(20)));
  c.inbound = rng.below(10) != 0;
  c.named = rng.below(20) == 0;
  c.is_v4 = rng.below(4) != 0;
  if (rng.below(3) != 0) c.region = static_cast<uint8_t>(rng.below(3));
  if (rng.below(2) != 0) c.ping_min = milliseconds{rng.below(8)};
  if (rng.below(3) == 0) c.last_block = at(static_cast<int64_t>(rng.below(8)));
  if (rng.below(3) == 0) c.last_message = at(static_cast<int64_t>(rng.below(8)));
  return c;
}

// The same said in the simplest way: again and again the best of all, found by looking at each.
class Model {
 public:
  Model(const Candidates& candidates, const EvictionLimits& limits) {
    for (const auto& c : candidates)
      if (c.inbound && !c.named) rest_.push_back(c);
    for (size_t i = 0; i < limits.groups; ++i) take_group();
    take(
        limits.pings, [](const auto& c) { return c.ping_min.has_value(); },
        [](const auto& c) { return std::tuple(*c.ping_min, c.connected, c.conn); });
    take(
        limits.messages, [](const auto& c) { return c.last_message.has_value(); },
        [](const auto& c) { return std::tuple(at(0) - *c.last_message, c.connected, c.conn); });
    take(
        limits.blocks, [](const auto& c) { return c.last_block.has_value(); },
        [](const auto& c) { return std::tuple(at(0) - *c.last_block, c.connected, c.conn); });
    if (rest_.empty()) return;
    const size_t keep = rest_.size() - rest_.size() / 2;
    take_rare(rest_.size() / 2 / limits.rare_share);
    take(rest_.size() - keep, [](const auto&) { return true; }, [](const auto& c) { return std::pair(c.connected, c.conn); });
    const auto worst = std::ranges::max_element(rest_, {}, [&](const auto& c) {
      const auto near = [&](const auto& other) { return other.group == c.group; };
      return std::tuple(std::ranges::count_if(rest_, near), c.connected, c.conn);
    });
    victim = worst->conn;
  }
  std::optional<ConnId> victim;

 private:
  template <class Has, class Rank>
  void take(size_t count, Has has, Rank rank) {
    for (; count > 0; --count) {
      const EvictionCandidate* best = nullptr;
      for (const auto& c : rest_)
        if (has(c) && (best == nullptr || rank(c) < rank(*best))) best = &c;
      if (best == nullptr) return;
      remove(best->conn);
    }
  }
  void take_group() {
    const EvictionCandidate* best = nullptr;
    const auto rank = [](const auto& c) { return std::tuple(~c.group, c.connected, c.conn); };
    for (const auto& c : rest_)
      if (!drawn_.contains(c.group) && (best == nullptr || rank(c) < rank(*best))) best = &c;
    if (best == nullptr) return;
    drawn_.insert(best->group);
    remove(best->conn);
  }
  void take_rare(size_t count) {
    std::map<std::pair<bool, std::optional<uint8_t>>, int> taken, size;
    for (const auto& c : rest_) ++size[{c.is_v4, c.region}];
    const auto common = std::ranges::max_element(size, [](const auto& a, const auto& b) {
                          return std::pair(a.second, a.first) < std::pair(b.second, b.first);
                        })->first;
    for (; count > 0; --count) {
      const EvictionCandidate* best = nullptr;
      const auto rank = [&](const auto& c) {
        const std::pair network(c.is_v4, c.region);
        return std::tuple(taken[network], size[network], network, c.connected, c.conn);
      };
      for (const auto& c : rest_)
        if (std::pair(c.is_v4, c.region) != common && (best == nullptr || rank(c) < rank(*best))) best = &c;
      if (best == nullptr) return;
      ++taken[{best->is_v4, best->region}];
      remove(best->conn);
    }
  }
  void remove(ConnId conn) {
    std::erase_if(rest_, [&](const auto& c) { return c.conn == conn; });
  }
  Candidates rest_;
  std::set<uint64_t> drawn_;
};

// A changing set of peers, a victim asked for after each change: a million times.
TEST(eviction, agrees_with_a_naive_model) {
  SeededRng rng(20);
  Candidates candidates;
  uint64_t next = 1;
  size_t victims = 0;
  for (int step = 0; step < (slow_build ? 100'000 : 1'000'000); ++step) {
    if (candidates.size() < 4 || (candidates.size() < 16 && rng.below(2) == 0))
      candidates.push_back(random_candidate(next++, rng));
    else
      candidates.erase(candidates.begin() + static_cast<ptrdiff_t>(rng.below(candidates.size())));
    const EvictionLimits limits{rng.below(4), rng.below(4), rng.below(3), rng.below(3), 1 + rng.below(3)};
    const auto victim = eviction_victim(candidates, limits);
    ASSERT_EQ(victim, Model(candidates, limits).victim) << "step " << step;
    victims += victim.has_value();
  }
  EXPECT_GT(victims, slow_build ? 60'000u : 600'000u);
}

TEST(eviction, who_was_dialled_or_named_never_goes) {
  Candidates candidates;
  for (uint64_t i = 1; i <= 200; ++i) {
    candidates.push_back(plain(i, 1, 1));
    (i % 2 == 0 ? candidates.back().named : candidates.back().inbound) = i % 2 == 0;
  }
  EXPECT_FALSE(eviction_victim(candidates, {}));
  candidates.push_back(plain(500, 1, 0));
  EXPECT_FALSE(eviction_victim(candidates, {}));  // its group is drawn
  candidates.push_back(plain(501, 1, 0));
  EXPECT_EQ(eviction_victim(candidates, {}), ConnId{501});
  EXPECT_FALSE(eviction_victim({}, {}));
}

TEST(eviction, the_youngest_of_the_most_crowded_group_goes) {
  Candidates candidates;
  for (uint64_t i = 1; i <= 60; ++i) candidates.push_back(plain(i, 1'000 + i, static_cast<int64_t>(i)));
  for (uint64_t i = 61; i <= 100; ++i) candidates.push_back(plain(i, 7, 60));
  EXPECT_EQ(eviction_victim(candidates, {}), ConnId{100});
  candidates.push_back(plain(101, 5'000, 70));  // alone and younger: it may stay
  EXPECT_EQ(eviction_victim(candidates, {}), ConnId{100});
}

// Whoever is among the best of one merit stays, whatever else is there and in whichever order.
TEST(eviction, each_merit_protects_under_every_order) {
  SeededRng rng(21);
  for (int round = 0; round < 2'000; ++round) {
    Candidates candidates;
    for (uint64_t i = 100; i < 220; ++i) {
      candidates.push_back(plain(i, rng.below(5), 1'000 + static_cast<int64_t>(rng.below(1'000))));
      // An attacker near us, busy, and with everything but being first.
      candidates.back().ping_min = milliseconds{20 + rng.below(10)};
      candidates.back().last_block = at(static_cast<int64_t>(rng.below(1'000)));
      candidates.back().last_message = at(static_cast<int64_t>(rng.below(1'000)));
    }
    std::set<ConnId> honest;
    const auto add = [&](uint64_t conn, auto change) {
      candidates.push_back(plain(conn, rng.below(5), 5'000));  // younger than all
      change(candidates.back());
      honest.insert(ConnId{conn});
    };
    for (uint64_t i = 0; i < 8; ++i) add(1'000 + i, [](auto& c) { c.ping_min = milliseconds{5}; });
    for (uint64_t i = 0; i < 4; ++i) add(1'010 + i, [](auto& c) { c.last_block = at(2'000); });
    for (uint64_t i = 0; i < 4; ++i) add(1'020 + i, [](auto& c) { c.last_message = at(2'000); });
    for (uint64_t i = 0; i < 10; ++i) add(1'030 + i, [](auto& c) { c.connected = at(1); });
    for (uint64_t i = 0; i < 4; ++i) add(1'040 + i, [&](auto& c) { c.group = ~i; });  // drawn by the key
    for (uint64_t i = 0; i < 6; ++i) add(1'050 + i, [&](auto& c) { c.is_v4 = false, c.region = static_cast<uint8_t>(i); });
    shuffle(candidates, rng);
    const auto victim = eviction_victim(candidates, {});
    ASSERT_TRUE(victim);
    ASSERT_FALSE(honest.contains(*victim)) << "round " << round;
    shuffle(candidates, rng);
    ASSERT_EQ(eviction_victim(candidates, {}), victim);
  }
}

// 114 slots, 60 of them with honest peers of several kinds. A thousand connections come one after the other, each time somebody
// goes.
TEST(eviction, a_thousand_connections_from_few_groups_push_out_themselves) {
  for (const uint64_t groups : {1u, 3u, 10u}) {
    SeededRng rng(22 + groups);
    Candidates peers;
    uint64_t next = 1;
    for (; next <= 60; ++next) {
      const auto ip = IpAddress::v4(static_cast<uint8_t>(20 + next), static_cast<uint8_t>(next), 0, 1);
      peers.push_back(plain(next, keyed_group(key, ip), static_cast<int64_t>(rng.below(3'600))));
      if (next % 4 == 0) peers.back().ping_min = milliseconds{rng.below(50)};
      if (next % 4 == 1) peers.back().last_block = at(static_cast<int64_t>(rng.below(3'600)));
      if (next % 4 == 2) peers.back().last_message = at(static_cast<int64_t>(rng.below(3'600)));
    }
    for (int i = 0; i < 1'000; ++i, ++next) {
      if (peers.size() >= 114) {
        const auto victim = eviction_victim(peers, {});
        ASSERT_TRUE(victim);
        std::erase_if(peers, [&](const auto& c) { return c.conn == *victim; });
      }
      const auto ip = IpAddress::v4(100, static_cast<uint8_t>(rng.below(groups)), static_cast<uint8_t>(rng.below(256)), 9);
      peers.push_back(plain(next, keyed_group(key, ip), 3'600 + i));
      peers.back().ping_min = milliseconds{1};  // next door to us
      shuffle(peers, rng);
    }
    const auto honest = std::ranges::count_if(peers, [](const auto& c) { return c.conn.value <= 60; });
    EXPECT_EQ(honest, 60) << groups << " groups";
  }
}

// Even who has a group for each connection, answers at once and brings every block first gets no more than the places of those
// merits and the younger half.
TEST(eviction, a_thousand_connections_from_a_thousand_groups_leave_the_older_half) {
  SeededRng rng(23);
  Candidates peers;
  uint64_t next = 1;
  for (; next <= 114; ++next) {
    const auto ip = IpAddress::v4(static_cast<uint8_t>(20 + next / 2), static_cast<uint8_t>(next), 0, 1);
    peers.push_back(plain(next, keyed_group(key, ip), static_cast<int64_t>(next)));
  }
  for (int i = 0; i < 1'000; ++i, ++next) {
    const auto victim = eviction_victim(peers, {});
    ASSERT_TRUE(victim);
    std::erase_if(peers, [&](const auto& c) { return c.conn == *victim; });
    const auto ip = IpAddress::v4(static_cast<uint8_t>(100 + i / 250), static_cast<uint8_t>(i % 250), 1, 9);
    peers.push_back(plain(next, keyed_group(key, ip), 3'600 + i));
    peers.back().ping_min = milliseconds{1};
    peers.back().last_block = peers.back().last_message = at(3'600 + i);
    shuffle(peers, rng);
  }
  for (uint64_t i = 1; i <= 47; ++i)  // (114 - 4 - 8 - 4 - 4) / 2
    EXPECT_TRUE(std::ranges::any_of(peers, [&](const auto& c) { return c.conn == ConnId{i}; })) << i;
}

TEST(eviction, the_group_depends_on_the_key_and_on_nothing_below_it) {
  const ByteArray<16> other{9};
  const auto ip = IpAddress::v4(8, 8, 1, 1);
  EXPECT_EQ(keyed_group(key, ip), keyed_group(key, IpAddress::v4(8, 8, 2, 2)));
  EXPECT_NE(keyed_group(key, ip), keyed_group(key, IpAddress::v4(8, 9, 1, 1)));
  EXPECT_NE(keyed_group(key, ip), keyed_group(other, ip));
}

}  // namespace
}  // namespace lattice
