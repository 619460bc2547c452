#include <lattice/crypto/secret.hpp>

#include <new>

#include <gtest/gtest.h>

namespace lattice {
namespace {

ByteArray<32> filled(uint8_t byte) {
  ByteArray<32> bytes;
  bytes.fill(byte);
  return bytes;
}

TEST(Secret, StartsAsZeros) { EXPECT_EQ(Secret<32>{}, Secret<32>(ByteArray<32>{})); }

TEST(Secret, ComparesByValue) {
  const Secret<32> a(filled(1)), b(filled(1)), c(filled(2));
  EXPECT_TRUE(a == b);
  EXPECT_FALSE(a == c);
  EXPECT_TRUE(equal_secret({}, {}));
  EXPECT_FALSE(equal_secret(a.view(), a.view().first(31)));
  for (size_t i = 0; i < 32; ++i) {
    Secret<32> changed = a;
    changed.span()[i] ^= 0x80;
    EXPECT_FALSE(changed == a) << i;
  }
}

TEST(Secret, MovingWipesTheSource) {
  Secret<32> from(filled(7));
  const Secret<32> to(std::move(from));
  EXPECT_EQ(to, Secret<32>(filled(7)));
  EXPECT_EQ(from, Secret<32>{});  // NOLINT(bugprone-use-after-move): what is left is the point
  Secret<32> other;
  Secret<32> again(filled(9));
  other = std::move(again);
  EXPECT_EQ(other, Secret<32>(filled(9)));
  EXPECT_EQ(again, Secret<32>{});  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, GoingWipes) {
  alignas(Secret<32>) std::array<uint8_t, sizeof(Secret<32>)> memory{};
  auto* secret = new (memory.data()) Secret<32>(filled(7));
  EXPECT_EQ(std::count(memory.begin(), memory.end(), 7), 32);
  secret->~Secret();
  EXPECT_EQ(std::count(memory.begin(), memory.end(), 7), 0);
}

TEST(Secret, Wipe) {
  Bytes bytes(100, 3);
  wipe(bytes);
  EXPECT_EQ(bytes, Bytes(100, 0));
  wipe({});
}

}  // namespace
}  // namespace lattice
