#include <lattice/link/load_meter.hpp>

#include <algorithm>
#include <cmath>

namespace lattice {

void LoadMeter::on_queued(Instant now) {
  if (waiting_++ == 0) busy_since_ = now;
}

void LoadMeter::on_done(Duration waited, Instant now) {
  const double sample = seconds_of(std::clamp<Duration>(waited, Duration{0}, waited_max));
  const double before = decayed(now);
  waited_ = before + (sample - before) * newest_weight;
  updated_ = std::max(updated_, now);
  const double took = seconds_of(std::clamp<Duration>(now - busy_since_, Duration{0}, pace_max));
  pace_ += (took - pace_) * newest_weight;
  busy_since_ = std::max(busy_since_, now);
  if (waiting_ > 0) --waiting_;
}

double LoadMeter::decayed(Instant now) const {
  if (waited_ == 0 || now <= updated_) return waited_;
  return waited_ * std::exp2(-seconds_of(now - updated_) / seconds_of(half_life));
}

Duration LoadMeter::expected_wait(Instant now) const {
  const double seconds = std::max(decayed(now), static_cast<double>(waiting_) * pace_);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(seconds, seconds_of(waited_max))));
}

}  // namespace lattice
