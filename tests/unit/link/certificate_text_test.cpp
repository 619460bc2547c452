#include <lattice/link/certificate_text.hpp>

#include <lattice/base/base64.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

class CertificateTextTest : public ::testing::Test {
 protected:
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(3));
  std::shared_ptr<const Identity> one = test::identity(*provider, 1);
  std::string text = certificate_text(*one);

  // Neither by its form nor by its signature.
  bool accepted(std::string_view what) {
    const auto parsed = parse_certificate_text(what);
    return parsed && verify_self_signature(*provider, parsed->certificate, parsed->self_signature);
  }
};

TEST_F(CertificateTextTest, ComesBack) {
  EXPECT_EQ(text.size(), 7111u);
  const auto parsed = parse_certificate_text(text);
  ASSERT_TRUE(parsed) << parsed.error().where;
  EXPECT_EQ(parsed->certificate, one->certificate);
  EXPECT_EQ(parsed->body, one->body);
  EXPECT_EQ(parsed->self_signature, one->self_signature);
  EXPECT_EQ(parsed->id, one->id);
  EXPECT_TRUE(accepted(text));
}

TEST_F(CertificateTextTest, HexAndWhiteSpaceAreTaken) {
  const Bytes bytes = *from_base64url(text);
  EXPECT_TRUE(accepted(to_hex(bytes)));
  EXPECT_TRUE(accepted(" \t" + text + "\r\n\n"));
  EXPECT_FALSE(accepted(text.substr(0, 100) + "\n" + text.substr(100)));
  EXPECT_FALSE(accepted(text + "="));
}

TEST_F(CertificateTextTest, EachCutIsRefused) {
  for (size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parse_certificate_text(text.substr(0, length))) << length;
  EXPECT_FALSE(parse_certificate_text(text + "AAAA"));
  EXPECT_FALSE(parse_certificate_text(std::string(certificate_text_bytes_max + 1, 'A')));
}

TEST_F(CertificateTextTest, EachChangedCharacterIsRefused) {
  for (size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(accepted(changed)) << at;
  }
}

TEST_F(CertificateTextTest, AnothersSignatureIsNone) {
  const auto other = test::identity(*provider, 2);
  Identity mixed = *one;
  mixed.self_signature = other->self_signature;
  EXPECT_TRUE(parse_certificate_text(certificate_text(mixed)));
  EXPECT_FALSE(accepted(certificate_text(mixed)));
}

}  // namespace
}  // namespace lattice
