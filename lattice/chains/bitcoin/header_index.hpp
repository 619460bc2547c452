// The tree of headers in memory: 128 bytes a header and 8 to 16 in the hash table.
//
// Entries are numbered in the order they came, parents before children. Numbers hold until `keep_only`. Bodies' states live
// here too: which are in the store, and which stand on bodies down to the start.
#pragma once

#include <vector>

#include <lattice/chains/bitcoin/rules.hpp>

namespace lattice::bitcoin {

using HeaderNumber = uint32_t;
constexpr HeaderNumber no_header = UINT32_MAX;

struct HeaderEntry {
  BlockHash hash;
  U256 work;  // accumulated from the start on
  ByteArray<32> merkle_root{};
  int32_t version = 0;
  uint32_t time = 0;
  uint32_t bits = 0;
  uint32_t nonce = 0;
  HeaderNumber parent = no_header;
  uint32_t height = 0;
  bool time_known = true;  // false only for a trusted start without its time
  bool stored = false;     // in Column::headers
  bool has_body = false;   // in Column::bodies
  bool complete = false;   // has_body, and so have all its ancestors
  bool body_invalid = false;
  bool invalid = false;  // body_invalid, or an ancestor's is
};
static_assert(sizeof(HeaderEntry) <= 128);

class HeaderIndex {
 public:
  // `table_key` keeps peers from grinding hashes that collide in the table.
  explicit HeaderIndex(std::array<uint64_t, 2> table_key) : table_key_(table_key), table_(1024, no_header) {}

  // The hash must be new, and the parent be here (or no_header for the first).
  HeaderNumber add(const HeaderEntry& entry);
  HeaderNumber find(const BlockHash& hash) const;  // no_header where it is not here

  HeaderEntry& operator[](HeaderNumber number) { return entries_[number]; }
  const HeaderEntry& operator[](HeaderNumber number) const { return entries_[number]; }
  size_t size() const { return entries_.size(); }

  // At or below the height of `number`. Walks: for short ways.
  HeaderNumber ancestor(HeaderNumber number, uint32_t height) const;
  // The highest header that both descend from. Walks both ways down to it.
  HeaderNumber fork_of(HeaderNumber a, HeaderNumber b) const;
  // Median of the times of `number` and its ancestors, eleven at most and as many as there are. Empty: none has a known time.
  std::optional<uint32_t> median_time(HeaderNumber number) const;
  Header header(HeaderNumber number) const;

  // Forgets the others and numbers anew; `kept[n]` says whether n stays, and every kept one's parent must stay. Gives new
  // numbers by old, no_header for the forgotten.
  std::vector<HeaderNumber> keep_only(const std::vector<bool>& kept);

 private:
  size_t slot_of(const BlockHash& hash) const;
  void rebuild_table(size_t slots);

  std::array<uint64_t, 2> table_key_;
  std::vector<HeaderEntry> entries_;
  std::vector<HeaderNumber> table_;  // open addressing, at most half full; a power of two
};

}  // namespace lattice::bitcoin
