#include <lattice/crypto/aead.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace lattice {
namespace {

Secret<32> key(uint8_t byte) {
  ByteArray<32> bytes;
  bytes.fill(byte);
  return Secret<32>(bytes);
}

Bytes text(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  return bytes;
}

class AeadTest : public testing::TestWithParam<AeadAlg> {
 protected:
  std::unique_ptr<Provider> provider = openssl_provider();
  std::unique_ptr<Aead> aead = provider->aead(GetParam(), key(1));

  Bytes seal(uint64_t nonce, ByteView ad, ByteView plain) {
    Bytes out(plain.size() + aead_tag_bytes);
    aead->seal(nonce, ad, plain, out);
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Both, AeadTest, testing::Values(AeadAlg::chacha20_poly1305, AeadAlg::aes256_gcm));

// Noise rev 34 section 12.
TEST(AeadNonce, AsNoiseEncodesIt) {
  EXPECT_EQ(to_hex(aead_nonce(AeadAlg::chacha20_poly1305, 0x0102030405060708)), "000000000807060504030201");
  EXPECT_EQ(to_hex(aead_nonce(AeadAlg::aes256_gcm, 0x0102030405060708)), "000000000102030405060708");
}

TEST_P(AeadTest, OpensWhatItSeals) {
  const auto other = provider->aead(GetParam(), key(1));
  for (size_t size : {0u, 1u, 15u, 16u, 17u, 1000u, 65535u}) {
    for (const Bytes& ad : {Bytes{}, text(20)}) {
      const Bytes plain = text(size), sealed = seal(size, ad, plain);
      Bytes opened(size);
      ASSERT_TRUE(other->open(size, ad, sealed, opened)) << size;
      EXPECT_EQ(opened, plain);
    }
  }
}

// Contexts are the thread's: keys that take turns, come and go, and move between threads must never meet.
TEST_P(AeadTest, KeysThatTakeTurnsStayApart) {
  const Bytes plain = text(100);
  std::vector<std::unique_ptr<Aead>> sealers, openers;
  for (uint8_t i = 0; i < 5; ++i) {
    sealers.push_back(provider->aead(GetParam(), key(i)));
    openers.push_back(provider->aead(GetParam(), key(i)));
  }
  for (uint64_t nonce = 0; nonce < 20; ++nonce) {
    for (size_t i = 0; i < 5; ++i) {
      if (nonce == 10) sealers[i] = provider->aead(GetParam(), key(static_cast<uint8_t>(i)));  // most likely where one was
      Bytes sealed(plain.size() + aead_tag_bytes), opened(plain.size());
      if (nonce % 3 == 0)
        std::jthread([&] { sealers[i]->seal(nonce, {}, plain, sealed); });
      else
        sealers[i]->seal(nonce, {}, plain, sealed);
      EXPECT_FALSE(openers[(i + 1) % 5]->open(nonce, {}, sealed, opened)) << "another key";
      ASSERT_TRUE(openers[i]->open(nonce, {}, sealed, opened)) << nonce << " " << i;
      EXPECT_EQ(opened, plain);
    }
  }
}

TEST_P(AeadTest, InPlace) {
  const Bytes plain = text(333), apart = seal(7, {}, plain);
  Bytes buffer = plain;
  buffer.resize(plain.size() + aead_tag_bytes);
  aead->seal(7, {}, ByteView(buffer).first(plain.size()), buffer);
  EXPECT_EQ(buffer, apart);
  ASSERT_TRUE(aead->open(7, {}, buffer, ByteSpan(buffer).first(plain.size())));
  EXPECT_TRUE(equal(ByteView(buffer).first(plain.size()), plain));
}

TEST_P(AeadTest, EveryChangeIsSeen) {
  const Bytes plain = text(20), ad = text(5), sealed = seal(3, ad, plain);
  Bytes opened(plain.size());
  for (size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 0x10;
    EXPECT_FALSE(aead->open(3, ad, changed, opened)) << i;
  }
  EXPECT_FALSE(aead->open(2, ad, sealed, opened));
  EXPECT_FALSE(aead->open(3, text(4), sealed, opened));
  EXPECT_FALSE(aead->open(3, {}, sealed, opened));
  EXPECT_FALSE(provider->aead(GetParam(), key(2))->open(3, ad, sealed, opened));
  EXPECT_TRUE(aead->open(3, ad, sealed, opened));  // and failing has left the key in order
  EXPECT_EQ(opened, plain);
}

TEST_P(AeadTest, TooShortForATag) {
  for (size_t size = 0; size < aead_tag_bytes; ++size) EXPECT_FALSE(aead->open(0, {}, Bytes(size), {})) << size;
}

TEST_P(AeadTest, SealingAndOpeningByTurns) {
  Bytes opened(50);
  for (uint64_t nonce = 0; nonce < 20; ++nonce) {
    const Bytes sealed = seal(nonce, {}, text(50));
    ASSERT_TRUE(aead->open(nonce, {}, sealed, opened));
    EXPECT_EQ(opened, text(50));
  }
}

TEST_P(AeadTest, NoncesGiveDifferentBytes) {
  EXPECT_NE(seal(0, {}, text(50)), seal(1, {}, text(50)));
  EXPECT_NE(seal(~uint64_t{0}, {}, text(50)), seal(~uint64_t{0} - 1, {}, text(50)));
}

}  // namespace
}  // namespace lattice
