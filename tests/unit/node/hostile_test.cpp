// Peers that lie, stall or speak for somebody else: left with the right reason, while the sync goes on from the others.
#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::seconds;

struct HostileTest : ::testing::Test {
  World world;
  std::vector<LineBlock> blocks = make_line(genesis().hash, 300, 200);
  std::vector<LineBlock> more = make_line(genesis().hash, 400, 200, 9);

  // A fresh node that is given every other machine.
  Machine& fresh_for_all() {
    Machine& fresh = world.add();
    fresh.config.discovery = false;
    for (uint8_t n = 1; n < fresh.number; ++n) fresh.config.connect.push_back({endpoint(n), std::nullopt});
    for (auto& machine : world.machines) {
      machine->config.discovery = false;
      machine->start();
    }
    return fresh;
  }
  bool left_for(const Machine& fresh, uint8_t number, ErrorCode reason) {
    const auto report = fresh.report();
    return std::ranges::any_of(report.left,
                               [&](const LeftReport& l) { return l.endpoint == endpoint(number) && l.reason == reason; });
  }
  void expect_synced(Machine& fresh, Duration limit = seconds{60}) {
    EXPECT_TRUE(world.run([&] { return fresh.report().synced && fresh.report().tip.block.height == 300; }, limit));
    EXPECT_EQ(fresh.report().tip.block.hash, blocks.back().hash);
  }
};

TEST_F(HostileTest, bad_proof_of_work) {
  world.add(more, LineChain::Lie::bad_mark);
  world.add(blocks);
  Machine& fresh = fresh_for_all();
  expect_synced(fresh);
  EXPECT_TRUE(left_for(fresh, 1, ErrorCode::bad_proof_of_work));
}

TEST_F(HostileTest, unlinked_headers) {
  world.add(more, LineChain::Lie::unlinked);
  world.add(blocks);
  Machine& fresh = fresh_for_all();
  expect_synced(fresh);
  EXPECT_TRUE(left_for(fresh, 1, ErrorCode::unconnected_header));
}

TEST_F(HostileTest, wrong_body) {
  world.add(blocks).spoils_bodies = true;
  world.add(blocks);
  Machine& fresh = fresh_for_all();
  expect_synced(fresh);
  EXPECT_TRUE(left_for(fresh, 1, ErrorCode::bad_merkle_root));
}

// CVE-2025-24371: a height that is not there.
TEST_F(HostileTest, claimed_height_counts_for_nothing) {
  world.add(blocks, LineChain::Lie::high_claim);
  world.add(blocks);
  Machine& fresh = fresh_for_all();
  expect_synced(fresh, seconds{5});
  EXPECT_EQ(fresh.report().peers[0].height, 1'000'300u);
}

TEST_F(HostileTest, blocks_withheld) {
  world.add(blocks).reads_bodies = false;
  world.add(blocks);
  Machine& fresh = fresh_for_all();
  expect_synced(fresh, seconds{5});
  world.run([&] { return left_for(fresh, 1, ErrorCode::stalled); }, seconds{30});
  EXPECT_TRUE(left_for(fresh, 1, ErrorCode::stalled));
}

TEST_F(HostileTest, headers_withheld) {
  Machine& silent = world.add(blocks);
  world.add(blocks);
  Machine& fresh = fresh_for_all();
  ASSERT_TRUE(world.run(
      [&] {
        if (silent.report().peers.size() == 1 && silent.report().peers[0].established) silent.mute = true;
        return silent.mute;
      },
      seconds{5}));
  expect_synced(fresh, seconds{40});
}

TEST_F(HostileTest, wrong_magic_and_wrong_chain) {
  world.add(blocks).config.magic = {9, 9, 9, 9};
  world.add(blocks).config.chain.id.bytes[0] = 8;
  world.add(blocks);
  Machine& fresh = fresh_for_all();
  expect_synced(fresh);
  EXPECT_TRUE(left_for(fresh, 2, ErrorCode::wrong_chain));
  EXPECT_TRUE(std::ranges::any_of(fresh.report().left, [](const LeftReport& l) { return l.endpoint == endpoint(1); }));
}

TEST_F(HostileTest, another_identity_than_expected) {
  world.add(blocks);
  Machine& honest = world.add(blocks);
  Machine& fresh = world.add();
  fresh.config.discovery = false;
  fresh.config.connect = {{endpoint(1), honest.config.identity->id}, {endpoint(2), honest.config.identity->id}};
  for (auto& machine : world.machines) machine->start();
  expect_synced(fresh);
}

TEST_F(HostileTest, bad_consensus_message_costs) {
  Machine& liar = world.add(blocks);
  Machine& fresh = fresh_for_all();
  expect_synced(fresh);
  liar.chain->outbox.push_back(PublishConsensus{SharedBytes(to_bytes(as_bytes("x forged")))});
  world.run([] { return false; }, seconds{3});
  EXPECT_TRUE(left_for(fresh, 1, ErrorCode::bad_signature));
}

// What the address did is remembered: a peer from discovery is not dialled again for a day.
TEST_F(HostileTest, a_banned_address_is_not_dialled_again) {
  world.add(more, LineChain::Lie::bad_mark).config.discovery = false;
  Machine& fresh = world.add();
  fresh.config.seeds = {{"seed.test", {}, 0}};
  DnsAnswer answer;
  answer.services = {endpoint(1)};
  world.zone["seed.test"] = answer;
  for (auto& machine : world.machines) machine->start();
  world.run([] { return false; }, std::chrono::minutes{30});
  EXPECT_EQ(world.dials, 1u);
  EXPECT_TRUE(left_for(fresh, 1, ErrorCode::bad_proof_of_work));
}

// Comes and goes for an hour: the log stays small.
TEST_F(HostileTest, log_is_bounded) {
  Machine& target = world.add(blocks);
  Machine& nuisance = world.add();
  nuisance.config.discovery = false;
  nuisance.config.connect = {{endpoint(1), std::nullopt}};
  target.config.discovery = false;
  target.config.admission.unproven =
      target.config.admission.unproven_all = {10'000, 10'000};  // no puzzles: the log is the matter here
  for (auto& machine : world.machines) machine->start();
  for (int i = 0; i < 600; ++i) {
    world.run([&] { return !target.report().peers.empty() && target.report().peers[0].established; }, seconds{100});
    nuisance.node->stop(world.now);
    nuisance.drain();
    world.settle();
    nuisance.start();
  }
  EXPECT_LE(target.log.count("peer_connected") + target.log.count("peer_left"), 600u);
  EXPECT_LE(target.report().left.size(), 64u);
}

}  // namespace
}  // namespace lattice::test
