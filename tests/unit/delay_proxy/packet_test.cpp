// IP headers as a router reads them.
#include "../../../tools/delay_proxy/packet.hpp"

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

namespace lattice::delay_proxy {
namespace {

Bytes v4_packet(size_t payload, uint8_t words = 5) {
  Bytes packet(words * size_t{4} + payload, 0);
  packet[0] = static_cast<uint8_t>(0x40 | words);
  packet[2] = static_cast<uint8_t>(packet.size() >> 8);
  packet[3] = static_cast<uint8_t>(packet.size());
  const uint8_t addresses[] = {11, 0, 0, 1, 11, 1, 0, 2};
  std::ranges::copy(addresses, packet.begin() + 12);
  return packet;
}

Bytes v6_packet(size_t payload) {
  Bytes packet(40 + payload, 0);
  packet[0] = 0x60;
  packet[4] = static_cast<uint8_t>(payload >> 8);
  packet[5] = static_cast<uint8_t>(payload);
  packet[8] = packet[24] = 0xfd;
  packet[23] = 1;
  packet[39] = 2;
  return packet;
}

TEST(Packet, SaysWhoSentItAndWhereItGoes) {
  const auto v4 = parse_packet(v4_packet(100));
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->from, IpAddress::v4(11, 0, 0, 1));
  EXPECT_EQ(v4->to, IpAddress::v4(11, 1, 0, 2));
  EXPECT_EQ(v4->header_bytes, 20u);
  EXPECT_EQ(parse_packet(v4_packet(0, 15))->header_bytes, 60u);
  const auto v6 = parse_packet(v6_packet(1300));
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->from, *IpAddress::parse("fd00::1"));
  EXPECT_EQ(v6->to, *IpAddress::parse("fd00::2"));
}

TEST(Packet, WhoseLengthsContradictEachOtherIsNone) {
  EXPECT_FALSE(parse_packet({}));
  for (const auto& whole : {v4_packet(30), v6_packet(30)}) {
    for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_packet(ByteView(whole).first(size))) << size;
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_FALSE(parse_packet(longer));
  }
  for (const uint8_t first :
       {0x00, 0x10, 0x55, 0x44, 0x40, 0x4f, 0x7f, 0xf5}) {  // other versions; headers too short or too long
    Bytes packet = v4_packet(0);
    packet[0] = first;
    EXPECT_FALSE(parse_packet(packet)) << static_cast<int>(first);
  }
}

TEST(Packet, AnyBytesAreReadInsideTheirBounds) {
  SeededRng rng(1);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes(rng.below(70));
    rng.fill(bytes);
    if (!bytes.empty() && i % 2 == 0) bytes[0] = static_cast<uint8_t>(0x40 | (bytes[0] & 15));
    if (const auto read = parse_packet(bytes)) {
      EXPECT_LE(read->header_bytes, bytes.size());
    }
  }
}

}  // namespace
}  // namespace lattice::delay_proxy
