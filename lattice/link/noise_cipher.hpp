// Noise's CipherState and SymmetricState (rev 34 sections 5.1 and 5.2).
#pragma once

#include <limits>
#include <memory>
#include <optional>

#include <lattice/base/result.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/crypto/provider.hpp>

namespace lattice {

// Section 5.1: 2^64-1 is reserved for REKEY.
constexpr uint64_t noise_nonce_max = std::numeric_limits<uint64_t>::max();

// One key and its counter; one direction of a link.
class NoiseCipher {
 public:
  // Section 5.1: without a key, text passes as it is. For records inside TLS.
  NoiseCipher() = default;
  // `provider` outlives this.
  NoiseCipher(AeadAlg alg, const Secret<32>& key, Provider& provider);

  bool has_key() const { return aead_ != nullptr; }
  // What seal adds and open takes away.
  size_t overhead() const { return has_key() ? aead_tag_bytes : 0; }

  // `out` holds text.size() + overhead() bytes and may begin where `text` does. nonce_exhausted at nonce 2^64-1: nothing is written.
  Result<void> seal(ByteView ad, ByteView text, ByteSpan out);
  // `out` holds sealed.size() - overhead() bytes and may begin where `sealed` does. bad_record where the tag is wrong or there is none;
  // the counter then stays where it is, and `out` is garbage.
  Result<void> open(ByteView ad, ByteView sealed, ByteSpan out);
  // REKEY (section 4.2): the key becomes the first 32 bytes of ENCRYPT(key, 2^64-1, "", 32 zeros). The counter goes on.
  void rekey();
  // Another key for the same direction; the counter goes on.
  void set_key(const Secret<32>& key);

  uint64_t nonce() const { return nonce_; }
  // For what is sent out of order, and for tests of the last nonce.
  void set_nonce(uint64_t nonce) { nonce_ = nonce; }
  // For tests against published keys only.
  const Secret<32>& key() const { return key_; }

 private:
  AeadAlg alg_ = AeadAlg::chacha20_poly1305;
  Secret<32> key_;
  Provider* provider_ = nullptr;
  std::unique_ptr<Aead> aead_;
  uint64_t nonce_ = 0;
};

// The chaining key, the hash, and the key of the moment.
class NoiseSymmetric {
 public:
  NoiseSymmetric(ByteView protocol_name, HashAlg hash, AeadAlg aead, Provider& provider);

  void mix_hash(ByteView bytes);
  void mix_key(ByteView input);
  void mix_key_and_hash(ByteView input);  // for psk
  bool has_key() const { return cipher_.has_value(); }
  // What EncryptAndHash adds to a length: 16 once there is a key.
  size_t overhead() const { return has_key() ? aead_tag_bytes : 0; }
  // Appends the text, sealed once there is a key.
  void encrypt_and_hash(ByteView text, Bytes& to);
  Result<Bytes> decrypt_and_hash(ByteView sealed);

  const Digest& hash() const { return h_; }
  const Secret<32>& chaining_key() const { return ck_; }
  // Section 5.2, Split(): the initiator's sending key, then the responder's.
  std::pair<Secret<32>, Secret<32>> split() const;

 private:
  HashAlg alg_;
  AeadAlg aead_;
  Provider* provider_;
  Secret<32> ck_;
  Digest h_{};
  std::optional<NoiseCipher> cipher_;
};

}  // namespace lattice
