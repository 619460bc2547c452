// Fresh nodes sync through a DNS name alone, in the simulated world, with real cryptography.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

// LATTICE_SIM_SEED runs the same tests from another seed.
uint64_t seeded(uint64_t usual) {
  const char* given = std::getenv("LATTICE_SIM_SEED");
  return given ? usual + 1000 * std::strtoull(given, nullptr, 10) : usual;
}

Plan real_sync_plan(uint64_t seed, size_t nodes, size_t restarts) {
  Plan plan = sync_plan(seed, nodes, restarts);
  plan.cryptography = Cryptography::real;
  plan.recovery = std::chrono::minutes{30};
  return plan;
}

TEST(Sync, TwoNodesFromDnsToDisk) {
  Plan plan = real_sync_plan(seeded(1), 2, 0);
  plan.seeds = 1;
  plan.weather.loss = 0;
  const auto result = run_plan(plan, regtest_kit({.blocks = 150, .block_bytes = 2000}));
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_EQ(result.tip.height, 150u);
  EXPECT_EQ(result.world.sent_again, 0u);
  EXPECT_LT(result.simulated_seconds, 30) << described(result);
}

TEST(Sync, FiftyNodesWithLossDelaysAndRestarts) {
  const size_t nodes = slow_build ? 12 : 50;
  const auto kit = regtest_kit({.blocks = slow_build ? 100u : 300u, .block_bytes = 3000});
  const auto result = run_plan(real_sync_plan(seeded(2), nodes, nodes / 2), kit);
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_EQ(result.nodes_at_tip, nodes);
  EXPECT_GT(result.world.sent_again, 0u);
  EXPECT_GT(result.restarts, 0u);
}

TEST(Sync, SameSeedSameTrace) {
  const auto kit = regtest_kit({.blocks = 60, .block_bytes = 2000});
  const size_t nodes = slow_build ? 6 : 15;
  const auto first = run_plan(real_sync_plan(seeded(3), nodes, 5), kit);
  const auto again = run_plan(real_sync_plan(seeded(3), nodes, 5), kit);
  const auto other = run_plan(real_sync_plan(seeded(4), nodes, 5), kit);
  EXPECT_TRUE(first.passed) << described(first);
  EXPECT_TRUE(other.passed) << described(other);
  EXPECT_EQ(first.trace_hash, again.trace_hash);
  EXPECT_EQ(first.world.events, again.world.events);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

TEST(Sync, HostileHostsAreLeftAndTheSyncCompletes) {
  Plan plan = hostile_plan(seeded(5), slow_build ? 5 : 10);
  plan.cryptography = Cryptography::real;
  plan.seeds = 2;
  const auto result = run_plan(plan, regtest_kit({.blocks = 80, .block_bytes = 2000}));
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_GT(result.hostile_left.size(), 2u) << described(result);                       // each kind for its own reason
  EXPECT_TRUE(result.hostile_left.contains("handshake_timeout")) << described(result);  // who is silent
}

// Nothing to hold: a name that does not answer leaves the fresh node alone, and it says so.
TEST(Sync, WithoutDnsNothingIsFound) {
  World world({});
  world.set_dns("seeds.sim", {.fails = true, .late = {}, .addresses = {}, .services = {}, .texts = {}});
  SimNodeConfig config;
  config.node.default_port = config.node.listen_port = 8333;
  config.node.seeds.push_back({"seeds.sim", {}, 0});
  config.address = IpAddress::v4(20, 1, 7, 1);
  config.chain = [](Provider&) { return regtest_factory()(); };
  const HostId host = world.add_node(std::move(config));
  world.run_for(std::chrono::seconds{20});
  const auto report = world.report(host);
  ASSERT_EQ(report.dns.size(), 1u);
  EXPECT_TRUE(report.dns[0].failed);
  EXPECT_FALSE(report.synced);
  EXPECT_EQ(report.tip.block.height, 0u);
}

}  // namespace
}  // namespace lattice::sim
