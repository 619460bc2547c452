// The word of a node's place reaches everybody, soon, and does not cost more than it may.
#include <gtest/gtest.h>

#include <lattice/sim/announcement_spread.hpp>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

AnnouncementSpread measured(uint64_t seed) {
  AnnouncementSpreadOptions options;
  options.seed = seed;
  options.nodes = slow_build ? 40 : 120;
  options.announcements = slow_build ? 2 : 5;
  options.joins = 2;
  options.limit = std::chrono::seconds{10};
  return measure_announcements(options);
}

TEST(Announcements, EverybodyHearsOfANodeSoon) {
  const auto result = measured(1);
  const size_t nodes = slow_build ? 40 : 120;
  ASSERT_FALSE(result.announcements.empty());
  for (const auto& one : result.announcements) {
    EXPECT_EQ(one.reached, nodes - 1);
    // Two or three hops of the drawn delays, 2 to 120 ms each: nothing waits for a tick or a question.
    EXPECT_LT(one.spread.t99, 0.15);
    EXPECT_GE(one.least_slack, 0);
  }
  for (const auto& one : result.joins) EXPECT_EQ(one.reached, nodes);
  // Each link carries it twice at most, and half of them once.
  EXPECT_LT(result.duplicates_a_node, 20);
}

TEST(Announcements, SameSeedSameSpread) { EXPECT_EQ(measured(2).trace_hash, measured(2).trace_hash); }

}  // namespace
}  // namespace lattice::sim
