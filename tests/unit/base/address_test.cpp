#include <gtest/gtest.h>

#include <lattice/base/address.hpp>

namespace lattice {
namespace {

std::string round_trip(std::string_view text) {
  const auto ip = IpAddress::parse(text);
  return ip ? ip->text() : "none";
}

TEST(IpAddress, ParsesAndWritesCanonicalForms) {
  EXPECT_EQ(round_trip("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(round_trip("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(round_trip("::"), "::");
  EXPECT_EQ(round_trip("::1"), "::1");
  EXPECT_EQ(round_trip("[fe80::1]"), "fe80::1");
  EXPECT_EQ(round_trip("1:0:0:2:0:0:0:3"), "1:0:0:2::3");
  EXPECT_EQ(round_trip("1:0:0:2:3:0:0:4"), "1::2:3:0:0:4");               // RFC 5952 4.2.3: the first of equals
  EXPECT_EQ(round_trip("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");  // 4.2.2: one group stays
  EXPECT_EQ(round_trip("1::"), "1::");
  EXPECT_EQ(round_trip("::ffff:192.0.2.1"), "192.0.2.1");
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
        "12345::", ":1", "1:", "::1.2.3", "1:2:3:4:5:6:7::8:9", "[::1", "::g"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(Endpoint, NeedsBracketsAroundIpv6) {
  EXPECT_EQ(Endpoint::parse("127.0.0.1:8333")->text(), "127.0.0.1:8333");
  EXPECT_EQ(Endpoint::parse("[::1]:80")->text(), "[::1]:80");
  EXPECT_FALSE(Endpoint::parse("::1:80"));
  EXPECT_FALSE(Endpoint::parse("127.0.0.1"));
  EXPECT_FALSE(Endpoint::parse("127.0.0.1:65536"));
  EXPECT_FALSE(Endpoint::parse("127.0.0.1:"));
}

TEST(IpAddress, KnowsWhatIsRoutable) {
  for (const char* text : {"8.8.8.8", "100.128.0.1", "172.32.0.1", "2a00::1"})
    EXPECT_TRUE(IpAddress::parse(text)->is_routable()) << text;
  for (const char* text :
       {"0.0.0.0", "10.0.0.1", "127.0.0.1", "100.64.0.1", "169.254.1.1", "172.16.0.1", "192.168.0.1", "198.18.0.1", "224.0.0.1",
        "203.0.113.7", "::", "::1", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_routable()) << text;
  }
}

TEST(AddressGroup, JoinsNetworksAndPartsLoopback) {
  const auto group = [](const char* text) { return group_of(*IpAddress::parse(text)); };
  EXPECT_EQ(group("8.8.8.8"), group("8.8.4.4"));
  EXPECT_NE(group("8.8.8.8"), group("8.9.8.8"));
  EXPECT_EQ(group("2a00:1:2::3"), group("2a00:1:5::6"));
  EXPECT_NE(group("2a00:1::"), group("2a00:2::"));
  EXPECT_NE(group("127.0.0.1"), group("127.0.0.2"));
}

}  // namespace
}  // namespace lattice
