#include <lattice/peers/tip_watch.hpp>

#include <gtest/gtest.h>

#include <algorithm>

#include <lattice/base/random.hpp>

#include "../../model_operations.hpp"

namespace lattice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Instant at(int64_t s) { return Instant{seconds{s}}; }
TipView healthy(uint64_t height) { return {height, height, 8, 8, true}; }

bool begun(const std::vector<TipWatch::Change>& changes, TipDoubt doubt) {
  return std::ranges::any_of(changes, [&](const auto& c) { return c.doubt == doubt && c.begins; });
}

TEST(tip_watch, without_a_known_pace_ten_minutes) {
  TipWatch watch;
  EXPECT_TRUE(watch.check(healthy(5), at(0)).empty());
  EXPECT_TRUE(watch.check(healthy(5), at(599)).empty());
  EXPECT_TRUE(begun(watch.check(healthy(5), at(600)), TipDoubt::no_progress));
  EXPECT_TRUE(watch.check(healthy(5), at(601)).empty());  // said once
  EXPECT_TRUE(watch.alarmed());
  watch.on_progress(true, at(700));
  const auto changes = watch.check(healthy(6), at(700));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_FALSE(changes[0].begins);
  EXPECT_FALSE(watch.alarmed());
}

TEST(tip_watch, a_fast_chain_is_missed_sooner) {
  TipWatch watch;
  for (int i = 0; i < 20; ++i) {
    watch.on_progress(true, at(2 * i));
    EXPECT_TRUE(watch.check(healthy(5), at(2 * i)).empty());
  }
  EXPECT_EQ(watch.limit(), seconds{24});
  EXPECT_TRUE(watch.check(healthy(5), at(38 + 23)).empty());
  EXPECT_TRUE(begun(watch.check(healthy(5), at(38 + 24)), TipDoubt::no_progress));
}

TEST(tip_watch, a_chain_of_many_blocks_a_second_is_not_hurried) {
  TipWatch watch;
  for (int i = 0; i < 100; ++i) watch.on_progress(true, Instant{std::chrono::milliseconds{100 * i}});
  EXPECT_EQ(watch.limit(), seconds{15});
}

TEST(tip_watch, a_slow_chain_waits_ten_minutes_at_most) {
  TipWatch watch;
  for (int i = 0; i < 20; ++i) watch.on_progress(true, at(600 * i));
  EXPECT_EQ(watch.limit(), minutes{10});
}

TEST(tip_watch, catching_up_tells_no_pace) {
  TipWatch watch;
  for (int i = 0; i < 100; ++i) watch.on_progress(false, at(i));
  EXPECT_EQ(watch.limit(), minutes{10});
}

TEST(tip_watch, who_cuts_us_off_does_not_teach_us_to_wait) {
  TipWatch watch;
  for (int i = 0; i < 20; ++i) watch.on_progress(true, at(5 * i));
  int64_t time = 95;
  for (int i = 0; i < 100; ++i) {  // one block whenever the alarm is raised
    time += 60;
    watch.check(healthy(5), at(time));
    EXPECT_TRUE(watch.holds(TipDoubt::no_progress));
    watch.on_progress(true, at(time));
    watch.check(healthy(6), at(time));
  }
  EXPECT_EQ(watch.limit(), seconds{60});
}

TEST(tip_watch, behind_what_others_agree_on) {
  TipWatch watch;
  TipView view = healthy(5);
  view.agreed = 6;  // a block under way
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(watch.check(view, at(i)).empty());
  view.agreed = 7;
  EXPECT_TRUE(watch.check(view, at(300)).empty());
  EXPECT_TRUE(watch.check(view, at(359)).empty());
  EXPECT_TRUE(begun(watch.check(view, at(360)), TipDoubt::behind));
}

TEST(tip_watch, a_sync_under_way_is_not_behind) {
  TipWatch watch;
  TipView view = healthy(5);
  view.agreed = 1'000'000;
  for (int i = 0; i < 3000; ++i) {
    view.height += 100;
    if (i % 30 == 0) watch.on_progress(false, at(i));
    EXPECT_TRUE(watch.check(view, at(i)).empty());
  }
}

