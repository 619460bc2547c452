// Each rule of bodies, broken in turn: which error, and whether the header is to blame or only who sent the bytes.
#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

class BlockRules : public testing::Test {
 protected:
  static constexpr uint32_t height = 102;
  const Bytes good = made(height, 5, 2000, 4).back();
  const Header header = *parse_header(header_of(good));
  const std::vector<Bytes> transactions = transactions_of(good);

  static std::optional<BlockFault> check(const Bytes& block) { return check_block(regtest(), block, height); }
  static void expect(const Bytes& block, ErrorCode code, bool permanent) {
    const auto fault = check(block);
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->error.code, code) << fault->error.where;
    EXPECT_EQ(fault->permanent, permanent) << fault->error.where;
  }
  // The coinbase with its witness, its parts exchanged by what is given.
  static Bytes coinbase(std::string_view script, std::string_view outputs, std::string_view witness = {}) {
    const auto hex_count = [](size_t count) { return to_hex(ByteArray<1>{static_cast<uint8_t>(count)}); };
    std::string hex = "01000000";
    if (!witness.empty()) hex += "0001";
    hex += "01" + std::string(64, '0') + "ffffffff" + hex_count(script.size() / 2) + std::string(script) + "ffffffff";
    return unhex(hex + std::string(outputs) + std::string(witness) + "00000000");
  }
  static constexpr std::string_view height_script = "016600";  // 102, and a byte to be long enough
  static constexpr std::string_view plain_outputs =
      "01"
      "0000000000000000"
      "0151";
};

TEST_F(BlockRules, TheMadeBlockIsGood) { EXPECT_FALSE(check(good).has_value()); }

TEST_F(BlockRules, ACoinbaseAloneWithoutWitnessesNeedsNoCommitment) {
  EXPECT_FALSE(check(assemble(header, {coinbase(height_script, plain_outputs)})).has_value());
}

TEST_F(BlockRules, BytesThatDoNotParseAreTheSenders) {
  Bytes cut = good;
  cut.pop_back();
  expect(cut, ErrorCode::truncated, false);
  Bytes longer = good;
  longer.push_back(0);
  expect(longer, ErrorCode::trailing_bytes, false);
}

TEST_F(BlockRules, AnotherMerkleRootIsTheSenders) {
  auto swapped = transactions;
  std::swap(swapped[1], swapped[2]);
  expect(assemble(header, swapped, false), ErrorCode::bad_merkle_root, false);
}

// CVE-2012-2459: with an odd number at some level, repeating the end gives the same root.
TEST_F(BlockRules, RepeatedTransactionsAreTheSenders) {
  auto doubled = transactions;  // five: the last is paired with itself
  doubled.push_back(doubled.back());
  expect(assemble(header, doubled, false), ErrorCode::mutated_block, false);
  const std::vector<Bytes> six(transactions.begin(), transactions.end());
  auto three = std::vector<Bytes>(transactions.begin(), transactions.begin() + 3);
  const Bytes odd = assemble(header, three);
  three.push_back(three[2]);
  expect(assemble(*parse_header(header_of(odd)), three, false), ErrorCode::mutated_block, false);
}

TEST_F(BlockRules, TheFirstIsACoinbaseAndNoOther) {
  auto none = transactions;
  none.erase(none.begin());
  expect(assemble(header, none), ErrorCode::bad_block, true);
  auto two = transactions;
  two.push_back(coinbase("0102", plain_outputs));
  expect(assemble(header, two), ErrorCode::bad_block, true);
}

// Sixty-four bytes could be two hashes of the tree: such a list proves nothing against the header.
TEST_F(BlockRules, InnerNodesInPlaceOfTransactionsAreTheSenders) {
  const Bytes node = unhex(
      "01000000"
      "01" +
      std::string(72, '2') +
      "04"
      "01020304"
      "ffffffff"
      "01"
      "0000000000000000"
      "00"
      "00000000");
  ASSERT_EQ(node.size(), 64u);
  expect(assemble(header, {node}), ErrorCode::mutated_block, false);
}

TEST_F(BlockRules, CoinbaseScriptSize) {
  expect(assemble(header, {coinbase("51", plain_outputs)}), ErrorCode::bad_block, true);
  const std::string filler(2 * 98, '0');
  EXPECT_FALSE(check(assemble(header, {coinbase("0166" + filler, plain_outputs)})).has_value());
  expect(assemble(header, {coinbase("0166" + filler + "00", plain_outputs)}), ErrorCode::bad_block, true);
}

TEST_F(BlockRules, HeightInTheCoinbase) {
  expect(assemble(header, {coinbase("016500", plain_outputs)}), ErrorCode::bad_block, true);
  expect(assemble(header, {coinbase("02660000", plain_outputs)}), ErrorCode::bad_block, true);  // not minimal
  Rules before = regtest();
  before.bip34_height = height + 1;
  EXPECT_FALSE(check_block(before, assemble(header, {coinbase("016500", plain_outputs)}), height).has_value());
}

TEST_F(BlockRules, OutputsAreMoney) {
  const auto with = [&](std::string_view outputs) { return assemble(header, {coinbase(height_script, outputs)}); };
  EXPECT_FALSE(check(with("01"
                          "0040075af0750700"
                          "0151"))
                   .has_value());  // 21 million coins
  expect(with("01"
              "0140075af0750700"
              "0151"),
         ErrorCode::bad_block, true);  // and one
  expect(with("01"
              "ffffffffffffffff"
              "0151"),
         ErrorCode::bad_block, true);  // negative
  expect(with("02"
              "0040075af0750700"
              "0151"
              "0100000000000000"
              "0151"),
         ErrorCode::bad_block, true);  // the sum
}

