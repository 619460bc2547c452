// What this folder's files share of OpenSSL: owners, and the pieces that the provider is put together from. Not for others.
#pragma once

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <lattice/base/assert.hpp>
#include <lattice/crypto/provider.hpp>

namespace lattice::openssl {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using PkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using MdCtx = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using MacCtx = std::unique_ptr<EVP_MAC_CTX, Freer<EVP_MAC_CTX_free>>;
using CipherCtx = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;

// A peer's wrong input leaves entries in the thread's error queue, where TLS would later take them for its own.
struct ErrorQueueGuard {
  ErrorQueueGuard() = default;
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

// OSSL_PARAM takes what it only reads as void*, and null for "not there": nothing is not the same as an empty string.
inline void* unconst(ByteView bytes) {
  static uint8_t empty;
  return bytes.empty() ? &empty : const_cast<uint8_t*>(bytes.data());
}

// A key pair that the algorithm makes from `seed` (FIPS 203 and 204 "internal" key generation).
Pkey key_from_seed(const char* alg_name, ByteView seed);
// Null where the bytes are no public key of this algorithm.
Pkey public_key(const char* alg_name, ByteView bytes);
Bytes public_bytes(const EVP_PKEY* key);

DhPublic dh_public(const DhSecret& secret);
Result<Secret<32>> dh(const DhSecret& secret, ByteView public_key);
std::unique_ptr<KemKey> kem_key(KemAlg alg, const Secret<kem_seed_bytes>& seed);
Result<Encapsulated> encapsulate(KemAlg alg, ByteView public_key, const Secret<32>& m);
std::shared_ptr<const SigningKey> signing_key(SignAlg alg, const Secret<32>& seed);
bool verify(SignAlg alg, ByteView public_key, ByteView context, ByteView message, ByteView signature);

}  // namespace lattice::openssl