TEST(tip_watch, nobody_left_and_all_in_one_group) {
  TipWatch watch;
  TipView view = healthy(5);
  view.outbound = 0;
  EXPECT_TRUE(watch.check(view, at(0)).empty());
  EXPECT_TRUE(begun(watch.check(view, at(60)), TipDoubt::no_outbound));
  view.outbound = view.outbound_groups = 1;  // one alone is in one group: that says nothing
  EXPECT_EQ(watch.check(view, at(61)).size(), 1u);
  EXPECT_TRUE(watch.check(view, at(200)).empty());
  view.outbound = 2;
  EXPECT_TRUE(watch.check(view, at(201)).empty());
  EXPECT_TRUE(begun(watch.check(view, at(261)), TipDoubt::one_group));
  TipWatch alone;
  view.outbound = 0;
  view.wants_outbound = false;  // the first of a network
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(alone.check(view, at(i)).empty());
}

// The rules from their text, over the whole history.
struct Model {
  TipWatchLimits limits;
  std::vector<std::pair<Instant, bool>> progress;
  std::vector<Duration> gaps;
  std::vector<std::pair<Instant, TipView>> looks;
  Duration limit() const {
    if (gaps.size() < limits.gaps_known) return limits.no_progress_max;
    Duration sum{};
    const size_t n = std::min<size_t>(32, gaps.size());
    for (size_t i = gaps.size() - n; i < gaps.size(); ++i) sum += std::min(gaps[i], limits.no_progress_max);
    return std::clamp(sum / static_cast<int64_t>(n) * limits.gaps, limits.no_progress_min, limits.no_progress_max);
  }
  Instant last() const { return progress.empty() ? looks.front().first : progress.back().first; }
};

TEST(tip_watch, holds_against_its_model) {
  const auto operations = static_cast<int>(model_operations());
  SeededRng rng(9);
  TipWatch watch;
  Model model;
  model.looks.push_back({at(0), {}});
  watch.check({}, at(0));
  Instant now = at(0);
  std::array<bool, tip_doubt_count> holds{};
  std::array<std::optional<Instant>, tip_doubt_count> since;
  std::array<size_t, tip_doubt_count> times{};
  TipView view = healthy(100);
  for (int i = 0; i < operations; ++i) {
    now += rng.below(40) == 0 ? seconds{rng.below(700)} : seconds{rng.below(4)};
    if (rng.below(30) == 0) view.outbound = view.outbound_groups = rng.below(3);
    if (rng.below(30) == 0) view.outbound_groups = view.outbound == 0 ? 0 : 1 + rng.below(view.outbound);
    if (rng.below(60) == 0) view.agreed = rng.below(3) == 0 ? std::nullopt : std::optional(view.height + rng.below(5));
    if (rng.below(200) == 0) view.wants_outbound = !view.wants_outbound;
    if (rng.below(4) == 0) {
      const bool live = rng.below(4) != 0;
      const bool alarmed = std::ranges::count(holds, true) > 0;
      if (live && !model.progress.empty() && model.progress.back().second && !alarmed)
        model.gaps.push_back(now - model.progress.back().first);
      model.progress.push_back({now, live});
      watch.on_progress(live, now);
    }
    const auto changes = watch.check(view, now);
    std::array<bool, tip_doubt_count> sees{};
    sees[0] = now - model.last() >= model.limit();
    sees[1] = view.agreed && *view.agreed >= view.height + 2 && now - model.last() >= seconds{60};
    sees[2] = view.wants_outbound && view.outbound == 0;
    sees[3] = view.outbound >= 2 && view.outbound_groups == 1;
    size_t changed = 0;
    for (size_t k = 0; k < tip_doubt_count; ++k) {
      if (!sees[k]) since[k].reset();
      if (sees[k] && !since[k]) since[k] = now;
      const bool is = sees[k] && now - *since[k] >= (k == 0 ? seconds{0} : seconds{60});
      changed += is != holds[k];
      times[k] += is && !holds[k];
      holds[k] = is;
      ASSERT_EQ(watch.holds(static_cast<TipDoubt>(k)), is) << i << " " << k;
    }
    ASSERT_EQ(changes.size(), changed) << i;
    ASSERT_EQ(watch.limit(), model.limit()) << i;
  }
  for (const size_t n : times) EXPECT_GT(n, 10u);
}

}  // namespace
}  // namespace lattice
