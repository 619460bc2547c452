// Token buckets for each address group, in a table that stays small whatever addresses come: sets of eight places, and the
// place of a set that was touched longest ago goes first. Where a group stands in the table is keyed: nobody can choose
// addresses that meet in one set, and who could would only share eight places, never make the table slow.
//
// A group whose place was taken begins anew with full buckets. That favours whoever has more groups than there are places, so
// no bucket of a group may be the only limit of anything.
#pragma once

#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

struct BucketLimits {
  double burst = 0;       // so many at once
  double per_second = 0;  // so many a second after that
};

// A token bucket whose limits are kept elsewhere. Begins full.
class Bucket {
 public:
  // What is left of the burst.
  double left(const BucketLimits& limits, Instant now) const;
  bool take(const BucketLimits& limits, Instant now);

 private:
  double used_ = 0;  // at updated_
  Instant updated_{};
};

struct GroupBuckets {
  Bucket unproven, solved, keys;  // first messages; answers to a retry; questions to a key server
};

class GroupAllowances {
 public:
  static constexpr size_t places = 8;  // of a set
  static constexpr size_t sets_max = 512;

  explicit GroupAllowances(uint64_t key) : key_(key) {}

  // The buckets of the address's group, made where they were not. Good until the next call.
  GroupBuckets& of(const IpAddress& ip, Instant now);
  size_t places_held() const { return entries_.size(); }
  size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  struct Entry {
    uint64_t mark = 0;  // of the group; 0: empty
    Instant touched{};
    GroupBuckets buckets;
  };
  uint64_t mark_of(const IpAddress& ip) const;
  Entry* set_of(uint64_t mark) { return &entries_[(mark >> 8) % (entries_.size() / places) * places]; }
  void grow();

  uint64_t key_;
  std::vector<Entry> entries_;  // of whole sets, twice as many whenever one is full, until there are sets_max
};

}  // namespace lattice
