// The lines between hosts: delay, queues, weather.
#include "../../../tools/delay_proxy/line_model.hpp"

#include <bit>
#include <set>

#include <gtest/gtest.h>

namespace lattice::delay_proxy {
namespace {

using namespace std::chrono_literals;

const Instant start{10s};
constexpr uint64_t fast = 1'000'000'000'000;

LineModel model(Weather weather = {}, Line line = {.up = fast, .down = fast}, uint64_t seed = 1) {
  return {seed, {line, line}, {0ms, 25ms, 40ms, 0ms}, weather};
}

std::vector<LineModel::Delivery> all(LineModel& lines) {
  std::vector<LineModel::Delivery> out;
  while (auto packet = lines.take(start + 1h)) out.push_back(std::move(*packet));
  return out;
}

TEST(LineModel, DelaysEachWayByItsOwn) {
  auto lines = model();
  lines.send(0, 1, Bytes(100, 1), 20, start);
  lines.send(1, 0, Bytes(100, 2), 20, start);
  EXPECT_FALSE(lines.take(start + 25ms - 1ns));
  EXPECT_EQ(lines.next(), start + 25ms);
  const auto first = lines.take(start + 25ms);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->to, 1u);
  EXPECT_EQ(first->packet, Bytes(100, 1));
  EXPECT_EQ(first->due, start + 25ms);
  EXPECT_FALSE(lines.take(start + 30ms));
  EXPECT_EQ(lines.take(start + 40ms)->packet, Bytes(100, 2));
  EXPECT_FALSE(lines.next());
}

TEST(LineModel, LinesCarryTheirRateAndDropWhatTheirQueueCannotHold) {
  // 1,000 packets of 986 bytes and 14 of Ethernet at 100 kB/s: one each 10 ms, ten of them wait.
  auto lines = model({}, {.up = 100'000, .down = fast, .up_queue = 10'000, .down_queue = 10'000});
  for (int i = 0; i < 1000; ++i) lines.send(0, 1, Bytes(986, 1), 20, start);
  const auto out = all(lines);
  ASSERT_EQ(out.size(), 10u);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i].due, start + 25ms + 10ms * (i + 1));
  EXPECT_EQ(lines.stats().dropped_up, 990u);
  lines.send(0, 1, Bytes(986, 1), 20, start + 1h);
  EXPECT_EQ(lines.next(), start + 1h + 35ms) << "the queue is empty again";
}

TEST(LineModel, TheReceiversLineIsOneForAllSenders) {
  LineModel lines(1, {{.up = fast}, {.up = fast}, {.up = fast, .down = 100'000, .down_queue = 3000}},
                  std::vector<Duration>(9, 25ms), {});
  for (int i = 0; i < 3; ++i) {
    lines.send(0, 2, Bytes(986, 1), 20, start);
    lines.send(1, 2, Bytes(986, 1), 20, start);
  }
  const auto out = all(lines);
  ASSERT_EQ(out.size(), 4u) << "the first finds the line free, three wait";
  EXPECT_EQ(lines.stats().dropped_down, 2u);
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(seconds_of(out[i].due - start), 0.025 + 0.01 * static_cast<double>(i), 1e-6);
}

TEST(LineModel, WeatherIsOfTheSeedAndOfEachPacketsNumber) {
  const Weather weather{.loss = 0.3, .reorder = 0.25, .duplicate = 0.1, .corrupt = 0.01, .jitter = 3ms};
  size_t lost = 0, other = 0;
  for (uint64_t i = 0; i < 10'000; ++i) {
    const Fate fate = fate_of(7, 0, 1, i, weather);
    EXPECT_EQ(fate, fate_of(7, 0, 1, i, weather));
    lost += fate.lost;
    other += fate_of(8, 0, 1, i, weather).lost != fate.lost || fate_of(7, 1, 0, i, weather).lost != fate.lost;
    EXPECT_LT(fate.jitter, 3ms);
    EXPECT_LE(fate.held, 10ms);
    Weather calm = weather;
    calm.duplicate = 0;
    EXPECT_EQ(fate_of(7, 0, 1, i, calm).lost, fate.lost) << "one share changed leaves the others' decisions";
  }
  EXPECT_NEAR(static_cast<double>(lost), 3000, 4 * 46);  // 4 sigma
  EXPECT_GT(other, 3000u);
}

TEST(LineModel, CorruptionFlipsOneBitBehindTheHeader) {
  auto lines = model({.corrupt = 1});
  for (int i = 0; i < 500; ++i) lines.send(0, 1, Bytes(60, 0), 20, start);
  std::set<size_t> places;
  for (const auto& out : all(lines)) {
    int bits = 0;
    for (size_t i = 0; i < out.packet.size(); ++i) {
      bits += std::popcount(out.packet[i]);
      if (out.packet[i] != 0) places.insert(i);
    }
    EXPECT_EQ(bits, 1);
  }
  EXPECT_EQ(*places.begin(), 20u);
  EXPECT_EQ(*places.rbegin(), 59u);
  EXPECT_EQ(places.size(), 40u);
  lines.send(0, 1, Bytes(20, 0), 20, start + 1h);  // nothing behind the header
  EXPECT_EQ(lines.take(start + 2h)->packet, Bytes(20, 0));
}

TEST(LineModel, JitterKeepsTheOrderAndHoldingBreaksIt) {
  const auto inversions = [](Weather weather) {
    auto lines = model(weather);
    for (uint8_t i = 0; i < 200; ++i) lines.send(0, 1, Bytes(30, i), 20, start + i * 100us);
    const auto out = all(lines);
    EXPECT_EQ(out.size(), 200u);
    size_t count = 0;
    for (size_t i = 1; i < out.size(); ++i) count += out[i].packet[0] < out[i - 1].packet[0];
    return count;
  };
  EXPECT_EQ(inversions({.jitter = 20ms}), 0u);
  EXPECT_GT(inversions({.reorder = 0.25}), 20u);
}

TEST(LineModel, LossAndDuplicatesAreCounted) {
  auto lossy = model({.loss = 1});
  lossy.send(0, 1, Bytes(30, 1), 20, start);
  EXPECT_FALSE(lossy.next());
  EXPECT_EQ(lossy.stats().lost, 1u);
  auto doubling = model({.duplicate = 1});
  doubling.send(0, 1, Bytes(30, 1), 20, start);
  EXPECT_EQ(all(doubling).size(), 2u);
  EXPECT_EQ(doubling.stats().duplicated, 1u);
}

TEST(LineModel, MemoryHasAnEnd) {
  auto lines = model({}, {.up = fast, .down = fast, .up_queue = 1'000'000'000, .down_queue = 1'000'000'000});
  const Bytes packet(1500, 1);
  for (size_t i = 0; i < bytes_under_way_max / packet.size() + 1000; ++i) lines.send(0, 1, packet, 20, start);
  EXPECT_GE(lines.stats().dropped_full, 1000u);
  EXPECT_LE(lines.stats().bytes_under_way_peak, bytes_under_way_max);
}

}  // namespace
}  // namespace lattice::delay_proxy
