#include <lattice/peers/agreement.hpp>

#include <gtest/gtest.h>

#include <limits>

#include <lattice/base/random.hpp>

#include "../../model_operations.hpp"

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Instant at(int s) { return Instant{seconds{s}}; }
AddressGroup group(unsigned n) {
  return group_of(IpAddress::v4(static_cast<uint8_t>(10 + n / 256), static_cast<uint8_t>(n), 1, 1));
}

TEST(agreement, four_groups_that_we_dialled) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 3; ++n) a.say(group(n), true, 7, at(0));
  EXPECT_FALSE(a.exact(at(0)));
  a.say(group(3), true, 7, at(0));
  ASSERT_TRUE(a.exact(at(0)));
  EXPECT_EQ(a.exact(at(0))->value, 7);
  EXPECT_EQ(a.exact(at(0))->groups, 4u);
}

TEST(agreement, a_group_has_one_voice) {
  Agreement<int64_t> a;
  for (int i = 0; i < 100; ++i) a.say(group(1), true, 7, at(i));
  EXPECT_EQ(a.size(), 1u);
  EXPECT_FALSE(a.exact(at(100)));
}

TEST(agreement, those_that_came_in_carry_nothing_alone) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 200; ++n) a.say(group(n), false, 7, at(0));
  EXPECT_FALSE(a.exact(at(0)));
  EXPECT_FALSE(a.near(10, at(0)));
  EXPECT_FALSE(a.reached(at(0)));
  a.say(group(300), true, 7, at(0));
  EXPECT_FALSE(a.exact(at(0)));  // one of ours is half too few
  a.say(group(301), true, 7, at(0));
  EXPECT_TRUE(a.exact(at(0)));
}

TEST(agreement, with_enough_of_ours_the_others_are_not_counted) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 200; ++n) a.say(group(n), false, 7, at(0));
  for (unsigned n = 300; n < 304; ++n) a.say(group(n), true, 8, at(0));
  ASSERT_TRUE(a.exact(at(0)));
  EXPECT_EQ(a.exact(at(0))->value, 8);
}

TEST(agreement, most_of_ours_must_agree) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 5; ++n) a.say(group(n), true, 7, at(0));
  for (unsigned n = 5; n < 10; ++n) a.say(group(n), true, 8, at(0));
  EXPECT_FALSE(a.exact(at(0)));
  a.say(group(10), true, 8, at(0));
  EXPECT_EQ(a.exact(at(0))->value, 8);
}

TEST(agreement, what_was_said_long_ago_is_forgotten) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 4; ++n) a.say(group(n), true, 7, at(0));
  EXPECT_TRUE(a.exact(Instant{hours{3} - seconds{1}}));
  EXPECT_FALSE(a.exact(Instant{hours{3}}));
}

TEST(agreement, who_came_in_does_not_speak_for_a_group_that_we_dialled) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 4; ++n) a.say(group(n), true, 7, at(0));
  for (unsigned n = 0; n < 4; ++n) a.say(group(n), false, 8, at(1));
  EXPECT_EQ(a.exact(at(1))->value, 7);
}

TEST(agreement, memory_is_bounded_and_ours_stay) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 4; ++n) a.say(group(n), true, 7, at(0));
  for (unsigned n = 10; n < 5000; ++n) a.say(group(n), false, 8, at(1));
  EXPECT_EQ(a.size(), AgreementLimits{}.voices_max);
  EXPECT_EQ(a.exact(at(1))->value, 7);
}

TEST(agreement, numbers_at_their_ends) {
  constexpr int64_t least = std::numeric_limits<int64_t>::min(), most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(distance_of(least, most), UINT64_MAX);
  EXPECT_EQ(distance_of(most, least), UINT64_MAX);
  EXPECT_EQ(distance_of(-1, 1), 2u);
  Agreement<int64_t> a;
  a.say(group(0), true, least, at(0));
  a.say(group(1), true, most, at(0));
  for (unsigned n = 2; n < 7; ++n) a.say(group(n), true, 100 + n, at(0));
  ASSERT_TRUE(a.near(5, at(0)));
  EXPECT_EQ(a.near(5, at(0))->value, 104);
  EXPECT_EQ(a.near(5, at(0))->groups, 5u);
  EXPECT_TRUE(a.near(UINT64_MAX, at(0)));
  EXPECT_EQ(a.near(UINT64_MAX, at(0))->groups, 7u);
}

TEST(agreement, few_that_boast_move_nothing) {
  Agreement<int64_t> a;
  for (unsigned n = 0; n < 4; ++n) a.say(group(n), true, 1'000'000, at(0));
  for (unsigned n = 4; n < 9; ++n) a.say(group(n), true, 500, at(0));
  EXPECT_EQ(a.reached(at(0))->value, 500);
}

