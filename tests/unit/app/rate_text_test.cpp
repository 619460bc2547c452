#include "../../../apps/lattice/rate_text.hpp"

#include <gtest/gtest.h>

namespace lattice::app {
namespace {

using wire::Lane;

TEST(RateText, InAllAndByClass) {
  BandwidthLimits limits;
  EXPECT_TRUE(add_rate("200k", limits));
  EXPECT_EQ(limits.in_all, 200'000u);
  EXPECT_TRUE(add_rate("blocks=16384", limits));
  EXPECT_TRUE(add_rate("headers=2M", limits));
  EXPECT_TRUE(add_rate("transactions=1G", limits));
  EXPECT_EQ(limits.lanes[static_cast<size_t>(Lane::blocks)], 16'384u);
  EXPECT_EQ(limits.lanes[static_cast<size_t>(Lane::headers)], 2'000'000u);
  EXPECT_EQ(limits.lanes[static_cast<size_t>(Lane::transactions)], 1'000'000'000u);
  EXPECT_EQ(limits.lanes[static_cast<size_t>(Lane::consensus)], 0u);
  EXPECT_TRUE(add_rate("1000G", limits));
  EXPECT_EQ(limits.in_all, BandwidthLimits::rate_max);
}

TEST(RateText, AnythingElseIsRefused) {
  for (const char* text : {"",
                           "k",
                           "=",
                           "blocks",
                           "blocks=",
                           "=200k",
                           "0",
                           "16383",
                           "15k",
                           "-200k",
                           "+200k",
                           "200K",
                           "200kB",
                           "200 k",
                           " 200k",
                           "2e6",
                           "1.5M",
                           "consensus=1M",
                           "control=1M",
                           "Blocks=1M",
                           "blocks=1M=1M",
                           "1001G",
                           "99999999999999999999",
                           "18446744073709551615G"}) {
    BandwidthLimits limits;
    EXPECT_FALSE(add_rate(text, limits)) << text;
    EXPECT_FALSE(limits.any()) << text;
  }
}

}  // namespace
}  // namespace lattice::app
