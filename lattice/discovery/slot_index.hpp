// From a key to the number of a slot where it is kept: an open-addressing table of 4 bytes a place, fixed in size. The keys
// themselves lie in the slots; the caller compares them.
//
// Robin Hood hashing (Celis 1986): each place holds a slot and how far it stands from where its hash points, sorted by that. So
// a search looks only into slots whose hash points to the same place, ends where the distances say so, and removal needs
// neither tombstones nor the hashes of others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lattice/base/assert.hpp>

namespace lattice {

class SlotIndex {
 public:
  static constexpr uint32_t none = 0xffffff;
  static constexpr uint32_t slot_max = none - 1;

  SlotIndex() = default;
  // For `count` slots: four places for three.
  explicit SlotIndex(size_t count) : places_(count + count / 3 + 8) {}

  // The slot with this hash that `same(slot)` says is the one; or none.
  template <class Same>
  uint32_t find(uint64_t hash, Same&& same) const {
    if (places_.empty()) return none;
    size_t at = home(hash);
    for (uint32_t distance = 1; distance_of(places_[at]) >= distance; ++distance, at = next(at)) {
      if (distance_of(places_[at]) == distance && same(slot_of(places_[at]))) return slot_of(places_[at]);
    }
    return none;
  }

  // The key must not be in yet, and the table not be full. False: it stands too badly to be kept; nobody can bring that about
  // who does not know the hash's key.
  bool insert(uint64_t hash, uint32_t slot) {
    ASSERT(slot <= slot_max && used_ < places_.size());
    if (!fits(hash)) return false;
    uint32_t carried = slot, distance = 1;
    for (size_t at = home(hash);; at = next(at), ++distance) {
      if (places_[at] == 0) {
        places_[at] = pack(carried, distance);
        ++used_;
        return true;
      }
      if (distance_of(places_[at]) >= distance) continue;
      const uint32_t other = places_[at];
      places_[at] = pack(carried, distance);
      carried = slot_of(other);
      distance = distance_of(other);
    }
  }

  // The slot must be in under this hash.
  void erase(uint64_t hash, uint32_t slot) {
    size_t at = home(hash);
    for (uint32_t distance = 1; slot_of(places_[at]) != slot || distance_of(places_[at]) != distance; ++distance) {
      ASSERT(distance_of(places_[at]) >= distance);
      at = next(at);
    }
    // Who stands behind and not at home moves up.
    for (size_t behind = next(at); distance_of(places_[behind]) > 1; at = behind, behind = next(behind)) {
      places_[at] = pack(slot_of(places_[behind]), distance_of(places_[behind]) - 1);
    }
    places_[at] = 0;
    --used_;
  }

  size_t size() const { return used_; }
  size_t memory_bytes() const { return places_.capacity() * sizeof(uint32_t); }

 private:
  static constexpr uint32_t distance_max = 255;  // counted from 1, so that 0 is an empty place

  static uint32_t pack(uint32_t slot, uint32_t distance) { return slot << 8 | distance; }
  static uint32_t slot_of(uint32_t place) { return place >> 8; }
  static uint32_t distance_of(uint32_t place) { return place & 0xff; }
  // Lemire 2016: a multiplication instead of a division; even where the hash is.
  size_t home(uint64_t hash) const { return static_cast<size_t>(((hash >> 32) * places_.size()) >> 32); }
  size_t next(size_t at) const { return at + 1 == places_.size() ? 0 : at + 1; }

  // Nobody between here and the next empty place would come to stand too far from home.
  bool fits(uint64_t hash) const {
    size_t at = home(hash);
    for (uint32_t distance = 1; places_[at] != 0; ++distance, at = next(at)) {
      if (distance == distance_max || distance_of(places_[at]) == distance_max) return false;
    }
    return true;
  }

  std::vector<uint32_t> places_;
  size_t used_ = 0;
};

}  // namespace lattice
