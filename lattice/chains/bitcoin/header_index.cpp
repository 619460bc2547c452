#include <lattice/chains/bitcoin/header_index.hpp>

#include <algorithm>
#include <cstring>

#include <lattice/base/assert.hpp>

namespace lattice::bitcoin {

namespace {

__extension__ using Wide = unsigned __int128;

uint64_t fold(uint64_t a, uint64_t b) {
  const Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t word(const BlockHash& hash, size_t i) {
  uint64_t value;
  std::memcpy(&value, hash.bytes.data() + 8 * i, 8);
  return value;
}

}  // namespace

// Two keyed multiplications. Their inputs are hashes, which a peer cannot choose, only draw; without the key it does not learn
// which of them collide.
size_t HeaderIndex::slot_of(const BlockHash& hash) const {
  const uint64_t low = fold(word(hash, 0) ^ table_key_[0] ^ 0x9e37'79b9'7f4a'7c15, word(hash, 1) ^ table_key_[1]);
  const uint64_t high = fold(word(hash, 2) ^ table_key_[1] ^ 0xbf58'476d'1ce4'e5b9, word(hash, 3) ^ table_key_[0]);
  size_t slot = (low ^ high) & (table_.size() - 1);
  while (table_[slot] != no_header && entries_[table_[slot]].hash != hash) slot = (slot + 1) & (table_.size() - 1);
  return slot;
}

void HeaderIndex::rebuild_table(size_t slots) {
  table_.assign(slots, no_header);
  for (HeaderNumber number = 0; number < entries_.size(); ++number) table_[slot_of(entries_[number].hash)] = number;
}

HeaderNumber HeaderIndex::add(const HeaderEntry& entry) {
  ASSERT(entries_.size() < no_header / 2);
  ASSERT(entry.parent == no_header || entry.parent < entries_.size());
  if (2 * (entries_.size() + 1) > table_.size()) rebuild_table(2 * table_.size());
  const size_t slot = slot_of(entry.hash);
  ASSERT(table_[slot] == no_header);
  const auto number = static_cast<HeaderNumber>(entries_.size());
  table_[slot] = number;
  entries_.push_back(entry);
  return number;
}

HeaderNumber HeaderIndex::find(const BlockHash& hash) const { return table_[slot_of(hash)]; }

HeaderNumber HeaderIndex::ancestor(HeaderNumber number, uint32_t height) const {
  ASSERT(height <= entries_[number].height);
  while (entries_[number].height > height) {
    number = entries_[number].parent;
    ASSERT(number != no_header);
  }
  return number;
}

HeaderNumber HeaderIndex::fork_of(HeaderNumber a, HeaderNumber b) const {
  const uint32_t height = std::min(entries_[a].height, entries_[b].height);
  a = ancestor(a, height);
  b = ancestor(b, height);
  while (a != b) {
    a = entries_[a].parent;
    b = entries_[b].parent;
  }
  return a;
}

std::optional<uint32_t> HeaderIndex::median_time(HeaderNumber number) const {
  std::array<uint32_t, median_time_blocks> times{};
  size_t count = 0;
  for (; number != no_header && count < times.size(); number = entries_[number].parent) {
    if (entries_[number].time_known) times[count++] = entries_[number].time;
  }
  if (count == 0) return std::nullopt;
  std::sort(times.begin(), times.begin() + static_cast<ptrdiff_t>(count));
  return times[count / 2];
}

Header HeaderIndex::header(HeaderNumber number) const {
  const HeaderEntry& entry = entries_[number];
  Header header;
  header.version = entry.version;
  if (entry.parent != no_header) header.previous = entries_[entry.parent].hash;
  header.merkle_root = entry.merkle_root;
  header.time = entry.time;
  header.bits = entry.bits;
  header.nonce = entry.nonce;
  return header;
}

std::vector<HeaderNumber> HeaderIndex::keep_only(const std::vector<bool>& kept) {
  std::vector<HeaderNumber> renumbered(entries_.size(), no_header);
  HeaderNumber next = 0;
  for (HeaderNumber number = 0; number < entries_.size(); ++number) {
    if (!kept[number]) continue;
    HeaderEntry entry = entries_[number];
    if (entry.parent != no_header) {
      entry.parent = renumbered[entry.parent];
      ASSERT(entry.parent != no_header);
    }
    entries_[next] = entry;
    renumbered[number] = next++;
  }
  entries_.resize(next);
  rebuild_table(table_.size());
  return renumbered;
}

}  // namespace lattice::bitcoin
