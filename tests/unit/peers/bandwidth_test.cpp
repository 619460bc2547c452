#include <lattice/peers/bandwidth.hpp>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

namespace lattice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant start{std::chrono::hours{1}};

TEST(Pace, WithoutALimitEverythingGoesAtOnce) {
  Pace pace;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pace.take(1'000'000'000, start), start);
}

TEST(Pace, ASecondMayBeSavedUpAndNoMore) {
  Pace pace(100'000);
  EXPECT_EQ(pace.take(100'000, start), start);
  EXPECT_EQ(pace.take(50'000, start), start + milliseconds{500});
  // An hour of silence is worth a second.
  const Instant later = start + std::chrono::hours{1};
  EXPECT_EQ(pace.take(100'000, later), later);
  EXPECT_EQ(pace.take(100'000, later), later + seconds{1});
  EXPECT_EQ(pace.take(0, later), later + seconds{1});
}

TEST(Pace, WhoeverComesIsBehindThoseBefore) {
  Pace pace(100'000);
  pace.take(100'000, start);
  Instant last = start;
  for (int i = 1; i <= 50; ++i) {
    const Instant free = pace.take(65'536, start);
    EXPECT_GT(free, last);
    last = free;
  }
  EXPECT_NEAR(seconds_of(last - start), 50 * 0.65536, 1e-6);
}

// Forty who send as soon as they may, against counting: over every stretch of the time not more than rate * (t + 1 s) and one buffer of each.
TEST(Pace, KeepsToItsRateOverEveryStretch) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRng rng(seed);
    const uint64_t rate = BandwidthLimits::rate_min + rng.below(1'000'000);
    constexpr size_t senders = 40, buffer_max = 65'536;
    Pace pace(rate);
    std::vector<Instant> free(senders, start);
    std::vector<std::pair<Instant, uint64_t>> sent;
    uint64_t total = 0;
    for (Instant now = start; sent.size() < 2000; now += milliseconds{10}) {
      for (Instant& mine : free) {
        if (mine > now || rng.below(4) == 0) continue;
        const uint64_t bytes = 1 + rng.below(buffer_max);
        mine = pace.take(bytes, now);
        sent.emplace_back(now, bytes);
        total += bytes;
      }
    }
    for (size_t from = 0; from < sent.size(); from += 50) {
      uint64_t bytes = 0;
      for (size_t to = from; to < sent.size(); ++to) {
        bytes += sent[to].second;
        const double most =
            static_cast<double>(rate) * (seconds_of(sent[to].first - sent[from].first) + 1) + senders * buffer_max;
        ASSERT_LE(static_cast<double>(bytes), most) << "seed " << seed << ", from " << from << " to " << to;
      }
    }
    // And what the limit allows is used.
    const double time = seconds_of(sent.back().first - start);
    EXPECT_GT(static_cast<double>(total), 0.9 * static_cast<double>(rate) * time) << seed;
  }
}

TEST(Bandwidth, ClassesAreCountedApart) {
  BandwidthLimits limits;
  EXPECT_FALSE(limits.any());
  limits.lanes[static_cast<size_t>(wire::Lane::blocks)] = 100'000;
  EXPECT_TRUE(limits.any());
  Bandwidth bandwidth(limits);
  EXPECT_EQ(bandwidth.take(1 << 30, start), start);
  EXPECT_EQ(bandwidth.take(wire::Lane::headers, 1 << 30, start), start);
  EXPECT_EQ(bandwidth.take(wire::Lane::blocks, 300'000, start), start + seconds{2});
}

}  // namespace
}  // namespace lattice
