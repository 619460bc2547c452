// Fresh nodes sync through a DNS name alone, in the simulated world.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

std::string described(const ScenarioResult& result) {
  std::string text = "seed " + std::to_string(result.seed) + ": " + std::to_string(result.nodes_at_tip) + " of " +
                     std::to_string(result.nodes) + " nodes at height " + std::to_string(result.height) + " after " +
                     std::to_string(result.simulated_seconds) + " s (" + std::to_string(result.real_seconds) + " s real), " +
                     std::to_string(result.events) + " events, " + std::to_string(result.bytes) + " bytes, " +
                     std::to_string(result.losses) + " lost, " + std::to_string(result.handshakes) + " handshakes, " +
                     std::to_string(result.restarts) + " restarts, trace " + result.trace_hash;
  for (const auto& broken : result.broken) text += "\n  broken: " + broken;
  for (const auto& [reason, count] : result.hostile_left) text += "\n  hostile left: " + reason + " x " + std::to_string(count);
  return text;
}

// LATTICE_SIM_SEED runs the same tests from another seed.
uint64_t seeded(uint64_t usual) {
  const char* given = std::getenv("LATTICE_SIM_SEED");
  return given ? usual + 1000 * std::strtoull(given, nullptr, 10) : usual;
}

TEST(Sync, TwoNodesFromDnsToDisk) {
  auto options = regtest_scenario(seeded(1), 2, 150, 2000);
  options.seeds = 1;
  options.restarts = 0;
  options.loss = 0;
  const auto result = run_sync_scenario(options);
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_EQ(result.height, 150u);
  EXPECT_EQ(result.losses, 0u);
  EXPECT_LT(result.simulated_seconds, 30) << described(result);
}

TEST(Sync, FiftyNodesWithLossDelaysAndRestarts) {
  const size_t nodes = slow_build ? 12 : 50;
  auto options = regtest_scenario(seeded(2), nodes, slow_build ? 100 : 300, 3000);
  options.restarts = nodes / 2;
  const auto result = run_sync_scenario(options);
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_EQ(result.nodes_at_tip, nodes);
  EXPECT_GT(result.losses, 0u);
  EXPECT_GT(result.restarts, 0u);
}

TEST(Sync, SameSeedSameTrace) {
  auto options = regtest_scenario(seeded(3), slow_build ? 6 : 15, 60, 2000);
  options.restarts = 5;
  const auto first = run_sync_scenario(options);
  const auto again = run_sync_scenario(options);
  options.seed = seeded(4);
  const auto other = run_sync_scenario(options);
  EXPECT_TRUE(first.passed) << described(first);
  EXPECT_TRUE(other.passed) << described(other);
  EXPECT_EQ(first.trace_hash, again.trace_hash);
  EXPECT_EQ(first.events, again.events);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

TEST(Sync, HostileHostsAreLeftAndTheSyncCompletes) {
  auto options = regtest_scenario(seeded(5), slow_build ? 5 : 10, 80, 2000);
  options.restarts = 0;
  options.seeds = 2;
  options.least = std::chrono::seconds{40};  // the silent ones are left at the handshake's timeout
  options.garbage = options.silent = options.wrong_magic = options.withholding = options.corrupting = 2;
  const auto result = run_sync_scenario(options);
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_GT(result.hostile_left.size(), 2u) << described(result);                       // each kind for its own reason
  EXPECT_TRUE(result.hostile_left.contains("handshake_timeout")) << described(result);  // who is silent
}

// Nothing to hold: a name that does not answer leaves the fresh node alone, and it says so.
TEST(Sync, WithoutDnsNothingIsFound) {
  WorldOptions world_options;
  World world(world_options);
  world.set_dns("seeds.sim", {.fails = true, .addresses = {}, .services = {}, .texts = {}});
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
