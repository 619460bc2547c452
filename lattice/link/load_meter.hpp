// How far the workers that sign are behind, measured: from how long finished work had waited, and from how many pieces wait now
// at the pace at which they were finished lately. Nothing is configured: more cores or a faster machine show by themselves.
#pragma once

#include <lattice/base/time.hpp>

namespace lattice {

class LoadMeter {
 public:
  static constexpr Duration half_life = std::chrono::milliseconds{500};  // of what was measured, once nothing comes
  static constexpr Duration first_pace = std::chrono::milliseconds{1};   // of one signature, until it is measured
  static constexpr Duration pace_max = std::chrono::milliseconds{100};   // a worker that slept is not a slow one
  static constexpr Duration waited_max = std::chrono::seconds{60};       // nothing is believed to have waited longer
  static constexpr double newest_weight = 1.0 / 8;                       // of one measurement in the mean

  void on_queued(Instant now);
  // `waited`: from on_queued until it was done.
  void on_done(Duration waited, Instant now);

  // How long a piece of work that came now would likely wait.
  Duration expected_wait(Instant now) const;
  size_t waiting() const { return waiting_; }

 private:
  double decayed(Instant now) const;

  size_t waiting_ = 0;
  double waited_ = 0;  // seconds: the decaying mean at `updated_`
  double pace_ = seconds_of(first_pace);
  Instant updated_{}, busy_since_{};  // busy_since_: the last end of work, or the beginning after a pause
};

}  // namespace lattice
