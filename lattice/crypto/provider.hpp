// Every cryptographic operation that costs time or needs a key, behind one interface: OpenSSL in the real world, a model with
// measured costs in large simulations. Deterministic: randomness is an argument, so that published vectors run through it.
// All calls but those on the Rng may come from any thread.
#pragma once

#include <memory>

#include <lattice/base/random.hpp>
#include <lattice/base/result.hpp>
#include <lattice/crypto/secret.hpp>
#include <lattice/crypto/tls.hpp>

namespace lattice {

// X25519 (RFC 7748).
using DhSecret = Secret<32>;
using DhPublic = ByteArray<32>;

enum class KemAlg : uint8_t { mlkem768, mlkem1024 };                   // FIPS 203
enum class SignAlg : uint16_t { mldsa65 = 0x0101, mldsa87 = 0x0102 };  // FIPS 204; the ids of certificates
enum class AeadAlg : uint8_t { chacha20_poly1305, aes256_gcm };        // RFC 8439; SP 800-38D

constexpr uint16_t alg_x25519 = 0x0001;
constexpr size_t kem_seed_bytes = 64;  // d, then z (FIPS 203 algorithm 16)
constexpr size_t aead_tag_bytes = 16;

struct KemSizes {
  size_t public_key, ciphertext;
};
constexpr KemSizes kem_sizes(KemAlg alg) { return alg == KemAlg::mlkem768 ? KemSizes{1184, 1088} : KemSizes{1568, 1568}; }
struct SignSizes {
  size_t public_key, signature;
};
constexpr SignSizes sign_sizes(SignAlg alg) { return alg == SignAlg::mldsa65 ? SignSizes{1952, 3309} : SignSizes{2592, 4627}; }

// A KEM key pair, kept by whoever decapsulates.
class KemKey {
 public:
  virtual ~KemKey() = default;
  virtual ByteView public_key() const = 0;
  // Implicit rejection (FIPS 203 algorithm 18): a wrong ciphertext of the right length gives another secret, not an error.
  // Any other cause, the length among them: bad_handshake.
  virtual Result<Secret<32>> decapsulate(ByteView ciphertext) const = 0;
};

struct Encapsulated {
  Bytes ciphertext;
  Secret<32> shared;
};

// An ML-DSA key pair.
class SigningKey {
 public:
  virtual ~SigningKey() = default;
  virtual SignAlg alg() const = 0;
  virtual ByteView public_key() const = 0;
  // FIPS 204 algorithm 2, hedged by `entropy`. `context`: at most 255 bytes.
  virtual Bytes sign(ByteView context, ByteView message, const Secret<32>& entropy) const = 0;
};

// One AEAD key. Not for two threads at once.
class Aead {
 public:
  virtual ~Aead() = default;
  // `nonce` is Noise's 64-bit counter, encoded as each cipher asks (Noise rev 34, section 12): 32 zero bits, then little-endian
  // for ChaChaPoly, big-endian for AESGCM. `out` holds text.size() + 16 bytes and may begin where `text` does.
  virtual void seal(uint64_t nonce, ByteView ad, ByteView text, ByteSpan out) = 0;
  // `out` holds sealed.size() - 16 bytes and may begin where `sealed` does. False where the tag is wrong: `out` is garbage.
  virtual bool open(uint64_t nonce, ByteView ad, ByteView sealed, ByteSpan out) = 0;
};

class Provider {
 public:
  virtual ~Provider() = default;

  // Where keys, nonces and hedges come from. One thread only: the reactor's.
  virtual Rng& rng() = 0;

  virtual DhPublic dh_public(const DhSecret& secret) = 0;
  // bad_handshake where the result is all zero (RFC 7748 section 6.1): a small-order point.
  virtual Result<Secret<32>> dh(const DhSecret& secret, ByteView public_key) = 0;

  virtual std::unique_ptr<KemKey> kem_key(KemAlg alg, const Secret<kem_seed_bytes>& seed) = 0;
  // `m`: the 32 bytes of FIPS 203 algorithm 17. A key of the wrong length or with an unreduced coefficient: bad_handshake.
  virtual Result<Encapsulated> encapsulate(KemAlg alg, ByteView public_key, const Secret<32>& m) = 0;

  virtual std::shared_ptr<const SigningKey> signing_key(SignAlg alg, const Secret<32>& seed) = 0;
  // False for every cause: length, encoding, wrong signature.
  virtual bool verify(SignAlg alg, ByteView public_key, ByteView context, ByteView message, ByteView signature) = 0;

  virtual std::unique_ptr<Aead> aead(AeadAlg alg, const Secret<32>& key) = 0;

  virtual bool has_tls() const { return false; }
  // Null without TLS. One thread only: the reactor's. Its randomness is always the system's.
  virtual std::unique_ptr<TlsEndpoint> tls(TlsSide) { return nullptr; }
};

// The real one. `rng` null: OpenSSL's own generator. A seeded one makes a node's keys repeatable: simulator and vectors only.
std::unique_ptr<Provider> openssl_provider(std::unique_ptr<Rng> rng = nullptr);

}  // namespace lattice