TEST_F(BlockRules, NullOutpointsAreTheCoinbases) {
  auto list = transactions;
  Bytes& tx = list.back();
  // Version 4, marker and flag 2, count 1: the outpoint. A second input keeps it from being a coinbase.
  const Bytes input(tx.begin() + 7, tx.begin() + 7 + 41);
  Bytes second = input;
  std::fill(second.begin(), second.begin() + 32, uint8_t{0});
  std::fill(second.begin() + 32, second.begin() + 36, uint8_t{0xff});
  tx[6] = 2;
  tx.insert(tx.begin() + 7 + 41, second.begin(), second.end());
  tx.insert(tx.end() - 4, 0);  // the second input's empty witness
  expect(assemble(header, list), ErrorCode::bad_block, true);
}

TEST_F(BlockRules, WitnessesChangedOnTheWayAreTheSenders) {
  Bytes changed = good;
  changed[changed.size() - 5] ^= 1;  // the last transaction's only witness byte
  expect(changed, ErrorCode::bad_witness_commitment, false);
}

TEST_F(BlockRules, WitnessesNeedACommitmentAndItsReservedValue) {
  auto list = transactions;
  list[0] = coinbase(height_script, plain_outputs);
  expect(assemble(header, list), ErrorCode::bad_witness_commitment, false);

  // A commitment without the reserved value, with one too short, and with two items.
  const std::string commitment =
      "01"
      "0000000000000000"
      "26"
      "6a24aa21a9ed" +
      std::string(64, '0');
  expect(assemble(header, {coinbase(height_script, commitment)}), ErrorCode::bad_witness_commitment, false);
  expect(assemble(header, {coinbase(height_script, commitment, "011f" + std::string(62, '0'))}),
         ErrorCode::bad_witness_commitment, false);
  expect(assemble(header, {coinbase(height_script, commitment, "0220" + std::string(64, '0') + "00")}),
         ErrorCode::bad_witness_commitment, false);
  // With it, but to another root.
  expect(assemble(header, {coinbase(height_script, commitment, "0120" + std::string(64, '0'))}),
         ErrorCode::bad_witness_commitment, false);
}

TEST_F(BlockRules, OfSeveralCommitmentsTheLastCounts) {
  const ByteArray<64> zeros{};
  const std::string right =
      "0000000000000000"
      "26"
      "6a24aa21a9ed" +
      to_hex(sha256d(zeros));
  const std::string wrong =
      "0000000000000000"
      "26"
      "6a24aa21a9ed" +
      std::string(64, '7');
  const std::string witness = "0120" + std::string(64, '0');
  EXPECT_FALSE(check(assemble(header, {coinbase(height_script, "02" + wrong + right, witness)})).has_value());
  expect(assemble(header, {coinbase(height_script, "02" + right + wrong, witness)}), ErrorCode::bad_witness_commitment, false);
}

TEST_F(BlockRules, BeforeSegwitThereAreNoWitnesses) {
  Rules before = regtest();
  before.segwit_height = height + 1;
  const auto fault = check_block(before, good, height);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->error.code, ErrorCode::bad_witness_commitment);
  EXPECT_FALSE(fault->permanent);
}

// An output script of `bytes` zeros, in a transaction of its own.
Bytes large_transaction(size_t bytes, size_t witness) {
  Bytes tx = unhex(std::string("02000000") + (witness == 0 ? "" : "0001") + "01" + std::string(72, '3') +
                   "00"
                   "ffffffff"
                   "01"
                   "0000000000000000"
                   "fe");
  for (size_t i = 0; i < 4; ++i) tx.push_back(static_cast<uint8_t>(bytes >> (8 * i)));
  tx.resize(tx.size() + bytes);
  if (witness != 0) {
    append(tx, unhex("01fe"));
    for (size_t i = 0; i < 4; ++i) tx.push_back(static_cast<uint8_t>(witness >> (8 * i)));
    tx.resize(tx.size() + witness);
  }
  tx.resize(tx.size() + 4);
  return tx;
}

TEST_F(BlockRules, BaseSizeAndWeight) {
  const Bytes first = coinbase(height_script, plain_outputs);
  const size_t rest = assemble(header, {first, large_transaction(100'000, 0)}).size() - 100'000;
  const size_t most = block_weight_max / 4 - rest;
  EXPECT_FALSE(check(assemble(header, {first, large_transaction(most, 0)})).has_value());
  expect(assemble(header, {first, large_transaction(most + 1, 0)}), ErrorCode::block_too_large, true);

  const Bytes heavy = large_transaction(900'000, 450'000);
  std::vector<Digest> ids{Digest{}, sha256d(heavy)};
  const ByteArray<32> reserved{};
  const Digest commitment = sha256(hash(HashAlg::sha256, {merkle_root(ids).root, reserved}));
  const Bytes committed = coinbase(height_script,
                                   "01"
                                   "0000000000000000"
                                   "26"
                                   "6a24aa21a9ed" +
                                       to_hex(commitment),
                                   "0120" + std::string(64, '0'));
  expect(assemble(header, {committed, heavy}), ErrorCode::block_too_large, true);
}

TEST(Merkle, CountsAndEmptiness) {
  std::vector<Digest> none;
  EXPECT_EQ(merkle_root(none).root, Digest{});
  std::vector<Digest> one{sha256d(ByteArray<1>{1})};
  const Digest alone = one[0];
  EXPECT_EQ(merkle_root(one).root, alone);
  std::vector<Digest> same{alone, alone};
  EXPECT_TRUE(merkle_root(same).mutated);
}

}  // namespace
}  // namespace lattice::bitcoin
