#include <lattice/sim/modelled_provider.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/sim/modelled_aead.hpp>
#include <lattice/sim/modelled_mix.hpp>

namespace lattice::sim {
namespace {

// Each use of the mix begins elsewhere.
enum Domain : uint64_t {
  domain_dh_public = 1,
  domain_dh_shared,
  domain_kem_public,
  domain_kem_key,
  domain_kem_mask,
  domain_kem_ciphertext,
  domain_kem_shared,
  domain_kem_rejected,
  domain_sign_public,
  domain_signature,
};

uint64_t with_alg(Domain domain, auto alg) { return static_cast<uint64_t>(domain) << 32 | static_cast<uint64_t>(alg); }

Secret<32> secret_of(const Mix& mix) {
  Secret<32> out;
  mix.fill(out.span());
  return out;
}

// ---- X25519: the shared secret is a mix of both public keys, which each side has.

// RFC 7748 section 5: the highest bit of a public key is masked away.
DhPublic masked(ByteView bytes) {
  DhPublic key;
  std::copy_n(bytes.begin(), key.size(), key.begin());
  key.back() &= 0x7f;
  return key;
}

// Points of small order give a result of zeros, which RFC 7748 section 6.1 refuses: 0, 1, p - 1, p, p + 1 and two of order eight.
constexpr DhPublic order_eight[] = {
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};

bool small_order(const DhPublic& key) {
  const auto middle_is = [&](uint8_t byte) {
    return std::all_of(key.begin() + 1, key.end() - 1, [&](uint8_t b) { return b == byte; });
  };
  const bool zero_or_one = key.front() <= 1 && key.back() == 0 && middle_is(0);
  const bool about_p = key.front() >= 0xec && key.front() <= 0xee && key.back() == 0x7f && middle_is(0xff);
  return zero_or_one || about_p || std::ranges::find(order_eight, key) != std::end(order_eight);
}

// RFC 7748 section 5: a secret is used with its lowest three bits and its highest cleared, and the one below that set.
DhPublic dh_public_of(const DhSecret& secret) {
  ByteArray<32> scalar;
  std::ranges::copy(secret.view(), scalar.begin());
  scalar.front() &= 0xf8;
  scalar.back() = static_cast<uint8_t>((scalar.back() & 0x7f) | 0x40);
  DhPublic key;
  Mix(domain_dh_public).part(scalar).fill(key);
  return masked(key);
}

// ---- ML-KEM: a ciphertext is the sender's 32 bytes under a mask of the public key, then as much mix of both as it takes.

constexpr uint16_t kem_modulus = 3329;  // FIPS 203 section 2.3

// Two coefficients of twelve bits in each three bytes; the last 32 bytes are a seed (FIPS 203 algorithm 13).
bool reduced(ByteView key) {
  for (size_t i = 0; i + 3 <= key.size() - 32; i += 3) {
    const auto low = static_cast<uint16_t>(key[i] | (key[i + 1] & 0x0f) << 8);
    const auto high = static_cast<uint16_t>(key[i + 1] >> 4 | key[i + 2] << 4);
    if (low >= kem_modulus || high >= kem_modulus) return false;
  }
  return true;
}

Bytes kem_public(KemAlg alg, ByteView seed) {
  Bytes key(kem_sizes(alg).public_key);
  Mix(with_alg(domain_kem_public, alg)).part(seed).fill(key);
  // Eleven bits a coefficient: under the modulus.
  for (size_t i = 0; i + 3 <= key.size() - 32; i += 3) {
    key[i + 1] &= 0xf7;
    key[i + 2] &= 0x7f;
  }
  return key;
}

// What stands for a public key in everything that follows.
Mix kem_mix(KemAlg alg, ByteView public_key) { return Mix(with_alg(domain_kem_key, alg)).part(public_key); }

Encapsulated encapsulate_for(KemAlg alg, Mix key, ByteView m) {
  Encapsulated out{Bytes(kem_sizes(alg).ciphertext), {}};
  const ByteSpan ciphertext(out.ciphertext);
  Mix(key).word(domain_kem_mask).fill(ciphertext.first(m.size()));
  for (size_t i = 0; i < m.size(); ++i) ciphertext[i] ^= m[i];
  key.part(m);
  Mix(key).word(domain_kem_ciphertext).fill(ciphertext.subspan(m.size()));
  out.shared = secret_of(key.word(domain_kem_shared));
  return out;
}

class ModelledKemKey final : public KemKey {
 public:
  ModelledKemKey(KemAlg alg, const Secret<kem_seed_bytes>& seed, CryptoCosts costs, CostMeter& meter)
      : alg_(alg),
        cost_(costs.decapsulate),
        meter_(meter),
        // FIPS 203 algorithm 16: the key is made of the seed's first half, the second is for what is rejected.
        public_(kem_public(alg, seed.view().first(32))),
        mix_(kem_mix(alg, public_)),
        rejected_(Mix(with_alg(domain_kem_rejected, alg)).part(seed.view().last(32))) {}

  ByteView public_key() const override { return public_; }

