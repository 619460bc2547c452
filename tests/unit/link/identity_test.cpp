#include <gtest/gtest.h>

#include <lattice/link/bech32.hpp>
#include <lattice/wire/writer.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

struct IdentityTest : testing::Test {
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(1));
  std::shared_ptr<const Identity> one = test::identity(*provider, 1);

  ErrorCode error_after(size_t offset, ByteView bytes) const {
    Bytes body = one->body;
    std::copy(bytes.begin(), bytes.end(), body.begin() + static_cast<ptrdiff_t>(offset));
    const auto certificate = decode_certificate(body);
    return certificate ? ErrorCode::none : certificate.error().code;
  }
};

// Offsets in a body with three suites (docs/PROTOCOL.md).
constexpr size_t at_suites = 5 + 32 + 1952 + 4;

TEST_F(IdentityTest, CertificateComesBackAsItWas) {
  EXPECT_EQ(one->body.size(), 2024u);
  const auto back = decode_certificate(one->body);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, one->certificate);
  EXPECT_EQ(node_id_of(*back), one->id);
}

TEST_F(IdentityTest, EachTruncationOfACertificateIsRefused) {
  for (size_t length = 0; length < one->body.size(); ++length)
    EXPECT_FALSE(decode_certificate(ByteView(one->body).first(length)));
  Bytes longer = one->body;
  longer.push_back(0);
  EXPECT_FALSE(decode_certificate(longer));
  EXPECT_FALSE(decode_certificate(Bytes(limits::certificate_bytes_max + 1)));
}

TEST_F(IdentityTest, CertificatesThatCannotBe) {
  using enum ErrorCode;
  EXPECT_EQ(error_after(0, Bytes{1}), none);
  EXPECT_EQ(error_after(0, Bytes{2}), bad_certificate);                      // version
  EXPECT_EQ(error_after(1, Bytes{0, 2}), bad_certificate);                   // key exchange
  EXPECT_EQ(error_after(3, Bytes{1, 3}), bad_certificate);                   // signature algorithm
  EXPECT_EQ(error_after(at_suites, Bytes{0}), bad_certificate);              // no suite
  EXPECT_EQ(error_after(at_suites, Bytes{9}), bad_certificate);              // too many
  EXPECT_EQ(error_after(at_suites, Bytes{3, 0, 1, 0, 1}), bad_certificate);  // one twice
  EXPECT_NE(error_after(at_suites, Bytes{2}), none);                         // two bytes too many
  const size_t at_times = at_suites + 7 + 8;
  EXPECT_EQ(error_after(at_times, Bytes{0x80}), bad_certificate);
  EXPECT_EQ(error_after(at_times, Bytes(16, 0)), bad_certificate);  // not_before is not before not_after
}

TEST_F(IdentityTest, NodeIdIsOfBothKeysAndOfNothingElse) {
  Certificate other = one->certificate;
  other.serial += 1;
  other.capabilities = 7;
  EXPECT_EQ(node_id_of(other), one->id);
  other.dh[0] ^= 1;
  EXPECT_NE(node_id_of(other), one->id);
  other.dh[0] ^= 1;
  other.sign_public[0] ^= 1;
  EXPECT_NE(node_id_of(other), one->id);
  const Digest by_hand = blake2s([&] {
    Bytes bytes = to_bytes(as_bytes("lattice node id"));
    append(bytes, Bytes{0, 1, 1, 1});
    append(bytes, one->certificate.dh);
    append(bytes, one->certificate.sign_public);
    return bytes;
  }());
  EXPECT_EQ(to_hex(one->id.view()), to_hex(by_hand));
}

TEST_F(IdentityTest, SelfSignatureHolds) {
  EXPECT_TRUE(verify_self_signature(*provider, one->certificate, one->self_signature));
  Certificate other = one->certificate;
  other.serial += 1;
  EXPECT_FALSE(verify_self_signature(*provider, other, one->self_signature));
  EXPECT_FALSE(provider->verify(SignAlg::mldsa65, one->certificate.sign_public, as_bytes("lattice/1/record"), one->body,
                                one->self_signature));
}

TEST_F(IdentityTest, SameSecretSameNodeId) {
  EXPECT_EQ(test::identity(*provider, 1)->id, one->id);
  EXPECT_NE(test::identity(*provider, 2)->id, one->id);
}

TEST_F(IdentityTest, NodeIdText) {
  const std::string text = node_id_text(one->id);
  EXPECT_EQ(text.size(), 62u);
  EXPECT_TRUE(text.starts_with("lat1"));
  EXPECT_EQ(parse_node_id(text), one->id);
  std::string upper = text;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(parse_node_id(upper), one->id);
  upper[10] = text[10];
  upper[11] = text[11];
  upper[12] = text[12];
  upper[13] = text[13];
  EXPECT_EQ(parse_node_id(upper), std::nullopt);  // mixed case
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'q' ? 'p' : 'q';
    EXPECT_EQ(parse_node_id(changed), std::nullopt) << i;
  }
  EXPECT_EQ(parse_node_id(text.substr(1)), std::nullopt);
  EXPECT_EQ(parse_node_id(""), std::nullopt);
}

// Computed apart from this code, by the formulas of BIP 173 and the constant of BIP 350.
TEST(Bech32m, GoldenText) {
  ByteArray<32> counting;
  for (uint8_t i = 0; i < 32; ++i) counting[i] = i;
  const std::string text = bech32m_encode("lat", counting);
  EXPECT_EQ(text, "lat1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sqxc4cd");
  EXPECT_EQ(bech32m_decode("lat", text), counting);
  EXPECT_EQ(bech32m_decode("tal", text), std::nullopt);
}

}  // namespace
}  // namespace lattice
