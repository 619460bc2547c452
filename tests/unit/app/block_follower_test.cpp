// The file of a miner, read as it grows.
#include "../../../apps/lattice/block_follower.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <gtest/gtest.h>

#include <lattice/chains/bitcoin/blk_file.hpp>

#include "../../../apps/lattice/presets.hpp"

namespace lattice::app {
namespace {

struct CountingLog final : LogSink {
  bool wants(LogLevel) const override { return true; }
  void log(const LogEvent& event) override { names.emplace_back(event.name); }
  bool has(std::string_view name) const { return std::ranges::find(names, name) != names.end(); }
  std::vector<std::string> names;
};

struct Follower : ::testing::Test {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      ("lattice-follow-" + std::to_string(::getpid()) + "-" + ::testing::UnitTest::GetInstance()->current_test_info()->name());
  ChainSpec spec;
  CountingLog log;
  std::vector<Bytes> got;
  bool takes = true;
  std::optional<BlockFollower> follower;

  void SetUp() override {
    std::filesystem::remove(file);
    spec.rules = Rules::bitcoin_regtest;
    spec.magic = {1, 2, 3, 4};
    spec.genesis.fill(7);
    follower.emplace(file.string(), spec, 1000, log);
  }
  void TearDown() override { std::filesystem::remove(file); }

  static Bytes record(ByteView block, ByteArray<4> magic = {1, 2, 3, 4}) {
    Bytes out = to_bytes(bitcoin::blk_head(magic, static_cast<uint32_t>(block.size())));
    append(out, block);
    return out;
  }
  void add(ByteView bytes) {
    std::ofstream out(file, std::ios::binary | std::ios::app);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void poll() {
    follower->poll([this](const Bytes& header, const SharedBytes& block) {
      if (!takes) return false;
      EXPECT_TRUE(equal(header, block.view().first(80)));
      got.push_back(to_bytes(block.view()));
      return true;
    });
  }
};

TEST_F(Follower, takes_what_is_there_and_what_is_appended) {
  poll();  // no file yet
  const Bytes one(100, 1), two(200, 2), three(80, 3);
  add(record(one));
  add(record(two));
  poll();
  EXPECT_EQ(got, (std::vector<Bytes>{one, two}));
  poll();
  EXPECT_EQ(got.size(), 2u);
  add(record(three));
  poll();
  EXPECT_EQ(got.size(), 3u);
  EXPECT_EQ(got.back(), three);
  EXPECT_EQ(follower->taken(), 3u);
}

TEST_F(Follower, waits_for_the_rest_of_a_record_wherever_it_was_cut) {
  const Bytes block(90, 9), whole = record(block);
  for (const uint8_t byte : whole) {
    EXPECT_TRUE(got.empty());
    add(ByteView(&byte, 1));
    poll();
  }
  EXPECT_EQ(got, std::vector<Bytes>{block});
}

TEST_F(Follower, offers_again_what_was_not_taken) {
  takes = false;
  add(record(Bytes(100, 1)));
  add(record(Bytes(100, 2)));
  poll();
  poll();
  EXPECT_TRUE(got.empty());
  takes = true;
  poll();
  EXPECT_EQ(got, (std::vector<Bytes>{Bytes(100, 1), Bytes(100, 2)}));
}

TEST_F(Follower, skips_zeros_and_the_genesis_and_knows_the_usual_magic) {
  add(record(spec.genesis, bitcoin::regtest_magic));
  add(Bytes(100'000, 0));
  poll();
  EXPECT_TRUE(got.empty());
  add(record(Bytes(100, 1), bitcoin::regtest_magic));
  poll();
  poll();
  EXPECT_EQ(got, std::vector<Bytes>{Bytes(100, 1)});
}

TEST_F(Follower, stops_where_no_record_begins) {
  add(record(Bytes(100, 1)));
  add(record(Bytes(100, 2), {9, 9, 9, 9}));
  add(record(Bytes(100, 3)));
  poll();
  poll();
  EXPECT_EQ(got.size(), 1u);
  EXPECT_TRUE(follower->stopped());
  EXPECT_TRUE(log.has("follow_stopped"));
}

TEST_F(Follower, stops_at_a_record_that_no_block_can_have) {
  add(bitcoin::blk_head({1, 2, 3, 4}, 1001));
  poll();
  EXPECT_TRUE(follower->stopped());
  follower.emplace(file.string(), spec, 2000, log);
  poll();
  EXPECT_FALSE(follower->stopped()) << "the limit is the chain's";
}

TEST_F(Follower, begins_anew_where_the_file_shrank) {
  add(record(Bytes(100, 1)));
  add(record(Bytes(100, 2)));
  poll();
  std::filesystem::resize_file(file, 0);
  add(record(Bytes(90, 3)));
  poll();
  EXPECT_EQ(got.size(), 3u);
  EXPECT_TRUE(log.has("follow_begins_anew"));
}

TEST_F(Follower, is_not_led_to_a_pipe_or_a_folder) {
  follower.emplace(std::filesystem::temp_directory_path().string(), spec, 1000, log);
  poll();
  EXPECT_TRUE(follower->stopped());
}

}  // namespace
}  // namespace lattice::app
