#include <lattice/crypto/provider.hpp>

#include <thread>

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <lattice/crypto/hash.hpp>

#include "small_order_points.hpp"

namespace lattice {
namespace {

template <size_t N>
Secret<N> filled(uint8_t byte) {
  ByteArray<N> bytes;
  bytes.fill(byte);
  return Secret<N>(bytes);
}

Bytes hex(std::string_view text) { return from_hex(text).value(); }

class ProviderTest : public testing::Test {
 protected:
  std::unique_ptr<Provider> provider = openssl_provider();

  // Whatever a test does with wrong input, the thread's error queue stays empty: TLS reads it.
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }
};

using Rngs = ProviderTest;

TEST_F(Rngs, TheRealOneDoesNotRepeat) {
  ByteArray<32> a{}, b{};
  provider->rng().fill(a);
  provider->rng().fill(b);
  EXPECT_NE(a, b);
  EXPECT_NE(a, (ByteArray<32>{}));
  provider->rng().fill({});
}

TEST_F(Rngs, ASeededOneRepeats) {
  ByteArray<32> a{}, b{};
  openssl_provider(std::make_unique<SeededRng>(1))->rng().fill(a);
  openssl_provider(std::make_unique<SeededRng>(1))->rng().fill(b);
  EXPECT_EQ(a, b);
}

using X25519 = ProviderTest;

// RFC 7748 section 6.1.
TEST_F(X25519, KnownExchange) {
  const DhSecret bob(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(to_hex(provider->dh_public(bob)), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const auto with_alice = provider->dh(bob, hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
  ASSERT_TRUE(with_alice);
  EXPECT_EQ(to_hex(with_alice->view()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  // Section 5.2, first vector.
  const auto shared = provider->dh(DhSecret(hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")),
                                   hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"));
  ASSERT_TRUE(shared);
  EXPECT_EQ(to_hex(shared->view()), "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST_F(X25519, SmallOrderPointsAreRefused) {
  std::vector<std::string> points(std::begin(test::small_order_points), std::end(test::small_order_points));
  // With the highest bit set, which RFC 7748 section 5 masks away.
  points.push_back("0000000000000000000000000000000000000000000000000000000000000080");
  for (const auto& point : points) {
    const auto shared = provider->dh(filled<32>(5), hex(point));
    ASSERT_FALSE(shared) << point;
    EXPECT_EQ(shared.error().code, ErrorCode::bad_handshake);
  }
}

TEST_F(X25519, OtherLengthsAreRefused) {
  EXPECT_FALSE(provider->dh(filled<32>(5), {}));
  EXPECT_FALSE(provider->dh(filled<32>(5), Bytes(31, 9)));
  EXPECT_FALSE(provider->dh(filled<32>(5), Bytes(33, 9)));
}

class MlKem : public ProviderTest, public testing::WithParamInterface<KemAlg> {};
INSTANTIATE_TEST_SUITE_P(Both, MlKem, testing::Values(KemAlg::mlkem768, KemAlg::mlkem1024));

TEST_P(MlKem, RoundTrip) {
  const auto key = provider->kem_key(GetParam(), filled<kem_seed_bytes>(1));
  EXPECT_EQ(key->public_key().size(), kem_sizes(GetParam()).public_key);
  const auto sent = provider->encapsulate(GetParam(), key->public_key(), filled<32>(2));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->ciphertext.size(), kem_sizes(GetParam()).ciphertext);
  const auto shared = key->decapsulate(sent->ciphertext);
  ASSERT_TRUE(shared);
  EXPECT_EQ(*shared, sent->shared);
}

TEST_P(MlKem, ItsRandomnessIsItsArgument) {
  const auto key = provider->kem_key(GetParam(), filled<kem_seed_bytes>(1));
  EXPECT_TRUE(equal(provider->kem_key(GetParam(), filled<kem_seed_bytes>(1))->public_key(), key->public_key()));
  EXPECT_FALSE(equal(provider->kem_key(GetParam(), filled<kem_seed_bytes>(2))->public_key(), key->public_key()));
  const auto a = provider->encapsulate(GetParam(), key->public_key(), filled<32>(2));
  const auto b = provider->encapsulate(GetParam(), key->public_key(), filled<32>(2));
  const auto c = provider->encapsulate(GetParam(), key->public_key(), filled<32>(3));
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(a->ciphertext, b->ciphertext);
  EXPECT_EQ(a->shared, b->shared);
  EXPECT_NE(a->ciphertext, c->ciphertext);
}

TEST_P(MlKem, AChangedCiphertextGivesAnotherSecretAndNoError) {
  const auto key = provider->kem_key(GetParam(), filled<kem_seed_bytes>(1));
  auto sent = provider->encapsulate(GetParam(), key->public_key(), filled<32>(2));
  ASSERT_TRUE(sent);
  sent->ciphertext[100] ^= 1;
  const auto once = key->decapsulate(sent->ciphertext), twice = key->decapsulate(sent->ciphertext);
  ASSERT_TRUE(once && twice);
  EXPECT_FALSE(*once == sent->shared);
  EXPECT_EQ(*once, *twice);  // implicit rejection is deterministic
}

TEST_P(MlKem, WrongLengthsAndUnreducedKeysAreRefused) {
  const auto key = provider->kem_key(GetParam(), filled<kem_seed_bytes>(1));
  const size_t length = kem_sizes(GetParam()).ciphertext;
  for (size_t wrong : {size_t{0}, size_t{1}, length - 1, length + 1}) {
    const auto shared = key->decapsulate(Bytes(wrong, 1));
    ASSERT_FALSE(shared) << wrong;
    EXPECT_EQ(shared.error().code, ErrorCode::bad_handshake);
  }
  Bytes bytes = to_bytes(key->public_key());
  bytes.pop_back();
  EXPECT_FALSE(provider->encapsulate(GetParam(), bytes, filled<32>(2)));
  bytes = to_bytes(key->public_key());
  bytes[0] = 0xff;  // first coefficient 0xfff, above q = 3329 (FIPS 203 section 7.2)
  bytes[1] |= 0x0f;
  const auto sent = provider->encapsulate(GetParam(), bytes, filled<32>(2));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::bad_handshake);
}

class MlDsa : public ProviderTest, public testing::WithParamInterface<SignAlg> {};
INSTANTIATE_TEST_SUITE_P(Both, MlDsa, testing::Values(SignAlg::mldsa65, SignAlg::mldsa87));

TEST_P(MlDsa, SignAndVerify) {
  const auto key = provider->signing_key(GetParam(), filled<32>(1));
  EXPECT_EQ(key->alg(), GetParam());
  EXPECT_EQ(key->public_key().size(), sign_sizes(GetParam()).public_key);
  const ByteView context = as_bytes("lattice/1/hs/resp"), message = as_bytes("message");
  const Bytes signature = key->sign(context, message, filled<32>(2));
  EXPECT_EQ(signature.size(), sign_sizes(GetParam()).signature);
  EXPECT_TRUE(provider->verify(GetParam(), key->public_key(), context, message, signature));

  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), as_bytes("lattice/1/hs/init"), message, signature));
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), {}, message, signature));
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), context, as_bytes("massage"), signature));
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), context, {}, signature));
  Bytes changed = signature;
  changed[0] ^= 1;
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), context, message, changed));
  changed = signature;
  changed.pop_back();
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), context, message, changed));
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), context, message, {}));
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key().first(100), context, message, signature));
  EXPECT_FALSE(provider->verify(GetParam(), key->public_key(), Bytes(256, 1), message, signature));
  const auto other = provider->signing_key(GetParam(), filled<32>(9));
  EXPECT_FALSE(provider->verify(GetParam(), other->public_key(), context, message, signature));
}

