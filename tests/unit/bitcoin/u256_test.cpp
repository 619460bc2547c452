#include <lattice/chains/bitcoin/u256.hpp>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

namespace lattice::bitcoin {
namespace {

U256 draw(SeededRng& rng) {
  U256 out;
  const uint64_t words = rng.below(5);
  for (size_t i = 0; i < words; ++i) out.words[i] = rng.next();
  return out >> static_cast<size_t>(rng.below(64));
}

TEST(U256, BytesInBothOrders) {
  ByteArray<32> bytes{};
  bytes[0] = 0x12;
  bytes[31] = 0x34;
  EXPECT_EQ(U256::from_little_endian(bytes), (U256{{0x12, 0, 0, uint64_t{0x34} << 56}}));
  EXPECT_EQ(U256::from_big_endian(bytes), (U256{{0x34, 0, 0, uint64_t{0x12} << 56}}));
  EXPECT_EQ(U256::from_big_endian(bytes).big_endian(), bytes);
}

TEST(U256, CarriesAndBorrowsThroughEveryWord) {
  const U256 ones = ~U256{};
  EXPECT_TRUE((ones + U256::of(1)).is_zero());
  EXPECT_EQ(U256{} - U256::of(1), ones);
  EXPECT_EQ((U256{{~uint64_t{0}, ~uint64_t{0}, 0, 0}} + U256::of(1)), (U256{{0, 0, 1, 0}}));
}

TEST(U256, ComparesFromTheTop) {
  EXPECT_LT((U256{{9, 0, 0, 0}}), (U256{{0, 1, 0, 0}}));
  EXPECT_GT((U256{{0, 0, 0, 1}}), (U256{{~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, 0}}));
}

TEST(U256, ShiftsAcrossWords) {
  const U256 one = U256::of(1);
  for (size_t bits = 0; bits < 256; ++bits) {
    EXPECT_EQ((one << bits).bit_length(), bits + 1);
    EXPECT_EQ((one << bits) >> bits, one);
  }
  EXPECT_EQ((~U256{} << 200) >> 200, ~U256{} >> 200);
}

// The quotient is the only number q with q * d + r = n and r < d; the product is summed by shifting, a way of its own.
TEST(U256, QuotientTimesDivisorAndRestGiveTheDividend) {
  SeededRng rng(7);
  for (int round = 0; round < 2000; ++round) {
    const U256 dividend = draw(rng);
    U256 divisor = draw(rng);
    if (divisor.is_zero()) divisor = U256::of(3);
    const U256 quotient = divide(dividend, divisor);
    U256 product;
    for (size_t bit = 0; bit < quotient.bit_length(); ++bit) {
      if (((quotient >> bit).words[0] & 1) != 0) product = product + (divisor << bit);
    }
    ASSERT_LE(product, dividend);
    ASSERT_LT(dividend - product, divisor);
  }
}

TEST(U256, MultiplyDivideAgreesWithDivideAndSaturates) {
  SeededRng rng(8);
  for (int round = 0; round < 500; ++round) {
    const U256 small = draw(rng) >> 64;
    const uint64_t factor = rng.below(1u << 30), divisor = 1 + rng.below(1u << 30);
    U256 product;
    for (size_t bit = 0; bit < 30; ++bit) {
      if ((factor >> bit & 1) != 0) product = product + (small << bit);
    }
    ASSERT_EQ(multiply_divide(small, factor, divisor), divide(product, U256::of(divisor)));
  }
  EXPECT_EQ(multiply_divide(~U256{}, 4, 4), ~U256{});
  EXPECT_EQ(multiply_divide(~U256{}, 5, 4), ~U256{});
}

}  // namespace
}  // namespace lattice::bitcoin
