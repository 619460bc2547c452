// Who a node is: an X25519 and an ML-DSA key, the certificate over both, and the NodeID that both hash to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/base/time.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/wire/limits.hpp>

namespace lattice {

// ML-DSA contexts keep a signature made for one use from serving another.
constexpr std::string_view certificate_context = "lattice/1/cert";

// bech32m (BIP 350) over the 32 bytes, prefix "lat": lat1...
std::string node_id_text(const NodeId& id);
std::optional<NodeId> parse_node_id(std::string_view text);

// The certificate's body (docs/PROTOCOL.md): 2,024 bytes with ML-DSA-65 and three suites, 1,184 more where suite 0x0021 is
// among them.
struct Certificate {
  SignAlg sign_alg = SignAlg::mldsa65;
  DhPublic dh{};
  Bytes sign_public;
  uint32_t capabilities = 0;
  std::vector<uint16_t> allowed_suites;
  uint64_t serial = 0;
  WallTime not_before, not_after;
  // ML-KEM-768, exactly where allowed_suites holds 0x0021. Not in the NodeID: it changes with the certificate.
  Bytes kem_public;

  bool operator==(const Certificate&) const = default;
};
Bytes encode_certificate(const Certificate& certificate);
// Checks form only: sizes, known algorithms, suites without repetition, not_before < not_after.
Result<Certificate> decode_certificate(ByteView body);
CertHash certificate_hash(ByteView body);
// BLAKE2s-256("lattice node id" || alg ids || X25519 public key || ML-DSA public key).
NodeId node_id_of(const Certificate& certificate);

// A node's own keys, made from 64 secret bytes: X25519 secret, then the ML-DSA-65 seed. The identity with an ML-DSA-87 key has
// both from BLAKE2s over the same secret: another node as far as the network knows.
struct Identity {
  DhSecret dh;
  std::shared_ptr<const SigningKey> signing;
  std::shared_ptr<const KemKey> kem;  // for suite 0x0021, made anew with each certificate's serial
  Certificate certificate;
  Bytes body;  // the encoded certificate
  Bytes self_signature;
  NodeId id;
};
struct IdentityOptions {
  SignAlg sign_alg = SignAlg::mldsa65;
  std::vector<uint16_t> allowed_suites{0x0001, 0x0002, 0x0101};
  uint32_t capabilities = 0;
  uint64_t serial = 1;
  WallTime not_before, not_after;
};
std::shared_ptr<const Identity> make_identity(Provider& provider, const Secret<64>& secret, const IdentityOptions& options);
// The same keys under a fresh certificate: as long a life from now on (begun a day ago at most: clocks differ), a higher
// serial.
std::shared_ptr<const Identity> renew_identity(Provider& provider, const Identity& old, WallTime now);

// For certificates that travel without a live signature: gossip, registry, look-ups. Slow (0.2 ms): on a worker.
bool verify_self_signature(Provider& provider, const Certificate& certificate, ByteView signature);

}  // namespace lattice
