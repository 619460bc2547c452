// THREATS.md 36 and 46 to 50: accidents and hostile surroundings, each as a plan with its figure.
#include <gtest/gtest.h>

#include <iostream>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::vector<uint32_t> every_third(size_t nodes, uint32_t first) {
  std::vector<uint32_t> out;
  for (uint32_t node = first; node < nodes; node += 3) out.push_back(node);
  return out;
}

Plan base_plan(std::string name, uint64_t seed, size_t nodes) {
  Plan plan;
  plan.name = std::move(name);
  plan.seed = seed;
  plan.nodes = nodes;
  plan.weather.loss = 0.005;
  return plan;
}

Fault fault(FaultKind kind, Duration at, Duration lasts, std::vector<uint32_t> nodes = {}, double amount = 0) {
  Fault out;
  out.kind = kind;
  out.at = at;
  out.lasts = lasts;
  out.nodes = std::move(nodes);
  out.amount = amount;
  return out;
}

Attack attack(AttackKind kind, size_t machines) {
  Attack out;
  out.kind = kind;
  out.machines = machines;
  return out;
}

// 36: half of all who can be dialled are hostile or slow. New blocks still come within a second or two.
TEST(ThreatsFaults, T36HalfOfThePeersHostileAndSlow) {
  Plan plan = base_plan("half_hostile", 36, slow_build ? 12 : 30);
  plan.hostile_in_dns = 3;
  const size_t each = plan.nodes / 5;
  for (const auto kind :
       {AttackKind::withholding, AttackKind::slow_sender, AttackKind::liar, AttackKind::silent, AttackKind::corrupting})
    plan.attacks.push_back(attack(kind, each));
  plan.new_blocks = 8;
  plan.faults_end = seconds{100};
  const auto result = run_plan(plan, mixed_kit());
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_LT(result.t50, 1.5);
  EXPECT_LT(result.t90, 4);
}

// 46: wall clocks jump ten years ahead or back, and later home again, while blocks of today are made.
TEST(ThreatsFaults, T46ClockStepsBanNobody) {
  constexpr double ten_years = 10 * 365.25 * 86'400;
  Plan plan = base_plan("clock_steps", 46, slow_build ? 9 : 21);
  for (const double years : {ten_years, -ten_years}) {
    const auto nodes = every_third(plan.nodes, years > 0 ? 1 : 2);
    plan.faults.push_back(fault(FaultKind::clock_step, seconds{15}, seconds{60}, nodes, years));
  }
  plan.faults.push_back(fault(FaultKind::kill, seconds{30}, seconds{3}, {3, 4, 5, 6, 7, 8}));
  plan.new_blocks = 8;
  plan.faults_end = seconds{80};
  const auto result = run_plan(plan, regtest_kit({.blocks = 60, .block_bytes = 1000, .recent = true}));
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);  // of which: no honest node avoids another
}

// 47: a line that is hardly one.
TEST(ThreatsFaults, T47SyncCompletesInTheWorstWeather) {
  Plan plan = base_plan("worst_weather", 47, slow_build ? 3 : 6);
  plan.seeds = 2;
  plan.weather = {.loss = 0.3, .reorder = 0.25, .corrupt = 0.01, .extra = seconds{1}};
  plan.faults_end = seconds{6};
  plan.recovery = minutes{60};
  const auto result = run_plan(plan, regtest_kit({.blocks = 200, .block_bytes = 2000}));
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_GT(result.world.sent_again, 100u);
}

// 48: an hour apart, each side with blocks of its own, then one network again.
TEST(ThreatsFaults, T48PartitionForAnHourThenOneTipWithinThirtySeconds) {
  Plan plan = base_plan("partition", 48, slow_build ? 8 : 20);
  std::vector<uint32_t> side;
  for (uint32_t node = 0; node < plan.nodes; node += 2) side.push_back(node);
  plan.faults.push_back(fault(FaultKind::partition, seconds{30}, minutes{60}, side));
  plan.faults_end = seconds{30} + minutes{60};
  plan.new_blocks = 14;
  plan.recovery = seconds{30};
  const auto result = run_plan(plan, mixed_kit());
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_GT(result.rival_blocks, 2u);
  EXPECT_LE(result.recovery_seconds, 30);
}

// 49: nine of ten peers take requests and give nothing.
TEST(ThreatsFaults, T49NineOfTenPeersStallAndSyncTakesAtMostTwiceAsLong) {
  const auto kit = regtest_kit({.blocks = slow_build ? 200u : 600u, .block_bytes = 20'000});
  const auto seconds_to_tip = [&](size_t seeds, size_t stalling) {
    Plan plan = base_plan("stalling", 49, seeds + 1);
    plan.seeds = seeds;
    plan.bytes_per_second = slow_build ? 100'000 : 400'000;
    plan.hostile_in_dns = stalling;
    plan.bootstrap = 0;
    if (stalling > 0) plan.attacks.push_back(attack(AttackKind::withholding, stalling));
    plan.arrive = plan.faults_end = seconds{1};
    plan.recovery = minutes{60};
    const auto result = run_plan(plan, kit);
    std::cout << described(result) << "\n";
    EXPECT_TRUE(result.passed) << described(result);
    return result.simulated_seconds;
  };
  const double alone = seconds_to_tip(2, 0), among = seconds_to_tip(2, 18);
  EXPECT_LE(among, 2 * alone);
}

// 50: names that are not answered, or answered with addresses where nobody is.
TEST(ThreatsFaults, T50BootstrapWithoutDnsWithinAMinute) {
  for (const auto kind : {FaultKind::dns_dead, FaultKind::dns_lying, FaultKind::dns_slow}) {
    Plan plan = base_plan(std::string(fault_name(kind)), 50, slow_build ? 6 : 15);
    plan.arrive = seconds{2};
    plan.faults_end = plan.arrive + seconds{60};
    plan.faults.push_back(fault(kind, Duration{}, plan.faults_end, {}, 30));
    plan.recovery = seconds{1};
    const auto result = run_plan(plan, mixed_kit());
    std::cout << described(result) << "\n";
    EXPECT_TRUE(result.passed) << fault_name(kind) << ": " << described(result);
  }
}

}  // namespace
}  // namespace lattice::sim
