#include <lattice/discovery/seed_signatures.hpp>

#include <lattice/base/assert.hpp>

namespace lattice {

Digest operator_hash(ByteView public_key) { return blake2s(public_key); }

ByteView SeedCursor::take(size_t count) {
  if (count > rest_.size()) {
    short_ = true;
    return {};
  }
  const auto taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

uint64_t SeedCursor::number(size_t size) {
  uint64_t value = 0;
  for (const uint8_t byte : take(size)) value = value << 8 | byte;
  return value;
}

void put_seed_number(Bytes& to, uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) to.push_back(static_cast<uint8_t>(value >> shift));
}

void put_signatures(Bytes& to, const std::vector<SeedSignature>& signatures) {
  put_seed_number(to, signatures.size(), 1);
  for (const auto& signature : signatures) {
    put_seed_number(to, static_cast<uint16_t>(signature.alg), 2);
    append(to, signature.public_key);
    append(to, signature.signature);
  }
}

Result<std::vector<SeedSignature>> take_signatures(SeedCursor& cursor) {
  const auto count = cursor.number(1);
  if (cursor.ran_short()) return fail(ErrorCode::bad_seed_list, "signatures end early");
  if (count > seed_signatures_max) return fail(ErrorCode::bad_seed_list, "count of signatures");
  std::vector<SeedSignature> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto alg = static_cast<SignAlg>(cursor.number(2));
    if (alg != SignAlg::mldsa65 && alg != SignAlg::mldsa87) return fail(ErrorCode::bad_seed_list, "signature's algorithm");
    const auto sizes = sign_sizes(alg);
    const auto public_key = cursor.take(sizes.public_key);
    const auto signature = cursor.take(sizes.signature);
    if (cursor.ran_short()) return fail(ErrorCode::bad_seed_list, "signatures end early");
    out.push_back({alg, to_bytes(public_key), to_bytes(signature)});
  }
  return out;
}

void add_signature_work(std::vector<VerifyWork>& work, const std::vector<SeedSignature>& signatures,
                        const std::vector<size_t>& chosen, std::string_view context, const Bytes& body) {
  for (const size_t index : chosen) {
    ASSERT(index < signatures.size());
    const SeedSignature& signature = signatures[index];
    work.push_back({signature.alg, signature.public_key, to_bytes(as_bytes(context)), body, signature.signature});
  }
}

}  // namespace lattice
