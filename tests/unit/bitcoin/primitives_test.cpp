#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

uint64_t read_compact(std::string_view hex, ErrorCode expected = ErrorCode::none) {
  const Bytes bytes = unhex(hex);
  Cursor cursor(bytes);
  const uint64_t value = cursor.compact();
  EXPECT_EQ(cursor.error().code, expected) << hex;
  return value;
}

TEST(CompactSize, ReadsEachWidth) {
  EXPECT_EQ(read_compact("00"), 0u);
  EXPECT_EQ(read_compact("fc"), 252u);
  EXPECT_EQ(read_compact("fdfd00"), 253u);
  EXPECT_EQ(read_compact("fdffff"), 0xffffu);
  EXPECT_EQ(read_compact("fe00000100"), 0x10000u);
  EXPECT_EQ(read_compact("ff0000000001000000"), 0x1'0000'0000u);
}

TEST(CompactSize, RefusesLongerFormsThanNeededAndCutOnes) {
  for (const char* hex : {"fdfc00", "feffff0000", "ffffffffff00000000"}) read_compact(hex, ErrorCode::not_canonical);
  for (const char* hex : {"", "fd", "fd01", "fe010203", "ff01020304050607"}) read_compact(hex, ErrorCode::truncated);
}

TEST(Cursor, NeverCountsMoreThanWhatFollowsCouldHold) {
  const Bytes bytes = unhex("05aabbccdd");
  Cursor cursor(bytes);
  EXPECT_EQ(cursor.count(1), 0u);
  EXPECT_EQ(cursor.error().code, ErrorCode::truncated);
}

TEST(Header, GenesisOfBothNetworks) {
  EXPECT_EQ(display(hash_of(mainnet().genesis)), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
  EXPECT_EQ(display(hash_of(regtest().genesis)), "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206");
}

TEST(Header, ParsesWhatItWrites) {
  const Bytes block = unhex(block_1_hex);
  const auto header = parse_header(ByteView(block).first(80));
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->version, 1);
  EXPECT_EQ(header->previous, hash_of(mainnet().genesis));
  EXPECT_EQ(header->time, 1231469665u);
  EXPECT_EQ(header->bits, 0x1d00ffffu);
  EXPECT_EQ(header->nonce, 0x9962e301u);
  EXPECT_TRUE(equal(header_wire(*header), ByteView(block).first(80)));
  EXPECT_EQ(display(hash_of(*header)), "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048");
  EXPECT_FALSE(parse_header(ByteView(block).first(79)).has_value());
  EXPECT_FALSE(parse_header(ByteView(block).first(81)).has_value());
}

TEST(Block, WalksARealOne) {
  const Bytes wire = unhex(block_1_hex);
  const auto block = parse_block(wire);
  ASSERT_TRUE(block.has_value());
  ASSERT_EQ(block->transactions.size(), 1u);
  EXPECT_EQ(block->base_bytes, wire.size());
  EXPECT_EQ(block->weight(), 4 * wire.size());
  EXPECT_FALSE(block->transactions[0].has_witness());
  EXPECT_EQ(block->transactions[0].txid(), block->header.merkle_root);
  EXPECT_EQ(block->transactions[0].wtxid(), block->transactions[0].txid());
}

// Real transactions with witnesses are in the recent blocks of real_data_test.cpp; here the parts are put together by hand.
TEST(Transaction, TxidLeavesMarkerFlagAndWitnessOut) {
  const std::string version = "02000000", lock = "07000000";
  const std::string body = "01" + std::string(72, 'a') +
                           "00"
                           "ffffffff"
                           "01"
                           "0100000000000000"
                           "0151";
  const Bytes with = unhex(version + "0001" + body + "0202abcd00" + lock);
  const Bytes without = unhex(version + body + lock);
  Cursor cursor(with);
  const auto tx = read_transaction(cursor);
  ASSERT_TRUE(tx.has_value());
  EXPECT_EQ(cursor.left(), 0u);
  EXPECT_TRUE(tx->has_witness());
  EXPECT_EQ(tx->base_bytes(), without.size());
  EXPECT_EQ(tx->txid(), sha256d(without));
  EXPECT_EQ(tx->wtxid(), sha256d(with));
}

TEST(Block, RefusesEveryCutAndEveryTail) {
  const Bytes wire = made(101, 1, 900, 2).back();
  ASSERT_TRUE(parse_block(wire).has_value());
  for (size_t length = 0; length < wire.size(); ++length) {
    const auto cut = parse_block(ByteView(wire).first(length));
    ASSERT_FALSE(cut.has_value()) << length;
    ASSERT_EQ(cut.error().code, ErrorCode::truncated) << length;
  }
  Bytes longer = wire;
  longer.push_back(0);
  EXPECT_EQ(parse_block(longer).error().code, ErrorCode::trailing_bytes);
}

TEST(Block, RefusesACountThatItCannotHold) {
  Bytes wire = unhex(block_1_hex);
  wire[80] = 0xfe;
  std::fill_n(wire.begin() + 81, 4, uint8_t{0xff});
  EXPECT_EQ(parse_block(wire).error().code, ErrorCode::truncated);
  wire.resize(81);
  wire[80] = 0;
  EXPECT_EQ(parse_block(wire).error().code, ErrorCode::bad_block);
}

Result<Transaction> read(const Bytes& wire) {
  Cursor cursor(wire);
  return read_transaction(cursor);
}

TEST(Transaction, RefusesEmptyListsAndSuperfluousWitnesses) {
  const std::string input(72, '1'), output =
                                        "0000000000000000"
                                        "00";
  const std::string body = "01" + input +
                           "00"
                           "ffffffff" +
                           "01" + output;
  EXPECT_TRUE(read(unhex("01000000" + body + "00000000")).has_value());
  EXPECT_TRUE(read(unhex("01000000"
                         "0001" +
                         body + "0100" + "00000000"))
                  .has_value());
  // BIP144: the marker without any witness, and a flag other than 1.
  EXPECT_EQ(read(unhex("01000000"
                       "0001" +
                       body + "00" + "00000000"))
                .error()
                .code,
            ErrorCode::not_canonical);
  EXPECT_EQ(read(unhex("01000000"
                       "0002" +
                       body + "0100" + "00000000"))
                .error()
                .code,
            ErrorCode::bad_block);
  EXPECT_EQ(read(unhex("01000000"
                       "0001"
                       "00"
                       "01" +
                       output + "00000000"))
                .error()
                .code,
            ErrorCode::bad_block);
  EXPECT_EQ(read(unhex("01000000"
                       "01" +
                       input +
                       "00"
                       "ffffffff"
                       "00"
                       "00000000"))
                .error()
                .code,
            ErrorCode::bad_block);
}

}  // namespace
}  // namespace lattice::bitcoin
