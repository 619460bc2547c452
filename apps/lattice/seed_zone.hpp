// Seeds as lines of a DNS zone file (RFC 1035 section 5), ready for an authoritative server: A and AAAA at the name, SRV at
// _lattice._tcp.NAME with a host name for each seed (RFC 2782), and the signed list as one TXT record. And whole zones, whose
// numbers rise from one to the next.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lattice/discovery/seed_list.hpp>
#include <lattice/host/host_error.hpp>

namespace lattice::app {

constexpr size_t signing_keys_max = 8;  // whose signatures fit a TXT record

struct SeedZone {
  std::string name;  // of the seed, without a dot at the end
  uint32_t ttl = 300;
  uint16_t default_port = 0;  // A and AAAA at the name are only for seeds on this port: they carry none
  std::vector<SeedEntry> entries;
  std::string list_text;                  // empty: no TXT
  std::vector<std::string> statements{};  // about operators: TXT records beside the list
};
std::string seed_zone_text(const SeedZone& zone);

// A zone of its own for a seed's name.
struct ZoneNumbers {
  uint32_t serial = 0;    // of the SOA
  uint64_t sequence = 0;  // of the list
  bool operator==(const ZoneNumbers&) const = default;
};
struct ZoneServer {
  std::string name;                    // of the authoritative server
  std::optional<IpAddress> address{};  // where that is inside the zone
};
// SOA and NS (RFC 1035 3.3.13), then the lines above. The first line is a comment with the numbers.
std::string whole_zone_text(const SeedZone& zone, const ZoneServer& server, const ZoneNumbers& numbers);
// Of a zone that whole_zone_text wrote; empty for any other text.
std::optional<ZoneNumbers> zone_numbers(std::string_view text);
// The time, but always above those before: a serial by the arithmetic of RFC 1982 section 3.1.
ZoneNumbers next_zone_numbers(const std::optional<ZoneNumbers>& before, int64_t unix_now);
// Of the zone file there; empty where there is none. A file that is something else is an error: it is not to be written over.
HostResult<std::optional<ZoneNumbers>> read_zone_numbers(const std::filesystem::path& file);

}  // namespace lattice::app
