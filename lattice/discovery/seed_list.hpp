// A seed list: nodes to begin with, signed by k of n operators, with an end. Travels as TXT records (docs/PROTOCOL.md, "Seed lists").
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

namespace lattice {

struct SeedEntry {
  Endpoint endpoint;
  NodeId node;
  bool operator==(const SeedEntry&) const = default;
};

struct SeedSignature {
  SignAlg alg = SignAlg::mldsa65;
  Bytes public_key, signature;
};

struct SeedList {
  ChainId chain;
  uint64_t sequence = 0;  // a higher one replaces a lower one
  WallTime expires;
  std::vector<SeedEntry> entries;  // at most 64
  std::vector<SeedSignature> signatures;
};

constexpr std::string_view seed_list_prefix = "lattice-seeds-1:";
constexpr std::string_view seed_list_context = "lattice/1/seed";
constexpr size_t seed_entries_max = 64;
constexpr size_t seed_signatures_max = 16;  // one answer costs at most 16 signature checks

// What the signatures cover.
Bytes seed_list_body(const SeedList& list);
void sign_seed_list(SeedList& list, const SigningKey& key, const Secret<32>& entropy);
// The TXT text: the prefix, then base64url.
std::string seed_list_text(const SeedList& list);
// bad_seed_list. Not verified yet.
Result<SeedList> parse_seed_list(std::string_view text);
// Cheap checks before any signature: chain, expiry, enough signatures by distinct known operators. Gives those worth verifying,
// no more than `threshold` of them per operator set and never above seed_signatures_max.
Result<std::vector<size_t>> check_seed_list(const SeedList& list, const ChainId& chain, const std::vector<Digest>& operators,
                                            size_t threshold, WallTime now);

}  // namespace lattice
