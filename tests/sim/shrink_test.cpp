// A failing plan becomes the smallest one that still fails.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::seconds;

bool hits(const Plan& plan, FaultKind kind, uint32_t node) {
  return std::ranges::any_of(plan.faults, [&](const Fault& fault) {
    return fault.kind == kind && std::ranges::find(fault.nodes, node) != fault.nodes.end();
  });
}

Fault fault(FaultKind kind, std::vector<uint32_t> nodes) {
  Fault out;
  out.kind = kind;
  out.at = seconds{2};
  out.lasts = seconds{40};
  out.nodes = std::move(nodes);
  return out;
}

// A crowded plan that fails where two of its faults come together.
TEST(Shrink, LeavesWhatItTakesAndNothingElse) {
  Plan plan = mixed_plan(4, 30);
  plan.faults.push_back(fault(FaultKind::kill, {2, 5, 9}));
  plan.faults.push_back(fault(FaultKind::stall, {1, 5, 7, 8}));
  plan.attacks.resize(3);
  size_t runs = 0;
  const auto fails = [&](const Plan& tried) {
    ++runs;
    return hits(tried, FaultKind::kill, 5) && hits(tried, FaultKind::stall, 5);
  };
  ASSERT_TRUE(fails(plan));
  runs = 0;
  const Plan small = shrink(plan, fails, 400);
  EXPECT_TRUE(hits(small, FaultKind::kill, 5) && hits(small, FaultKind::stall, 5));
  EXPECT_LE(runs, 400u);
  EXPECT_EQ(small.faults.size(), 2u);
  for (const auto& left : small.faults) {
    EXPECT_EQ(left.nodes, std::vector<uint32_t>{5});
    EXPECT_LT(left.lasts, seconds{1});
  }
  EXPECT_TRUE(small.attacks.empty());
  EXPECT_EQ(small.new_blocks, 0u);
  EXPECT_EQ(small.nodes, 6u);  // node 5 is the sixth
  EXPECT_EQ(small.seed, plan.seed);
}

TEST(Shrink, WeakensAnAttackThatItTakes) {
  Plan plan = mixed_plan(5, 20);
  Attack attack;
  attack.kind = AttackKind::liar;
  attack.machines = 8, attack.addresses = 4, attack.connections = 64;
  plan.attacks = {attack, attack, attack};
  const Plan small = shrink(plan, [](const Plan& tried) {
    size_t machines = 0;
    for (const auto& one : tried.attacks) machines += one.machines;
    return machines >= 2;
  });
  ASSERT_EQ(small.attacks.size(), 1u);
  EXPECT_EQ(small.attacks[0].machines, 2u);
  EXPECT_EQ(small.attacks[0].connections, 1u);
  EXPECT_TRUE(small.faults.empty());
}

TEST(Shrink, KeepsToItsRuns) {
  size_t runs = 0;
  shrink(mixed_plan(6, 30), [&](const Plan&) { return ++runs, true; }, 7);
  EXPECT_EQ(runs, 7u);
}

// With a real run: a network whose recovery is too short fails, and so does its shrunk form.
TEST(Shrink, ARunThatFailsStillFails) {
  Plan plan = sync_plan(3, 8, 6);
  plan.seeds = 2;
  plan.recovery = std::chrono::milliseconds{1};
  plan.faults.push_back(fault(FaultKind::stall, {4, 5}));
  plan.arrive = seconds{1};
  plan.faults_end = seconds{42};
  const auto fails = [](const Plan& tried) { return !run_plan(tried, mixed_kit()).passed; };
  ASSERT_TRUE(fails(plan));
  const Plan small = shrink(plan, fails, slow_build ? 10 : 60);
  EXPECT_TRUE(fails(small));
  EXPECT_LT(small.faults.size(), plan.faults.size());
}

}  // namespace
}  // namespace lattice::sim
