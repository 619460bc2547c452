// Two nodes of which one is newer: they speak what both know.
#include <gtest/gtest.h>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::seconds;

struct Versions : ::testing::TestWithParam<std::pair<uint16_t, uint16_t>> {
  World world;
  std::vector<LineBlock> blocks = make_line(genesis().hash, 30, 200);
  Machine& maker = world.add(blocks);
  Machine& other = world.add();

  void meet(uint16_t of_maker, uint16_t of_other) {
    maker.config.protocol_version = of_maker;
    other.config.protocol_version = of_other;
    other.config.connect.push_back({endpoint(1), std::nullopt});
    for (Machine* machine : {&maker, &other}) {
      machine->config.discovery = false;
      machine->start();
    }
  }
};

TEST_P(Versions, ANewerAndAnOlderNodeSync) {
  meet(GetParam().first, GetParam().second);
  EXPECT_TRUE(world.run([&] { return other.report().synced; }, seconds{30}));
  EXPECT_EQ(other.report().tip.block.hash, blocks.back().hash);
  // What it says later holds too: a status with another version than the first would be a contradiction.
  const LineBlock next = make_block(blocks.back().hash, Bytes(300, 5));
  maker.node->on_local_block(next.header, SharedBytes(next.bytes()), world.now);
  maker.drain();
  EXPECT_TRUE(world.run([&] { return other.report().tip.block.hash == next.hash; }, seconds{5}));
  EXPECT_TRUE(maker.report().left.empty());
  EXPECT_TRUE(other.report().left.empty());
}
INSTANTIATE_TEST_SUITE_P(Both, Versions,
                         testing::Values(std::pair(1, 1), std::pair(7, 1), std::pair(1, 7), std::pair(65535, 2)));

TEST_F(Versions, NoVersionAtAllIsNotSpokenTo) {
  meet(1, 0);
  EXPECT_FALSE(world.run([&] { return other.report().synced; }, seconds{10}));
  const auto left = maker.report().left;
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.front().reason, ErrorCode::bad_value);  // the message itself cannot say it
  EXPECT_EQ(other.report().tip.block.height, 0u);
}

}  // namespace
}  // namespace lattice::test
