// What askers are told: the same all day, nothing that links two identities; and what is kept of what others tell.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <lattice/discovery/address_cache.hpp>

#include "../../model_operations.hpp"

namespace lattice::test {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;

constexpr int64_t wall = 1'800'000'000, day = 86'400;
const IpAddress asker_v4 = IpAddress::v4(9, 9, 9, 9), asker_v6 = *IpAddress::parse("2600::9");
const NodeId first{{1}}, second{{2}};

Endpoint place(size_t n) {
  return {IpAddress::v4(static_cast<uint8_t>(20 + n / 200 % 100), static_cast<uint8_t>(n % 200), 1, 1), 8333};
}

struct Known {
  SeededRng rng;
  AddressBook book;
  explicit Known(uint64_t seed) : rng(seed), book(rng) {}

  void tell(size_t n, int64_t last_seen) {
    KnownAddress address;
    address.endpoint = place(n);
    address.node = NodeId{{static_cast<uint8_t>(n), static_cast<uint8_t>(n >> 8), 3}};
    address.services = wire::service_blocks;
    address.last_seen = last_seen;
    book.add(address, IpAddress::v4(50, static_cast<uint8_t>(rng.below(200)), 0, 1), {Instant{}, wall_from_unix(wall)}, rng);
  }
  void fill(size_t count, size_t from = 0) {
    for (size_t n = from; n < from + count; ++n) tell(n, wall - static_cast<int64_t>(n % 1000));
  }
};

Now at(Duration since) {
  return {Instant{hours{1}} + since, wall_from_unix(wall) + std::chrono::duration_cast<seconds>(since)};
}

std::set<Endpoint> endpoints_of(const std::vector<wire::PeerAddress>& entries) {
  std::set<Endpoint> out;
  for (const auto& entry : entries) out.insert(entry.endpoint);
  return out;
}

// THREATS: a thousand links learn what one learns.
TEST(address_cache, asking_often_shows_no_more_than_asking_once) {
  Known known(1);
  known.fill(4000);
  AddressCache cache;
  std::set<Endpoint> learned;
  size_t most = 0;
  for (int link = 0; link < 1000; ++link) {
    const auto told = cache.answer(first, asker_v4, known.book, at(minutes{link}), known.rng);
    most = std::max(most, told.size());
    learned.merge(endpoints_of(told));
  }
  EXPECT_EQ(learned.size(), most);
  EXPECT_LE(most, known.book.size() * AddressBook::told_percent / 100);
  EXPECT_EQ(cache.drawn(), 1u);
  // Another day another answer.
  const auto later = cache.answer(first, asker_v4, known.book, at(hours{28}), known.rng);
  EXPECT_EQ(cache.drawn(), 2u);
  EXPECT_NE(endpoints_of(later), learned);
}

TEST(address_cache, each_network_and_identity_has_its_own) {
  Known known(2);
  known.fill(2000);
  AddressCache cache;
  const auto one = cache.answer(first, asker_v4, known.book, at({}), known.rng);
  const auto other_side = cache.answer(first, asker_v6, known.book, at({}), known.rng);
  const auto other_self = cache.answer(second, asker_v4, known.book, at({}), known.rng);
  EXPECT_EQ(cache.drawn(), 3u);
  EXPECT_NE(endpoints_of(one), endpoints_of(other_side));
  EXPECT_NE(endpoints_of(one), endpoints_of(other_self));
  EXPECT_EQ(cache.answer(second, asker_v4, known.book, at({}), known.rng), other_self);
}

TEST(address_cache, a_small_network_is_told_of_each_newcomer_at_once) {
  Known known(3);
  AddressCache cache;
  for (size_t n = 0; n < AddressCache::small_book; ++n) {
    known.fill(1, n);
    EXPECT_EQ(cache.answer(first, asker_v4, known.book, at({}), known.rng).size(), n + 1);
  }
  const uint64_t drawn = cache.drawn();
  known.fill(5000, 100);
  for (size_t n = 6000; n < 9000; ++n) {
    known.fill(1, n);
    cache.answer(first, asker_v4, known.book, at({}), known.rng);
  }
  EXPECT_LE(cache.drawn(), drawn + 3);
}

// The same decisions, found by a list of all answers ever given.
TEST(address_cache, as_the_model) {
  struct Given {
    NodeId own;
    bool v6 = false;
    Instant made;
    size_t size = 0;
    std::vector<wire::PeerAddress> entries;
  };
  Known known(4);
  known.fill(70);
  AddressCache cache;
  std::vector<Given> given;
  SeededRng dice(5);
  Duration since{};
  size_t told = 70, again = 0, fresh = 0;
  const size_t operations = model_operations();
  for (size_t i = 0; i < operations; ++i) {
    since += seconds{dice.below(60)};
    if (dice.below(50) == 0 && told < 2500) known.tell(told++, wall);
    const bool v6 = dice.below(2) == 0;
    const NodeId own = dice.below(2) == 0 ? first : second;
    const uint64_t drawn = cache.drawn();
    const auto answer = cache.answer(own, v6 ? asker_v6 : asker_v4, known.book, at(since), known.rng);
    const auto last = std::find_if(given.rbegin(), given.rend(), [&](const Given& g) { return g.own == own && g.v6 == v6; });
    const bool is_again = cache.drawn() == drawn;
    const Duration age = last == given.rend() ? Duration::max() : at(since).mono - last->made;
    const bool grown = last != given.rend() && known.book.size() >= 2 * last->size;
    const bool must_be_fresh = age >= AddressCache::life_min + AddressCache::life_spread || grown;
    const bool must_be_again = age < AddressCache::life_min && !grown;
    ASSERT_FALSE(is_again && must_be_fresh) << i;
    ASSERT_FALSE(!is_again && must_be_again) << i;
    ASSERT_TRUE(!is_again || answer == last->entries) << i;
    again += is_again;
    fresh += !is_again;
    if (!is_again) given.push_back({own, v6, at(since).mono, known.book.size(), answer});
  }
  EXPECT_GT(again, 100 * fresh);
  EXPECT_GT(fresh, 20u);
}

// THREATS 40. Twenty nodes that know the same addresses, each with two identities; each has seen each address last at a time of
// its own. Whoever compares the answers of one identity with those of the twenty others must not find its other half.
struct LinkTimes : ::testing::Test {
  static constexpr size_t nodes = 20;
  std::vector<std::vector<wire::PeerAddress>> left, right;

