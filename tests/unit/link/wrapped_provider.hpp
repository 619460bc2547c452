// A provider that passes everything on but TLS: for peers whose cryptography is bent in one place.
#pragma once

#include <lattice/crypto/provider.hpp>

namespace lattice::test {

class WrappedProvider : public Provider {
 public:
  explicit WrappedProvider(Provider& real) : real_(real) {}
  Rng& rng() override { return real_.rng(); }
  DhPublic dh_public(const DhSecret& secret) override { return real_.dh_public(secret); }
  Result<Secret<32>> dh(const DhSecret& secret, ByteView key) override { return real_.dh(secret, key); }
  std::unique_ptr<KemKey> kem_key(KemAlg alg, const Secret<64>& seed) override { return real_.kem_key(alg, seed); }
  Result<Encapsulated> encapsulate(KemAlg alg, ByteView key, const Secret<32>& m) override {
    return real_.encapsulate(alg, key, m);
  }
  std::shared_ptr<const SigningKey> signing_key(SignAlg alg, const Secret<32>& seed) override {
    return real_.signing_key(alg, seed);
  }
  bool verify(SignAlg alg, ByteView key, ByteView context, ByteView message, ByteView signature) override {
    return real_.verify(alg, key, context, message, signature);
  }
  std::unique_ptr<Aead> aead(AeadAlg alg, const Secret<32>& key) override { return real_.aead(alg, key); }

 private:
  Provider& real_;
};

}  // namespace lattice::test
