// What a node keeps of its DNS seeds over a restart: THREATS 52, whole nodes.
#include <gtest/gtest.h>

#include <lattice/discovery/seed_memory.hpp>

#include "../discovery/operators.hpp"
#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct StoredSeeds : testing::Test {
  World world;
  SeedSigners signers{4};
  OperatorSet first = signers.set({0, 1, 2}, 2), second = signers.set({0, 1, 3}, 2);
  Machine& seed = world.add(make_line(genesis().hash, 10, 200));
  WallTime later = world.now.wall + hours{1};

  void SetUp() override {
    signers.chain = seed.config.chain.id;
    signers.entry = SeedEntry{endpoint(1), seed.config.identity->id};
    seed.start();
  }
  void serve(std::vector<std::string> texts) {
    DnsAnswer answer;
    answer.texts = std::move(texts);
    world.zone["seed.test"] = answer;
  }
  Machine& start(Bytes stored) {
    Machine& out = world.add();
    out.config.seeds = {{"seed.test", first.operators, 2}};
    out.config.stored_seeds = std::move(stored);
    out.start();
    return out;
  }
  bool syncs(Machine& machine) {
    return world.run([&] { return machine.report().synced; }, seconds{20});
  }
};

TEST_F(StoredSeeds, AReplayedListIsRefusedAfterARestart) {
  const auto older = signers.list(6, 0, {0, 1}, later);
  serve({signers.list(7, 0, {0, 1}, later)});
  Machine& before = start({});
  ASSERT_TRUE(syncs(before));
  ASSERT_EQ(before.saved_seeds.size(), 1u);
  serve({older});
  Machine& after = start(before.saved_seeds.back());
  EXPECT_FALSE(syncs(after));
  EXPECT_EQ(after.report().dns[0].outcome, DnsOutcome::stale);
  EXPECT_TRUE(after.saved_seeds.empty());
  // The newest may come again.
  serve({signers.list(7, 0, {0, 1}, later)});
  EXPECT_TRUE(syncs(start(before.saved_seeds.back())));
}

TEST_F(StoredSeeds, OperatorsThatWentDoNotComeBack) {
  serve({operator_statement_text(signers.statement(10, first, second, {0, 1})), signers.list(11, 0, {1, 3}, later)});
  Machine& before = start({});
  ASSERT_TRUE(syncs(before));
  EXPECT_EQ(before.report().dns[0].statement, 10u);
  serve({signers.list(12, 0, {0, 2}, later)});
  EXPECT_FALSE(syncs(start(before.saved_seeds.back())));
  serve({signers.list(12, 0, {0, 3}, later)});
  EXPECT_TRUE(syncs(start(before.saved_seeds.back())));
}

TEST_F(StoredSeeds, DamageCostsWhatWasRememberedAndNothingElse) {
  serve({signers.list(7, 0, {0, 1}, later)});
  Machine& before = start({});
  ASSERT_TRUE(syncs(before));
  Bytes flipped = before.saved_seeds.back(), cut = flipped;
  flipped[flipped.size() / 2] ^= 1;
  cut.pop_back();
  for (const Bytes& file : {flipped, cut, Bytes{0}, Bytes(2 * seed_memory_bytes_max)}) {
    Machine& again = start(file);
    EXPECT_TRUE(syncs(again));
    EXPECT_EQ(again.log.count("stored_seeds_damaged"), 1u);
    EXPECT_EQ(again.saved_seeds.size(), 1u);
  }
}

// Two providers; one shows an older list that still counts. The newer one wins, whoever answers first.
TEST_F(StoredSeeds, TheNewestListOfTwoProvidersIsUsed) {
  Machine& other = world.add(make_line(genesis().hash, 20, 200));
  other.start();
  signers.entry = SeedEntry{endpoint(other.number), other.config.identity->id};
  serve({signers.list(6, 0, {0, 1}, later)});
  world.zone["old.test"] = world.zone["seed.test"];
  signers.entry = SeedEntry{endpoint(1), seed.config.identity->id};
  serve({signers.list(7, 0, {0, 1}, later)});
  Machine& fresh = world.add();
  fresh.config.seeds = {{"old.test", first.operators, 2}, {"seed.test", first.operators, 2}};
  fresh.start();
  ASSERT_TRUE(syncs(fresh));
  EXPECT_EQ(fresh.report().tip.block.height, 10u);
  EXPECT_EQ(fresh.report().dns[0].outcome, DnsOutcome::stale);
  EXPECT_EQ(fresh.report().dns[1].outcome, DnsOutcome::alone);
  EXPECT_TRUE(other.report().peers.empty());
}

}  // namespace
}  // namespace lattice::test
