#include "packet.hpp"

#include <algorithm>

namespace lattice::delay_proxy {

constexpr size_t v4_header_bytes = 20, v6_header_bytes = 40;

static size_t u16(ByteView bytes, size_t at) { return static_cast<size_t>(bytes[at]) << 8 | bytes[at + 1]; }

static IpAddress v4_at(ByteView packet, size_t at) {
  return IpAddress::v4(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
}

static IpAddress v6_at(ByteView packet, size_t at) {
  IpAddress out;
  std::ranges::copy(packet.subspan(at, out.bytes.size()), out.bytes.begin());
  return out;
}

std::optional<PacketAddresses> parse_packet(ByteView packet) {
  if (packet.empty()) return std::nullopt;
  const auto version = packet[0] >> 4;
  if (version == 4) {
    if (packet.size() < v4_header_bytes) return std::nullopt;
    const size_t header = static_cast<size_t>(packet[0] & 15) * 4;
    if (header < v4_header_bytes || header > packet.size() || u16(packet, 2) != packet.size()) return std::nullopt;
    return PacketAddresses{v4_at(packet, 12), v4_at(packet, 16), header};
  }
  if (version == 6) {
    if (packet.size() < v6_header_bytes || u16(packet, 4) + v6_header_bytes != packet.size()) return std::nullopt;
    return PacketAddresses{v6_at(packet, 8), v6_at(packet, 24), v6_header_bytes};
  }
  return std::nullopt;
}

}  // namespace lattice::delay_proxy
