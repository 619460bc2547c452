// Where a node can be reached: an IP address and a port, and the group of addresses that one operator likely holds.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include <lattice/base/bytes.hpp>

namespace lattice {

// IPv6 as it is; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). Sixteen bytes, network order.
struct IpAddress {
  ByteArray<16> bytes{};

  auto operator<=>(const IpAddress&) const = default;
  static IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
  // "192.0.2.1", "2001:db8::1", "[2001:db8::1]". Empty where it is none.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  bool is_loopback() const;
  bool is_unspecified() const;
  // Worth telling others about: not loopback, private, link-local, multicast, documentation or unspecified.
  bool is_routable() const;
  std::string text() const;
};

struct Endpoint {
  IpAddress ip;
  uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
  // "192.0.2.1:8333", "[2001:db8::1]:8333".
  static std::optional<Endpoint> parse(std::string_view text);
  std::string text() const;
};

// The unit in which address diversity is counted: IPv4 /16, IPv6 /32 (as Bitcoin Core's netgroup). Each loopback address is a
// group of its own, so that several nodes on one machine count as several.
struct AddressGroup {
  ByteArray<17> bytes{};
  auto operator<=>(const AddressGroup&) const = default;
};
AddressGroup group_of(const IpAddress& ip);

}  // namespace lattice

template <>
struct std::hash<lattice::Endpoint> {
  size_t operator()(const lattice::Endpoint& endpoint) const noexcept {
    return std::hash<std::string_view>{}(lattice::as_text(endpoint.ip.bytes)) ^ (size_t{endpoint.port} * 0x9e3779b97f4a7c15);
  }
};
