#include <lattice/peers/attack_watch.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include <lattice/base/random.hpp>

#include "../../model_operations.hpp"

namespace lattice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Instant at(int64_t s) { return Instant{seconds{s}}; }
IpAddress address(unsigned group, unsigned n = 1) {
  return IpAddress::v4(static_cast<uint8_t>(20 + group / 256), static_cast<uint8_t>(group), static_cast<uint8_t>(n / 256),
                       static_cast<uint8_t>(n));
}

TEST(attack_watch, each_has_a_name) {
  for (size_t i = 0; i < attack_kinds; ++i) {
    EXPECT_NE(attack_kind_name(static_cast<Attack>(i)), "unknown");
    EXPECT_GT(AttackWatch::rule_of(static_cast<Attack>(i)).interval, Duration{});
  }
}

TEST(attack_watch, said_once_an_interval_with_its_counts) {
  AttackWatch watch;
  EXPECT_TRUE(watch.poll(at(0)).empty());
  for (unsigned i = 0; i < 100; ++i) watch.on(Attack::flood, address(i % 4 == 0 ? i : 7, i));
  for (int s = 1; s < 60; ++s) EXPECT_TRUE(watch.poll(at(s)).empty());
  const auto found = watch.poll(at(60));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, Attack::flood);
  EXPECT_EQ(found[0].count, 100u);
  EXPECT_EQ(found[0].of_group, 75u);
  EXPECT_EQ(found[0].group, group_of(address(7)));
  EXPECT_EQ(watch.times(Attack::flood), 1u);
  for (int s = 61; s < 300; ++s) EXPECT_TRUE(watch.poll(at(s)).empty());
}

TEST(attack_watch, bad_luck_of_many_is_no_scan) {
  AttackWatch watch;
  watch.poll(at(0));
  for (unsigned i = 0; i < 400; ++i) watch.on(Attack::scan, address(i % 31));
  EXPECT_TRUE(watch.poll(at(60)).empty());
  for (unsigned i = 0; i < 32; ++i) watch.on(Attack::scan, address(5, i));
  EXPECT_EQ(watch.poll(at(120)).size(), 1u);
}

TEST(attack_watch, a_busy_group_is_found_among_many) {
  AttackWatch watch;
  watch.poll(at(0));
  SeededRng rng(4);
  for (unsigned i = 0; i < 10'000; ++i) {
    watch.on(Attack::eclipse_attempt, address(static_cast<unsigned>(rng.below(2000)), i));
    if (i % 5 == 0) watch.on(Attack::eclipse_attempt, address(3000, i));
  }
  const auto found = watch.poll(Instant{minutes{10}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].group, group_of(address(3000)));
  EXPECT_GE(found[0].of_group, 2000u);
  EXPECT_LE(found[0].groups, AttackWatch::groups_max);
}

// Counted without a bound: nothing is missed, and what is said of a group is at most one thirty-second of all too much.
TEST(attack_watch, holds_against_its_model) {
  const auto operations = static_cast<int>(model_operations());
  SeededRng rng(8);
  AttackWatch watch;
  struct Model {
    uint64_t count = 0;
    std::map<AddressGroup, uint64_t> groups;
    Instant due{};
  };
  std::array<Model, attack_kinds> model;
  Instant now = at(0);
  watch.poll(now);
  for (size_t k = 0; k < attack_kinds; ++k) model[k].due = now + AttackWatch::rule_of(static_cast<Attack>(k)).interval;
  size_t found_any = 0;
  for (int i = 0; i < operations; ++i) {
    const auto kind = static_cast<Attack>(rng.below(attack_kinds));
    const IpAddress from = address(static_cast<unsigned>(rng.below(rng.below(3) == 0 ? 500 : 3)));
    const uint64_t count = kind == Attack::book_filling ? rng.below(100) : 1;
    watch.on(kind, from, count);
    model[static_cast<size_t>(kind)].count += count;
    model[static_cast<size_t>(kind)].groups[group_of(from)] += count;
    if (rng.below(20) != 0) continue;
    now += std::chrono::milliseconds{rng.below(4000)};
    const auto found = watch.poll(now);
    found_any += found.size();
    for (size_t k = 0; k < attack_kinds; ++k) {
      const auto attack = static_cast<Attack>(k);
      const auto said = std::ranges::find(found, attack, &AttackWatch::Finding::kind);
      Model& m = model[k];
      if (now < m.due) {
        ASSERT_EQ(said, found.end());
        continue;
      }
      const auto rule = AttackWatch::rule_of(attack);
      uint64_t most = 0;
      for (const auto& [group, n] : m.groups) most = std::max(most, n);
      const uint64_t slack = m.count / AttackWatch::groups_max;
      const bool surely = (rule.of_group ? most : m.count) >= rule.least;
      const bool perhaps = (rule.of_group ? most + slack : m.count) >= rule.least;
      ASSERT_TRUE(!surely || said != found.end()) << i;
      ASSERT_TRUE(perhaps || said == found.end()) << i;
      if (said != found.end()) {
        ASSERT_EQ(said->count, m.count);
        ASSERT_GE(said->of_group, most);
        ASSERT_LE(said->of_group, most + slack);
      }
      m = {0, {}, now + rule.interval};
    }
  }
  EXPECT_GT(found_any, 100u);
}

}  // namespace
}  // namespace lattice
