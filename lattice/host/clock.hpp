// The one place where the program asks what time it is.
#pragma once

#include <chrono>

#include <lattice/base/time.hpp>

namespace lattice {

inline Now real_now() {
  const auto mono = std::chrono::steady_clock::now().time_since_epoch();
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {Instant{std::chrono::duration_cast<Duration>(mono)},
          wall_from_unix(std::chrono::duration_cast<std::chrono::seconds>(wall).count())};
}

}  // namespace lattice
