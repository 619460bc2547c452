#include <lattice/sim/tcp.hpp>

#include <algorithm>

namespace lattice::sim {

using std::chrono::milliseconds;
constexpr int retries_max = 6;

size_t Pipe::room() const {
  const size_t limit = std::min(window, receive_window_bytes);
  if (in_flight >= limit) return 0;
  const size_t left = limit - in_flight;
  return left < segment_bytes && in_flight > 0 ? 0 : left;
}

void Pipe::on_sent(size_t bytes, Instant now) {
  if (in_flight == 0) in_flight_peak = 0;
  in_flight += bytes;
  in_flight_peak = std::max(in_flight_peak, in_flight);
  last_sent = now;
}

void Pipe::on_acknowledged(size_t bytes, bool lost) {
  in_flight -= std::min(in_flight, bytes);
  if (lost) {
    threshold = std::max(window / 2, 2 * segment_bytes);
    window = threshold;
  } else if (window < threshold) {
    if (2 * in_flight_peak > window) window += bytes;
  } else if (in_flight_peak + segment_bytes > window) {
    window += std::max<size_t>(1, segment_bytes * bytes / window);
  }
  window = std::min(window, receive_window_bytes);
}

void Pipe::restart_after_idle(Instant now, Duration round_trip) {
  // The round trip and Linux's least variance, as nothing varies here (tcp_rto_min).
  const Duration timeout = round_trip + milliseconds{200};
  Duration idle = now - last_sent;
  if (idle <= timeout || window <= initial_window_bytes) return;
  threshold = std::max(threshold, window / 4 * 3);
  for (idle -= timeout; idle > Duration{} && window > initial_window_bytes; idle -= timeout) window /= 2;
  window = std::max(window, initial_window_bytes);
}

void Pipe::take_acknowledgements(Instant now) {
  for (; !acknowledgements.empty() && acknowledgements.front().at <= now; acknowledgements.pop_front())
    on_acknowledged(acknowledgements.front().bytes, acknowledgements.front().lost);
}

Duration Pipe::retry_pause(Duration round_trip) const {
  return std::min<Duration>(std::max<Duration>(milliseconds{200}, 2 * round_trip) * (1 << std::min<int>(retries, 15)),
                            std::chrono::seconds{120});
}

// Multiplied out: a library's power may differ in the last bit, and with it the trace.
bool any_hit(double share, size_t packets, Rng& rng) {
  if (share <= 0 || packets == 0) return false;
  double spared = 1;
  for (size_t i = 0; i < packets; ++i) spared *= 1 - share;
  return rng.unit() >= spared;
}

Duration LossModel::delay(size_t bytes, bool more_follows, Duration round_trip, Rng& rng, uint64_t& sent_again) const {
  if (rate <= 0) return {};
  const size_t packets = (bytes + segment_bytes - 1) / segment_bytes;
  if (!any_hit(rate, packets, rng)) return {};
  ++sent_again;
  Duration timeout = std::max<Duration>(milliseconds{200}, 2 * round_trip);
  Duration late = more_follows || packets >= 4 ? round_trip : timeout;
  for (int i = 0; i < retries_max && rng.unit() < rate; ++i, timeout *= 2) {
    ++sent_again;
    late += timeout;
  }
  return late;
}

Duration LossModel::request_delay(Rng& rng, uint64_t& sent_again) const {
  Duration late{}, timeout = milliseconds{1000};
  for (int i = 0; i < retries_max && rate > 0 && rng.unit() < rate; ++i, timeout *= 2) {
    ++sent_again;
    late += timeout;
  }
  return late;
}

}  // namespace lattice::sim
