#include <lattice/peers/record_voices.hpp>

#include <gtest/gtest.h>

namespace lattice {
namespace {

Instant at(int64_t s) { return Instant{std::chrono::seconds{s}}; }
Endpoint where(uint32_t n) {
  return {IpAddress::v4(20, static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)), 8333};
}
AddressGroup group(uint8_t n) { return group_of(IpAddress::v4(30, n, 1, 1)); }
NodeId node(uint8_t n) {
  NodeId out;
  out.bytes[0] = n;
  return out;
}

TEST(RecordVoices, CountsGroupsOfEachAddressApart) {
  RecordVoices records;
  for (uint8_t i = 0; i < 3; ++i) records.say(where(1), node(1), group(i), true, at(0));
  records.say(where(1), node(1), group(2), true, at(0));  // again
  EXPECT_FALSE(records.agreed(where(1), at(0)));
  records.say(where(2), node(1), group(3), true, at(0));  // of another
  EXPECT_FALSE(records.agreed(where(1), at(0)));
  records.say(where(1), node(1), group(3), true, at(0));
  EXPECT_EQ(records.agreed(where(1), at(0)), node(1));
  EXPECT_FALSE(records.agreed(where(2), at(0)));
  EXPECT_FALSE(records.agreed(where(3), at(0)));
  EXPECT_FALSE(records.agreed(where(1), at(4 * 3600))) << "said too long ago";
}

TEST(RecordVoices, WhoCameInCarriesNothingAlone) {
  RecordVoices records;
  for (uint8_t i = 0; i < 8; ++i) records.say(where(1), node(1), group(i), false, at(0));
  EXPECT_FALSE(records.agreed(where(1), at(0)));
}

TEST(RecordVoices, IsBoundedAndTheOldestGo) {
  RecordVoices records;
  for (uint32_t n = 0; n < 3 * RecordVoices::addresses_max; ++n)
    for (uint8_t i = 0; i < 4; ++i) records.say(where(n), node(1), group(i), true, at(0));
  EXPECT_EQ(records.size(), RecordVoices::addresses_max);
  EXPECT_FALSE(records.agreed(where(2 * RecordVoices::addresses_max - 1), at(0)));
  EXPECT_TRUE(records.agreed(where(2 * RecordVoices::addresses_max), at(0)));
}

}  // namespace
}  // namespace lattice
