#include <lattice/discovery/address_places.hpp>

#include <algorithm>
#include <cstring>

#include <lattice/crypto/hash.hpp>

namespace lattice {
namespace {

constexpr uint32_t bucket_places_full = 64, bucket_places_small = 16;
constexpr size_t small_capacity = 8192;  // with fewer places than this, 64 of them would be too large a share
constexpr uint32_t source_share = 16, group_share = 32, share_min = 4;

// Each use of the key hashes another first byte.
enum class Use : uint8_t { address = 'A', source = 'S', new_bucket = 'N', tried_bucket = 'K' };

uint64_t word(const Digest& digest, size_t i) {
  uint64_t value;
  std::memcpy(&value, digest.data() + 8 * i, sizeof value);
  return value;
}

// Spreads a secret word over small numbers (the last step of splitmix64): where nobody knows `secret`, nobody can foresee it.
uint64_t spread(uint64_t secret, uint64_t number) {
  uint64_t z = secret + (number + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Network network_of(const IpAddress& ip) { return ip.is_v4() ? Network::ipv4 : Network::ipv6; }

PlaceLayout layout_of(size_t capacity) {
  const auto places = static_cast<uint32_t>(std::clamp(capacity, address_capacity_min, address_capacity_max));
  PlaceLayout out;
  out.bucket_places = places < small_capacity ? bucket_places_small : bucket_places_full;
  const uint32_t buckets = places / out.bucket_places;
  out.tried_buckets = std::max(1u, buckets / 5);
  out.new_buckets = buckets - out.tried_buckets;
  const auto share = [](uint32_t all, uint32_t part) { return std::min(all, std::max(share_min, (all + part - 1) / part)); };
  out.new_buckets_of_source = share(out.new_buckets, source_share);
  out.tried_buckets_of_group = share(out.tried_buckets, group_share);
  return out;
}

AddressPlaces::Mark AddressPlaces::mark(const Endpoint& endpoint) const {
  ByteArray<20> input{static_cast<uint8_t>(Use::address), static_cast<uint8_t>(network_of(endpoint.ip))};
  std::ranges::copy(endpoint.ip.bytes, input.begin() + 2);
  input[18] = static_cast<uint8_t>(endpoint.port >> 8);
  input[19] = static_cast<uint8_t>(endpoint.port);
  const Digest digest = blake2s_keyed(key_.view(), input);
  return {word(digest, 0), word(digest, 1), word(digest, 2), word(digest, 3)};
}

AddressPlaces::SourceMark AddressPlaces::source_mark(const AddressGroup& source) const {
  ByteArray<18> input{static_cast<uint8_t>(Use::source)};
  std::ranges::copy(source.bytes, input.begin() + 1);
  const Digest digest = blake2s_keyed(key_.view(), input);
  return {source, word(digest, 0), static_cast<uint16_t>(1u << (word(digest, 1) % source_bits))};
}

uint32_t AddressPlaces::new_bucket(const AddressGroup& group, const SourceMark& source) const {
  ByteArray<35> input{static_cast<uint8_t>(Use::new_bucket)};
  std::ranges::copy(group.bytes, input.begin() + 1);
  std::ranges::copy(source.group.bytes, input.begin() + 18);
  const uint64_t which = word(blake2s_keyed(key_.view(), input), 0) % layout_.new_buckets_of_source;
  return static_cast<uint32_t>(spread(source.bucket, which) % layout_.new_buckets);
}

uint32_t AddressPlaces::tried_bucket(const AddressGroup& group, const Mark& mark) const {
  ByteArray<18> input{static_cast<uint8_t>(Use::tried_bucket)};
  std::ranges::copy(group.bytes, input.begin() + 1);
  const uint64_t of_group = word(blake2s_keyed(key_.view(), input), 0);
  return static_cast<uint32_t>(spread(of_group, mark.tried_bucket % layout_.tried_buckets_of_group) % layout_.tried_buckets);
}

uint32_t AddressPlaces::new_place(const Mark& mark, uint32_t bucket) const {
  return bucket * layout_.bucket_places + static_cast<uint32_t>(spread(mark.new_place, bucket) % layout_.bucket_places);
}

uint32_t AddressPlaces::tried_place(const Mark& mark, uint32_t bucket) const {
  return bucket * layout_.bucket_places + static_cast<uint32_t>(spread(mark.tried_place, bucket) % layout_.bucket_places);
}

}  // namespace lattice
