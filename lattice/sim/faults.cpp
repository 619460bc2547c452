// What goes wrong between hosts and with their clocks.
#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

// The worse of two lines counts: a share of packets is of those that take the whole way.
Weather World::State::weather_between(const Host& a, const Host& b) const {
  if (!a.line.weather && !b.line.weather) return options.weather;
  const Weather& up = a.line.weather ? *a.line.weather : options.weather;
  const Weather& down = b.line.weather ? *b.line.weather : options.weather;
  return {std::max(up.loss, down.loss),       std::max(up.reorder, down.reorder),       std::max(up.duplicate, down.duplicate),
          std::max(up.corrupt, down.corrupt), std::max(up.undetected, down.undetected), std::max(up.jitter, down.jitter),
          std::max(up.extra, down.extra)};
}

// Whether a packet gets to that side. What a machine says to itself takes no line.
bool World::State::carries(const Connection& connection, uint8_t to_side) const {
  const Host& to = *hosts[connection.ends[to_side].host];
  const Host& from = *hosts[connection.ends[other(to_side)].host];
  if (!to.powered || connection.broken) return false;
  return &to == &from || (to.line.side == from.line.side && !to.line.stalled && !from.line.stalled);
}

Duration World::State::way(const Connection& connection, uint8_t from_side) const {
  const Host& from = *hosts[connection.ends[from_side].host];
  const Host& to = *hosts[connection.ends[other(from_side)].host];
  return connection.way[from_side] + extra_between(from, to);
}

Duration World::State::extra_between(const Host& a, const Host& b) const {
  if (!a.line.weather && !b.line.weather) return options.weather.extra;
  return weather_between(a, b).extra;
}

// A flipped bit that TCP's checksum does not see.
void World::State::spoil(Burst& burst, const Weather& weather) {
  if (burst.bytes.empty() || weather.corrupt <= 0 || weather.undetected <= 0) return;
  const size_t packets = (burst.bytes.size() + segment_bytes - 1) / segment_bytes;
  if (!any_hit(weather.corrupt * weather.undetected, packets, rng)) return;
  const uint64_t bit = rng.below(burst.bytes.size() * 8);
  burst.bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
}

// In microseconds, so that a century times a per cent fits.
Duration Skew::at(Instant now) const {
  const auto passed = std::chrono::floor<std::chrono::microseconds>(now - since);
  return gathered + std::chrono::microseconds{passed.count() * parts_per_billion / 1'000'000'000};
}

void World::set_weather(const Weather& weather) { state_->options.weather = weather; }
void World::set_weather(HostId host, const Weather& weather) {
  state_->hosts[host]->line.weather = std::make_unique<Weather>(weather);
}

void World::set_rate(HostId host, uint64_t up, uint64_t down) {
  ASSERT(up > 0 && down > 0);
  state_->hosts[host]->line.up = up;
  state_->hosts[host]->line.down = down;
}

void World::set_side(HostId host, uint8_t side) { state_->hosts[host]->line.side = side; }
void World::set_stalled(HostId host, bool stalled) { state_->hosts[host]->line.stalled = stalled; }

void World::break_silently(HostId host) {
  for (const auto& [conn, socket] : state_->hosts[host]->connections)
    if (auto* connection = state_->find(connection_of(socket))) connection->broken = true;
}

void World::step_clock(HostId host, int64_t seconds) { state_->hosts[host]->config.wall_offset += seconds; }

void World::set_drift(HostId host, double parts_per_million) {
  Skew& skew = state_->hosts[host]->skew;
  skew = {skew.at(now()), now(), static_cast<int64_t>(parts_per_million * 1000)};
}

}  // namespace lattice::sim
