#include <lattice/discovery/seed_list.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/base/base64.hpp>

namespace lattice {

static constexpr uint8_t body_version = 1;
static constexpr size_t entry_bytes = 16 + 2 + 32;

Bytes seed_list_body(const SeedList& list) {
  ASSERT(list.entries.size() <= seed_entries_max);
  Bytes body{body_version};
  body.reserve(50 + list.entries.size() * entry_bytes);
  append(body, list.chain.view());
  put_seed_number(body, list.sequence, 8);
  put_seed_number(body, static_cast<uint64_t>(unix_seconds(list.expires)), 8);
  put_seed_number(body, list.entries.size(), 1);
  for (const auto& entry : list.entries) {
    append(body, entry.endpoint.ip.bytes);
    put_seed_number(body, entry.endpoint.port, 2);
    append(body, entry.node.view());
  }
  return body;
}

void sign_seed_list(SeedList& list, const SigningKey& key, const Secret<32>& entropy) {
  ASSERT(list.signatures.size() < seed_signatures_max);
  list.signatures.push_back(
      {key.alg(), to_bytes(key.public_key()), key.sign(as_bytes(seed_list_context), seed_list_body(list), entropy)});
}

std::string seed_list_text(const SeedList& list) {
  Bytes bytes = seed_list_body(list);
  put_signatures(bytes, list.signatures);
  return std::string(seed_list_prefix) + to_base64url(bytes);
}

static Result<void> read_entries(SeedCursor& cursor, SeedList& list) {
  const auto count = cursor.number(1);
  if (count == 0 || count > seed_entries_max) return fail(ErrorCode::bad_seed_list, "count of entries");
  list.entries.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    SeedEntry entry;
    entry.endpoint.ip.bytes = cursor.array<16>();
    entry.endpoint.port = static_cast<uint16_t>(cursor.number(2));
    entry.node.bytes = cursor.array<32>();
    if (cursor.ran_short()) return fail(ErrorCode::bad_seed_list, "entries end early");
    if (entry.endpoint.port == 0 || entry.endpoint.ip.is_unspecified())
      return fail(ErrorCode::bad_seed_list, "entry's address");
    if (entry.node.is_zero()) return fail(ErrorCode::bad_seed_list, "entry's NodeID");
    if (std::ranges::find(list.entries, entry) != list.entries.end()) return fail(ErrorCode::bad_seed_list, "entry twice");
    list.entries.push_back(entry);
  }
  return {};
}

Result<SeedList> parse_seed_list(std::string_view text) {
  if (!text.starts_with(seed_list_prefix)) return fail(ErrorCode::bad_seed_list, "prefix");
  if (text.size() > seed_text_bytes_max) return fail(ErrorCode::bad_seed_list, "longer than a TXT record");
  const auto bytes = from_base64url(text.substr(seed_list_prefix.size()));
  if (!bytes) return fail(ErrorCode::bad_seed_list, "base64url");
  SeedCursor cursor(*bytes);
  SeedList list;
  if (cursor.number(1) != body_version) return fail(ErrorCode::bad_seed_list, "version");
  list.chain.bytes = cursor.array<32>();
  list.sequence = cursor.number(8);
  const auto expires = cursor.number(8);
  if (cursor.ran_short()) return fail(ErrorCode::bad_seed_list, "ends early");
  if (expires > static_cast<uint64_t>(seed_expires_max)) return fail(ErrorCode::bad_seed_list, "expiry out of range");
  list.expires = wall_from_unix(static_cast<int64_t>(expires));
  TRY_VOID(read_entries(cursor, list));
  TRY(signatures, take_signatures(cursor));
  list.signatures = std::move(signatures);
  if (!cursor.at_end()) return fail(ErrorCode::bad_seed_list, "trailing bytes");
  return list;
}

Result<std::vector<size_t>> check_seed_list(const SeedList& list, const ChainId& chain, const std::vector<Digest>& operators,
                                            size_t threshold, WallTime now, uint64_t sequence_min) {
  if (list.chain != chain) return fail(ErrorCode::wrong_chain, "seed list of another chain");
  if (list.expires <= now) return fail(ErrorCode::seed_list_expired, "seed list expired");
  if (list.sequence < sequence_min) return fail(ErrorCode::seed_list_expired, "seed list older than one seen");
  // A threshold of zero would make an unsigned list a signed one.
  if (threshold == 0 || threshold > seed_signatures_max) return fail(ErrorCode::unknown_operator, "threshold");
  if (list.signatures.size() > seed_signatures_max) return fail(ErrorCode::bad_seed_list, "count of signatures");
  std::vector<size_t> chosen;
  std::vector<Digest> seen;
  for (size_t i = 0; i < list.signatures.size() && chosen.size() < threshold; ++i) {
    const auto digest = operator_hash(list.signatures[i].public_key);
    if (std::ranges::find(operators, digest) == operators.end()) continue;
    if (std::ranges::find(seen, digest) != seen.end()) continue;
    seen.push_back(digest);
    chosen.push_back(i);
  }
  if (chosen.size() < threshold) return fail(ErrorCode::unknown_operator, "too few known operators signed");
  return chosen;
}

}  // namespace lattice
