#include <lattice/discovery/address_file.hpp>

#include <algorithm>

#include <lattice/base/crc32c.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {
namespace {

constexpr std::string_view magic = "latpeers";
constexpr uint8_t flag_answered = 1, flag_node = 2;

// What a file may hold. An address that no stranger could be at is kept where somebody answered: a private network.
bool storable(const Endpoint& endpoint, bool answered) {
  if (endpoint.port == 0 || endpoint.ip.is_unspecified()) return false;
  return endpoint.ip.is_routable() || endpoint.ip.is_loopback() || answered;
}

bool earlier(const KnownAddress* a, const KnownAddress* b) {
  if (a->answered != b->answered) return a->answered;
  if (a->last_seen != b->last_seen) return a->last_seen > b->last_seen;
  return a->endpoint < b->endpoint;
}

void write_entry(wire::Writer& out, const KnownAddress& entry) {
  const int flags = (entry.answered ? flag_answered : 0) | (entry.node ? flag_node : 0);
  out.bytes(entry.endpoint.ip.bytes).u16(entry.endpoint.port).u8(static_cast<uint8_t>(flags));
  out.bytes(entry.node.value_or(NodeId{}).view());
  out.u64(entry.services).u64(static_cast<uint64_t>(std::max<int64_t>(entry.last_seen, 0)));
  out.u8(static_cast<uint8_t>(std::min(entry.failures, AddressTable::failures_max)));
}

Result<KnownAddress> read_entry(wire::Reader& in) {
  KnownAddress entry;
  TRY(ip, in.array<16>());
  TRY(port, in.u16());
  TRY(flags, in.u8());
  TRY(node, in.id<NodeId>());
  TRY(services, in.u64());
  TRY(last_seen, in.u64());
  TRY(failures, in.u8());
  if ((flags & ~(flag_answered | flag_node)) != 0) return fail(ErrorCode::bad_value, "stored flags");
  entry.endpoint = {{ip}, port};
  entry.answered = (flags & flag_answered) != 0;
  if (!storable(entry.endpoint, entry.answered)) return fail(ErrorCode::bad_address, "stored address");
  if ((flags & flag_node) != 0) {
    entry.node = node;
  } else if (!node.is_zero()) {
    return fail(ErrorCode::bad_value, "stored node");
  }
  if (last_seen > static_cast<uint64_t>(INT64_MAX)) return fail(ErrorCode::bad_value, "stored time");
  if (failures > AddressTable::failures_max) return fail(ErrorCode::bad_value, "stored failures");
  entry.services = services;
  entry.last_seen = static_cast<int64_t>(last_seen);
  entry.failures = failures;
  entry.source = PeerSource::peer_exchange;
  entry.stored = true;
  return entry;
}

}  // namespace

Bytes encode_addresses(const AddressTable& table, const ChainId& chain, size_t count_max) {
  std::vector<const KnownAddress*> chosen;
  chosen.reserve(table.size());
  for (const auto& [endpoint, entry] : table.entries()) {
    if (storable(endpoint, entry.answered)) chosen.push_back(&entry);
  }
  std::ranges::sort(chosen, earlier);
  chosen.resize(std::min({chosen.size(), count_max, AddressTable::entries_max}));

  wire::Writer out;
  out.reserve(address_file_head_bytes + chosen.size() * address_file_entry_bytes + address_file_sum_bytes);
  out.bytes(as_bytes(magic)).u8(address_file_version).bytes(chain.view()).u32(static_cast<uint32_t>(chosen.size()));
  for (const auto* entry : chosen) write_entry(out, *entry);
  out.u32(crc32c(out.view()));
  return out.take();
}

Result<std::vector<KnownAddress>> decode_addresses(ByteView file, const ChainId& chain) {
  if (file.size() > address_file_bytes_max) return fail(ErrorCode::too_large, "stored addresses");
  if (file.size() < address_file_head_bytes + address_file_sum_bytes) return fail(ErrorCode::truncated, "stored addresses");
  // The sum before anything else: what follows reads bytes that somebody meant, or that were made to look so.
  wire::Reader tail(file.last(address_file_sum_bytes));
  TRY(sum, tail.u32());
  const ByteView content = file.first(file.size() - address_file_sum_bytes);
  if (sum != crc32c(content)) return fail(ErrorCode::bad_checksum, "stored addresses");

  wire::Reader in(content);
  TRY(begin, in.bytes(magic.size()));
  if (!equal(begin, as_bytes(magic))) return fail(ErrorCode::bad_value, "no stored addresses");
  TRY(version, in.u8());
  if (version != address_file_version) return fail(ErrorCode::wrong_version, "stored addresses");
  TRY(of_chain, in.id<ChainId>());
  if (of_chain != chain) return fail(ErrorCode::wrong_chain, "stored addresses");
  TRY(count, in.u32());
  if (count > AddressTable::entries_max) return fail(ErrorCode::too_large, "stored count");
  const size_t wanted = size_t{count} * address_file_entry_bytes;
  if (in.remaining() < wanted) return fail(ErrorCode::truncated, "stored count");
  if (in.remaining() > wanted) return fail(ErrorCode::trailing_bytes, "stored count");
  std::vector<KnownAddress> out;
  out.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    TRY(entry, read_entry(in));
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace lattice
