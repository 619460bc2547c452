#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

MakeChainOptions options(uint32_t blocks, size_t bytes, size_t transactions, uint64_t seed) {
  MakeChainOptions out;
  out.rules = &regtest();
  out.blocks = blocks;
  out.block_bytes = bytes;
  out.transactions = transactions;
  out.seed = seed;
  return out;
}

std::string file_hash(const MakeChainOptions& with) {
  Hasher hasher(HashAlg::sha256);
  const auto done = make_chain_file(with, regtest_magic, [&](ByteView bytes) -> Result<void> {
    hasher.update(bytes);
    return {};
  });
  EXPECT_TRUE(done.has_value());
  return to_hex(hasher.finish());
}

TEST(MakeChain, TheSameOptionsGiveTheSameBytes) {
  EXPECT_EQ(file_hash(options(120, 3000, 5, 42)), "2bb22be4d8ccaff3e37efb58c0eb6a146fcaeb64b625e262c85bd346f9f74b9b");
  EXPECT_NE(file_hash(options(120, 3000, 5, 43)), file_hash(options(120, 3000, 5, 42)));
}

TEST(MakeChain, ItsChainHoldsAndItsBlocksHaveTheSizeAskedFor) {
  const auto blocks = made(310, 7, 5000, 10);
  ASSERT_EQ(blocks.size(), 311u);
  EXPECT_EQ(hash_of_block(blocks[0]), hash_of(regtest().genesis));
  EXPECT_FALSE(check_block(regtest(), blocks[0], 0).has_value()) << "the genesis has its real coinbase";
  MemoryStore store;
  Driver driver(options_of(regtest()), store);
  driver.load();
  for (size_t i = 1; i < blocks.size(); ++i) {
    ASSERT_EQ(blocks[i].size(), 5000u);
    const Outcome out = driver.block(blocks[i]);
    ASSERT_EQ(out.code(), ErrorCode::none) << i << " " << out.error.where;
    ASSERT_EQ(out.tip->tip.block.height, i);
    ASSERT_EQ(parse_block(blocks[i])->transactions.size(), i <= coinbase_maturity ? 1u : 11u);
  }
}

// Every input spends an output that exists, once, old enough, with the script's hash met and the value kept.
TEST(MakeChain, SpendsWhatExists) {
  const auto blocks = made(320, 3, 4000, 6);
  std::map<Bytes, std::pair<uint64_t, uint32_t>> unspent;  // outpoint -> value, height of a coinbase or 0
  for (uint32_t height = 1; height < blocks.size(); ++height) {
    const auto block = parse_block(blocks[height]);
    for (size_t t = 0; t < block->transactions.size(); ++t) {
      const Transaction& tx = block->transactions[t];
      Cursor inputs(tx.inputs), outputs(tx.outputs);
      const TxInput input = read_input(inputs);
      const TxOutput output = read_output(outputs);
      if (t > 0) {
        const auto source = unspent.find(to_bytes(input.outpoint));
        ASSERT_NE(source, unspent.end());
        const uint32_t age = source->second.second == 0 ? coinbase_maturity : height - source->second.second;
        ASSERT_GE(age, coinbase_maturity);
        ASSERT_EQ(output.value, source->second.first);
        ASSERT_EQ(to_hex(tx.witness), "010151");
        unspent.erase(source);
      } else {
        ASSERT_EQ(output.value, subsidy(regtest(), height));
      }
      ASSERT_EQ(to_hex(output.script), "0020" + to_hex(sha256(Bytes{0x51})));
      Bytes outpoint = to_bytes(tx.txid());
      outpoint.resize(36);
      unspent[outpoint] = {output.value, t == 0 ? height : 0};
    }
  }
}

TEST(MakeChain, SizesAroundEachFormOfALengthAreMetOrMissedByLittle) {
  const size_t least = made(1, 1, 0)[1].size();
  for (size_t bytes = least; bytes < least + 600; ++bytes) {
    const size_t size = made(1, 1, bytes)[1].size();
    EXPECT_LE(size, bytes);
    EXPECT_LE(bytes - size, bytes < least + 15 ? 14u : 2u) << bytes;
  }
  EXPECT_EQ(made(1, 1, 70'000)[1].size(), 70'000u);
  EXPECT_EQ(made(1, 1, 999'000)[1].size(), 999'000u);
}

TEST(MakeChain, RefusesWhatNoNodeWouldTake) {
  const auto write = [](ByteView) -> Result<void> { return {}; };
  EXPECT_EQ(make_chain_blocks(options(1, 1'100'000, 0, 1), write).error().code, ErrorCode::block_too_large);
  EXPECT_EQ(make_chain_blocks(options(1, 5'000'000, 0, 1), write).error().code, ErrorCode::block_too_large);
  EXPECT_EQ(make_chain_blocks(options(1, 0, made_transactions_max + 1, 1), write).error().code, ErrorCode::too_large);
  MakeChainOptions with = options(1, 0, 0, 1);
  with.rules = &mainnet();
  EXPECT_EQ(make_chain_blocks(with, write).error().code, ErrorCode::bad_value);
  with.rules = &regtest();
  with.start_time = regtest().genesis.time;
  EXPECT_EQ(make_chain_blocks(with, write).error().code, ErrorCode::bad_time);
  const auto stops = [](ByteView) -> Result<void> { return fail(ErrorCode::store_failed, "full"); };
  EXPECT_EQ(make_chain_blocks(options(1, 0, 0, 1), stops).error().code, ErrorCode::store_failed);
}

TEST(MakeChain, StartsWhenAskedTo) {
  MakeChainOptions with = options(2, 0, 0, 1);
  with.start_time = 1'700'000'000;
  std::vector<uint32_t> times;
  ASSERT_TRUE(make_chain_blocks(with, [&](ByteView block) -> Result<void> {
                times.push_back(parse_header(block.first(80))->time);
                return {};
              }).has_value());
  EXPECT_EQ(times, (std::vector<uint32_t>{1'296'688'602, 1'700'000'000, 1'700'000'600}));
}

}  // namespace
}  // namespace lattice::bitcoin
