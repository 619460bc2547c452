// How fast bytes go, one way: in all, and each class by itself. A class is what travels on one lane (wire::lane_of).
//
// A virtual clock (ITU-T I.371, generic cell rate algorithm) says when the next byte may go. Whoever has just sent or read waits until then, so
// all come in turn, and who wants little waits for nobody. Over any time t not more than rate * (t + 1 s) and one buffer of each peer go.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include <lattice/base/time.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

struct BandwidthLimits {
  // Bytes a second; 0: no limit. Below the minimum a peer waits so long that others take it for silent.
  static constexpr uint64_t rate_min = 16 * 1024;
  static constexpr uint64_t rate_max = 1'000'000'000'000;

  uint64_t in_all = 0;                             // control and consensus are counted, and not held
  std::array<uint64_t, wire::lane_count> lanes{};  // those of control and consensus mean nothing

  bool any() const {
    return in_all != 0 || std::ranges::any_of(lanes, [](uint64_t rate) { return rate != 0; });
  }
};

class Pace {
 public:
  static constexpr Duration saved_max = std::chrono::seconds{1};

  explicit Pace(uint64_t bytes_per_second = 0) : rate_(std::min(bytes_per_second, BandwidthLimits::rate_max)) {}

  // They went. From when on more may go: not before `now`.
  Instant take(uint64_t bytes, Instant now) {
    if (rate_ == 0) return now;
    if (!started_) free_ = now - saved_max;
    started_ = true;
    const double took = static_cast<double>(bytes) / static_cast<double>(rate_);
    free_ = std::max(free_, now - saved_max) + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(took));
    return std::max(free_, now);
  }

 private:
  uint64_t rate_;
  Instant free_{};
  bool started_ = false;
};

class Bandwidth {
 public:
  explicit Bandwidth(const BandwidthLimits& limits) : in_all_(limits.in_all) {
    for (size_t lane = 0; lane < wire::lane_count; ++lane) lanes_[lane] = Pace(limits.lanes[lane]);
  }

  Instant take(uint64_t bytes, Instant now) { return in_all_.take(bytes, now); }
  Instant take(wire::Lane lane, uint64_t bytes, Instant now) { return lanes_[static_cast<size_t>(lane)].take(bytes, now); }

 private:
  Pace in_all_;
  std::array<Pace, wire::lane_count> lanes_;
};

}  // namespace lattice
