#include <lattice/crypto/provider.hpp>

#include <climits>

#include <openssl/rand.h>

#include <lattice/crypto/aead.hpp>
#include <lattice/crypto/openssl.hpp>
#include <lattice/crypto/tls_openssl.hpp>

namespace lattice {
namespace {

// OpenSSL's generator for private values. Without randomness nothing here is safe: a failure ends the program.
class OpensslRng final : public Rng {
 public:
  void fill(ByteSpan out) override {
    ASSERT(out.size() <= INT_MAX);
    ASSERT(RAND_priv_bytes(out.data(), static_cast<int>(out.size())) == 1);
  }
};

class OpensslProvider final : public Provider {
 public:
  explicit OpensslProvider(std::unique_ptr<Rng> rng) : rng_(std::move(rng)) {}

  Rng& rng() override { return *rng_; }

  DhPublic dh_public(const DhSecret& secret) override { return openssl::dh_public(secret); }
  Result<Secret<32>> dh(const DhSecret& secret, ByteView public_key) override { return openssl::dh(secret, public_key); }

  std::unique_ptr<KemKey> kem_key(KemAlg alg, const Secret<kem_seed_bytes>& seed) override {
    return openssl::kem_key(alg, seed);
  }
  Result<Encapsulated> encapsulate(KemAlg alg, ByteView public_key, const Secret<32>& m) override {
    return openssl::encapsulate(alg, public_key, m);
  }

  std::shared_ptr<const SigningKey> signing_key(SignAlg alg, const Secret<32>& seed) override {
    return openssl::signing_key(alg, seed);
  }
  bool verify(SignAlg alg, ByteView public_key, ByteView context, ByteView message, ByteView signature) override {
    return openssl::verify(alg, public_key, context, message, signature);
  }

  std::unique_ptr<Aead> aead(AeadAlg alg, const Secret<32>& key) override { return std::make_unique<OpensslAead>(alg, key); }

  bool has_tls() const override { return true; }
  std::unique_ptr<TlsEndpoint> tls(TlsSide side) override {
    if (!tls_) tls_ = openssl::make_tls_context();
    return openssl::tls_endpoint(tls_.get(), side);
  }

 private:
  std::unique_ptr<Rng> rng_;
  openssl::TlsContext tls_;  // made with the first endpoint
};

}  // namespace

std::unique_ptr<Provider> openssl_provider(std::unique_ptr<Rng> rng) {
  if (!rng) rng = std::make_unique<OpensslRng>();
  return std::make_unique<OpensslProvider>(std::move(rng));
}

}  // namespace lattice
