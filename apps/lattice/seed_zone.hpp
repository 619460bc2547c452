// Seeds as lines of a DNS zone file (RFC 1035 section 5), ready for an authoritative server: A and AAAA at the name, SRV at
// _lattice._tcp.NAME with a host name for each seed (RFC 2782), and the signed list as one TXT record.
#pragma once

#include <string>
#include <vector>

#include <lattice/discovery/seed_list.hpp>

namespace lattice::app {

struct SeedZone {
  std::string name;  // of the seed, without a dot at the end
  uint32_t ttl = 300;
  uint16_t default_port = 0;  // A and AAAA at the name are only for seeds on this port: they carry none
  std::vector<SeedEntry> entries;
  std::string list_text;  // empty: no TXT
};
std::string seed_zone_text(const SeedZone& zone);

}  // namespace lattice::app
