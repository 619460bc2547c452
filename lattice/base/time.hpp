// Time as a value. Nobody below floor 6 can ask what time it is: it comes in with each input.
#pragma once

#include <chrono>
#include <cstdint>

namespace lattice {

using Duration = std::chrono::nanoseconds;

// Two clocks that can neither be mixed up nor read from here.
struct MonoClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  static constexpr bool is_steady = true;
};
struct WallClock {
  using duration = std::chrono::seconds;
  using rep = duration::rep;
  using period = duration::period;
  static constexpr bool is_steady = false;
};

using Instant = std::chrono::time_point<MonoClock, Duration>;               // for timers; the origin means nothing
using WallTime = std::chrono::time_point<WallClock, std::chrono::seconds>;  // seconds since 1970, UTC; may step

struct Now {
  Instant mono;
  WallTime wall;
};

inline int64_t unix_seconds(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime wall_from_unix(int64_t seconds) { return WallTime{std::chrono::seconds{seconds}}; }
inline double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace lattice
