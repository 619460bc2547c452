#include <lattice/discovery/seed_list.hpp>

#include <gtest/gtest.h>

namespace lattice {
namespace {

WallTime at(int64_t seconds) { return wall_from_unix(seconds); }
constexpr int64_t noon = 1'800'000'000;

ChainId chain_named(uint8_t byte) {
  ChainId id;
  id.bytes.fill(byte);
  return id;
}

SeedEntry entry_at(uint8_t last) {
  SeedEntry entry{{IpAddress::v4(192, 0, 2, last), 8333}, {}};
  entry.node.bytes.fill(last);
  return entry;
}

SeedList list_of(size_t entries) {
  SeedList list{chain_named(7), 42, at(noon + 3600), {}, {}};
  for (size_t i = 1; i <= entries; ++i) list.entries.push_back(entry_at(static_cast<uint8_t>(i)));
  return list;
}

// Of the right size and no more: for what is decided before any cryptography.
SeedSignature shape_of_signature(uint8_t who) {
  const auto sizes = sign_sizes(SignAlg::mldsa65);
  return {SignAlg::mldsa65, Bytes(sizes.public_key, who), Bytes(sizes.signature, who)};
}
Digest operator_named(uint8_t who) { return operator_hash(shape_of_signature(who).public_key); }

class SeedListSigned : public testing::Test {
 protected:
  std::shared_ptr<const SigningKey> key(uint8_t who) {
    ByteArray<32> seed{};
    seed.fill(who);
    return provider->signing_key(SignAlg::mldsa65, Secret<32>(seed));
  }
  bool verifies(const SeedList& list, size_t index) {
    const auto& signature = list.signatures[index];
    return provider->verify(signature.alg, signature.public_key, as_bytes(seed_list_context), seed_list_body(list),
                            signature.signature);
  }
  std::unique_ptr<Provider> provider = openssl_provider();
};

TEST(SeedList, TextRoundTrip) {
  for (const size_t count : {size_t{1}, size_t{4}, seed_entries_max}) {
    auto list = list_of(count);
    list.signatures = {shape_of_signature(1), shape_of_signature(2)};
    const auto text = seed_list_text(list);
    EXPECT_TRUE(text.starts_with(seed_list_prefix));
    const auto back = parse_seed_list(text);
    ASSERT_TRUE(back) << back.error().where;
    EXPECT_EQ(*back, list);
    EXPECT_EQ(seed_list_text(*back), text);
  }
}

TEST(SeedList, BodyIsWhatTheHeaderSays) {
  const auto body = seed_list_body(list_of(1));
  ASSERT_EQ(body.size(), 1u + 32 + 8 + 8 + 1 + 50);
  EXPECT_EQ(body[0], 1);
  EXPECT_EQ(to_hex(ByteView(body).subspan(33, 16)), "000000000000002a" + std::string("000000006b49e010"));
  EXPECT_EQ(to_hex(ByteView(body).subspan(49, 19)), "0100000000000000000000ffffc0000201208d");
}

TEST(SeedList, EightSignaturesAndAFullListFitOneRecord) {
  auto list = list_of(seed_entries_max);
  for (uint8_t who = 1; who <= 8; ++who) list.signatures.push_back(shape_of_signature(who));
  EXPECT_TRUE(parse_seed_list(seed_list_text(list)));
}

TEST(SeedList, EveryTruncationIsRefused) {
  auto list = list_of(3);
  list.signatures = {shape_of_signature(1)};
  const auto text = seed_list_text(list);
  for (size_t length = 0; length < text.size(); ++length) {
    ASSERT_FALSE(parse_seed_list(std::string_view(text).substr(0, length))) << "cut to " << length;
  }
  EXPECT_FALSE(parse_seed_list(text + "A"));
  EXPECT_FALSE(parse_seed_list(text + "AA"));
  EXPECT_FALSE(parse_seed_list(text + "AAAA"));
  EXPECT_FALSE(parse_seed_list(text + "="));
}

// A changed character is refused, or gives another list: never the same list from another text.
TEST(SeedList, NoFlipChangesNothingSilently) {
  auto list = list_of(3);
  list.signatures = {shape_of_signature(1)};
  const auto text = seed_list_text(list);
  for (size_t i = 0; i < text.size(); i += i < 400 ? 1 : 7) {
    for (const int bit : {1, 2, 4, 8, 16, 32, 64, 128}) {
      auto flipped = text;
      flipped[i] = static_cast<char>(flipped[i] ^ bit);
      const auto parsed = parse_seed_list(flipped);
      if (!parsed) continue;
      ASSERT_FALSE(*parsed == list) << "position " << i << " bit " << bit;
      ASSERT_EQ(seed_list_text(*parsed), flipped);
    }
  }
}

TEST(SeedList, UnusedBitsMustBeZero) {
  auto text = seed_list_text(list_of(1));  // 101 bytes: the last character holds four bits and two unused ones
  ASSERT_EQ((text.size() - seed_list_prefix.size()) % 4, 3u);
  ASSERT_TRUE(parse_seed_list(text));
  ASSERT_EQ(text.back(), 'A');
  text.back() = 'B';
  EXPECT_EQ(parse_seed_list(text).error().code, ErrorCode::bad_seed_list);
}

TEST(SeedList, EntriesAreBoundedAndReal) {
  EXPECT_FALSE(parse_seed_list(seed_list_text(list_of(0))));
  auto twice = list_of(2);
  twice.entries[1] = twice.entries[0];
  EXPECT_FALSE(parse_seed_list(seed_list_text(twice)));
  auto no_port = list_of(2);
  no_port.entries[1].endpoint.port = 0;
  EXPECT_FALSE(parse_seed_list(seed_list_text(no_port)));
  auto nowhere = list_of(2);
  nowhere.entries[0].endpoint.ip = IpAddress::v4(0, 0, 0, 0);
  EXPECT_FALSE(parse_seed_list(seed_list_text(nowhere)));
  auto nobody = list_of(2);
  nobody.entries[0].node = {};
  EXPECT_FALSE(parse_seed_list(seed_list_text(nobody)));
}

TEST(SeedList, MoreThanSixteenSignaturesAreRefused) {
  auto list = list_of(1);
  for (uint8_t who = 1; who <= 17; ++who) list.signatures.push_back(shape_of_signature(who));
  EXPECT_FALSE(parse_seed_list(seed_list_text(list)));
  EXPECT_FALSE(check_seed_list(list, list.chain, {operator_named(1)}, 1, at(noon)));
  // The count alone is refused, before the bytes behind it matter.
  auto text = seed_list_text(list_of(1));  // ends in a NodeID's last byte, 0x01, and the count, 0x00: "AQA"
  text.replace(text.size() - 2, 2, "RE");  // 0x11: seventeen
  EXPECT_STREQ(parse_seed_list(text).error().where, "count of signatures");
}

TEST(SeedList, CheckWantsItsChainAndTime) {
  auto list = list_of(2);
  list.signatures = {shape_of_signature(1)};
  const std::vector operators{operator_named(1)};
  EXPECT_TRUE(check_seed_list(list, list.chain, operators, 1, at(noon)));
  EXPECT_EQ(check_seed_list(list, chain_named(8), operators, 1, at(noon)).error().code, ErrorCode::wrong_chain);
  EXPECT_TRUE(check_seed_list(list, list.chain, operators, 1, at(noon + 3599)));
  EXPECT_EQ(check_seed_list(list, list.chain, operators, 1, at(noon + 3600)).error().code, ErrorCode::seed_list_expired);
  EXPECT_TRUE(check_seed_list(list, list.chain, operators, 1, at(noon), 42));
  EXPECT_EQ(check_seed_list(list, list.chain, operators, 1, at(noon), 43).error().code, ErrorCode::seed_list_expired);
}

TEST(SeedList, CheckCountsDistinctKnownOperators) {
  auto list = list_of(2);
  const std::vector operators{operator_named(1), operator_named(2), operator_named(3)};
  EXPECT_EQ(check_seed_list(list, list.chain, operators, 2, at(noon)).error().code, ErrorCode::unknown_operator);
  list.signatures = {shape_of_signature(2), shape_of_signature(2)};  // one operator twice counts once
  EXPECT_FALSE(check_seed_list(list, list.chain, operators, 2, at(noon)));
  list.signatures.push_back(shape_of_signature(9));  // a stranger does not count
  EXPECT_FALSE(check_seed_list(list, list.chain, operators, 2, at(noon)));
  list.signatures.push_back(shape_of_signature(1));
  list.signatures.push_back(shape_of_signature(3));
  const auto chosen = check_seed_list(list, list.chain, operators, 2, at(noon));
  ASSERT_TRUE(chosen);
  EXPECT_EQ(*chosen, (std::vector<size_t>{0, 3}));  // no more than the threshold asks for
}

TEST(SeedList, NothingCountsAsSignedWithoutOperators) {
  auto list = list_of(2);
  list.signatures = {shape_of_signature(1)};
  EXPECT_FALSE(check_seed_list(list, list.chain, {}, 0, at(noon)));
  EXPECT_FALSE(check_seed_list(list, list.chain, {}, 1, at(noon)));
  EXPECT_FALSE(check_seed_list(list, list.chain, {operator_named(1)}, 0, at(noon)));
}

TEST_F(SeedListSigned, SignaturesCoverTheBody) {
  auto list = list_of(3);
  sign_seed_list(list, *key(1), Secret<32>());
  sign_seed_list(list, *key(2), Secret<32>());
  const auto back = parse_seed_list(seed_list_text(list));
  ASSERT_TRUE(back);
  EXPECT_TRUE(verifies(*back, 0));
  EXPECT_TRUE(verifies(*back, 1));
  auto moved = *back;
  moved.entries[1].endpoint.port += 1;
  EXPECT_FALSE(verifies(moved, 0));
  auto prolonged = *back;
  prolonged.expires += std::chrono::seconds{1};
  EXPECT_FALSE(verifies(prolonged, 0));
  auto elsewhere = *back;
  elsewhere.chain = chain_named(8);
  EXPECT_FALSE(verifies(elsewhere, 0));
}

TEST_F(SeedListSigned, AnotherUseOfTheKeyIsNoSeedSignature) {
  auto list = list_of(1);
  const auto signer = key(1);
  list.signatures = {{signer->alg(), to_bytes(signer->public_key()),
                      signer->sign(as_bytes("lattice/1/hs/init"), seed_list_body(list), Secret<32>())}};
  EXPECT_FALSE(verifies(list, 0));
}

}  // namespace
}  // namespace lattice
