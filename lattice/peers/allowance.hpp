// A token bucket: so many at once, so many a second after that.
#pragma once

#include <algorithm>

#include <lattice/base/time.hpp>

namespace lattice {

class Allowance {
 public:
  Allowance(double burst, double per_second) : burst_(burst), per_second_(per_second), left_(burst) {}

  bool take(double cost, Instant now) {
    if (!started_) updated_ = now;
    started_ = true;
    left_ = std::min(burst_, left_ + std::max(0.0, seconds_of(now - updated_)) * per_second_);
    updated_ = now;
    if (left_ < cost) return false;
    left_ -= cost;
    return true;
  }

 private:
  double burst_, per_second_, left_;
  Instant updated_{};
  bool started_ = false;
};

}  // namespace lattice
