// What seed lists and statements about operators have in common: signatures as they stand behind a body, and the bytes that both
// are read from. All numbers are big-endian.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include <lattice/base/bytes.hpp>
#include <lattice/base/result.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/link/work.hpp>

namespace lattice {

struct SeedSignature {
  SignAlg alg = SignAlg::mldsa65;
  Bytes public_key, signature;
  bool operator==(const SeedSignature&) const = default;
};

constexpr size_t seed_signatures_max = 16;  // one answer costs at most 16 signature checks
// RFC 1035 3.2.1: the data of a record has a 16-bit length, and each 255 bytes of text cost one more. It holds eight ML-DSA-65
// signatures.
constexpr size_t seed_text_bytes_max = 65535 - 257;

// How an operator is named in a chain spec: BLAKE2s-256 of the public key.
Digest operator_hash(ByteView public_key);

// What is left of the bytes. Taking more than there is gives zeros and sets ran_short: asked once, after a group of fields.
class SeedCursor {
 public:
  explicit SeedCursor(ByteView bytes) : rest_(bytes) {}
  ByteView take(size_t count);
  uint64_t number(size_t size);
  template <size_t N>
  ByteArray<N> array() {
    ByteArray<N> out{};
    std::ranges::copy(take(N), out.begin());
    return out;
  }
  bool ran_short() const { return short_; }
  bool at_end() const { return rest_.empty(); }

 private:
  ByteView rest_;
  bool short_ = false;
};

void put_seed_number(Bytes& to, uint64_t value, int size);
// m 1 | m x (algorithm 2 | public key 1952 | signature 3309)          ML-DSA-65; ML-DSA-87: 2592 and 4627
void put_signatures(Bytes& to, const std::vector<SeedSignature>& signatures);
// bad_seed_list.
Result<std::vector<SeedSignature>> take_signatures(SeedCursor& cursor);
// The checks of the chosen ones, in their order.
void add_signature_work(std::vector<VerifyWork>& work, const std::vector<SeedSignature>& signatures,
                        const std::vector<size_t>& chosen, std::string_view context, const Bytes& body);

}  // namespace lattice
