#include <lattice/discovery/seed_memory.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice {

SeedOperators::SeedOperators(OperatorSet spec_set) : spec_set_(std::move(spec_set)) { record_.root = operator_root(spec_set_); }

bool SeedOperators::on_list(const SeedList& list) {
  ASSERT(!is_stale(list.sequence));
  const int64_t expires = unix_seconds(list.expires);
  if (list.sequence == record_.sequence && expires == record_.expires) return false;
  record_.sequence = list.sequence;
  record_.expires = expires;
  record_.ended = false;
  past_since_.reset();
  return true;
}

// The floor begins anew with the new operators: who had stolen keys of the old ones could have pushed it as high as numbers go.
bool SeedOperators::on_statement(const OperatorStatement& statement) {
  ASSERT(statement.sequence > record_.statement);
  record_.statement = record_.sequence = statement.sequence;
  record_.set = statement.set;
  record_.expires = 0;
  record_.ended = false;
  past_since_.reset();
  return true;
}

bool SeedOperators::on_tick(Now now) {
  if (record_.ended || record_.expires == 0) return false;
  if (now.wall < wall_from_unix(record_.expires)) {
    past_since_.reset();
    return false;
  }
  if (!past_since_) past_since_ = now.mono;
  if (now.mono - *past_since_ < ended_after) return false;
  return record_.ended = true;
}

void SeedOperators::restore(const SeedRecord& record) {
  ASSERT(record.root == record_.root);
  record_ = record;
  past_since_.reset();
}

namespace {

constexpr wire::KeptFile file_kind{"latseeds", 1, seed_memory_bytes_max, "stored seeds"};
constexpr uint8_t flag_ended = 1;

void write_record(wire::Writer& out, const SeedRecord& record) {
  ASSERT(record.set.operators.size() <= operators_max);
  out.bytes(record.root).u8(record.ended ? flag_ended : uint8_t{0}).u64(record.sequence);
  out.u64(static_cast<uint64_t>(record.expires)).u64(record.statement);
  out.u8(static_cast<uint8_t>(record.set.threshold)).u8(static_cast<uint8_t>(record.set.operators.size()));
  for (const Digest& hash : record.set.operators) out.bytes(hash);
}

Result<OperatorSet> read_set(wire::Reader& in) {
  OperatorSet set;
  TRY(threshold, in.u8());
  TRY(count, in.u8());
  if (count > operators_max || threshold > count) return fail(ErrorCode::bad_value, "stored operators");
  set.threshold = threshold;
  for (size_t i = 0; i < count; ++i) {
    TRY(hash, in.array<32>());
    if (!set.operators.empty() && hash <= set.operators.back()) return fail(ErrorCode::not_canonical, "order of operators");
    set.operators.push_back(hash);
  }
  return set;
}

Result<SeedRecord> read_record(wire::Reader& in) {
  SeedRecord record;
  TRY(root, in.array<32>());
  TRY(flags, in.u8());
  TRY(sequence, in.u64());
  TRY(expires, in.u64());
  TRY(statement, in.u64());
  TRY(set, read_set(in));
  if ((flags & ~flag_ended) != 0) return fail(ErrorCode::bad_value, "stored flags");
  if (expires > static_cast<uint64_t>(seed_expires_max)) return fail(ErrorCode::bad_value, "stored end");
  if ((statement == 0) != set.operators.empty() || (statement == 0) != (set.threshold == 0))
    return fail(ErrorCode::bad_value, "stored statement");
  if (sequence < statement) return fail(ErrorCode::bad_value, "stored sequence");
  record.ended = (flags & flag_ended) != 0;
  if (record.ended && expires == 0) return fail(ErrorCode::bad_value, "stored end");
  record.root = root;
  record.sequence = sequence;
  record.expires = static_cast<int64_t>(expires);
  record.statement = statement;
  record.set = std::move(set);
  return record;
}

}  // namespace

Bytes encode_seed_memory(std::vector<SeedRecord> records, const ChainId& chain) {
  ASSERT(records.size() <= seed_records_max);
  std::ranges::sort(records, {}, &SeedRecord::root);
  wire::Writer out = wire::begin_kept_file(file_kind, chain);
  out.u8(static_cast<uint8_t>(records.size()));
  for (const auto& record : records) write_record(out, record);
  return wire::end_kept_file(std::move(out));
}

Result<std::vector<SeedRecord>> decode_seed_memory(ByteView file, const ChainId& chain) {
  TRY(in, wire::read_kept_file(file, file_kind, chain));
  TRY(count, in.u8());
  if (count > seed_records_max) return fail(ErrorCode::too_large, "stored records");
  std::vector<SeedRecord> out;
  for (size_t i = 0; i < count; ++i) {
    TRY(record, read_record(in));
    if (!out.empty() && record.root <= out.back().root) return fail(ErrorCode::not_canonical, "order of records");
    out.push_back(std::move(record));
  }
  TRY_VOID(in.end());
  return out;
}

}  // namespace lattice
