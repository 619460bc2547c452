#include <lattice/discovery/address_book_file.hpp>

#include <algorithm>

#include <lattice/discovery/address_times.hpp>

namespace lattice {
namespace {

constexpr wire::KeptFile file_kind{"latabook", address_book_file_version,
                                   address_book_head_bytes + address_capacity_max* address_book_entry_bytes_max +
                                       address_book_anchors_bytes_max + wire::kept_sum_bytes,
                                   "stored address book"};
constexpr uint8_t flag_answered = 1, flag_node = 2, flag_tried = 4;

// An address that no stranger could be at is kept where somebody answered: a private network.
bool storable(const Endpoint& endpoint, bool answered) {
  if (endpoint.port == 0 || endpoint.ip.is_unspecified()) return false;
  return endpoint.ip.is_routable() || endpoint.ip.is_loopback() || answered;
}

void write_entry(wire::Writer& out, const AddressBook& book, uint32_t slot) {
  const PoolEntry& entry = book.pool().at(slot);
  const auto node = book.pool().node(slot);
  const int flags = (entry.answered ? flag_answered : 0) | (node ? flag_node : 0) | (entry.tried ? flag_tried : 0);
  out.u8(entry.network).bytes(entry.ip).u16(entry.port).u8(static_cast<uint8_t>(flags)).u16(entry.services);
  out.u64(static_cast<uint64_t>(unpacked_seconds(entry.last_seen)));
  out.u8(static_cast<uint8_t>(entry.failures)).u16(entry.sources);
  if (node) out.bytes(node->view());
  if (entry.tried) return;
  auto buckets = book.pool().new_places_of(slot);
  for (uint32_t& place : buckets) place /= book.places().layout().bucket_places;
  std::ranges::sort(buckets);
  out.u8(static_cast<uint8_t>(buckets.size()));
  for (const uint32_t bucket : buckets) out.u32(bucket);
}

Result<std::vector<uint32_t>> read_buckets(wire::Reader& in, const PlaceLayout& layout) {
  TRY(count, in.u8());
  if (count == 0 || count > AddressBook::refs_max) return fail(ErrorCode::bad_value, "stored buckets");
  std::vector<uint32_t> out;
  for (uint8_t i = 0; i < count; ++i) {
    TRY(bucket, in.u32());
    if (bucket >= layout.new_buckets) return fail(ErrorCode::bad_value, "stored bucket");
    if (!out.empty() && bucket <= out.back()) return fail(ErrorCode::not_canonical, "stored buckets");
    out.push_back(bucket);
  }
  return out;
}

Result<AddressBook::Stored> read_entry(wire::Reader& in, const PlaceLayout& layout) {
  AddressBook::Stored out;
  KnownAddress& address = out.address;
  TRY(network, in.u8());
  TRY(ip, in.array<16>());
  TRY(port, in.u16());
  TRY(flags, in.u8());
  TRY(services, in.u16());
  TRY(last_seen, in.u64());
  TRY(failures, in.u8());
  TRY(sources, in.u16());
  if ((flags & ~(flag_answered | flag_node | flag_tried)) != 0) return fail(ErrorCode::bad_value, "stored flags");
  address.endpoint = {{ip}, port};
  address.answered = (flags & flag_answered) != 0;
  out.tried = (flags & flag_tried) != 0;
  if (out.tried && !address.answered) return fail(ErrorCode::bad_value, "stored flags");
  if (network != static_cast<uint8_t>(network_of(address.endpoint.ip)) || !storable(address.endpoint, address.answered)) {
    return fail(ErrorCode::bad_address, "stored address");
  }
  if (last_seen > static_cast<uint64_t>(INT64_MAX)) return fail(ErrorCode::bad_value, "stored time");
  if (failures > AddressBook::failures_max) return fail(ErrorCode::bad_value, "stored failures");
  if (sources >> AddressPlaces::source_bits != 0) return fail(ErrorCode::bad_value, "stored sources");
  address.services = services;
  address.last_seen = static_cast<int64_t>(last_seen);
  address.failures = failures;
  out.sources = sources;
  if ((flags & flag_node) != 0) {
    TRY(node, in.id<NodeId>());
    address.node = node;
  }
  if (!out.tried) {
    TRY(buckets, read_buckets(in, layout));
    out.buckets = std::move(buckets);
  }
  return out;
}

void write_anchors(wire::Writer& out, std::span<const Endpoint> anchors) {
  std::vector<Endpoint> kept;
  for (const Endpoint& anchor : anchors) {
    const bool twice = std::ranges::find(kept, anchor) != kept.end();
    if (kept.size() < stored_anchors_max && !twice && storable(anchor, true)) kept.push_back(anchor);
  }
  out.u8(static_cast<uint8_t>(kept.size()));
  for (const Endpoint& anchor : kept) out.bytes(anchor.ip.bytes).u16(anchor.port);
}

Result<std::vector<Endpoint>> read_anchors(wire::Reader& in) {
  TRY(count, in.u8());
  if (count > stored_anchors_max) return fail(ErrorCode::too_large, "stored anchors");
  std::vector<Endpoint> out;
  for (uint8_t i = 0; i < count; ++i) {
    TRY(ip, in.array<16>());
    TRY(port, in.u16());
    const Endpoint anchor{{ip}, port};
    if (!storable(anchor, true)) return fail(ErrorCode::bad_address, "stored anchor");
    if (std::ranges::find(out, anchor) != out.end()) return fail(ErrorCode::contradiction, "stored anchor");
    out.push_back(anchor);
  }
  return out;
}

}  // namespace

Bytes encode_address_book(const AddressBook& book, const ChainId& chain, std::span<const Endpoint> anchors) {
  std::vector<uint32_t> slots;
  slots.reserve(book.size());
  for (uint32_t slot = 0; slot < book.pool().slots_end(); ++slot) {
    const PoolEntry& entry = book.pool().at(slot);
    if (entry.live && storable(entry.endpoint(), entry.answered)) slots.push_back(slot);
  }
  wire::Writer out = wire::begin_kept_file(file_kind, chain);
  out.reserve(address_book_head_bytes + slots.size() * (address_book_entry_bytes_min + 32) + address_book_anchors_bytes_max +
              wire::kept_sum_bytes);
  out.bytes(book.places().key().view()).u32(book.places().layout().places()).u32(static_cast<uint32_t>(slots.size()));
  for (const uint32_t slot : slots) write_entry(out, book, slot);
  write_anchors(out, anchors);
  return wire::end_kept_file(std::move(out));
}

Result<std::vector<Endpoint>> load_address_book(AddressBook& book, ByteView file, const ChainId& chain, WallTime now,
                                                Instant dial_after) {
  TRY(in, wire::read_kept_file(file, file_kind, chain));
  TRY(key, in.bytes(32));
  TRY(places, in.u32());
  const PlaceLayout layout = layout_of(places);
  if (places != layout.places()) return fail(ErrorCode::bad_value, "stored places");
  TRY(count, in.u32());
  if (count > places) return fail(ErrorCode::too_large, "stored count");
  if (in.remaining() < size_t{count} * address_book_entry_bytes_min) return fail(ErrorCode::truncated, "stored count");

  const bool rebuild = places != book.capacity();
  AddressBook read = book.emptied(Secret<32>(key), dial_after);
  for (uint32_t i = 0; i < count; ++i) {
    TRY(entry, read_entry(in, layout));
    if (book.is_own(entry.address.endpoint)) continue;
    if (!read.restore(entry, now, rebuild) && !rebuild) return fail(ErrorCode::contradiction, "stored address");
  }
  TRY(anchors, read_anchors(in));
  TRY_VOID(in.end());
  book = std::move(read);
  return anchors;
}

}  // namespace lattice
