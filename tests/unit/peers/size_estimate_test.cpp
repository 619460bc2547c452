#include <lattice/peers/size_estimate.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Instant at_hour(int64_t h) { return Instant{hours{h}}; }
Secret<32> key(uint8_t n) { return Secret<32>(ByteArray<32>{n, 1, 2, 3}); }

IpAddress random_v4(Rng& rng) {
  const uint64_t bits = rng.next();
  return IpAddress::v4(static_cast<uint8_t>(1 + (bits & 0xff) % 126), static_cast<uint8_t>(bits >> 8),
                       static_cast<uint8_t>(bits >> 16), static_cast<uint8_t>(bits >> 24));
}
IpAddress random_v6(Rng& rng) {
  IpAddress out;
  rng.fill(out.bytes);
  out.bytes[0] = 0x20;
  return out;
}

// The sketch alone, of each size many: what it is off by is what Flajolet says, and nowhere is there a bias.
TEST(size_estimate, the_sketch_is_as_exact_as_it_says) {
  SeededRng rng(50);
  for (const int n : {1, 10, 100, 1'000, 4'096, 10'000, 12'000, 20'000, 100'000}) {
    const int rounds = 60;
    double sum = 0, squares = 0;
    for (int round = 0; round < rounds; ++round) {
      Sketch sketch;
      for (int i = 0; i < n; ++i) sketch.add(rng.next());
      const double off = sketch.estimate() / n - 1;
      sum += off, squares += off * off;
    }
    const double bias = sum / rounds, deviation = std::sqrt(squares / rounds);
    std::printf("n %d bias %.4f deviation %.4f\n", n, bias, deviation);
    EXPECT_LT(std::abs(bias), 3 * Sketch::standard_error / std::sqrt(rounds)) << n;
    EXPECT_LT(deviation, 1.3 * Sketch::standard_error) << n;
  }
  EXPECT_EQ(Sketch{}.estimate(), 0);
}

TEST(size_estimate, a_hundred_to_a_million_machines_within_three_sigma) {
  for (const size_t n : {100u, 300u, 1'000u, 3'000u, 10'000u, 30'000u, 100'000u, 300'000u, 1'000'000u}) {
    SeededRng rng(n);
    SizeEstimate size({}, key(static_cast<uint8_t>(n)), at_hour(0));
    for (size_t i = 0; i < n; ++i) {
      const IpAddress ip = i % 2 == 0 ? random_v4(rng) : random_v6(rng);
      size.observe(ip, at_hour(1));
      if (i % 3 == 0) size.observe(ip, at_hour(2));  // again: no difference
    }
    const double off = size.machines(at_hour(2)) / static_cast<double>(n) - 1;
    std::printf("%zu machines: %.4f off, %zu groups\n", n, off, size.groups());
    EXPECT_LT(std::abs(off), 3 * Sketch::standard_error) << n;
    EXPECT_LE(size.groups(), SizeEstimate::groups_max);
  }
}

