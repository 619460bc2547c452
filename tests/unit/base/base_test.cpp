#include <gtest/gtest.h>

#include <set>

#include <lattice/base/assert.hpp>
#include <lattice/base/bytes.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/base/error.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/random.hpp>
#include <lattice/base/result.hpp>

namespace lattice {
namespace {

TEST(Hex, GoesBothWays) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x9f, 0xff}), "009fff");
  EXPECT_EQ(from_hex("009FfF"), (Bytes{0x00, 0x9f, 0xff}));
  EXPECT_EQ(from_hex(""), Bytes{});
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(SharedBytes, AreOneAllocationForAllReaders) {
  SharedBytes whole(Bytes{1, 2, 3, 4});
  const SharedBytes part = whole.part(1, 2);
  EXPECT_EQ(part.data(), whole.data() + 1);
  whole = SharedBytes();
  EXPECT_EQ(to_bytes(part.view()), (Bytes{2, 3}));
}

// RFC 3720 B.4.
TEST(Crc32c, MatchesTheStandardsExamples) {
  EXPECT_EQ(crc32c(Bytes(32, 0x00)), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
  Bytes rising(32);
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
}

TEST(Crc32c, ContinuesAtEverySplit) {
  const ByteView text = as_bytes("the quick brown fox jumps over it");
  for (size_t split = 0; split <= text.size(); ++split) {
    EXPECT_EQ(crc32c(text.subspan(split), crc32c(text.first(split))), crc32c(text));
  }
}

// Long ones go by another way, single bytes by the plainest.
TEST(Crc32c, LongOnesAreTheSumOfTheirBytes) {
  SeededRng rng(1);
  Bytes text(4000);
  rng.fill(text);
  for (size_t length = 0; length < text.size(); length += length > 700 && length < 800 ? 1 : 37) {
    uint32_t plain = 0;
    for (size_t i = 0; i < length; ++i) plain = crc32c(ByteView(text).subspan(i, 1), plain);
    EXPECT_EQ(crc32c(ByteView(text).first(length)), plain) << length;
  }
}

TEST(SeededRng, RepeatsItselfAndDiffersBySeed) {
  SeededRng a(1), b(1), c(2);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(Rng, BelowReachesEveryValueAndNoOther) {
  SeededRng rng(3);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(rng.below(7));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4, 5, 6}));
  for (int i = 0; i < 1000; ++i) {
    const double unit = rng.unit();
    EXPECT_GE(unit, 0.0);
    EXPECT_LT(unit, 1.0);
  }
}

TEST(ErrorTable, HasOneNameForEachCode) {
  std::set<std::string_view> names;
  for (const ErrorInfo& info : all_errors()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.text.empty()) << info.name;
    EXPECT_LE(info.penalty, 100);
    EXPECT_EQ(&error_info(info.code), &info);
  }
  EXPECT_EQ(error_name(static_cast<ErrorCode>(65000)), "unknown");
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::bad_value, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  TRY(once, half(value));
  TRY(twice, half(once));
  return twice;
}

TEST(Result, TryHandsTheErrorOn) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_STREQ(quarter(6).error().where, "odd");
}

TEST(AssertDeathTest, StopsTheProgramWithItsPlace) {
  EXPECT_DEATH(ASSERT(1 == 2), "assertion failed: 1 == 2 at .*base_test.cpp");
}

TEST(Id256, OrdersAndHashesByValue) {
  NodeId a, b;
  b.bytes[31] = 1;
  EXPECT_LT(a, b);
  EXPECT_TRUE(a.is_zero());
  EXPECT_FALSE(b.is_zero());
  EXPECT_EQ(NodeId::from(b.view()), b);
}

}  // namespace
}  // namespace lattice
