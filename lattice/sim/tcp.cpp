#include <lattice/sim/tcp.hpp>

#include <algorithm>
#include <cmath>

namespace lattice::sim {

using std::chrono::milliseconds;
constexpr int retries_max = 6;

size_t Pipe::room() const {
  const size_t limit = std::min(window, receive_window_bytes);
  if (in_flight >= limit) return 0;
  const size_t left = limit - in_flight;
  return left < segment_bytes && in_flight > 0 ? 0 : left;
}

void Pipe::on_acknowledged(size_t bytes, bool lost) {
  in_flight -= std::min(in_flight, bytes);
  if (lost) {
    threshold = std::max(window / 2, 2 * segment_bytes);
    window = threshold;
  } else if (window < threshold) {
    window += bytes;
  } else {
    window += std::max<size_t>(1, segment_bytes * bytes / window);
  }
  window = std::min(window, receive_window_bytes);
}

Duration LossModel::delay(size_t bytes, bool more_follows, Duration round_trip, Rng& rng, uint64_t& sent_again) const {
  if (rate <= 0) return {};
  const size_t segments = (bytes + segment_bytes - 1) / segment_bytes;
  const auto packets = static_cast<double>(segments);
  if (rng.unit() < std::pow(1 - rate, packets)) return {};
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
