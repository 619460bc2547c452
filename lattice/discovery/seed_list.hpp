// A seed list: nodes to begin with, signed by k of n operators, with an end. Travels as one TXT record (docs/PROTOCOL.md, "Seed
// lists"). All numbers are big-endian:
//
//   body        version 1 (= 1) | chain id 32 | sequence 8 | expires 8 (unix seconds) | n 1 | n x (ip 16 | port 2 | NodeID 32)
//   signatures  m 1 | m x (algorithm 2 | public key 1952 | signature 3309)          ML-DSA-65; ML-DSA-87: 2592 and 4627
//
// Each signature is ML-DSA over the body with the context `lattice/1/seed`. The text is the prefix and base64url (RFC 4648
// section 5) of body and signatures, without padding, unused bits zero. There is one text for one list: whatever parses is
// written back byte for byte as it came.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/base/time.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/discovery/seed_signatures.hpp>

namespace lattice {

struct SeedEntry {
  Endpoint endpoint;
  NodeId node;
  bool operator==(const SeedEntry&) const = default;
};

struct SeedList {
  ChainId chain;
  uint64_t sequence = 0;  // a higher one replaces a lower one
  WallTime expires;
  std::vector<SeedEntry> entries;  // 1 to 64, no two alike
  std::vector<SeedSignature> signatures;
  bool operator==(const SeedList&) const = default;
};

constexpr std::string_view seed_list_prefix = "lattice-seeds-1:";
constexpr std::string_view seed_list_context = "lattice/1/seed";
constexpr size_t seed_entries_max = 64;
constexpr int64_t seed_expires_max = 253402300799;  // the end of the year 9999

// What the signatures cover.
Bytes seed_list_body(const SeedList& list);
void sign_seed_list(SeedList& list, const SigningKey& key, const Secret<32>& entropy);
// The TXT text: the prefix, then base64url.
std::string seed_list_text(const SeedList& list);
// bad_seed_list. Not verified yet.
Result<SeedList> parse_seed_list(std::string_view text);
// Cheap checks before any signature: chain (wrong_chain), expiry and sequence (seed_list_expired), at least `threshold`
// signatures by distinct known operators (unknown_operator). Gives the indices of exactly `threshold` signatures, one an
// operator, all of which must verify. Why no more: one answer's cost stays bounded, and who can put a wrong signature into an
// answer can also leave the answer out.
Result<std::vector<size_t>> check_seed_list(const SeedList& list, const ChainId& chain, const std::vector<Digest>& operators,
                                            size_t threshold, WallTime now, uint64_t sequence_min = 0);

}  // namespace lattice
