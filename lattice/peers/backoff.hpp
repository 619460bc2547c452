// Pauses that grow: twice as long after each failure, up to a limit, with a random part so that many do not come at once.
#pragma once

#include <algorithm>

#include <lattice/base/random.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

struct Backoff {
  Duration first, max;
  unsigned failures = 0;

  // In [3/4, 5/4) of the nominal pause.
  Duration next(Rng& rng) {
    const Duration pause = std::min<Duration>(max, first * (int64_t{1} << std::min(failures, 20u)));
    ++failures;
    return std::chrono::duration_cast<Duration>(pause * (0.75 + rng.unit() / 2));
  }
  void reset() { failures = 0; }
};

}  // namespace lattice
