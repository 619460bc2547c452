// Whom a node bans over a restart, and what becomes of it where the file is damaged.
#include <gtest/gtest.h>

#include <lattice/peers/ban_memory.hpp>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct StoredBans : testing::Test {
  World world;
  std::vector<LineBlock> blocks = make_line(genesis().hash, 30, 200);
  Machine& liar = world.add(make_line(genesis().hash, 40, 200, 9), LineChain::Lie::bad_mark);
  Machine& honest = world.add(blocks);

  void SetUp() override {
    liar.start();
    honest.start();
  }
  Machine& start(Bytes stored, uint8_t first = 1) {
    Machine& out = world.add();
    for (uint8_t n = first; n <= 2; ++n) out.config.bootstrap.push_back({endpoint(n), std::nullopt});
    out.config.stored_bans = std::move(stored);
    out.start();
    return out;
  }
  void pass(Duration time) {
    world.run([] { return false; }, time);
  }
  bool bans(const Machine& machine) { return !machine.report().avoided.empty(); }
  // A node that has met the liar, and what it keeps.
  Bytes file_of_one() {
    Machine& before = start({});
    EXPECT_TRUE(world.run([&] { return before.report().synced && bans(before) && !before.saved_bans.empty(); }, seconds{30}));
    const Bytes file = before.saved_bans.empty() ? Bytes{} : before.saved_bans.back();
    before.node->stop(world.now);
    before.drain();
    world.settle();
    return file;
  }
};

TEST_F(StoredBans, WhoWasBannedIsNotDialledAfterARestart) {
  const Bytes file = file_of_one();
  Machine& after = start(file);
  EXPECT_TRUE(world.run([&] { return after.report().synced; }, seconds{30}));
  pass(minutes{5});
  EXPECT_EQ(after.log.count("stored_bans_loaded"), 1u);
  EXPECT_TRUE(bans(after));
  EXPECT_TRUE(after.report().left.empty());  // it was never met
  EXPECT_TRUE(after.saved_bans.empty());     // nothing new
  Machine& without = start({});
  EXPECT_TRUE(world.run([&] { return !without.report().left.empty(); }, seconds{30}));
}

TEST_F(StoredBans, NorTakenIn) {
  const Bytes file = file_of_one();
  Machine& after = start(file, 2);
  liar.config.connect.push_back({endpoint(after.number), std::nullopt});
  liar.node->stop(world.now);
  liar.node.reset();
  liar.start();
  pass(minutes{2});
  const auto is_liar = [&](const PeerReport& peer) { return peer.node == liar.config.identity->id; };
  EXPECT_TRUE(std::ranges::none_of(after.report().peers, is_liar));
  EXPECT_TRUE(after.report().synced);
}

TEST_F(StoredBans, ItEndsWhenItWouldHaveEnded) {
  const Bytes file = file_of_one();
  world.now.wall += hours{1};  // the machine was off
  Machine& after = start(file);
  EXPECT_TRUE(world.run([&] { return !after.report().left.empty(); }, seconds{30}));
  // And the next one is longer: six hours.
  world.run([&] { return !after.saved_bans.empty(); }, seconds{10});
  ASSERT_FALSE(after.saved_bans.empty());
  const auto memory = decode_ban_memory(after.saved_bans.back(), liar.config.chain.id);
  ASSERT_TRUE(memory);
  for (const auto& ban : memory->bans) EXPECT_NEAR(static_cast<double>((ban.until - world.now.wall).count()), 6 * 3600, 120);
}

TEST_F(StoredBans, DamageCostsThemAndNothingElse) {
  Bytes flipped = file_of_one(), cut = flipped;
  flipped[flipped.size() / 2] ^= 1;
  cut.pop_back();
  for (const Bytes& file : {flipped, cut, Bytes{0}, Bytes(ban_memory_bytes_max + 1)}) {
    Machine& again = start(file);
    EXPECT_TRUE(world.run([&] { return again.report().synced; }, seconds{30}));
    EXPECT_EQ(again.log.count("stored_bans_damaged"), 1u);
    EXPECT_EQ(again.log.count("stored_bans_loaded"), 0u);
  }
}

// The chain has the proof; here it is the chain's word. The link that is open ends, no other comes, nor after a restart.
TEST_F(StoredBans, WhoSignedTwoThingsIsOutForEver) {
  Machine& judge = start({}, 2);
  const NodeId two_faced = honest.config.identity->id;
  const auto has_link = [&](const Machine& machine) {
    return std::ranges::any_of(machine.report().peers, [&](const PeerReport& peer) { return peer.node == two_faced; });
  };
  EXPECT_TRUE(world.run([&] { return judge.report().synced; }, seconds{30}));
  EXPECT_TRUE(has_link(judge));
  judge.chain->outbox.push_back(EquivocationProved{two_faced});
  EXPECT_TRUE(world.run([&] { return !has_link(judge); }, seconds{5}));
  EXPECT_EQ(judge.log.count("equivocation_proved"), 1u);
  world.run([&] { return has_link(judge); }, hours{3});
  EXPECT_FALSE(has_link(judge));
  ASSERT_FALSE(judge.saved_bans.empty());
  Machine& again = start(judge.saved_bans.back(), 2);
  world.run([&] { return has_link(again); }, minutes{5});
  EXPECT_FALSE(has_link(again));
}

TEST_F(StoredBans, WrittenOnceAMinuteAndAtTheEnd) {
  Machine& machine = world.add();
  std::vector<Machine*> liars;
  for (int i = 0; i < 3; ++i) {
    liars.push_back(&world.add(make_line(genesis().hash, 40, 200, 9), LineChain::Lie::bad_mark));
    liars.back()->start();
    machine.config.bootstrap.push_back({endpoint(liars.back()->number), std::nullopt});
  }
  machine.start();
  EXPECT_TRUE(world.run([&] { return machine.report().avoided.size() == 3; }, seconds{40}));
  EXPECT_LE(machine.saved_bans.size(), 1u);
  machine.node->stop(world.now);
  machine.drain();
  world.settle();
  ASSERT_FALSE(machine.saved_bans.empty());
  EXPECT_LE(machine.saved_bans.size(), 2u);
  const auto memory = decode_ban_memory(machine.saved_bans.back(), liar.config.chain.id);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->bans.size(), 6u);  // three addresses and who was there
}

}  // namespace
}  // namespace lattice::test
