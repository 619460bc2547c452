// One body of tests for the real cryptography and for the modelled one, so that the model cannot drift away from what it stands
// for: sizes, what fits together, and every way to fail.
#include <lattice/sim/modelled_provider.hpp>

#include <chrono>
#include <set>

#include <gtest/gtest.h>

#include "../unit/crypto/small_order_points.hpp"

namespace lattice::sim {
namespace {

template <size_t N>
Secret<N> filled(uint8_t byte) {
  ByteArray<N> bytes;
  bytes.fill(byte);
  return Secret<N>(bytes);
}

Bytes text(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  return bytes;
}

enum class Kind { real, modelled };
std::unique_ptr<Provider> make(Kind kind, uint64_t seed = 1) {
  auto rng = std::make_unique<SeededRng>(seed);
  if (kind == Kind::real) return openssl_provider(std::move(rng));
  return modelled_provider(std::move(rng));
}
const auto kinds = testing::Values(Kind::real, Kind::modelled);
std::string kind_name(Kind kind) { return kind == Kind::real ? "Real" : "Modelled"; }

class BothProviders : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Provider> provider = make(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Each, BothProviders, kinds, [](const auto& param) { return kind_name(param.param); });

TEST_P(BothProviders, RandomnessIsTheSeeds) {
  ByteArray<32> a{}, b{}, c{};
  make(GetParam(), 5)->rng().fill(a);
  make(GetParam(), 5)->rng().fill(b);
  make(GetParam(), 6)->rng().fill(c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

// ---- X25519

TEST_P(BothProviders, BothSidesOfADhAgreeAndNobodyElse) {
  std::set<std::string> seen;
  for (uint8_t i = 1; i < 40; ++i) {
    const auto a = filled<32>(i), b = filled<32>(static_cast<uint8_t>(i + 100));
    const auto ab = provider->dh(a, provider->dh_public(b)), ba = provider->dh(b, provider->dh_public(a));
    ASSERT_TRUE(ab && ba);
    EXPECT_EQ(*ab, *ba);
    EXPECT_EQ(provider->dh_public(a), provider->dh_public(a));
    seen.insert(to_hex(ab->view()));
    seen.insert(to_hex(provider->dh(filled<32>(200), provider->dh_public(b))->view()));
  }
  EXPECT_GE(seen.size(), 39u + 39u / 8u);  // secrets that differ in their lowest three bits are the same key
}

TEST_P(BothProviders, AChangedDhKeyGivesAnotherSecret) {
  const auto own = filled<32>(5);
  const DhPublic remote = provider->dh_public(filled<32>(77));
  const auto right = provider->dh(own, remote);
  ASSERT_TRUE(right);
  for (size_t bit = 0; bit < 255; ++bit) {
    DhPublic changed = remote;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    const auto other = provider->dh(own, changed);
    ASSERT_TRUE(other) << bit;
    EXPECT_FALSE(*other == *right) << bit;
  }
  // RFC 7748 section 5: the highest bit of a public key does not count.
  DhPublic highest = remote;
  highest.back() ^= 0x80;
  EXPECT_EQ(*provider->dh(own, highest), *right);
  EXPECT_EQ(remote.back() & 0x80, 0);
}

// RFC 7748 section 5: nor do a secret's lowest three bits and its two highest.
TEST_P(BothProviders, SecretsAreClamped) {
  const auto secret = filled<32>(0x48);
  ByteArray<32> bytes;
  std::ranges::copy(secret.view(), bytes.begin());
  bytes.front() ^= 0x07;
  bytes.back() ^= 0x80;
  EXPECT_EQ(provider->dh_public(DhSecret(bytes)), provider->dh_public(secret));
  bytes.front() ^= 0x08;
  EXPECT_NE(provider->dh_public(DhSecret(bytes)), provider->dh_public(secret));
}

TEST_P(BothProviders, SmallOrderPointsAreRefused) {
  for (const char* point : lattice::test::small_order_points) {
    Bytes bytes = from_hex(point).value();
    for (const uint8_t highest : {0x00, 0x80}) {
      bytes.back() ^= highest;
      const auto shared = provider->dh(filled<32>(5), bytes);
      ASSERT_FALSE(shared) << point;
      EXPECT_EQ(shared.error().code, ErrorCode::bad_handshake);
    }
    bytes[16] ^= 1;  // beside it nothing is wrong
    EXPECT_TRUE(provider->dh(filled<32>(5), bytes)) << point;
  }
}

TEST_P(BothProviders, DhKeysOfOtherLengthsAreRefused) {
  for (const size_t length : {0u, 31u, 33u, 64u}) {
    const auto shared = provider->dh(filled<32>(5), Bytes(length, 9));
    ASSERT_FALSE(shared) << length;
    EXPECT_EQ(shared.error().code, ErrorCode::bad_handshake);
  }
}

// ---- ML-KEM

template <class Alg>
class EachAlg : public testing::TestWithParam<std::tuple<Kind, Alg>> {
 protected:
  std::unique_ptr<Provider> provider = make(std::get<0>(this->GetParam()));
  Alg alg = std::get<1>(this->GetParam());
};
template <class Param>
std::string alg_name(const Param& param) {
  return kind_name(std::get<0>(param.param)) + std::to_string(static_cast<int>(std::get<1>(param.param)));
}

using BothKems = EachAlg<KemAlg>;
INSTANTIATE_TEST_SUITE_P(Each, BothKems, testing::Combine(kinds, testing::Values(KemAlg::mlkem768, KemAlg::mlkem1024)),
                         [](const auto& param) { return alg_name(param); });

TEST_P(BothKems, SenderAndKeyAgree) {
  const auto key = provider->kem_key(alg, filled<kem_seed_bytes>(1));
  EXPECT_EQ(key->public_key().size(), kem_sizes(alg).public_key);
  const auto sent = provider->encapsulate(alg, key->public_key(), filled<32>(2));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->ciphertext.size(), kem_sizes(alg).ciphertext);
  EXPECT_EQ(*key->decapsulate(sent->ciphertext), sent->shared);
}

TEST_P(BothKems, ItsRandomnessIsItsArgument) {
  const auto key = provider->kem_key(alg, filled<kem_seed_bytes>(1)), same = provider->kem_key(alg, filled<kem_seed_bytes>(1)),
             other = provider->kem_key(alg, filled<kem_seed_bytes>(2));
  EXPECT_TRUE(equal(key->public_key(), same->public_key()));
  EXPECT_FALSE(equal(key->public_key(), other->public_key()));
  const auto a = provider->encapsulate(alg, key->public_key(), filled<32>(2));
  const auto b = provider->encapsulate(alg, key->public_key(), filled<32>(2));
  const auto c = provider->encapsulate(alg, key->public_key(), filled<32>(3));
  const auto d = provider->encapsulate(alg, other->public_key(), filled<32>(2));
  ASSERT_TRUE(a && b && c && d);
  EXPECT_EQ(a->ciphertext, b->ciphertext);
  EXPECT_EQ(a->shared, b->shared);
  EXPECT_NE(a->ciphertext, c->ciphertext);
  EXPECT_FALSE(a->shared == c->shared);
  EXPECT_NE(a->ciphertext, d->ciphertext);
  EXPECT_FALSE(a->shared == d->shared);
}

// FIPS 203 algorithm 18: no error, another secret, and the same one each time.
TEST_P(BothKems, WhatDoesNotFitIsRejectedWithoutAWord) {
  const auto key = provider->kem_key(alg, filled<kem_seed_bytes>(1)), other = provider->kem_key(alg, filled<kem_seed_bytes>(2));
  const auto sent = provider->encapsulate(alg, key->public_key(), filled<32>(2));
  ASSERT_TRUE(sent);
  std::set<std::string> secrets{to_hex(sent->shared.view())};
  size_t tries = 1;
  for (const size_t at : {size_t{0}, size_t{31}, size_t{32}, size_t{100}, sent->ciphertext.size() - 1}) {
    Bytes changed = sent->ciphertext;
    changed[at] ^= 1;
    const auto once = key->decapsulate(changed), twice = key->decapsulate(changed);
    ASSERT_TRUE(once && twice);
    EXPECT_EQ(*once, *twice);
    secrets.insert(to_hex(once->view()));
    ++tries;
  }
  secrets.insert(to_hex(other->decapsulate(sent->ciphertext)->view()));
  EXPECT_EQ(secrets.size(), tries + 1);
  // What is rejected depends on the seed's second half, which is no part of the public key.
  ByteArray<kem_seed_bytes> seed;
  seed.fill(1);
  seed.back() ^= 1;
  const auto twin = provider->kem_key(alg, Secret<kem_seed_bytes>(seed));
  EXPECT_TRUE(equal(twin->public_key(), key->public_key()));
  EXPECT_EQ(*twin->decapsulate(sent->ciphertext), sent->shared);
  Bytes changed = sent->ciphertext;
  changed[5] ^= 1;
  EXPECT_FALSE(*twin->decapsulate(changed) == *key->decapsulate(changed));
}

TEST_P(BothKems, WrongLengthsAndUnreducedKeysAreRefused) {
  const auto key = provider->kem_key(alg, filled<kem_seed_bytes>(1));
  const size_t length = kem_sizes(alg).ciphertext;
  for (const size_t wrong : {size_t{0}, size_t{1}, length - 1, length + 1}) {
    const auto shared = key->decapsulate(Bytes(wrong, 1));
    ASSERT_FALSE(shared) << wrong;
    EXPECT_EQ(shared.error().code, ErrorCode::bad_handshake);
  }
  const Bytes right = to_bytes(key->public_key());
  Bytes shorter = right, longer = right;
  shorter.pop_back();
  longer.push_back(0);
  for (const Bytes& bytes : {Bytes{}, shorter, longer}) {
    const auto sent = provider->encapsulate(alg, bytes, filled<32>(2));
    ASSERT_FALSE(sent) << bytes.size();
    EXPECT_EQ(sent.error().code, ErrorCode::bad_handshake);
  }
  // FIPS 203 section 7.2: coefficients of 3329 and more, in an even and in an odd place, first and last.
  const size_t last = right.size() - 32 - 3;
  for (const size_t at : {size_t{0}, last}) {
    Bytes even = right, odd = right, greatest = right;
    even[at] = 0x01;  // 0xd01 = 3329
    even[at + 1] = static_cast<uint8_t>((even[at + 1] & 0xf0) | 0x0d);
    odd[at + 1] = static_cast<uint8_t>((odd[at + 1] & 0x0f) | 0x10);
    odd[at + 2] = 0xd0;
    EXPECT_FALSE(provider->encapsulate(alg, even, filled<32>(2))) << at;
    EXPECT_FALSE(provider->encapsulate(alg, odd, filled<32>(2))) << at;
    greatest[at] = 0x00;  // 0xd00 = 3328
    greatest[at + 1] = static_cast<uint8_t>((greatest[at + 1] & 0xf0) | 0x0d);
    EXPECT_TRUE(provider->encapsulate(alg, greatest, filled<32>(2))) << at;
  }
  EXPECT_FALSE(provider->encapsulate(alg, Bytes(right.size(), 0xff), filled<32>(2)));
}

// ---- ML-DSA

using BothSigns = EachAlg<SignAlg>;
INSTANTIATE_TEST_SUITE_P(Each, BothSigns, testing::Combine(kinds, testing::Values(SignAlg::mldsa65, SignAlg::mldsa87)),
                         [](const auto& param) { return alg_name(param); });

TEST_P(BothSigns, OnlyTheSignedVerifies) {
  const auto key = provider->signing_key(alg, filled<32>(1)), other = provider->signing_key(alg, filled<32>(9));
  EXPECT_EQ(key->alg(), alg);
  EXPECT_EQ(key->public_key().size(), sign_sizes(alg).public_key);
  const ByteView context = as_bytes("context"), message = as_bytes("a message that is longer than thirty-two bytes");
  const Bytes signature = key->sign(context, message, filled<32>(2));
  ASSERT_EQ(signature.size(), sign_sizes(alg).signature);
  const auto verifies = [&](ByteView c, ByteView m, ByteView s) { return provider->verify(alg, key->public_key(), c, m, s); };
  EXPECT_TRUE(verifies(context, message, signature));
  EXPECT_FALSE(verifies(as_bytes("contexT"), message, signature));
  EXPECT_FALSE(verifies({}, message, signature));
  EXPECT_FALSE(verifies(context, message.first(message.size() - 1), signature));
  EXPECT_FALSE(verifies(context, {}, signature));
  // The context's end counts: what leaves it for the message is another message.
  const Bytes joined = key->sign(as_bytes("ab"), as_bytes("cd"), filled<32>(2));
  EXPECT_FALSE(verifies(as_bytes("abc"), as_bytes("d"), joined));
  EXPECT_FALSE(provider->verify(alg, other->public_key(), context, message, signature));
}

TEST_P(BothSigns, EveryChangeOfASignatureIsSeen) {
  const auto key = provider->signing_key(alg, filled<32>(1));
  const ByteView message = as_bytes("message");
  const Bytes signature = key->sign({}, message, filled<32>(2));
  for (size_t at = 0; at < signature.size(); at += 101) {
    Bytes changed = signature;
    changed[at] ^= 0x10;
    EXPECT_FALSE(provider->verify(alg, key->public_key(), {}, message, changed)) << at;
    Bytes other_key = to_bytes(key->public_key());
    other_key[at % other_key.size()] ^= 0x10;
    EXPECT_FALSE(provider->verify(alg, other_key, {}, message, signature)) << at;
  }
}

TEST_P(BothSigns, WrongLengthsAreFalse) {
  const auto key = provider->signing_key(alg, filled<32>(1));
  const Bytes signature = key->sign({}, {}, filled<32>(2));
  Bytes shorter = signature, longer = signature;
  shorter.pop_back();
  longer.push_back(0);
  for (const Bytes& wrong : {Bytes{}, shorter, longer}) EXPECT_FALSE(provider->verify(alg, key->public_key(), {}, {}, wrong));
  EXPECT_FALSE(provider->verify(alg, key->public_key().first(100), {}, {}, signature));
  EXPECT_FALSE(provider->verify(alg, {}, {}, {}, signature));
  EXPECT_FALSE(provider->verify(alg, key->public_key(), Bytes(256, 1), {}, signature));
  EXPECT_TRUE(provider->verify(alg, key->public_key(), {}, {}, signature));
  const Bytes longest = key->sign(Bytes(255, 7), {}, filled<32>(2));
  EXPECT_TRUE(provider->verify(alg, key->public_key(), Bytes(255, 7), {}, longest));
}

TEST_P(BothSigns, TheHedgeIsItsArgument) {
  const auto key = provider->signing_key(alg, filled<32>(1));
  const Bytes a = key->sign({}, as_bytes("message"), filled<32>(2)), b = key->sign({}, as_bytes("message"), filled<32>(3));
  EXPECT_EQ(key->sign({}, as_bytes("message"), filled<32>(2)), a);
  EXPECT_NE(a, b);
  EXPECT_TRUE(provider->verify(alg, key->public_key(), {}, as_bytes("message"), b));
}

TEST_P(BothSigns, ThePlainSizesOfTheOtherAlgAreNoKey) {
  const auto other_alg = alg == SignAlg::mldsa65 ? SignAlg::mldsa87 : SignAlg::mldsa65;
  const auto key = provider->signing_key(alg, filled<32>(1));
  EXPECT_FALSE(provider->verify(other_alg, key->public_key(), {}, {}, key->sign({}, {}, filled<32>(2))));
}

// ---- AEAD

class BothAeads : public EachAlg<AeadAlg> {
 protected:
  std::unique_ptr<Aead> aead = provider->aead(alg, filled<32>(1));
  Bytes seal(uint64_t nonce, ByteView ad, ByteView plain) {
    Bytes out(plain.size() + aead_tag_bytes);
    aead->seal(nonce, ad, plain, out);
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Each, BothAeads,
                         testing::Combine(kinds, testing::Values(AeadAlg::chacha20_poly1305, AeadAlg::aes256_gcm)),
                         [](const auto& param) { return alg_name(param); });

TEST_P(BothAeads, OpensWhatItSeals) {
  const auto other = provider->aead(alg, filled<32>(1));
  for (const size_t size : {0u, 1u, 7u, 8u, 31u, 32u, 33u, 63u, 64u, 1000u, 65519u}) {
    for (const Bytes& ad : {Bytes{}, text(20), text(32), text(100)}) {
      const Bytes plain = text(size), sealed = seal(size, ad, plain);
      Bytes opened(size);
      ASSERT_TRUE(other->open(size, ad, sealed, opened)) << size;
      EXPECT_EQ(opened, plain);
    }
  }
  const Bytes last = seal(UINT64_MAX, {}, text(32));  // Noise's Rekey uses this nonce
  Bytes opened(32);
  EXPECT_TRUE(other->open(UINT64_MAX, {}, last, opened));
}

TEST_P(BothAeads, InPlace) {
  for (const size_t size : {1u, 31u, 333u, 4096u}) {
    const Bytes plain = text(size), apart = seal(7, {}, plain);
    Bytes buffer = plain;
    buffer.resize(size + aead_tag_bytes);
    aead->seal(7, {}, ByteView(buffer).first(size), buffer);
    EXPECT_EQ(buffer, apart);
    ASSERT_TRUE(aead->open(7, {}, buffer, ByteSpan(buffer).first(size)));
    EXPECT_TRUE(equal(ByteView(buffer).first(size), plain));
  }
}

TEST_P(BothAeads, EveryChangeIsSeen) {
  for (const size_t size : {0u, 20u, 32u, 75u}) {
    const Bytes plain = text(size), ad = text(5), sealed = seal(3, ad, plain);
    Bytes opened(size);
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Bytes changed = sealed;
      changed[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
      EXPECT_FALSE(aead->open(3, ad, changed, opened)) << bit;
    }
    EXPECT_FALSE(aead->open(2, ad, sealed, opened));
    EXPECT_FALSE(aead->open(3, text(4), sealed, opened));
    EXPECT_FALSE(aead->open(3, text(6), sealed, opened));
    EXPECT_FALSE(aead->open(3, {}, sealed, opened));
    EXPECT_FALSE(provider->aead(alg, filled<32>(2))->open(3, ad, sealed, opened));
    EXPECT_TRUE(aead->open(3, ad, sealed, opened));  // and failing has left the key in order
    EXPECT_EQ(opened, plain);
  }
}

// Zeros at the end, or blocks in another order, are another text.
TEST_P(BothAeads, LengthAndOrderCount) {
  const Bytes sealed = seal(1, {}, Bytes(64, 0));
  const auto opens = [&](const Bytes& changed) {
    Bytes opened(changed.size() - aead_tag_bytes);
    return aead->open(1, {}, changed, opened);
  };
  EXPECT_TRUE(opens(sealed));
  Bytes shorter = sealed, longer = sealed, swapped = sealed, moved = sealed;
  shorter.erase(shorter.begin() + 63);
  longer.insert(longer.begin() + 64, 0);
  std::swap_ranges(swapped.begin(), swapped.begin() + 32, swapped.begin() + 32);
  std::swap_ranges(moved.begin(), moved.begin() + 8, moved.begin() + 8);
  EXPECT_FALSE(opens(shorter));
  EXPECT_FALSE(opens(longer));
  EXPECT_FALSE(opens(swapped));
  EXPECT_FALSE(opens(moved));
}

TEST_P(BothAeads, TooShortForATag) {
  for (size_t size = 0; size < aead_tag_bytes; ++size) EXPECT_FALSE(aead->open(0, {}, Bytes(size), {})) << size;
}

TEST_P(BothAeads, WhatIsSealedIsNotTheTextNorTheSameTwice) {
  const Bytes plain = text(200), one = seal(1, {}, plain), two = seal(2, {}, plain);
  size_t unmasked = 0, equal_bytes = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    unmasked += one[i] == plain[i] ? 1 : 0;
    equal_bytes += one[i] == two[i] ? 1 : 0;
  }
  EXPECT_LT(unmasked, 20u);
  EXPECT_LT(equal_bytes, 20u);
  Bytes other(plain.size() + aead_tag_bytes);
  provider->aead(alg, filled<32>(2))->seal(1, {}, plain, other);
  EXPECT_NE(one, other);
}

// ---- What only the model has.

TEST(ModelledCosts, AreCountedOnceAsTheyWereSet) {
  using std::chrono::microseconds, std::chrono::nanoseconds;
  CryptoCosts costs;
  costs.dh = microseconds{1};
  costs.kem_key = microseconds{10};
  costs.encapsulate = microseconds{100};
  costs.decapsulate = microseconds{1000};
  costs.aead_message = nanoseconds{7};
  costs.aead_byte_ns = 0.5;
  const auto provider = modelled_provider(std::make_unique<SeededRng>(1), costs);
  EXPECT_EQ(provider->take_spent(), Duration{});
  const auto key = provider->dh_public(filled<32>(1));
  EXPECT_EQ(provider->take_spent(), costs.dh);
  ASSERT_TRUE(provider->dh(filled<32>(2), key));
  EXPECT_EQ(provider->take_spent(), costs.dh);
  EXPECT_EQ(provider->take_spent(), Duration{});
  const auto kem = provider->kem_key(KemAlg::mlkem768, filled<kem_seed_bytes>(1));
  const auto sent = provider->encapsulate(KemAlg::mlkem768, kem->public_key(), filled<32>(1));
  ASSERT_TRUE(kem->decapsulate(sent->ciphertext));
  EXPECT_EQ(provider->take_spent(), microseconds{1110});

  const auto signing = provider->signing_key(SignAlg::mldsa65, filled<32>(1));
  const Bytes signature = signing->sign({}, {}, filled<32>(1));
  EXPECT_TRUE(provider->verify(SignAlg::mldsa65, signing->public_key(), {}, {}, signature));
  EXPECT_EQ(provider->take_spent(), Duration{});  // workers do those, and the world counts them

  const auto aead = provider->aead(AeadAlg::aes256_gcm, filled<32>(1));
  Bytes sealed(1000 + aead_tag_bytes);
  aead->seal(0, {}, Bytes(1000), sealed);
  EXPECT_EQ(provider->take_spent(), nanoseconds{507});
  EXPECT_TRUE(aead->open(0, {}, sealed, ByteSpan(sealed).first(1000)));
  EXPECT_EQ(provider->take_spent(), nanoseconds{507});
  // Halves of a nanosecond are kept until they are whole.
  Bytes one(1 + aead_tag_bytes);
  aead->seal(1, {}, Bytes(1), one);
  aead->seal(2, {}, Bytes(1), one);
  EXPECT_EQ(provider->take_spent(), nanoseconds{15});
  // What is refused for its length costs nothing.
  EXPECT_FALSE(provider->dh(filled<32>(1), {}));
  EXPECT_FALSE(kem->decapsulate({}));
  EXPECT_FALSE(aead->open(0, {}, {}, {}));
  EXPECT_EQ(provider->take_spent(), Duration{});
}

// The trace of a world depends on these bytes: the same with every compiler and on every machine.
TEST(ModelledBytes, AreTheSameEverywhere) {
  const auto provider = modelled_provider(std::make_unique<SeededRng>(1));
  const auto aead = provider->aead(AeadAlg::chacha20_poly1305, filled<32>(3));
  Bytes sealed(21 + aead_tag_bytes);
  aead->seal(9, text(3), text(21), sealed);
  EXPECT_EQ(to_hex(sealed), "928511374248020f117f3d112adb0fb3b08aa81312a6458d98cc56899ef2151b298ff6ca3a");
  EXPECT_EQ(to_hex(provider->dh_public(filled<32>(3))), "30ea3e9025715682a074b1a24bb3a50b310b45797126ed77a0981811e2c6b206");
}

}  // namespace
}  // namespace lattice::sim
