// The memory of the address book: entries, the buckets' places, and who answers where, each with a fixed bound. It keeps these
// in agreement; what is worth keeping is the book's business (address_book.hpp).
//
// Entries lie in one array, 36 bytes each, and are named by their number there (a slot; used again once free, so no number
// ever grows beyond the capacity). An index leads from an address to its slot. Each place of `new` holds a slot and the next
// place of the same slot, each place of `tried` a slot. With all places taken that is, for each entry:
//   36 entry + 5.3 index + 0.8 * 6 `new` + 0.2 * 3 `tried` + 0.02 counts of buckets = 46.8 bytes.
// NodeIDs, for those entries that have one, lie apart.
//
// Times: `last_seen` in seconds since 2020, `last_try` in seconds since the book began, both held at their ends, never wrapped.
#pragma once

#include <optional>
#include <vector>

#include <lattice/discovery/address_places.hpp>
#include <lattice/discovery/known_address.hpp>
#include <lattice/discovery/slot_index.hpp>

namespace lattice {

// A number below 2^24 in three bytes.
class U24 {
 public:
  U24() = default;
  U24(uint32_t value)
      : bytes_{static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value >> 16)} {
    ASSERT(value >> 24 == 0);
  }
  operator uint32_t() const { return uint32_t{bytes_[0]} | uint32_t{bytes_[1]} << 8 | uint32_t{bytes_[2]} << 16; }

 private:
  uint8_t bytes_[3]{0xff, 0xff, 0xff};
};

struct PoolEntry {
  ByteArray<16> ip{};
  uint16_t port = 0;
  uint16_t services = 0;  // the bits that this version has names for, and fifteen more; others are not kept
  uint32_t last_seen = 0;
  uint32_t last_try = 0;   // 0: never
  uint32_t head : 24 = 0;  // `tried`: its place; `new`: the first of its places; free: the next free slot
  uint32_t failures : 8 = 0;
  uint32_t network : 8 = 0;
  uint32_t source : 3 = 0;
  uint32_t refs : 3 = 0;  // places in `new`
  uint32_t live : 1 = 0;
  uint32_t tried : 1 = 0;
  uint32_t answered : 1 = 0;
  uint32_t stored : 1 = 0;
  uint32_t has_node : 1 = 0;
  uint32_t sources : 12 = 0;  // bits of the source groups that named it (AddressPlaces::SourceMark)

  Endpoint endpoint() const { return {{ip}, port}; }
  PeerSource peer_source() const { return static_cast<PeerSource>(source); }
  bool trusted() const { return peer_source() < PeerSource::peer_exchange; }
};
static_assert(sizeof(PoolEntry) == 36);

class AddressPool {
 public:
  static constexpr uint32_t none = SlotIndex::none;

  // Takes memory for the index and the places with the first entry, and for entries as they come.
  explicit AddressPool(const PlaceLayout& layout);

  uint32_t find(const Endpoint& endpoint, const AddressPlaces::Mark& mark) const;
  // A live entry with nothing but its endpoint, in no place yet. `none`: there is no room.
  uint32_t insert(const Endpoint& endpoint, const AddressPlaces::Mark& mark);
  // Frees an entry that is in no place.
  void erase(uint32_t slot, const AddressPlaces::Mark& mark);
  PoolEntry& at(uint32_t slot);
  const PoolEntry& at(uint32_t slot) const;
  size_t size() const { return size_; }
  // Slots are below this; some may be free.
  uint32_t slots_end() const { return static_cast<uint32_t>(entries_.size()); }

  // Who stands at a place, or none.
  uint32_t at_new(uint32_t place) const;
  uint32_t at_tried(uint32_t place) const;
  // The place must be free; an entry is in one place of `tried` or in some of `new`.
  void put_new(uint32_t place, uint32_t slot);
  void put_tried(uint32_t place, uint32_t slot);
  // The place must be taken.
  void take_new(uint32_t place);
  void take_tried(uint32_t place);
  // From every place it has.
  void take_all(uint32_t slot);
  std::vector<uint32_t> new_places_of(uint32_t slot) const;
  size_t new_count() const { return new_count_; }      // places taken
  size_t tried_count() const { return tried_count_; }  // places taken
  uint32_t new_count(uint32_t bucket) const;
  uint32_t tried_count(uint32_t bucket) const;

  std::optional<NodeId> node(uint32_t slot) const;
  // False where no more are kept. Hearsay has half of what there is at most.
  bool set_node(uint32_t slot, const NodeId& node, bool hearsay);
  void drop_node(uint32_t slot);
  static size_t nodes_max(const PlaceLayout& layout) { return size_t{layout.places()} * 3 / 8; }

  // What entries, index and places take; and what NodeIDs take with the index that leads to them.
  size_t memory_bytes() const;
  size_t node_bytes() const;
  // Each access to another piece of memory that is far from the last one: what an operation costs with a cold cache.
  uint64_t touched() const { return touched_; }

 private:
  struct NewPlace {
    U24 slot, next;
  };
  struct NodeEntry {
    NodeId node;
    uint32_t slot = 0;
  };
  static_assert(sizeof(NewPlace) == 6);

  void begin();
  uint32_t node_at(uint32_t slot) const;
  void touch() const { ++touched_; }

  PlaceLayout layout_;
  std::vector<PoolEntry> entries_;
  uint32_t free_ = none;
  size_t size_ = 0, new_count_ = 0, tried_count_ = 0;
  SlotIndex index_;
  std::vector<NewPlace> new_;
  std::vector<U24> tried_;
  std::vector<uint8_t> new_counts_, tried_counts_;  // places taken of each bucket
  SlotIndex node_index_;
  std::vector<NodeEntry> nodes_;
  mutable uint64_t touched_ = 0;
};

}  // namespace lattice
