// Where an address may stand in the address book: buckets and places that nobody outside can foresee, after Heilman, Kendler,
// Zohar and Goldberg, "Eclipse Attacks on Bitcoin's Peer-to-Peer Network" (2015), sections 2.2 and 6.
//
// `new`: addresses that were only heard of. The bucket follows from the group of the address and the group of who told, so that
// one group of tellers reaches a fixed share of the buckets, however many addresses it tells of.
// `tried`: addresses that answered. The bucket follows from the address and its group, so that one group of addresses reaches a
// fixed share of the buckets.
//
// All of it is a function of a secret key, made when the book is made and kept with it: the same key and address give the same
// place on every machine of one byte order.
#pragma once

#include <lattice/base/address.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice {

// How addresses are written down: one byte, with room for networks whose addresses fit 16 bytes (the numbers are those of
// BIP 155).
enum class Network : uint8_t { ipv4 = 1, ipv6 = 2 };
Network network_of(const IpAddress& ip);

// How many buckets, of how many places each. `new` has four fifths of all places, `tried` the rest: with the default of 80,000
// places 1,000 and 250 buckets of 64 (Bitcoin Core: 1,024 and 256).
struct PlaceLayout {
  uint32_t bucket_places = 0;
  uint32_t new_buckets = 0, tried_buckets = 0;
  uint32_t new_buckets_of_source = 0;   // a sixteenth: 63 of 1,000
  uint32_t tried_buckets_of_group = 0;  // a thirty-second: 8 of 250

  uint32_t new_places() const { return new_buckets * bucket_places; }
  uint32_t tried_places() const { return tried_buckets * bucket_places; }
  // Every address stands in one place at least: so many fit at most.
  uint32_t places() const { return new_places() + tried_places(); }
};
// `capacity` is brought into capacity_min..capacity_max first. places() is at most that, and little less.
constexpr size_t address_capacity_min = 32, address_capacity_max = (size_t{1} << 24) - 2;
PlaceLayout layout_of(size_t capacity);

class AddressPlaces {
 public:
  // What the key makes of an address: nothing of it may leave the process.
  struct Mark {
    uint64_t index = 0, new_place = 0, tried_bucket = 0, tried_place = 0;
  };
  struct SourceMark {
    AddressGroup group;
    uint64_t bucket = 0;
    uint16_t bit = 0;  // one of source_bits, the same for the same group
  };
  static constexpr unsigned source_bits = 12;

  AddressPlaces(const Secret<32>& key, size_t capacity) : key_(key), layout_(layout_of(capacity)) {}

  const PlaceLayout& layout() const { return layout_; }
  const Secret<32>& key() const { return key_; }

  // One keyed hash each.
  Mark mark(const Endpoint& endpoint) const;
  SourceMark source_mark(const AddressGroup& source) const;
  uint32_t new_bucket(const AddressGroup& group, const SourceMark& source) const;
  uint32_t tried_bucket(const AddressGroup& group, const Mark& mark) const;

  // Places are counted through all buckets: bucket * bucket_places + place in it.
  uint32_t new_place(const Mark& mark, uint32_t bucket) const;
  uint32_t tried_place(const Mark& mark, uint32_t bucket) const;

 private:
  Secret<32> key_;
  PlaceLayout layout_;
};

}  // namespace lattice