TEST_P(MlDsa, EmptyContextAndMessage) {
  const auto key = provider->signing_key(GetParam(), filled<32>(1));
  const Bytes signature = key->sign({}, {}, filled<32>(2));
  EXPECT_TRUE(provider->verify(GetParam(), key->public_key(), {}, {}, signature));
  const Bytes longest = key->sign(Bytes(255, 7), {}, filled<32>(2));
  EXPECT_TRUE(provider->verify(GetParam(), key->public_key(), Bytes(255, 7), {}, longest));
}

TEST_P(MlDsa, TheHedgeIsItsArgument) {
  const auto key = provider->signing_key(GetParam(), filled<32>(1));
  const Bytes a = key->sign({}, as_bytes("message"), filled<32>(2));
  EXPECT_EQ(key->sign({}, as_bytes("message"), filled<32>(2)), a);
  EXPECT_NE(key->sign({}, as_bytes("message"), filled<32>(3)), a);
}

TEST_P(MlDsa, OneKeySignsOnSeveralThreads) {
  const auto key = provider->signing_key(GetParam(), filled<32>(1));
  std::array<Bytes, 3> signatures;
  std::vector<std::thread> threads;
  for (auto& signature : signatures) {
    threads.emplace_back([&] { signature = key->sign({}, as_bytes("message"), filled<32>(2)); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(signatures[0], signatures[1]);
  EXPECT_EQ(signatures[0], signatures[2]);
}

}  // namespace
}  // namespace lattice