  void ask(size_t places, uint64_t seed = 6) {
    left.clear();
    right.clear();
    SeededRng world(seed);
    std::vector<int64_t> died(places);
    for (auto& when : died) when = world.below(2) == 0 ? wall : wall - static_cast<int64_t>(world.below(12 * day));
    for (size_t node = 0; node < nodes; ++node) {
      Known known(1000 * seed + node);
      for (size_t n = 0; n < places; ++n) known.tell(n, died[n] - static_cast<int64_t>(world.below(20 * 3600)));
      AddressCache cache;
      left.push_back(cache.answer(first, asker_v4, known.book, at({}), known.rng));
      right.push_back(cache.answer(second, asker_v4, known.book, at(hours{3}), known.rng));
    }
  }
  // How unlike the times of the addresses are that are in both.
  template <class Unlike>
  static double mean(const std::vector<wire::PeerAddress>& a, const std::vector<wire::PeerAddress>& b, Unlike unlike) {
    std::map<Endpoint, int64_t> times;
    for (const auto& entry : a) times[entry.endpoint] = entry.last_seen;
    double sum = 0, count = 0;
    for (const auto& entry : b) {
      if (!times.contains(entry.endpoint)) continue;
      sum += unlike(times[entry.endpoint], entry.last_seen);
      ++count;
    }
    EXPECT_GT(count, 10);
    return sum / count;
  }
  template <class Unlike>
  size_t found(Unlike unlike) const {
    size_t hits = 0;
    for (size_t a = 0; a < nodes; ++a) {
      size_t best = 0;
      std::vector<double> by_node;
      for (size_t b = 0; b < nodes; ++b) by_node.push_back(mean(left[a], right[b], unlike));
      for (size_t b = 0; b < nodes; ++b) best = by_node[b] < by_node[best] ? b : best;
      hits += best == a;
    }
    return hits;
  }
};

TEST_F(LinkTimes, do_not_link_two_identities) {
  size_t alike = 0, near = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    ask(3000, seed);
    alike += found([](int64_t x, int64_t y) { return x == y ? 0.0 : 1.0; });
    near += found([](int64_t x, int64_t y) { return std::abs(static_cast<double>(x - y)); });
  }
  // Of a hundred five are found by chance; thirteen or more, once in five hundred times.
  EXPECT_LE(alike, 12u);
  EXPECT_LE(near, 12u);
}

