#include "../../../apps/lattice/seed_zone.hpp"

#include <gtest/gtest.h>

namespace lattice::app {
namespace {

SeedEntry entry(const char* endpoint) {
  SeedEntry out{*Endpoint::parse(endpoint), {}};
  out.node.bytes.fill(1);
  return out;
}

TEST(SeedZone, AddressesServicesAndHosts) {
  const SeedZone zone{"seed.example", 60, 8333, {entry("192.0.2.1:8333"), entry("[2001:db8::1]:9000")}, {}};
  EXPECT_EQ(seed_zone_text(zone),
            "seed.example. 60 IN A 192.0.2.1\n"
            "_lattice._tcp.seed.example. 60 IN SRV 0 1 8333 node1.seed.example.\n"
            "_lattice._tcp.seed.example. 60 IN SRV 0 1 9000 node2.seed.example.\n"
            "node1.seed.example. 60 IN A 192.0.2.1\n"
            "node2.seed.example. 60 IN AAAA 2001:db8::1\n");
}

TEST(SeedZone, TextIsSplitIntoStringsOf255) {
  SeedZone zone{"seed.example", 60, 8333, {entry("192.0.2.1:9000")}, std::string(600, 'x')};
  const auto text = seed_zone_text(zone);
  EXPECT_EQ(text.find(" IN A 192.0.2.1"), text.rfind(" IN A 192.0.2.1"));  // not at the name: its port is not the default one
  EXPECT_NE(text.find("_lattice._tcp.seed.example. 60 IN TXT (\n  \"" + std::string(255, 'x') + "\"\n  \"" +
                      std::string(255, 'x') + "\"\n  \"" + std::string(90, 'x') + "\"\n)\n"),
            std::string::npos);
}

}  // namespace
}  // namespace lattice::app
