#include "seed_zone.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lattice::app {

// RFC 1035 3.3: a character-string holds at most 255 bytes.
static constexpr size_t txt_string_bytes_max = 255;

static std::string address_line(const SeedZone& zone, const std::string& owner, const IpAddress& ip) {
  return fmt::format("{}. {} IN {} {}\n", owner, zone.ttl, ip.is_v4() ? "A" : "AAAA", ip.text());
}

static std::string txt_record(const SeedZone& zone) {
  std::string out = fmt::format("_lattice._tcp.{}. {} IN TXT (\n", zone.name, zone.ttl);
  for (size_t at = 0; at < zone.list_text.size(); at += txt_string_bytes_max) {
    out += fmt::format("  \"{}\"\n", zone.list_text.substr(at, txt_string_bytes_max));
  }
  return out + ")\n";
}

std::string seed_zone_text(const SeedZone& zone) {
  std::string at_name, services, hosts;
  std::vector<IpAddress> seen;
  for (size_t i = 0; i < zone.entries.size(); ++i) {
    const auto& endpoint = zone.entries[i].endpoint;
    const bool first = std::ranges::find(seen, endpoint.ip) == seen.end();
    if (first && endpoint.port == zone.default_port) {
      at_name += address_line(zone, zone.name, endpoint.ip);
      seen.push_back(endpoint.ip);
    }
    const auto host = fmt::format("node{}.{}", i + 1, zone.name);
    services += fmt::format("_lattice._tcp.{}. {} IN SRV 0 1 {} {}.\n", zone.name, zone.ttl, endpoint.port, host);
    hosts += address_line(zone, host, endpoint.ip);
  }
  return at_name + services + hosts + (zone.list_text.empty() ? "" : txt_record(zone));
}

}  // namespace lattice::app
