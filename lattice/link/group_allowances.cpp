#include <lattice/link/group_allowances.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace lattice {

double Bucket::left(const BucketLimits& limits, Instant now) const {
  const double regained = std::max(0.0, seconds_of(now - updated_)) * limits.per_second;
  return limits.burst - std::max(0.0, used_ - regained);
}

bool Bucket::take(const BucketLimits& limits, Instant now) {
  const double before = left(limits, now);
  if (before < 1) return false;
  used_ = limits.burst - before + 1;
  updated_ = std::max(updated_, now);
  return true;
}

// Two rounds of a multiplication whose both halves count. Not a cryptographic hash: it only has to spread groups under a key
// that nobody sees, and a miss costs a shared bucket.
__extension__ using Wide = unsigned __int128;
static uint64_t mix(uint64_t a, uint64_t b) {
  const Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t GroupAllowances::mark_of(const IpAddress& ip) const {
  const AddressGroup group = group_of(ip);
  uint64_t first, second;
  std::memcpy(&first, group.bytes.data(), 8);
  std::memcpy(&second, group.bytes.data() + 8, 8);
  const uint64_t inner = mix(first ^ key_, second ^ 0x9e3779b97f4a7c15) ^ group.bytes[16];
  return mix(inner ^ key_, 0xd6e8feb86659fd93 ^ std::rotl(key_, 32)) | 1;
}

void GroupAllowances::grow() {
  std::vector<Entry> old(std::max(entries_.size() * 2, places));
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.mark == 0) continue;
    Entry* const set = set_of(entry.mark);
    *std::find_if(set, set + places, [](const Entry& e) { return e.mark == 0; }) = entry;
  }
}

GroupBuckets& GroupAllowances::of(const IpAddress& ip, Instant now) {
  if (entries_.empty()) grow();
  const uint64_t mark = mark_of(ip);
  Entry* set = set_of(mark);
  const auto holds_it = [&](const Entry& entry) { return entry.mark == mark; };
  const auto is_empty = [](const Entry& entry) { return entry.mark == 0; };
  Entry* entry = std::find_if(set, set + places, holds_it);
  if (entry == set + places) {
    entry = std::find_if(set, set + places, is_empty);
    while (entry == set + places && entries_.size() < places * sets_max) {
      grow();
      set = set_of(mark);
      entry = std::find_if(set, set + places, is_empty);
    }
    if (entry == set + places) {
      entry = std::min_element(set, set + places, [](const Entry& a, const Entry& b) { return a.touched < b.touched; });
    }
    *entry = {};
    entry->mark = mark;
  }
  entry->touched = now;
  return entry->buckets;
}

}  // namespace lattice
