// The chain as the node sees it: best header chain, bodies in any order, reorganisation, what is invalid and what is only
// wrong.
#include "support.hpp"

#include <random>

namespace lattice::bitcoin {
namespace {

using namespace test;

struct ChainTest : testing::Test {
  explicit ChainTest(ChainOptions with = options_of(regtest())) : options(std::move(with)), driver(options, store) {}
  ChainOptions options;
  MemoryStore store;
  Driver driver;
};

// A child of `parent` on regtest: coinbase only; `salt` makes siblings differ.
Bytes child_of(const Bytes& parent, uint32_t height, uint8_t salt, bool good = true) {
  Header header = *parse_header(header_of(parent));
  header.version = 4;
  header.previous = hash_of_block(parent);
  header.time += 600;
  Bytes script = height_push(good ? height : height + 1);
  script.insert(script.end(), {1, salt});
  Bytes tx = unhex("0100000001" + std::string(64, '0') + "ffffffff");
  tx.push_back(static_cast<uint8_t>(script.size()));
  append(tx, script);
  append(tx, unhex("ffffffff"
                   "01"
                   "0000000000000000"
                   "0151"
                   "00000000"));
  return assemble(header, {tx});
}

TEST_F(ChainTest, AnEmptyStoreGivesTheGenesis) {
  const Outcome out = driver.load();
  ASSERT_TRUE(out.best && out.tip);
  const BlockHash genesis = hash_of(regtest().genesis);
  EXPECT_EQ(out.best->best.block, (BlockRef{genesis, 0}));
  EXPECT_EQ(out.best->locator, std::vector{genesis});
  EXPECT_EQ(out.tip->tip.block, (BlockRef{genesis, 0}));
  EXPECT_EQ(out.tip->tip.score.size(), 32u);
  EXPECT_EQ(out.tip->tip.score.back(), 2);
  EXPECT_TRUE(driver.missing().missing.empty());
  EXPECT_EQ(driver.chain().identity().genesis, genesis);
}

TEST_F(ChainTest, NothingWorksBeforeItIsLoaded) {
  const auto blocks = made(1);
  EXPECT_EQ(driver.header(blocks[1]).code(), ErrorCode::store_failed);
  EXPECT_EQ(driver.block(blocks[1]).code(), ErrorCode::store_failed);
}

TEST_F(ChainTest, ThereAreNoConsensusMessages) {
  driver.load();
  EXPECT_EQ(driver.run(SubmitConsensus{RequestId{1}, SharedBytes(Bytes{1})}).code(), ErrorCode::unexpected_message);
}

TEST_F(ChainTest, HeadersThenBodiesInAnyOrder) {
  const auto blocks = made(50);
  driver.load();
  ASSERT_EQ(driver.headers(headers_of(blocks, 1)).code(), ErrorCode::none);
  EXPECT_EQ(driver.missing(0, 7).missing.size(), 7u);
  EXPECT_EQ(driver.missing(48).missing,
            (std::vector<BlockRef>{{hash_of_block(blocks[49]), 49}, {hash_of_block(blocks[50]), 50}}));
  EXPECT_TRUE(driver.missing(50).missing.empty());
  EXPECT_TRUE(driver.missing(UINT64_MAX).missing.empty());

  std::vector<size_t> order;
  for (size_t i = 2; i <= 50; ++i) order.push_back(i);
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  for (const size_t i : order) {
    const Outcome out = driver.block(blocks[i]);
    ASSERT_EQ(out.code(), ErrorCode::none);
    ASSERT_FALSE(out.tip.has_value()) << "block 1 is not here yet";
    ASSERT_EQ(out.block, hash_of_block(blocks[i]));
  }
  EXPECT_EQ(driver.missing().missing, (std::vector<BlockRef>{{hash_of_block(blocks[1]), 1}}));
  const Outcome out = driver.block(blocks[1]);
  ASSERT_TRUE(out.tip.has_value());
  EXPECT_EQ(out.tip->tip.block, (BlockRef{hash_of_block(blocks[50]), 50}));
  EXPECT_EQ(out.tip->fork_height, 0u);
  EXPECT_TRUE(driver.missing().missing.empty());
  EXPECT_EQ(store.entries(Column::bodies), 50u);
  const auto body = store.read(Column::bodies, hash_of_block(blocks[7]).view());
  ASSERT_TRUE(body && *body);
  EXPECT_TRUE(equal((*body)->view(), blocks[7]));
  EXPECT_EQ(driver.block(blocks[7]).code(), ErrorCode::none) << "had already";
  EXPECT_EQ(driver.block(blocks[0]).code(), ErrorCode::none) << "the genesis is had";
}

TEST_F(ChainTest, ABlockBringsItsOwnHeader) {
  const auto blocks = made(3);
  driver.load();
  const Outcome out = driver.block(blocks[1]);
  EXPECT_EQ(out.code(), ErrorCode::none);
  ASSERT_TRUE(out.best && out.tip);
  EXPECT_EQ(out.tip->tip.block.height, 1u);
  EXPECT_EQ(driver.block(blocks[3]).code(), ErrorCode::unknown_parent);
  EXPECT_EQ(driver.block(Bytes(79)).code(), ErrorCode::truncated);
  EXPECT_EQ(driver.block(Bytes(200)).code(), ErrorCode::bad_difficulty);
}

TEST_F(ChainTest, FindHeadersAnswersLocators) {
  const auto blocks = made(30);
  driver.load();
  const Outcome all = driver.headers(headers_of(blocks, 1));
  ASSERT_TRUE(all.best);
  EXPECT_EQ(all.best->locator.front(), hash_of_block(blocks[30]));
  EXPECT_EQ(all.best->locator.back(), hash_of_block(blocks[0]));
  EXPECT_LT(all.best->locator.size(), 16u);

  EXPECT_EQ(driver.find({hash_of_block(blocks[0])}).headers, headers_of(blocks, 1));
  EXPECT_EQ(driver.find({}).headers, headers_of(blocks, 1));
  EXPECT_EQ(driver.find({BlockHash{}}).headers, headers_of(blocks, 1)) << "unknown hashes are passed over";
  EXPECT_EQ(driver.find({BlockHash{}, hash_of_block(blocks[28])}).headers, headers_of(blocks, 29));
  EXPECT_TRUE(driver.find({hash_of_block(blocks[30])}).headers.empty());
  EXPECT_EQ(driver.find({}, hash_of_block(blocks[5])).headers.size(), 5u);
  EXPECT_EQ(driver.find({}, {}, 3).headers.size(), 3u);
  EXPECT_EQ(driver.find({}, {}, 2000, 80 * 4 + 79).headers.size(), 4u);
}

TEST_F(ChainTest, MoreWorkReorganisesAndEqualWorkDoesNot) {
  const auto first = made(10, 1), second = made(12, 2);
  driver.load();
  for (size_t i = 1; i <= 10; ++i) driver.block(first[i]);
  // Equal work: seen later, so not better.
  std::vector<Bytes> headers(second.begin() + 1, second.begin() + 11);
  for (Bytes& h : headers) h = header_of(h);
  EXPECT_FALSE(driver.headers(headers).best.has_value());
  const Outcome more = driver.header(second[11]);
  ASSERT_TRUE(more.best.has_value());
  EXPECT_EQ(more.best->fork_height, 0u);
  EXPECT_EQ(more.best->best.block.height, 11u);
  EXPECT_EQ(driver.missing().missing.size(), 11u);
  // The tip stays until the other branch's bodies have more work.
  for (size_t i = 1; i <= 10; ++i) EXPECT_FALSE(driver.block(second[i]).tip.has_value());
  const Outcome out = driver.block(second[11]);
  ASSERT_TRUE(out.tip.has_value());
  EXPECT_EQ(out.tip->fork_height, 0u);
  EXPECT_EQ(out.tip->tip.block.hash, hash_of_block(second[11]));
  // And back again, over the branch that is here already.
  Bytes parent = first[10];
  for (uint32_t height = 11; height <= 12; ++height) {
    parent = child_of(parent, height, 1);
    const Outcome back = driver.block(parent);
    EXPECT_EQ(back.code(), ErrorCode::none);
    EXPECT_EQ(back.tip.has_value(), height == 12);
  }
}

TEST_F(ChainTest, AnInvalidBodyTakesItsHeaderAndAllAboveWithIt) {
  const auto blocks = made(10);
  driver.load();
  driver.headers(headers_of(blocks, 1));
  for (size_t i = 1; i <= 10; ++i) driver.block(blocks[i]);
  const Bytes bad = child_of(blocks[10], 11, 1, false), above = child_of(bad, 12, 1), good = child_of(blocks[10], 11, 2);
  ASSERT_EQ(driver.headers({header_of(bad), header_of(above), header_of(good)}).best->best.block.height, 12u);
  const Outcome out = driver.block(bad);
  EXPECT_EQ(out.code(), ErrorCode::bad_block);
  ASSERT_TRUE(out.best.has_value());
  EXPECT_EQ(out.best->best.block.hash, hash_of_block(good));
  EXPECT_EQ(out.best->fork_height, 10u);
  EXPECT_EQ(driver.missing().missing, (std::vector<BlockRef>{{hash_of_block(good), 11}}));
  // Nobody may bring them again, nor build on them.
  EXPECT_EQ(driver.header(bad).code(), ErrorCode::bad_block);
  EXPECT_EQ(driver.header(above).code(), ErrorCode::bad_block);
  EXPECT_EQ(driver.header(child_of(above, 13, 1)).code(), ErrorCode::bad_block);
  EXPECT_EQ(driver.block(bad).code(), ErrorCode::bad_block);
  EXPECT_EQ(driver.block(good).tip->tip.block.hash, hash_of_block(good));

  Driver again(options, store);
  EXPECT_EQ(again.load().best->best.block.hash, hash_of_block(good)) << "invalid after a restart too";
  EXPECT_EQ(again.header(bad).code(), ErrorCode::bad_block);
}

TEST_F(ChainTest, ABlockAnnouncedWithAnInvalidBodyChangesNothing) {
  const auto blocks = made(3);
  driver.load();
  for (size_t i = 1; i <= 3; ++i) driver.block(blocks[i]);
  const Outcome out = driver.block(child_of(blocks[3], 4, 1, false));
  EXPECT_EQ(out.code(), ErrorCode::bad_block);
  EXPECT_FALSE(out.best.has_value());
  EXPECT_FALSE(out.tip.has_value());
}

TEST_F(ChainTest, WrongBytesBlameTheSenderAndTheBlockMayStillCome) {
  const auto blocks = made(103, 1, 1500, 4);
  driver.load();
  for (size_t i = 1; i < 103; ++i) ASSERT_EQ(driver.block(blocks[i]).code(), ErrorCode::none);
  auto transactions = transactions_of(blocks[103]);
  const Header header = *parse_header(header_of(blocks[103]));
  auto doubled = transactions;
  doubled.push_back(doubled.back());
  EXPECT_EQ(driver.block(assemble(header, doubled, false)).code(), ErrorCode::mutated_block);
  std::swap(transactions[1], transactions[2]);
  EXPECT_EQ(driver.block(assemble(header, transactions, false)).code(), ErrorCode::bad_merkle_root);
  Bytes witness = blocks[103];
  witness[witness.size() - 5] ^= 1;
  EXPECT_EQ(driver.block(witness).code(), ErrorCode::bad_witness_commitment);
  Bytes cut = blocks[103];
  cut.resize(cut.size() - 1);
  EXPECT_EQ(driver.block(cut).code(), ErrorCode::truncated);
  const Outcome out = driver.block(blocks[103]);
  EXPECT_EQ(out.code(), ErrorCode::none);
  EXPECT_EQ(out.tip->tip.block.height, 103u);
}

TEST(ChainLimits, BlockBytes) {
  const auto blocks = made(1, 1, 600);
  ChainOptions options = options_of(regtest());
  options.block_bytes_max = 599;
  MemoryStore store;
  Driver driver(options, store);
  driver.load();
  EXPECT_EQ(driver.block(blocks[1]).code(), ErrorCode::block_too_large);
  options.block_bytes_max = 600;
  MemoryStore other;
  Driver larger(options, other);
  larger.load();
  EXPECT_EQ(larger.block(blocks[1]).code(), ErrorCode::none);
}

// Each regtest header counts two hashes, the genesis too.
TEST(LeastWork, AChainBelowItIsFollowedButNeitherBestNorStored) {
  const auto blocks = made(20);
  ChainOptions options = options_of(regtest());
  options.least_work[31] = 22;
  MemoryStore store;
  Driver driver(options, store);
  driver.load();
  auto headers = headers_of(blocks, 1);
  const std::vector<Bytes> nine(headers.begin(), headers.begin() + 9);
  const Outcome out = driver.headers(nine);
  EXPECT_EQ(out.code(), ErrorCode::none);
  EXPECT_EQ(out.accepted, 9u);
  EXPECT_EQ(out.last.height, 9u);
  EXPECT_FALSE(out.best.has_value());
  EXPECT_EQ(store.entries(Column::headers), 0u);
  EXPECT_EQ(driver.block(blocks[1]).code(), ErrorCode::low_work);
  EXPECT_TRUE(driver.missing().missing.empty());
  const Outcome enough = driver.header(blocks[10]);
  ASSERT_TRUE(enough.best.has_value());
  EXPECT_EQ(enough.best->best.block.height, 10u);
  EXPECT_EQ(store.entries(Column::headers), 10u);
  EXPECT_EQ(driver.block(blocks[1]).code(), ErrorCode::none);
}

TEST(SideBranches, OldOnesAreNotWorthDisk) {
  const auto blocks = made(side_depth_max + 3);
  MemoryStore store;
  Driver driver(options_of(regtest()), store);
  driver.load();
  driver.headers(headers_of(blocks, 1));
  const Bytes two = child_of(blocks[1], 2, 9), three = child_of(blocks[2], 3, 9);
  EXPECT_EQ(driver.block(two).code(), ErrorCode::low_work);
  EXPECT_EQ(driver.block(three).code(), ErrorCode::none);
}

TEST(SideBranches, AllButTheStrongestAreForgottenAtTheLimit) {
  const auto blocks = made(40, 1);
  const auto strong = made(30, 2), weak = made(25, 3);
  ChainOptions options = options_of(regtest());
  options.side_headers_max = 50;
  MemoryStore store;
  Driver driver(options, store);
  driver.load();
  for (size_t i = 1; i <= 40; ++i) driver.block(blocks[i]);
  const Bytes side_body = child_of(blocks[39], 40, 7);
  ASSERT_EQ(driver.block(side_body).code(), ErrorCode::none);
  ASSERT_EQ(driver.headers(headers_of(weak, 1)).accepted, 25u);
  ASSERT_EQ(driver.headers(headers_of(strong, 1)).accepted, 30u);
  // 55 are too many: the next command forgets the weak branch and keeps the strong one, the best chain and what has a body.
  EXPECT_EQ(driver.headers(headers_of(strong, 1)).accepted, 0u);
  EXPECT_EQ(driver.headers(headers_of(weak, 1)).accepted, 25u);
  EXPECT_EQ(driver.headers(headers_of(blocks, 1)).accepted, 0u);
  EXPECT_EQ(driver.header(side_body).accepted, 0u);
  const Outcome out = driver.block(child_of(blocks[40], 41, 1));
  EXPECT_EQ(out.tip->tip.block.height, 41u);
  EXPECT_EQ(out.tip->fork_height, 40u);
  Bytes parent = side_body;
  for (uint32_t height = 41; height <= 42; ++height) parent = child_of(parent, height, 7), driver.block(parent);
  EXPECT_EQ(driver.missing().missing.size(), 0u);
  EXPECT_EQ(driver.find({hash_of_block(side_body)}).headers.size(), 2u) << "the side branch is the best chain now";
}

}  // namespace
}  // namespace lattice::bitcoin
