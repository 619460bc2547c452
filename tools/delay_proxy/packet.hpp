// Who sent an IP packet and where it goes. Nothing of it is believed: whatever does not fit its own length is no packet.
#pragma once

#include <optional>

#include <lattice/base/address.hpp>
#include <lattice/base/bytes.hpp>

namespace lattice::delay_proxy {

struct PacketAddresses {
  IpAddress from, to;
  size_t header_bytes = 0;  // of the IP header, options of IPv4 included; extension headers of IPv6 count as what they carry
};

// RFC 791 3.1 and RFC 8200 3, as far as a router looks. Empty: another version, or lengths that contradict each other.
std::optional<PacketAddresses> parse_packet(ByteView packet);

}  // namespace lattice::delay_proxy
