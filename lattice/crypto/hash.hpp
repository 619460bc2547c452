// Hashes and key derivation, on OpenSSL.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>

#include <lattice/base/bytes.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice {

enum class HashAlg : uint8_t { blake2s, sha256 };  // RFC 7693, FIPS 180-4; 32 bytes out, 64-byte blocks, both

using Digest = ByteArray<32>;

// The hash of the parts, one after the other.
Digest hash(HashAlg alg, std::initializer_list<ByteView> parts);
inline Digest blake2s(ByteView bytes) { return hash(HashAlg::blake2s, {bytes}); }
inline Digest sha256(ByteView bytes) { return hash(HashAlg::sha256, {bytes}); }
// SHA-256 twice, as Bitcoin hashes.
Digest sha256d(ByteView bytes);
// BLAKE2s with a key of 1 to 32 bytes (RFC 7693 section 2.5): for cookies. HMAC is another thing.
Digest blake2s_keyed(ByteView key, ByteView bytes);
// HMAC (RFC 2104) with the hash's 64-byte block.
Digest hmac(HashAlg alg, ByteView key, ByteView bytes);

// Bytes as they come, the digest at the end.
class Hasher {
 public:
  explicit Hasher(HashAlg alg);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher& update(ByteView bytes);
  // Ends this hash; the object may then only be destroyed.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Noise rev 34 section 4.3: `count` (2 or 3) outputs of 32 bytes; the unused third is zero.
struct Hkdf {
  Secret<32> first, second, third;
};
Hkdf hkdf(HashAlg alg, const Secret<32>& chaining_key, ByteView input, int count);

}  // namespace lattice
