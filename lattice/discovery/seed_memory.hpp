// What a node remembers of the operators of its seeds: the newest list seen, and who signs now. And the bytes of it that outlive
// the process, so that a list that was replaced or has run out does not come back with a restart (docs/PROTOCOL.md, "Stored
// seeds"):
//
//   "latseeds" | version 1 (= 1) | chain id 32 | n 1 | n x record, roots rising | CRC-32C 4
//   record      root 32 | flags 1 (1: ended) | sequence 8 | expires 8 | statement 8 | threshold 1 | m 1 | m x operator 32, rising
//
// Damage costs these bytes and no more: what is not exactly what was written is refused as a whole.
//
// The clock. A list counts until the wall clock passes its end. A clock that is set back must not bring it back; a clock that was
// wrong for a moment must not take it away for good. So a list that was taken has ended for good once its end lay in the past at
// two looks `ended_after` apart by the monotonic clock, and at each look between.
#pragma once

#include <optional>
#include <vector>

#include <lattice/base/time.hpp>
#include <lattice/discovery/operator_set.hpp>
#include <lattice/discovery/seed_list.hpp>
#include <lattice/wire/kept_file.hpp>

namespace lattice {

struct SeedRecord {
  Digest root{};           // operator_root of the chain spec's set
  bool ended = false;      // the list with this sequence has run out
  uint64_t sequence = 0;   // nothing below it counts
  int64_t expires = 0;     // unix seconds, of the list with this sequence; 0: none was seen
  uint64_t statement = 0;  // sequence of the statement that `set` is from; 0: the chain spec's set signs
  OperatorSet set;         // empty where statement is 0
  bool operator==(const SeedRecord&) const = default;
};

// The operators of one or more seeds. Seeds with the same operators and threshold share it.
class SeedOperators {
 public:
  static constexpr Duration ended_after = std::chrono::hours{1};

  explicit SeedOperators(OperatorSet spec_set);

  const Digest& root() const { return record_.root; }
  // Who signs now.
  const OperatorSet& set() const { return record_.statement == 0 ? spec_set_ : record_.set; }
  uint64_t sequence() const { return record_.sequence; }
  uint64_t statement() const { return record_.statement; }
  bool ended() const { return record_.ended; }
  // A list with this number is older than one that was taken, or has run out.
  bool is_stale(uint64_t sequence) const {
    return sequence < record_.sequence || (record_.ended && sequence == record_.sequence);
  }

  // Verified. Each gives whether there is something new to keep.
  bool on_list(const SeedList& list);
  bool on_statement(const OperatorStatement& statement);
  bool on_tick(Now now);

  const SeedRecord& record() const { return record_; }
  // What an earlier run kept of these operators.
  void restore(const SeedRecord& record);

 private:
  OperatorSet spec_set_;
  SeedRecord record_;
  std::optional<Instant> past_since_;  // the end of the list lay in the past at each look since
};

constexpr size_t seed_records_max = 32;
constexpr size_t seed_memory_bytes_max =
    wire::kept_head_bytes + 1 + seed_records_max * (32 + 1 + 3 * 8 + 2 + operators_max * 32) + wire::kept_sum_bytes;

// At most seed_records_max, of which no two have one root.
Bytes encode_seed_memory(std::vector<SeedRecord> records, const ChainId& chain);
// too_large, truncated, bad_checksum, wrong_version, wrong_chain, bad_value, not_canonical, trailing_bytes. What is read is
// written back byte for byte.
Result<std::vector<SeedRecord>> decode_seed_memory(ByteView file, const ChainId& chain);

}  // namespace lattice
