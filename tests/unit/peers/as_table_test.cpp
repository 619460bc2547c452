#include <lattice/peers/as_table.hpp>

#include <map>
#include <string>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

#include "../../slow_build.hpp"

namespace lattice {
namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

TEST(as_table, the_longest_prefix_counts) {
  const auto table = AsTable::parse(
      "# comment\n"
      "\n"
      "8.0.0.0/8 3356 0\n"
      "8.8.8.0/24 15169\n"
      "8.8.8.8/32 4294967295 5\n"
      "0.0.0.0/0 1 4\n"
      "255.255.255.0/24 9\n"
      "2001:db8::/32 64496 1\n"
      "2001:db8:8000::/33 64497\n"
      "fff0::/12 7\n");
  ASSERT_TRUE(table) << table.error().line;
  EXPECT_EQ(table->prefixes(), 8u);
  EXPECT_EQ(table->find(ip("8.1.1.1")), (AsInfo{3356, 0}));
  EXPECT_EQ(table->find(ip("8.8.8.7")), (AsInfo{15169, {}}));
  EXPECT_EQ(table->find(ip("8.8.8.8")), (AsInfo{4294967295, 5}));
  EXPECT_EQ(table->find(ip("8.8.8.9")), (AsInfo{15169, {}}));
  EXPECT_EQ(table->find(ip("8.8.9.0")), (AsInfo{3356, 0}));
  EXPECT_EQ(table->find(ip("9.0.0.0")), (AsInfo{1, 4}));
  EXPECT_EQ(table->find(ip("255.255.255.255")), (AsInfo{9, {}}));
  EXPECT_EQ(table->find(ip("2001:db8:7fff:ffff::")), (AsInfo{64496, 1}));
  EXPECT_EQ(table->find(ip("2001:db8:8000::")), (AsInfo{64497, {}}));
  EXPECT_FALSE(table->find(ip("2001:db9::")));
  EXPECT_FALSE(table->find(ip("::1")));
  EXPECT_EQ(table->find(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), (AsInfo{7, {}}));
  EXPECT_FALSE(AsTable{}.find(ip("8.8.8.8")));
  EXPECT_EQ(AsTable::parse("")->ranges(), 0u);
}

TEST(as_table, what_is_not_said_in_the_only_way_is_refused) {
  const auto refused = [](std::string text, ErrorCode code, size_t line) {
    const auto table = AsTable::parse(text);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().error.code, code) << text << ": " << table.error().error.where;
    EXPECT_EQ(table.error().line, line) << text;
  };
  using enum ErrorCode;
  refused("8.8.8.0/24 1", truncated, 0);
  for (const char* line : {"8.8.8.0 1",        "8.8.8.0/33 1",          "8.8.8.0/024 1",   "8.8.8.0/ 1",
                           "8.8.8/24 1",       "[2001:db8::]/32 1",     "/24 1",           "8.8.8.0/24",
                           "8.8.8.0/24 ",      " 8.8.8.0/24 1",         "8.8.8.0/24  1",   "8.8.8.0/24 1 ",
                           "8.8.8.0/24 1 2 3", "8.8.8.0/24\t1",         "8.8.8.0/24 0",    "8.8.8.0/24 01",
                           "8.8.8.0/24 -1",    "8.8.8.0/24 4294967296", "8.8.8.0/24 AS1",  "8.8.8.0/24 1 6",
                           "8.8.8.0/24 1 00",  "8.8.8.0/24 1 x",        "8.8.8.0/24 1\r",  "2001:db8::/129 1",
                           "::/0 1",           "::ffff:8.8.8.0/120 1",  "::ffff:0:0/96 1", "::/80 1"})
    refused("# first\n" + std::string(line) + "\n", bad_value, 2);
  refused("8.8.8.8/24 1\n", not_canonical, 1);
  refused("2001:db8::1/127 1\n", not_canonical, 1);
  refused("8.8.8.0/24 1\n9.0.0.0/8 1\n8.8.8.0/24 1\n", contradiction, 0);
  refused("8.8.8.0/24 1\n" + std::string(81, '1') + "\n", too_large, 2);
  refused(std::string(AsTable::file_bytes_max + 1, '\n'), too_large, 0);
}

// One more than there may be.
TEST(as_table, prefixes_are_counted) {
  std::string text;
  for (uint32_t i = 0; i <= AsTable::prefixes_max; ++i) {
    const auto at = IpAddress::v4(static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 0);
    text += at.text() + "/24 7\n";
  }
  const auto table = AsTable::parse(text);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().error.code, ErrorCode::too_large);
  EXPECT_EQ(table.error().line, AsTable::prefixes_max + 1);
  const auto whole = AsTable::parse(text.substr(0, text.rfind('\n', text.size() - 2) + 1));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->prefixes(), AsTable::prefixes_max);
  EXPECT_EQ(whole->ranges(), 2u);  // all say the same
}

// The longest of all prefixes that hold the address, found by looking at each length.
TEST(as_table, agrees_with_a_naive_model) {
  SeededRng rng(40);
  size_t known = 0;
  for (int round = 0; round < (slow_build ? 100 : 1'000); ++round) {
    const bool v4 = round % 2 == 0;
    // Few distinct bytes, so that prefixes are nested.
    const auto random_ip = [&] {
      IpAddress out = v4 ? IpAddress::v4(0, 0, 0, 0) : *IpAddress::parse("ff00::");
      for (size_t i = v4 ? 12 : 1; i < 16; ++i)
        out.bytes[i] = rng.below(2) == 0 ? static_cast<uint8_t>(rng.below(2) * 0xff) : static_cast<uint8_t>(rng.below(4) << 6);
      return out;
    };
    const auto cut = [](IpAddress address, size_t bits) {
      for (size_t bit = bits; bit < 128; ++bit) address.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
      return address;
    };
    std::map<std::pair<IpAddress, size_t>, AsInfo> model;
    std::string text;
    for (uint64_t i = 1 + rng.below(60); i > 0; --i) {
      const size_t bits = v4 ? 96 + rng.below(33) : 8 + rng.below(121);
      const IpAddress first = cut(random_ip(), bits);
      AsInfo info{1 + static_cast<uint32_t>(rng.below(5)), {}};
      if (rng.below(2) == 0) info.region = static_cast<uint8_t>(rng.below(6));
      if (!model.emplace(std::pair(first, bits), info).second) continue;
      text += first.text() + "/" + std::to_string(v4 ? bits - 96 : bits) + " " + std::to_string(info.asn) +
              (info.region ? " " + std::to_string(*info.region) : "") + "\n";
    }
    const auto table = AsTable::parse(text);
    ASSERT_TRUE(table) << text << table.error().error.where;
    for (int i = 0; i < 1'000; ++i) {
      const IpAddress address = random_ip();
      std::optional<AsInfo> expected;
      IpAddress shorter = address;
      for (size_t bits = 128; !expected; --bits) {
        if (const auto found = model.find({shorter, bits}); found != model.end()) expected = found->second;
        if (bits == 0) break;
        shorter.bytes[(bits - 1) / 8] &= static_cast<uint8_t>(~(0x80 >> (bits - 1) % 8));
      }
      ASSERT_EQ(table->find(address), expected) << text << address.text();
      known += expected.has_value();
    }
  }
  EXPECT_GT(known, slow_build ? 30'000u : 300'000u);
  EXPECT_LT(known, 990'000u);
}

}  // namespace
}  // namespace lattice
