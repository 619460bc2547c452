#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

TEST(CompactTarget, KnownValues) {
  EXPECT_EQ(*target_from_bits(0x1d00ffff), U256::of(0xffff) << 208);
  EXPECT_EQ(*target_from_bits(0x207fffff), U256::of(0x7fffff) << 232);
  EXPECT_EQ(*target_from_bits(0x05009234), U256::of(0x92340000));
  EXPECT_EQ(*target_from_bits(0x01120000), U256::of(0x12));
  EXPECT_EQ(*target_from_bits(0x02123456), U256::of(0x1234));
  for (const uint32_t bits : {0x1d00ffffu, 0x207fffffu, 0x05009234u, 0x1b0404cbu, 0x170331dbu, 0x01120000u}) {
    EXPECT_EQ(bits_from_target(*target_from_bits(bits)), bits);
  }
  // The sign bit is kept clear by one more byte of exponent.
  EXPECT_EQ(bits_from_target(U256::of(0x80)), 0x02008000u);
}

TEST(CompactTarget, RefusesNegativeOverflowingAndZero) {
  for (const uint32_t bits :
       {0x00000000u, 0x1d000000u, 0x01003456u, 0x1d80ffffu, 0x04923456u, 0x21010000u, 0x22000100u, 0xff123456u}) {
    EXPECT_EQ(target_from_bits(bits).error().code, ErrorCode::bad_difficulty) << std::hex << bits;
  }
  EXPECT_TRUE(target_from_bits(0x2100ffff).has_value());
  EXPECT_TRUE(target_from_bits(0x220000ff).has_value());
}

TEST(Work, IsTheExpectedNumberOfHashes) {
  EXPECT_EQ(work_of(0x1d00ffff), U256::of(0x1'0001'0001));
  EXPECT_EQ(work_of(0x207fffff), U256::of(2));
  EXPECT_TRUE(work_of(0).is_zero());
}

TEST(ProofOfWork, HoldsHashAgainstTargetAndTargetAgainstLimit) {
  const BlockHash genesis = hash_of(mainnet().genesis);
  EXPECT_TRUE(check_proof_of_work(mainnet(), genesis, 0x1d00ffff).has_value());
  EXPECT_EQ(check_proof_of_work(mainnet(), genesis, 0x1b0404cb).error().code, ErrorCode::bad_proof_of_work);
  EXPECT_EQ(check_proof_of_work(mainnet(), genesis, 0x207fffff).error().code, ErrorCode::bad_difficulty);
  // Equal is enough, one more is too much.
  BlockHash edge;
  edge.bytes[26] = edge.bytes[27] = 0xff;
  EXPECT_TRUE(check_proof_of_work(mainnet(), edge, 0x1d00ffff).has_value());
  edge.bytes[0] = 1;
  EXPECT_EQ(check_proof_of_work(mainnet(), edge, 0x1d00ffff).error().code, ErrorCode::bad_proof_of_work);
}

TEST(Retarget, FollowsTheTimeTakenWithinAFactorOfFour) {
  const uint32_t period = 14 * 24 * 60 * 60, bits = 0x1c05a3f4;
  EXPECT_EQ(retargeted_bits(mainnet(), bits, 0, period), bits);
  const U256 target = *target_from_bits(bits);
  EXPECT_EQ(retargeted_bits(mainnet(), bits, 0, 1), bits_from_target(target >> 2));
  EXPECT_EQ(retargeted_bits(mainnet(), bits, 5, 1), bits_from_target(target >> 2));  // time may run backwards
  EXPECT_EQ(retargeted_bits(mainnet(), bits, 0, UINT32_MAX), bits_from_target(target << 2));
  EXPECT_EQ(retargeted_bits(mainnet(), 0x1d00ffff, 0, 2 * period), 0x1d00ffffu);  // never easier than the limit
}

// Block 32256, the first time that mainnet's difficulty changed.
TEST(Retarget, TheFirstOfMainnet) { EXPECT_EQ(retargeted_bits(mainnet(), 0x1d00ffff, 1261130161, 1262152739), 0x1d00d86au); }

TEST(Retarget, WithoutThePeriodsBeginTheFactorIsBounded) {
  const uint32_t bits = 0x1c05a3f4;
  const U256 target = *target_from_bits(bits);
  EXPECT_TRUE(retarget_possible(mainnet(), bits, bits));
  EXPECT_TRUE(retarget_possible(mainnet(), bits, bits_from_target(target << 2)));
  EXPECT_TRUE(retarget_possible(mainnet(), bits, bits_from_target(target >> 2)));
  EXPECT_FALSE(retarget_possible(mainnet(), bits, bits_from_target(target << 3)));
  EXPECT_FALSE(retarget_possible(mainnet(), bits, bits_from_target(target >> 3)));
  EXPECT_FALSE(retarget_possible(mainnet(), bits, 0));
}

TEST(Rules, VersionsAndSubsidyByHeight) {
  EXPECT_LT(version_min(mainnet(), 227'930), -1);
  EXPECT_EQ(version_min(mainnet(), 227'931), 2);
  EXPECT_EQ(version_min(mainnet(), 363'725), 3);
  EXPECT_EQ(version_min(mainnet(), 388'381), 4);
  EXPECT_EQ(version_min(regtest(), 1), 4);
  EXPECT_EQ(subsidy(mainnet(), 209'999), 5'000'000'000u);
  EXPECT_EQ(subsidy(mainnet(), 210'000), 2'500'000'000u);
  EXPECT_EQ(subsidy(regtest(), 150), 2'500'000'000u);
  EXPECT_EQ(subsidy(regtest(), 150 * 64), 0u);
}

TEST(ChainIdentity, DiffersWhereverNodesWouldDisagree) {
  const ChainId id = chain_id(mainnet());
  EXPECT_NE(id, chain_id(regtest()));
  EXPECT_NE(id, chain_id(mainnet(), ByteArray<1>{0}));
  Rules other = mainnet();
  other.segwit_height = 0;
  EXPECT_NE(id, chain_id(other));
  other = mainnet();
  other.name = "another name";
  EXPECT_EQ(id, chain_id(other));
  EXPECT_EQ(find_rules("regtest"), &regtest());
  EXPECT_EQ(find_rules("testnet9"), nullptr);
}

TEST(HeightPush, IsMinimal) {
  EXPECT_EQ(to_hex(height_push(1)), "51");
  EXPECT_EQ(to_hex(height_push(16)), "60");
  EXPECT_EQ(to_hex(height_push(17)), "0111");
  EXPECT_EQ(to_hex(height_push(127)), "017f");
  EXPECT_EQ(to_hex(height_push(128)), "028000");
  EXPECT_EQ(to_hex(height_push(32'768)), "03008000");
  EXPECT_EQ(to_hex(height_push(831'328)), "0360af0c");
}

}  // namespace
}  // namespace lattice::bitcoin
