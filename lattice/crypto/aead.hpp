// The AEAD behind Provider::aead, with the ciphers' own 12-byte nonces beside Noise's counter: published vectors need them.
#pragma once

#include <memory>

#include <lattice/crypto/provider.hpp>

namespace lattice {

using AeadNonce = ByteArray<12>;

// Noise rev 34 section 12: the counter as each cipher asks for it.
AeadNonce aead_nonce(AeadAlg alg, uint64_t counter);

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
  struct State;
  AeadAlg alg_;
  std::unique_ptr<State> state_;
};

}  // namespace lattice
