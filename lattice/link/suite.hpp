// Cipher suites: what each is made of, and which one two nodes choose.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <cstdint>

#include <lattice/crypto/provider.hpp>

namespace lattice {

// docs/PROTOCOL.md, "Suites".
enum class Suite : uint16_t {
  xxhfs_chacha = 0x0001,
  xxhfs_aesgcm = 0x0002,
  xxhfs1024_chacha = 0x0011,
  xxhfskem_chacha = 0x0021,
  tls13 = 0x0101,
};

struct SuiteTraits {
  Suite suite;
  std::string_view name;        // the Noise protocol's; "TLS1.3_X25519MLKEM768"
  std::string_view resumption;  // the Noise protocol of a later handshake with a ticket; empty: there is none
  std::string_view outside;     // the Noise protocol with a key from outside; empty: it takes none
  SignAlg sign;                 // of the certificate
  KemAlg kem;
  bool live_signature;  // else the certificate's own signature is all that ML-DSA signs
};
// Null where this version does not know the suite.
const SuiteTraits* find_suite(uint16_t id);
const SuiteTraits& traits_of(Suite suite);
inline std::string_view suite_name(Suite suite) { return traits_of(suite).name; }
constexpr uint16_t id_of(Suite suite) { return static_cast<uint16_t>(suite); }

// The keys of a ML-KEM-768 certificate are there exactly where this suite is allowed by it.
constexpr uint16_t kem_suite_id = id_of(Suite::xxhfskem_chacha);

using SuiteIds = std::vector<uint16_t>;  // as they travel: a peer may offer suites that we do not know

// The first suite that both lists hold, in the order of strength that this file's table says; never in the order of ids or of
// offers, so that neither side alone steers it. Empty where they share none that the table knows.
std::optional<uint16_t> choose_suite(std::span<const uint16_t> initiator, std::span<const uint16_t> responder);
// The ids of `offers` that `allowed` holds too, in the order of `offers`.
SuiteIds cut_suites(std::span<const uint16_t> offers, std::span<const uint16_t> allowed);

}  // namespace lattice
