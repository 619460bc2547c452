#include "../../../apps/lattice/time_text.hpp"

#include <gtest/gtest.h>

namespace lattice::app {
namespace {

TEST(TimeText, Durations) {
  EXPECT_EQ(parse_duration("90s"), std::chrono::seconds{90});
  EXPECT_EQ(parse_duration("30m"), std::chrono::minutes{30});
  EXPECT_EQ(parse_duration("12h"), std::chrono::hours{12});
  EXPECT_EQ(parse_duration("30d"), std::chrono::hours{720});
  EXPECT_EQ(parse_duration("2w"), std::chrono::hours{336});
  for (const char* text : {"", "d", "0d", "-1d", "1", "1y", "1.5h", " 1h", "99999999999999999999s", "9999999d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(TimeText, DatesAreRealDays) {
  EXPECT_EQ(parse_date("1970-01-02"), wall_from_unix(86400));
  EXPECT_EQ(parse_date("2027-01-31T12:00:01Z"), wall_from_unix(1801396801));
  EXPECT_TRUE(parse_date("2028-02-29"));
  for (const char* text : {"2027-02-29", "2027-13-01", "2027-1-1", "2027-01-31T24:00:00Z", "2027-01-31 12:00:00Z",
                           "2027-01-31T12:00:00", "-027-01-01"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}

TEST(TimeText, RoundTripAndExpiry) {
  for (const int64_t seconds : {int64_t{0}, int64_t{1801396801}, int64_t{253402300799}}) {
    EXPECT_EQ(parse_date(date_text(wall_from_unix(seconds))), wall_from_unix(seconds));
  }
  EXPECT_EQ(parse_expiry("1h", wall_from_unix(1000)), wall_from_unix(4600));
  EXPECT_EQ(parse_expiry("1970-01-02", wall_from_unix(1000)), wall_from_unix(86400));
}

}  // namespace
}  // namespace lattice::app
