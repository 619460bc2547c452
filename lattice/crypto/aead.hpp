// The AEAD behind Provider::aead, with the ciphers' own 12-byte nonces beside Noise's counter: published vectors need them.
#pragma once

#include <memory>

#include <lattice/crypto/provider.hpp>

namespace lattice {

using AeadNonce = ByteArray<12>;

// Noise rev 34 section 12: the counter as each cipher asks for it.
AeadNonce aead_nonce(AeadAlg alg, uint64_t counter);

// Holds nothing but its key: the cipher contexts of OpenSSL (1.1 KiB each) are the thread's, one for each cipher and direction,
// and take another key in 20 ns (ChaCha20-Poly1305) to 150 ns (AES-256-GCM).
class OpensslAead final : public Aead {
 public:
  OpensslAead(AeadAlg alg, const Secret<32>& key);
  ~OpensslAead() override;

  void seal(uint64_t nonce, ByteView ad, ByteView text, ByteSpan out) override;
  bool open(uint64_t nonce, ByteView ad, ByteView sealed, ByteSpan out) override;

  // As above. Never the same nonce twice with one key.
  void seal_with(const AeadNonce& nonce, ByteView ad, ByteView text, ByteSpan out);
  bool open_with(const AeadNonce& nonce, ByteView ad, ByteView sealed, ByteSpan out);

 private:
  AeadAlg alg_;
  Secret<32> key_;
};

}  // namespace lattice
