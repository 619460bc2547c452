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

TEST(SeedZone, AWholeZoneSaysItsNumbers) {
  const SeedZone zone{"seed.example", 60, 8333, {entry("192.0.2.1:8333")}, "list", {"statement"}};
  const auto text = whole_zone_text(zone, {"ns.seed.example", IpAddress::v4(192, 0, 2, 53)}, {7, 9});
  EXPECT_TRUE(
      text.starts_with("; lattice crawl: serial 7, sequence 9\n"
                       "seed.example. 60 IN SOA ns.seed.example. hostmaster.seed.example. 7 3600 600 604800 60\n"
                       "seed.example. 60 IN NS ns.seed.example.\n"
                       "ns.seed.example. 60 IN A 192.0.2.53\n"
                       "seed.example. 60 IN A 192.0.2.1\n"))
      << text;
  EXPECT_NE(text.find("IN TXT (\n  \"list\"\n)\n"), std::string::npos);
  EXPECT_NE(text.find("IN TXT (\n  \"statement\"\n)\n"), std::string::npos);
  EXPECT_EQ(zone_numbers(text), (ZoneNumbers{7, 9}));
}

TEST(SeedZone, OtherTextsHaveNoNumbers) {
  for (const char* text :
       {"", "; lattice crawl: serial ", "; lattice crawl: serial x, sequence 1\n", "; lattice crawl: serial 1, sequence \n",
        "; lattice crawl: serial 1, sequence 2", "; lattice crawl: serial 4294967296, sequence 2\n", "seed. 1 IN SOA\n"})
    EXPECT_FALSE(zone_numbers(text)) << text;
}

TEST(SeedZone, NumbersRiseWhateverTheClockSays) {
  EXPECT_EQ(next_zone_numbers({}, 1'800'000'000), (ZoneNumbers{1'800'000'000, 1'800'000'000}));
  EXPECT_EQ(next_zone_numbers(ZoneNumbers{1'700'000'000, 1'700'000'000}, 1'800'000'000),
            (ZoneNumbers{1'800'000'000, 1'800'000'000}));
  EXPECT_EQ(next_zone_numbers(ZoneNumbers{1'800'000'000, 1'800'000'000}, 1'800'000'000),
            (ZoneNumbers{1'800'000'001, 1'800'000'001}));
  EXPECT_EQ(next_zone_numbers(ZoneNumbers{1'900'000'000, 1'900'000'000}, 1'800'000'000),
            (ZoneNumbers{1'900'000'001, 1'900'000'001}));
  // RFC 1982 3.2: a serial comes after another that is less than 2^31 away, also over zero.
  EXPECT_EQ(next_zone_numbers(ZoneNumbers{UINT32_MAX, 5}, 4'294'967'296 + 10).serial, 10u);
  EXPECT_EQ(next_zone_numbers(ZoneNumbers{UINT32_MAX, 5}, 3'000'000'000).serial, 0u);
  EXPECT_EQ(next_zone_numbers(ZoneNumbers{1, UINT64_MAX}, 5).sequence, UINT64_MAX);
}

}  // namespace
}  // namespace lattice::app
