// Blocks made by a program beside the node.
#include <gtest/gtest.h>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::seconds;

struct LocalBlock : ::testing::Test {
  World world;
  std::vector<LineBlock> blocks = make_line(genesis().hash, 30, 200);
  Machine& maker = world.add(blocks);
  Machine& other = world.add();

  void SetUp() override {
    other.config.connect.push_back({endpoint(1), std::nullopt});
    for (Machine* machine : {&maker, &other}) {
      machine->config.discovery = false;
      machine->start();
    }
    ASSERT_TRUE(world.run([&] { return other.report().synced; }, seconds{30}));
  }
  static void give(Machine& machine, const LineBlock& block) {
    machine.node->on_local_block(block.header, SharedBytes(block.bytes()), machine.world.now);
    machine.drain();
  }
};

TEST_F(LocalBlock, becomes_the_tip_and_is_announced) {
  const LineBlock next = make_block(blocks.back().hash, Bytes(300, 5));
  give(maker, next);
  EXPECT_TRUE(world.run([&] { return other.report().tip.block.hash == next.hash; }, seconds{5}));
  EXPECT_EQ(maker.report().tip.block.hash, next.hash);
}

TEST_F(LocalBlock, that_is_wrong_changes_nothing_and_blames_nobody) {
  LineBlock wrong = make_block(blocks.back().hash, Bytes(300, 5));
  wrong.header.back() ^= 1;  // the mark that stands for proof of work
  give(maker, wrong);
  give(maker, make_block(BlockHash{}, Bytes(300, 6)));  // on top of nothing
  world.run([] { return false; }, seconds{5});
  EXPECT_EQ(maker.report().tip.block.hash, blocks.back().hash);
  EXPECT_TRUE(maker.report().left.empty());
  EXPECT_EQ(maker.report().peers.size(), 1u);
}

}  // namespace
}  // namespace lattice::test
