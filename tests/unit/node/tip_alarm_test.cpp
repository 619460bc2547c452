// A node that is shown an old chain notices, and gets out when somebody honest can be reached.
#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct TipAlarm : ::testing::Test {
  World world;
  std::vector<LineBlock> blocks = make_line(genesis().hash, 60, 100);
  Machine* victim = nullptr;

  // `stale` machines that have got no further than block 40, and then the honest one, in nobody's list yet.
  Machine& begin(size_t stale) {
    const std::vector<LineBlock> old(blocks.begin(), blocks.begin() + 40);
    DnsAnswer answer;
    for (size_t i = 0; i < stale; ++i) {
      Machine& machine = world.add(old);
      machine.config.discovery = false;
      answer.services.push_back(endpoint(machine.number));
    }
    world.zone["seed.test"] = answer;
    Machine& honest = world.add(blocks);
    honest.config.discovery = false;
    victim = &world.add();
    victim->config.seeds = {{"seed.test", {}, 0}};
    victim->config.outbound_target = stale;
    victim->config.block_only_target = 0;
    victim->config.feeler_interval = victim->config.churn_interval = std::chrono::hours{24};  // they are not what is tested
    return honest;
  }
  void start() {
    for (auto& machine : world.machines) machine->start();
    ASSERT_TRUE(world.run([&] { return victim->report().synced; }, seconds{60}));
    EXPECT_EQ(victim->report().tip.block.height, 40u);
    EXPECT_EQ(victim->report().peers.size(), victim->config.outbound_target);
  }
};

// 41. Everybody it knows shows it the same old chain: within ten minutes it says so, asks DNS again, and has the newer one from
// whom it finds there.
TEST_F(TipAlarm, an_eclipse_is_noticed_within_ten_minutes_and_left) {
  Machine& honest = begin(3);
  start();
  EXPECT_EQ(victim->report().network_height, std::nullopt);  // three groups are too few
  world.zone["seed.test"].services.push_back(endpoint(honest.number));
  const Instant begun = world.now.mono;
  ASSERT_TRUE(world.run([&] { return victim->report().stale_tip; }, minutes{11}));
  EXPECT_LE(world.now.mono - begun, minutes{10});
  EXPECT_EQ(victim->log.count("stale_tip"), 1u);
  ASSERT_TRUE(world.run([&] { return victim->report().tip.block.height == 60; }, minutes{3}));
  ASSERT_TRUE(world.run([&] { return !victim->report().stale_tip; }, seconds{5}));
  EXPECT_EQ(victim->log.count("tip_recovered"), 1u);
  // The honest one has one of the slots now.
  world.run([] { return false; }, seconds{5});
  const auto report = victim->report();
  EXPECT_LE(report.peers.size(), victim->config.outbound_target);
  EXPECT_TRUE(std::ranges::any_of(report.peers, [&](const PeerReport& p) { return p.endpoint == endpoint(honest.number); }));
  EXPECT_EQ(report.tip_alarms, 1u);
}

// Nobody else is there: the alarm is raised once, and costs a dial now and then.
TEST_F(TipAlarm, without_anybody_else_it_stays_quiet_after_one_alarm) {
  begin(3).listening = false;
  start();
  world.run([] { return false; }, minutes{60});
  EXPECT_EQ(victim->log.count("stale_tip"), 1u);
  EXPECT_EQ(victim->report().peers.size(), 3u);
  EXPECT_LE(world.dials, 3u + 8u);
}

// Four groups that it dialled itself have more than it gets.
TEST_F(TipAlarm, behind_what_four_groups_say) {
  begin(5);
  for (int i = 0; i < 5; ++i) {
    auto old = std::vector<LineBlock>(blocks.begin(), blocks.begin() + 40);
    world.machines[static_cast<size_t>(i)]->chain = std::make_shared<LineChain>(old, LineChain::Lie::high_claim);
  }
  start();
  EXPECT_EQ(victim->report().network_height, 1'000'040u);
  EXPECT_TRUE(world.run([&] { return victim->report().eclipse_suspected; }, seconds{130}));
  EXPECT_EQ(victim->log.count("eclipse_suspected reason=behind"), 1u);
  EXPECT_TRUE(victim->report().synced) << "a claim alone holds nothing up";
}

TEST_F(TipAlarm, three_that_boast_are_not_believed) {
  begin(7);
  for (int i = 0; i < 3; ++i) {
    auto old = std::vector<LineBlock>(blocks.begin(), blocks.begin() + 40);
    world.machines[static_cast<size_t>(i)]->chain = std::make_shared<LineChain>(old, LineChain::Lie::high_claim);
  }
  start();
  EXPECT_EQ(victim->report().network_height, 40u);
  EXPECT_FALSE(world.run([&] { return victim->report().eclipse_suspected; }, minutes{5}));
}

TEST_F(TipAlarm, nobody_left) {
  begin(2);
  start();
  for (auto& machine : world.machines) {
    if (machine.get() == victim) continue;
    machine->listening = false;
    machine->node->stop(world.now);
    machine->drain();
  }
  EXPECT_TRUE(world.run([&] { return victim->report().eclipse_suspected; }, minutes{3}));
  EXPECT_EQ(victim->log.count("eclipse_suspected reason=no_outbound"), 1u);
}

struct Claims : TipAlarm {};

// 7. CVE-2024-52912: clocks at the ends of time, and many that agree on a wrong one. What is ours is ours.
TEST_F(Claims, nobody_moves_our_clock) {
  begin(7);
  for (size_t i = 0; i < 5; ++i) world.machines[i]->wall_ahead = std::chrono::seconds{86'400};
  world.machines[5]->wall_ahead = std::chrono::seconds{-1'000'000};
  start();
  world.run([] { return false; }, seconds{10});
  EXPECT_EQ(victim->log.count("clock_differs"), 1u);
  ASSERT_TRUE(victim->report().clock_difference);
  EXPECT_NEAR(static_cast<double>(*victim->report().clock_difference), 86'400.0, 30.0);
  world.run([] { return false; }, minutes{50});
  EXPECT_EQ(victim->log.count("clock_differs"), 1u) << "once an hour";
}

TEST_F(Claims, clocks_that_are_right_say_nothing) {
  begin(7);
  world.machines[5]->wall_ahead = std::chrono::seconds{-1'000'000};
  world.machines[4]->wall_ahead = std::chrono::seconds{86'400};
  start();
  world.run([] { return false; }, seconds{10});
  EXPECT_EQ(victim->log.count("clock_differs"), 0u);
  ASSERT_TRUE(victim->report().clock_difference);
  EXPECT_NEAR(static_cast<double>(*victim->report().clock_difference), 0.0, 30.0);
}

}  // namespace
}  // namespace lattice::test
