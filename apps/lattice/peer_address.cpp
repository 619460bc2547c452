#include "peer_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include "chain_spec.hpp"

namespace lattice::app {

static constexpr size_t addresses_max = 16;

std::optional<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port) {
  if (const auto endpoint = Endpoint::parse(text)) return endpoint;
  const auto ip = IpAddress::parse(text);
  if (!ip) return std::nullopt;
  return Endpoint{*ip, default_port};
}

static std::optional<IpAddress> address_of(const addrinfo& info) {
  if (info.ai_family == AF_INET) {
    ByteArray<4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(info.ai_addr)->sin_addr, bytes.size());
    return IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  }
  if (info.ai_family != AF_INET6) return std::nullopt;
  IpAddress ip;
  std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(info.ai_addr)->sin6_addr, ip.bytes.size());
  return ip;
}

static HostResult<std::vector<IpAddress>> look_up(const std::string& host) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0)
    return std::unexpected(
        HostError{"the name " + host + " could not be looked up", ::gai_strerror(error), "give an address in its place"});
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const auto* info = found; info && addresses.size() < addresses_max; info = info->ai_next) {
    const auto ip = address_of(*info);
    if (ip && std::ranges::find(addresses, *ip) == addresses.end()) addresses.push_back(*ip);
  }
  return addresses;
}

HostResult<std::vector<KnownPeer>> resolve_peer(const std::string& text) {
  if (const auto peer = parse_known_peer(text)) return std::vector{*peer};
  const auto refused = [&](std::string why) {
    return std::unexpected(HostError{"\"" + text.substr(0, 160) + "\" is no peer", std::move(why),
                                     "write [NodeID@]host:port, for example 192.0.2.1:8333"});
  };
  std::string_view rest = text;
  std::optional<NodeId> node;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    node = parse_node_id(rest.substr(0, at));
    if (!node) return refused("what stands before @ is no NodeID");
    rest.remove_prefix(at + 1);
  }
  const auto colon = rest.rfind(':');
  uint16_t port = 0;
  if (colon != std::string_view::npos) {
    const auto digits = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size()) port = 0;
  }
  if (port == 0) return refused("it names no port");
  const std::string host(rest.substr(0, colon));
  if (!is_dns_name(host)) return refused("its host is neither an address nor a name");
  const auto addresses = look_up(host);
  if (!addresses) return std::unexpected(addresses.error());
  std::vector<KnownPeer> peers;
  for (const auto& ip : *addresses) peers.push_back({{ip, port}, node});
  return peers;
}

}  // namespace lattice::app
