// The chain that simulations measure the network with: what it takes, refuses, keeps and tells.
#include <gtest/gtest.h>

#include <lattice/sim/line_chain.hpp>
#include <lattice/sim/sim_store.hpp>

namespace lattice::sim {
namespace {

class LineChainTest : public testing::Test {
 protected:
  SimStore store;
  LineChainOptions options;
  std::vector<BlockHash> kept;
  std::vector<std::string> heard;
  std::unique_ptr<Chain> chain;

  void SetUp() override {
    options.block_bytes_max = 1000;
    options.on_block = [this](const BlockHash& block, Instant) { kept.push_back(block); };
    options.on_message = [this](ByteView message, Instant) { heard.emplace_back(as_text(message)); };
    begin();
  }
  void begin() {
    chain = line_chain(options);
    apply(LoadChain{});
  }
  ChainEvents apply(const ChainCommand& command) { return chain->apply(command, store, {}); }
  template <class Event>
  static const Event* find(const ChainEvents& events) {
    for (const auto& event : events) {
      if (const auto* found = std::get_if<Event>(&event)) return found;
    }
    return nullptr;
  }
  HeadersVerdict headers(std::vector<Bytes> list) { return *find<HeadersVerdict>(apply(SubmitHeaders{{1}, std::move(list)})); }
  BlockVerdict block(const SharedBytes& bytes) { return *find<BlockVerdict>(apply(SubmitBlock{{2}, bytes})); }
};

const LineBlock first = make_line_block(line_genesis(), as_bytes("one"));
const LineBlock second = make_line_block(first.ref, as_bytes("two"));

TEST_F(LineChainTest, HeadersThenBodiesInAnyOrderMoveTheTip) {
  const auto verdict = headers({first.header, second.header});
  EXPECT_EQ(verdict.error.code, ErrorCode::none);
  EXPECT_EQ(verdict.accepted, 2u);
  EXPECT_EQ(verdict.last, second.ref);
  EXPECT_EQ(headers({first.header}).accepted, 0u);  // known ones count as valid

  const auto missing = apply(FindMissing{{3}, 0, 10});
  EXPECT_EQ(find<MissingFound>(missing)->blocks, (std::vector<BlockRef>{first.ref, second.ref}));
  EXPECT_EQ(find<TipChanged>(apply(SubmitBlock{{2}, second.block})), nullptr);  // waits for the first
  const auto events = apply(SubmitBlock{{2}, first.block});
  ASSERT_NE(find<TipChanged>(events), nullptr);
  EXPECT_EQ(find<TipChanged>(events)->tip.block, second.ref);
  EXPECT_EQ(kept, (std::vector<BlockHash>{second.ref.hash, first.ref.hash}));
  EXPECT_EQ(block(first.block).error.code, ErrorCode::none);  // had already
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_TRUE(equal((*store.read(Column::bodies, first.ref.hash.view()))->view(), first.block.view()));
}

TEST_F(LineChainTest, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(headers({Bytes(63)}).error.code, ErrorCode::bad_header);
  EXPECT_EQ(headers({second.header}).error.code, ErrorCode::unconnected_header);
  EXPECT_EQ(block(first.block).error.code, ErrorCode::unknown_parent);
  const auto half = headers({first.header, first.header, make_line_block({}, {}).header});
  EXPECT_EQ(half.error.code, ErrorCode::unconnected_header);
  EXPECT_EQ(half.last, first.ref);
  EXPECT_EQ(half.accepted, 1u);

  Bytes changed = to_bytes(first.block.view());
  changed.back() ^= 1;
  EXPECT_EQ(block(SharedBytes(changed)).error.code, ErrorCode::bad_merkle_root);
  changed = to_bytes(first.block.view());
  changed[40] ^= 1;  // another header
  EXPECT_EQ(block(SharedBytes(changed)).error.code, ErrorCode::unknown_parent);
  EXPECT_EQ(block(SharedBytes(Bytes(63))).error.code, ErrorCode::bad_block);
  EXPECT_EQ(block(SharedBytes(Bytes(1001))).error.code, ErrorCode::bad_block);
  EXPECT_TRUE(kept.empty());
}

TEST_F(LineChainTest, AnotherProcessReadsItBack) {
  headers({first.header, second.header});
  block(first.block);
  chain = line_chain(options);
  const auto events = apply(LoadChain{});
  EXPECT_EQ(find<BestHeaderChanged>(events)->best.block, second.ref);
  EXPECT_EQ(find<TipChanged>(events)->tip.block, first.ref);
  EXPECT_EQ(find<MissingFound>(apply(FindMissing{{3}, 0, 10}))->blocks, std::vector<BlockRef>{second.ref});
}

TEST_F(LineChainTest, AFullDiskIsTold) {
  headers({first.header});
  store.fail_commits(true);
  EXPECT_NE(find<ChainFailed>(apply(SubmitBlock{{2}, first.block})), nullptr);
  EXPECT_NE(find<ChainFailed>(apply(SubmitHeaders{{1}, {second.header}})), nullptr);
}

TEST_F(LineChainTest, FindsHeadersBehindALocatorWithinItsBounds) {
  headers({first.header, second.header});
  const auto find_headers = [&](std::vector<BlockHash> locator, size_t count, size_t bytes) {
    return find<HeadersFound>(apply(FindHeaders{{4}, std::move(locator), {}, count, bytes}))->headers;
  };
  EXPECT_EQ(find_headers({line_genesis().hash}, 10, 1000), (std::vector<Bytes>{first.header, second.header}));
  EXPECT_EQ(find_headers({first.ref.hash, line_genesis().hash}, 10, 1000), std::vector<Bytes>{second.header});
  EXPECT_EQ(find_headers({line_genesis().hash}, 1, 1000), std::vector<Bytes>{first.header});
  EXPECT_EQ(find_headers({line_genesis().hash}, 10, line_header_bytes), std::vector<Bytes>{first.header});
  EXPECT_TRUE(find_headers({second.ref.hash}, 10, 1000).empty());
}

TEST_F(LineChainTest, AMessageIsNewOnce) {
  const auto submit = [&](std::string_view text) {
    return find<ConsensusVerdict>(apply(SubmitConsensus{{5}, SharedBytes(to_bytes(as_bytes(text)))}))->relay;
  };
  EXPECT_TRUE(submit("a"));
  EXPECT_FALSE(submit("a"));
  EXPECT_TRUE(submit("b"));
  options.outbox->push_back(SharedBytes(to_bytes(as_bytes("own"))));
  const auto events = apply(ChainTick{});
  ASSERT_NE(find<PublishConsensus>(events), nullptr);
  EXPECT_EQ(find<PublishConsensus>(apply(ChainTick{})), nullptr);
  EXPECT_FALSE(submit("own"));
  EXPECT_EQ(heard, (std::vector<std::string>{"a", "b", "own"}));
}

TEST_F(LineChainTest, ASilentOneTakesEverythingAndKeepsNothing) {
  options.silent = true;
  begin();
  EXPECT_EQ(headers({first.header}).error.code, ErrorCode::none);
  EXPECT_EQ(headers({Bytes(63)}).error.code, ErrorCode::none);
  EXPECT_EQ(block(first.block).error.code, ErrorCode::none);
  EXPECT_FALSE(find<ConsensusVerdict>(apply(SubmitConsensus{{5}, SharedBytes(Bytes{1})}))->relay);
  EXPECT_TRUE(find<MissingFound>(apply(FindMissing{{3}, 0, 10}))->blocks.empty());
  EXPECT_TRUE(kept.empty());
}

TEST_F(LineChainTest, NodesOfOneWorldKeepABodyOnce) {
  LineChainOptions other = options;
  SimStore other_store;
  const auto twin = line_chain(other);
  headers({first.header});
  block(first.block);
  twin->apply(LoadChain{}, other_store, {});
  twin->apply(SubmitHeaders{{1}, {first.header}}, other_store, {});
  twin->apply(SubmitBlock{{2}, SharedBytes(to_bytes(first.block.view()))}, other_store, {});
  const auto ours = store.read(Column::bodies, first.ref.hash.view()),
             theirs = other_store.read(Column::bodies, first.ref.hash.view());
  EXPECT_EQ((*ours)->data(), (*theirs)->data());
}

}  // namespace
}  // namespace lattice::sim
