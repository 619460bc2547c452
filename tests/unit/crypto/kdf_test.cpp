#include <lattice/crypto/kdf.hpp>

#include <gtest/gtest.h>

namespace lattice {
namespace {

std::string hex(const Secret<32>& key) { return to_hex(key.view()); }

// RFC 7914 section 12 gives 64 bytes; the first 32 are the same (PBKDF2 makes its blocks of 32 one by one).
TEST(Scrypt, GivesThePublishedKeys) {
  const auto second = scrypt(as_bytes("password"), as_bytes("NaCl"), {10, 8, 16});
  ASSERT_TRUE(second) << second.error().where;
  EXPECT_EQ(hex(*second), "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
  const auto third = scrypt(as_bytes("pleaseletmein"), as_bytes("SodiumChloride"), {14, 8, 1});
  ASSERT_TRUE(third) << third.error().where;
  EXPECT_EQ(hex(*third), "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
  const auto fourth = scrypt(as_bytes("pleaseletmein"), as_bytes("SodiumChloride"), {20, 8, 1});
  EXPECT_FALSE(fourth);  // a gigabyte: more than this program takes
}

TEST(Scrypt, EveryInputMatters) {
  const auto key = [](std::string_view passphrase, std::string_view salt, ScryptCost cost) {
    return hex(*scrypt(as_bytes(passphrase), as_bytes(salt), cost));
  };
  const auto first = key("a", "b", {10, 8, 1});
  EXPECT_EQ(first, key("a", "b", {10, 8, 1}));
  EXPECT_NE(first, key("A", "b", {10, 8, 1}));
  EXPECT_NE(first, key("a", "B", {10, 8, 1}));
  EXPECT_NE(first, key("a", "b", {11, 8, 1}));
  EXPECT_NE(first, key("a", "b", {10, 7, 1}));
  EXPECT_NE(first, key("a", "b", {10, 8, 2}));
  EXPECT_NE(first, key("", "b", {10, 8, 1}));
}

TEST(Scrypt, RefusesCostsOutOfBounds) {
  for (const ScryptCost cost :
       {ScryptCost{0, 8, 1}, ScryptCost{9, 8, 1}, ScryptCost{21, 1, 1}, ScryptCost{63, 8, 1}, ScryptCost{255, 8, 1},
        ScryptCost{15, 0, 1}, ScryptCost{15, 17, 1}, ScryptCost{15, 255, 1}, ScryptCost{15, 8, 0}, ScryptCost{10, 8, 17},
        ScryptCost{10, 8, 255}, ScryptCost{18, 8, 4}, ScryptCost{19, 8, 1}, ScryptCost{18, 9, 1}}) {
    EXPECT_FALSE(cost.within_bounds());
    const auto key = scrypt(as_bytes("a"), as_bytes("b"), cost);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::limit_reached);
  }
  EXPECT_TRUE((ScryptCost{18, 8, 2}).within_bounds());
  EXPECT_TRUE((ScryptCost{20, 2, 1}).within_bounds());
}

}  // namespace
}  // namespace lattice