  Result<Secret<32>> decapsulate(ByteView ciphertext) const override {
    if (ciphertext.size() != kem_sizes(alg_).ciphertext) return fail(ErrorCode::bad_handshake, "KEM ciphertext length");
    meter_.charge(cost_);
    Secret<32> m;
    Mix(mix_).word(domain_kem_mask).fill(m.span());
    for (size_t i = 0; i < m.span().size(); ++i) m.span()[i] ^= ciphertext[i];
    // FIPS 203 algorithm 18, lines 8 to 10: encapsulate again; what differs is rejected without a word.
    Encapsulated again = encapsulate_for(alg_, mix_, m.view());
    if (equal(again.ciphertext, ciphertext)) return std::move(again.shared);
    return secret_of(Mix(rejected_).part(ciphertext));
  }

 private:
  KemAlg alg_;
  Duration cost_;
  CostMeter& meter_;  // the provider's
  Bytes public_;
  Mix mix_, rejected_;
};

// ---- ML-DSA: a signature is 32 bytes of entropy, then the mix of them, the key, the context and the message.

constexpr size_t context_bytes_max = 255;  // FIPS 204 algorithm 2, line 1
constexpr size_t entropy_bytes = 32;

void fill_signature(SignAlg alg, ByteView public_key, ByteView context, ByteView message, ByteView entropy, ByteSpan out) {
  Mix(with_alg(domain_signature, alg)).part(public_key).part(context).part(message).part(entropy).fill(out);
}

class ModelledSigningKey final : public SigningKey {
 public:
  ModelledSigningKey(SignAlg alg, const Secret<32>& seed) : alg_(alg), public_(sign_sizes(alg).public_key) {
    Mix(with_alg(domain_sign_public, alg)).part(seed.view()).fill(public_);
  }
  SignAlg alg() const override { return alg_; }
  ByteView public_key() const override { return public_; }
  Bytes sign(ByteView context, ByteView message, const Secret<32>& entropy) const override {
    ASSERT(context.size() <= context_bytes_max);
    Bytes signature(sign_sizes(alg_).signature);
    const ByteSpan out(signature);
    std::ranges::copy(entropy.view(), out.begin());
    fill_signature(alg_, public_, context, message, entropy.view(), out.subspan(entropy_bytes));
    return signature;
  }

 private:
  SignAlg alg_;
  Bytes public_;
};

class Modelled final : public ModelledProvider {
 public:
  Modelled(std::unique_ptr<Rng> rng, const CryptoCosts& costs) : rng_(std::move(rng)), costs_(costs), meter_(costs) {
    ASSERT(rng_);
  }

  Rng& rng() override { return *rng_; }
  Duration take_spent() override {
    const Duration whole{meter_.units / CostMeter::units_per_ns};
    meter_.units %= CostMeter::units_per_ns;
    return whole;
  }

  DhPublic dh_public(const DhSecret& secret) override {
    meter_.charge(costs_.dh);
    return dh_public_of(secret);
  }
  Result<Secret<32>> dh(const DhSecret& secret, ByteView public_key) override {
    if (public_key.size() != sizeof(DhPublic)) return fail(ErrorCode::bad_handshake, "X25519 key length");
    meter_.charge(costs_.dh);
    const DhPublic own = dh_public_of(secret), remote = masked(public_key);
    if (small_order(remote)) return fail(ErrorCode::bad_handshake, "X25519 small-order point");
    return secret_of(Mix(domain_dh_shared).part(std::min(own, remote)).part(std::max(own, remote)));
  }

  std::unique_ptr<KemKey> kem_key(KemAlg alg, const Secret<kem_seed_bytes>& seed) override {
    meter_.charge(costs_.kem_key);
    return std::make_unique<ModelledKemKey>(alg, seed, costs_, meter_);
  }
  Result<Encapsulated> encapsulate(KemAlg alg, ByteView public_key, const Secret<32>& m) override {
    if (public_key.size() != kem_sizes(alg).public_key) return fail(ErrorCode::bad_handshake, "KEM key length");
    meter_.charge(costs_.encapsulate);
    // FIPS 203 section 7.2: the modulus check.
    if (!reduced(public_key)) return fail(ErrorCode::bad_handshake, "KEM key");
    return encapsulate_for(alg, kem_mix(alg, public_key), m.view());
  }

  std::shared_ptr<const SigningKey> signing_key(SignAlg alg, const Secret<32>& seed) override {
    return std::make_shared<ModelledSigningKey>(alg, seed);
  }
  bool verify(SignAlg alg, ByteView public_key, ByteView context, ByteView message, ByteView signature) override {
    const SignSizes sizes = sign_sizes(alg);
    if (public_key.size() != sizes.public_key || signature.size() != sizes.signature) return false;
    if (context.size() > context_bytes_max) return false;
    Bytes right(sizes.signature - entropy_bytes);
    fill_signature(alg, public_key, context, message, signature.first(entropy_bytes), right);
    return equal(right, signature.subspan(entropy_bytes));
  }

  std::unique_ptr<Aead> aead(AeadAlg alg, const Secret<32>& key) override {
    return std::make_unique<ModelledAead>(alg, key, meter_);
  }

 private:
  std::unique_ptr<Rng> rng_;
  CryptoCosts costs_;
  CostMeter meter_;
};

}  // namespace

std::unique_ptr<ModelledProvider> modelled_provider(std::unique_ptr<Rng> rng, CryptoCosts costs) {
  return std::make_unique<Modelled>(std::move(rng), costs);
}

}  // namespace lattice::sim