// Where nearly the whole book is told.
TEST_F(LinkTimes, nor_does_the_order) {
  ask(80);
  double same = 0, pairs = 0;
  for (size_t node = 0; node < nodes; ++node) {
    std::map<Endpoint, size_t> rank;
    for (size_t i = 0; i < left[node].size(); ++i) rank[left[node][i].endpoint] = i;
    std::vector<size_t> common;
    for (const auto& entry : right[node]) {
      if (rank.contains(entry.endpoint)) common.push_back(rank[entry.endpoint]);
    }
    for (size_t i = 0; i + 1 < common.size(); ++i) {
      ++pairs;
      same += common[i] < common[i + 1];
    }
  }
  ASSERT_GT(pairs, 300);
  EXPECT_NEAR(same / pairs, 0.5, 0.1);
}

TEST(address_cache, told_times_never_grow_younger) {
  const WallTime now = wall_from_unix(wall);
  constexpr int64_t most = std::chrono::seconds{told_age}.count();
  for (int64_t age = 0; age < 20 * day; age += 3571) {
    const auto told = told_time(wall - age, now);
    EXPECT_EQ(told.has_value(), age <= most);
    EXPECT_LE(told.value_or(INT64_MIN), wall - age);
  }
  EXPECT_TRUE(told_time(wall + 500, now));
  EXPECT_FALSE(told_time(INT64_MIN, now));
  // From mouth to mouth: once.
  EXPECT_FALSE(told_time(*told_time(wall, now), now));
  // And still worth keeping where it was told.
  EXPECT_LT(wall - *told_time(wall, now), AddressBook::seen_failing_max);
}

// --- what others tell ---

wire::PeerAddress told(const Endpoint& endpoint, int64_t last_seen = wall - 100, uint64_t services = wire::service_blocks) {
  return {endpoint, std::nullopt, services, last_seen};
}

TEST(address_cache, what_is_worth_keeping) {
  const IpAddress from = IpAddress::v4(8, 8, 8, 8);
  const auto kept = [&](const wire::PeerAddress& entry, const IpAddress& teller) {
    return worth_keeping({{entry}}, teller, wall_from_unix(wall)).size();
  };
  EXPECT_EQ(kept(told(place(1)), from), 1u);
  EXPECT_EQ(kept(told({IpAddress::v4(192, 168, 0, 1), 8333}), from), 0u);
  EXPECT_EQ(kept(told({IpAddress::v4(127, 0, 0, 1), 8333}), from), 0u);
  EXPECT_EQ(kept(told({IpAddress::v4(127, 0, 0, 1), 8333}), IpAddress::v4(127, 0, 0, 2)), 1u);
  EXPECT_EQ(kept(told({IpAddress::v4(8, 1, 1, 1), 0}), from), 0u);
  EXPECT_EQ(kept(told(place(1), wall, 0), from), 0u);
  EXPECT_EQ(kept(told(place(1), wall - 31 * day), from), 0u);
  EXPECT_EQ(worth_keeping({{told(place(1)), told(place(1))}}, from, wall_from_unix(wall)).size(), 1u);
  wire::Addresses crowd;
  for (uint8_t host = 0; host < 200; ++host) crowd.entries.push_back(told({IpAddress::v4(20, 1, host, 1), 8333}));
  for (size_t n = 300; n < 310; ++n) crowd.entries.push_back(told(place(n)));
  EXPECT_EQ(worth_keeping(crowd, from, wall_from_unix(wall)).size(), told_group_max + 10);
}

TEST(address_cache, times_that_cannot_be_are_held) {
  const auto time_of = [&](int64_t last_seen) {
    const auto kept = worth_keeping({{told(place(1), last_seen)}}, asker_v4, wall_from_unix(wall));
    return kept.empty() ? 0 : wall - kept[0].last_seen;
  };
  EXPECT_EQ(time_of(wall - 1), 1);
  EXPECT_EQ(time_of(wall + 60), 0);
  for (const int64_t odd : {int64_t{0}, int64_t{1}, wall + 700, int64_t{1} << 40}) EXPECT_EQ(time_of(odd), 5 * day) << odd;
}

}  // namespace
}  // namespace lattice::test
