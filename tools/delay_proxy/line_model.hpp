// The lines between hosts as a value: packets in, packets out later, or never. No sockets and no clock: time comes in.
//
// A packet waits for its sender's line (a queue of limited bytes, tail drop), travels, and waits for its receiver's line
// (another). A receiver's line that is free costs nothing more, as a burst's last byte arrives when it has left: what the
// simulator counts too. What the weather does to the k-th packet from one host to another depends on the seed, the two hosts
// and k alone, so that the same traffic meets the same fate in every run, however runs differ in time.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include <lattice/base/bytes.hpp>
#include <lattice/base/time.hpp>

namespace lattice::delay_proxy {

constexpr size_t packet_bytes_max = 1500;
constexpr size_t link_header_bytes = 14;           // Ethernet's, of each packet on a line
constexpr size_t bytes_under_way_max = 256 << 20;  // of all packets; more are dropped and counted

struct Weather {
  double loss = 0, reorder = 0, duplicate = 0, corrupt = 0;  // shares of packets
  Duration reorder_hold = std::chrono::milliseconds{10};     // one that is overtaken comes up to so much later
  Duration jitter{};                                         // up to so much more delay; keeps the order
};

struct Line {
  uint64_t up = 12'500'000, down = 12'500'000;      // bytes a second
  size_t up_queue = 1 << 20, down_queue = 1 << 20;  // bytes that may wait
};

struct Fate {
  bool lost = false, duplicated = false;
  std::optional<uint64_t> flip;  // a number that chooses the bit
  Duration held{}, jitter{};
  bool operator==(const Fate&) const = default;
};
Fate fate_of(uint64_t seed, uint32_t from, uint32_t to, uint64_t number, const Weather& weather);

struct LineStats {
  uint64_t packets_in = 0, bytes_in = 0, packets_out = 0, bytes_out = 0;
  uint64_t lost = 0, duplicated = 0, corrupted = 0, reordered = 0;
  uint64_t dropped_up = 0, dropped_down = 0, dropped_full = 0;
  size_t bytes_under_way_peak = 0;
};

class LineModel {
 public:
  // `one_way` of from * lines.size() + to.
  LineModel(uint64_t seed, std::vector<Line> lines, std::vector<Duration> one_way, const Weather& weather);

  // `header_bytes`: at the packet's begin, never corrupted: a wrong address would be another host's packet, not a broken one.
  void send(uint32_t from, uint32_t to, ByteView packet, size_t header_bytes, Instant now);
  // When the next packet is due, if one is under way.
  std::optional<Instant> next() const;
  struct Delivery {
    uint32_t to;
    Bytes packet;
    Instant due;
  };
  // The next packet due at `now` or before.
  std::optional<Delivery> take(Instant now);
  const LineStats& stats() const { return stats_; }

 private:
  struct UnderWay {
    Instant at;
    uint64_t order;
    uint32_t to;
    bool arrived;  // through the receiver's line too
    Bytes packet;
  };
  struct State {
    Instant up_free{}, down_free{};
  };
  struct Pair {
    uint64_t packets = 0;
    Instant last{};  // the latest arrival of one that was not held
  };
  static bool later(const UnderWay& a, const UnderWay& b);
  void push(UnderWay packet);
  UnderWay pop();
  // True: it waits for its receiver's line; false: its line had no room.
  bool enter_down(UnderWay& packet);

  const uint64_t seed_;
  const std::vector<Line> lines_;
  const std::vector<Duration> one_way_;
  const Weather weather_;
  std::vector<State> states_;
  std::vector<Pair> pairs_;
  std::vector<UnderWay> heap_;
  uint64_t order_ = 0;
  size_t bytes_ = 0;
  LineStats stats_;
};

}  // namespace lattice::delay_proxy
