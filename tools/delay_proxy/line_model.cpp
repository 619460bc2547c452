#include "line_model.hpp"

#include <algorithm>

#include <lattice/base/random.hpp>

namespace lattice::delay_proxy {

// All numbers are drawn whatever they decide, so that one share changed leaves the other decisions as they were.
Fate fate_of(uint64_t seed, uint32_t from, uint32_t to, uint64_t number, const Weather& weather) {
  const uint64_t pair = (uint64_t{from} << 32 | to) + 1;
  SeededRng rng(seed ^ (pair * 0x9e3779b97f4a7c15) ^ ((number + 1) * 0xc2b2ae3d27d4eb4f));
  Fate fate;
  fate.lost = rng.unit() < weather.loss;
  fate.duplicated = rng.unit() < weather.duplicate;
  const bool corrupted = rng.unit() < weather.corrupt;
  const bool held = rng.unit() < weather.reorder;
  const uint64_t bit = rng.next();
  const double hold = rng.unit(), jitter = rng.unit();
  if (corrupted) fate.flip = bit;
  const auto part = [](Duration whole, double share) {
    return Duration{static_cast<int64_t>(static_cast<double>(whole.count()) * share)};
  };
  if (held) fate.held = std::max(part(weather.reorder_hold, hold), Duration{1});
  fate.jitter = part(weather.jitter, jitter);
  return fate;
}

LineModel::LineModel(uint64_t seed, std::vector<Line> lines, std::vector<Duration> one_way, const Weather& weather)
    : seed_(seed),
      lines_(std::move(lines)),
      one_way_(std::move(one_way)),
      weather_(weather),
      states_(lines_.size()),
      pairs_(lines_.size() * lines_.size()) {}

// Equal times: in the order of sending.
bool LineModel::later(const UnderWay& a, const UnderWay& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }

void LineModel::push(UnderWay packet) {
  heap_.push_back(std::move(packet));
  std::push_heap(heap_.begin(), heap_.end(), later);
}

LineModel::UnderWay LineModel::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  UnderWay out = std::move(heap_.back());
  heap_.pop_back();
  return out;
}

static Duration line_time(size_t bytes, uint64_t rate) {
  return Duration{static_cast<int64_t>((bytes + link_header_bytes) * 1'000'000'000 / rate)};
}

// The time that `bytes` take on the line is how they are counted: a queue holds what it sends until then.
static bool has_room(Instant free, Instant now, size_t bytes, size_t queue, uint64_t rate) {
  return free <= now || free - now + line_time(bytes, rate) <= line_time(queue, rate);
}

void LineModel::send(uint32_t from, uint32_t to, ByteView packet, size_t header_bytes, Instant now) {
  ++stats_.packets_in;
  stats_.bytes_in += packet.size();
  const Line& line = lines_[from];
  State& state = states_[from];
  Pair& pair = pairs_[from * lines_.size() + to];
  const Fate fate = fate_of(seed_, from, to, pair.packets++, weather_);
  if (!has_room(state.up_free, now, packet.size(), line.up_queue, line.up)) {
    ++stats_.dropped_up;
    return;
  }
  state.up_free = std::max(state.up_free, now) + line_time(packet.size(), line.up);
  if (fate.lost) {
    ++stats_.lost;
    return;
  }
  if (bytes_ + 2 * packet.size() > bytes_under_way_max) {
    ++stats_.dropped_full;
    return;
  }
  // Jitter keeps the order; only one that is held is overtaken.
  Instant arrival = std::max(pair.last, state.up_free + one_way_[from * lines_.size() + to] + fate.jitter);
  if (fate.held == Duration{}) pair.last = arrival;
  arrival += fate.held;
  stats_.reordered += fate.held != Duration{} ? 1 : 0;
  Bytes bytes = to_bytes(packet);
  if (fate.flip && packet.size() > header_bytes) {
    ++stats_.corrupted;
    const uint64_t bit = *fate.flip % ((packet.size() - header_bytes) * 8);
    bytes[header_bytes + bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
  const size_t copies = fate.duplicated ? 2 : 1;
  stats_.duplicated += copies - 1;
  bytes_ += copies * bytes.size();
  if (copies > 1) push({arrival, ++order_, to, false, bytes});
  push({arrival, ++order_, to, false, std::move(bytes)});
  stats_.bytes_under_way_peak = std::max(stats_.bytes_under_way_peak, bytes_);
}

bool LineModel::enter_down(UnderWay& packet) {
  const Line& line = lines_[packet.to];
  State& state = states_[packet.to];
  if (!has_room(state.down_free, packet.at, packet.packet.size(), line.down_queue, line.down)) return false;
  packet.at = std::max(packet.at, state.down_free + line_time(packet.packet.size(), line.down));
  packet.arrived = true;
  state.down_free = packet.at;
  return true;
}

std::optional<Instant> LineModel::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

std::optional<LineModel::Delivery> LineModel::take(Instant now) {
  while (!heap_.empty() && heap_.front().at <= now) {
    UnderWay packet = pop();
    if (!packet.arrived) {
      const Instant arrival = packet.at;
      if (!enter_down(packet)) {
        ++stats_.dropped_down;
        bytes_ -= packet.packet.size();
        continue;
      }
      if (packet.at > arrival) {
        push(std::move(packet));
        continue;
      }
    }
    bytes_ -= packet.packet.size();
    ++stats_.packets_out;
    stats_.bytes_out += packet.packet.size();
    return Delivery{packet.to, std::move(packet.packet), packet.at};
  }
  return std::nullopt;
}

}  // namespace lattice::delay_proxy