TEST(size_estimate, sybils_of_ten_groups_leave_the_limit_where_it_was) {
  for (const size_t honest : {80u, 700u, 80'000u}) {
    SeededRng rng(honest);
    SizeEstimate size({}, key(3), at_hour(0));
    AdaptiveLimit limit;
    for (size_t i = 0; i < honest; ++i) size.observe(random_v4(rng), at_hour(1));
    const double before = size.machines(at_hour(1));
    const size_t limit_before = limit.update(before);
    for (int i = 0; i < 200'000; ++i) {
      const auto low = rng.next();
      size.observe(
          IpAddress::v4(200, static_cast<uint8_t>(low % 10), static_cast<uint8_t>(low >> 8), static_cast<uint8_t>(low >> 16)),
          at_hour(2));
    }
    const double after = size.machines(at_hour(2));
    std::printf("%zu honest: %.0f, with sybils %.0f\n", honest, before, after);
    EXPECT_LT(after - before, std::max(20.0, static_cast<double>(size.groups()) / 3) + 0.05 * before);
    EXPECT_EQ(limit.update(after), limit_before);
  }
}

// A million addresses of few groups: no more of each count than may.
TEST(size_estimate, agrees_with_a_naive_model) {
  SeededRng rng(51);
  SizeEstimate size({}, key(4), at_hour(0));
  std::map<AddressGroup, std::set<IpAddress>> model;
  size_t counted = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto low = rng.next();
    // Half of the groups are crowded.
    const auto ip = IpAddress::v4(static_cast<uint8_t>(1 + low % 20), static_cast<uint8_t>((low >> 8) % 100), 0,
                                  static_cast<uint8_t>((low >> 16) % (low % 2 == 0 ? 5 : 200)));
    auto& seen = model[group_of(ip)];
    const size_t limit = std::clamp<size_t>(model.size() / 32, 2, 32);
    if (seen.size() < limit && seen.insert(ip).second) ++counted;
    size.observe(ip, at_hour(1));
    if (i % 1'000 == 0 || i < 1'000) {
      ASSERT_EQ(size.groups(), model.size());
      const double off = size.machines(at_hour(1)) / static_cast<double>(counted) - 1;
      ASSERT_LT(std::abs(off), 4 * Sketch::standard_error) << "after " << i;
    }
  }
  EXPECT_EQ(model.size(), 2'000u);
  EXPECT_LE(counted, 1'000u * 5 + 1'000u * 32);
}

TEST(size_estimate, who_is_gone_stops_counting) {
  SeededRng rng(52);
  SizeEstimate size({}, key(5), at_hour(0));
  for (int i = 0; i < 5'000; ++i) size.observe(random_v6(rng), at_hour(1));
  const double whole = size.machines(at_hour(2));
  EXPECT_EQ(size.machines(at_hour(47)), whole);
  EXPECT_EQ(size.machines(at_hour(48)), 0);  // nobody seen for two periods
  for (int i = 0; i < 500; ++i) size.observe(random_v6(rng), at_hour(25));
  EXPECT_EQ(size.machines(at_hour(26)), whole);  // the period before still counts
  EXPECT_NEAR(size.machines(at_hour(49)), 500, 30);
  size.observe(random_v6(rng), at_hour(500));
  EXPECT_NEAR(size.machines(at_hour(500)), 1, 0.1);
}

TEST(size_estimate, a_machine_is_one_whatever_its_last_bytes) {
  SizeEstimate size({}, key(6), at_hour(0));
  SeededRng rng(53);
  for (int i = 0; i < 1'000; ++i) {
    IpAddress ip = random_v6(rng);
    std::copy_n(IpAddress::parse("2001:470:1:2::")->bytes.begin(), 8, ip.bytes.begin());
    size.observe(ip, at_hour(1));
  }
  EXPECT_NEAR(size.machines(at_hour(1)), 1, 0.1);
}

TEST(adaptive_limit, follows_the_size_but_not_its_noise) {
  EXPECT_EQ(adaptive_limit(0), 8u);
  EXPECT_EQ(adaptive_limit(100), 8u);
  EXPECT_EQ(adaptive_limit(101), 50u);
  EXPECT_EQ(adaptive_limit(1'000), 50u);
  EXPECT_EQ(adaptive_limit(100'000), 100u);
  EXPECT_EQ(adaptive_limit(100'001), 500u);
  AdaptiveLimit limit;
  EXPECT_EQ(limit.update(95), 8u);
  EXPECT_EQ(limit.update(109), 8u);
  EXPECT_EQ(limit.update(111), 50u);
  EXPECT_EQ(limit.update(91), 50u);
  EXPECT_EQ(limit.update(89), 8u);
  EXPECT_EQ(limit.update(2'000'000), 500u);
  EXPECT_EQ(limit.update(0), 8u);
  // The noise of three sigma around each border makes one change at most.
  for (const double border : {100.0, 1'000.0, 100'000.0}) {
    SeededRng rng(54);
    size_t changes = 0;
    for (int i = 0; i < 1'000; ++i) {
      const size_t before = limit.value();
      const double noise = (2 * rng.unit() - 1) * 3 * Sketch::standard_error;
      changes += limit.update(border * (1 + noise)) != before;
    }
    EXPECT_LE(changes, 1u);
  }
}

}  // namespace
}  // namespace lattice