// The rules once more, from their text, without a thought for speed: against the same random calls.
class Model {
 public:
  explicit Model(AgreementLimits limits) : limits_(limits) {}
  struct Voice {
    AddressGroup group;
    int64_t value;
    bool ours;
    Instant said;
  };
  bool live(const Voice& v, Instant now) const { return v.said + limits_.lifetime > now; }
  void say(const AddressGroup& g, bool ours, int64_t value, Instant now) {
    for (auto& v : all_) {
      if (v.group != g) continue;
      if (!(v.ours && live(v, now) && !ours)) v = {g, value, ours, now};
      return;
    }
    if (all_.size() == limits_.voices_max) {
      std::vector<Voice> rest;
      for (const auto& v : all_)
        if (live(v, now)) rest.push_back(v);
      all_ = rest;
    }
    if (all_.size() == limits_.voices_max) {
      std::optional<size_t> worst;
      for (size_t i = 0; i < all_.size(); ++i) {
        const auto key = [&](size_t k) { return std::tuple(all_[k].ours ? 1 : 0, all_[k].said, all_[k].group); };
        if (!worst || key(i) < key(*worst)) worst = i;
      }
      if (all_[*worst].ours && !ours) return;
      all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(*worst));
    }
    all_.push_back({g, value, ours, now});
  }
  std::vector<Voice> electors(Instant now) const {
    std::vector<Voice> mine, both;
    for (const auto& v : all_) {
      if (!live(v, now)) continue;
      both.push_back(v);
      if (v.ours) mine.push_back(v);
    }
    return mine.size() >= limits_.groups_min ? mine : both;
  }
  template <class For>
  std::optional<size_t> votes(Instant now, For yes) const {
    size_t all = 0, ours = 0, good = 0, good_ours = 0;
    for (const auto& v : electors(now)) {
      all += 1;
      if (v.ours) ours += 1;
      if (yes(v.value)) good += 1;
      if (yes(v.value) && v.ours) good_ours += 1;
    }
    const bool enough =
        good >= limits_.groups_min && 2 * good > all && 2 * good_ours > ours && 2 * good_ours >= limits_.groups_min;
    return enough ? std::optional(good) : std::nullopt;
  }
  std::optional<std::pair<int64_t, size_t>> exact(Instant now) const {
    for (const auto& v : electors(now))
      if (const auto n = votes(now, [&](int64_t x) { return x == v.value; })) return std::pair(v.value, *n);
    return std::nullopt;
  }
  std::optional<std::pair<int64_t, size_t>> near(int64_t tolerance, Instant now) const {
    std::vector<int64_t> values;
    for (const auto& v : electors(now)) values.push_back(v.value);
    if (values.empty()) return std::nullopt;
    std::sort(values.begin(), values.end());
    const int64_t middle = values[(values.size() - 1) / 2];
    const auto n = votes(now, [&](int64_t x) { return std::abs(x - middle) <= tolerance; });
    return n ? std::optional(std::pair(middle, *n)) : std::nullopt;
  }
  std::optional<std::pair<int64_t, size_t>> reached(Instant now) const {
    std::optional<std::pair<int64_t, size_t>> best;
    for (const auto& v : electors(now)) {
      const auto n = votes(now, [&](int64_t x) { return x >= v.value; });
      if (n && (!best || v.value > best->first)) best = std::pair(v.value, *n);
    }
    return best;
  }
  size_t size() const { return all_.size(); }

 private:
  AgreementLimits limits_;
  std::vector<Voice> all_;
};

TEST(agreement, holds_against_its_model) {
  const auto operations = static_cast<int>(model_operations());
  SeededRng rng(5);
  AgreementLimits limits;
  limits.voices_max = 12;
  limits.lifetime = seconds{200};
  Agreement<int64_t> a(limits);
  Model model(limits);
  Instant now = at(1000);
  const auto same = [](const auto& one, const auto& other) {
    if (one.has_value() != other.has_value()) return false;
    return !one || (one->value == other->first && one->groups == other->second);
  };
  size_t agreed = 0;
  for (int i = 0; i < operations; ++i) {
    if (rng.below(4) == 0) now += seconds{rng.below(20)};
    const AddressGroup g = group(static_cast<unsigned>(rng.below(20)));
    const bool ours = rng.below(3) != 0;
    const auto value = static_cast<int64_t>(rng.below(rng.below(8) == 0 ? 6 : 2)) - 1;
    a.say(g, ours, value, now);
    model.say(g, ours, value, now);
    ASSERT_EQ(a.size(), model.size()) << i;
    ASSERT_TRUE(same(a.exact(now), model.exact(now))) << i;
    ASSERT_TRUE(same(a.near(1, now), model.near(1, now))) << i;
    ASSERT_TRUE(same(a.reached(now), model.reached(now))) << i;
    agreed += a.exact(now).has_value();
  }
  EXPECT_GT(agreed, static_cast<size_t>(operations) / 20);
  EXPECT_LT(agreed, static_cast<size_t>(operations) / 20 * 19);
}

}  // namespace
}  // namespace lattice
