// What connections carry: bursts, acknowledgements and what is sent again, over lines of limited rate.
#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

constexpr size_t packet_overhead_bytes = 66;  // Ethernet, IPv4 and TCP with timestamps, for each segment

static Duration line_time(size_t bytes, uint64_t bytes_per_second) {
  const size_t on_wire = bytes + packet_overhead_bytes * (bytes / segment_bytes + 1);
  return Duration{static_cast<int64_t>(on_wire * 1'000'000'000 / bytes_per_second)};
}

// At most what the line carries in 5 ms: what arrives first is acknowledged, and more follows, before the rest has left.
static size_t burst_limit(uint64_t bytes_per_second) {
  return std::clamp<size_t>(bytes_per_second / 200, 2 * segment_bytes, burst_bytes_max);
}

// Sends what the window allows: what was written before the close first, else what the node has sealed.
void World::State::pump(uint64_t id, uint8_t side) {
  Connection* connection = find(id);
  if (!connection) return;
  auto& end = connection->ends[side];
  Pipe& pipe = connection->pipes[side];
  if (side == dialer && !connection->established) return;
  Host& host = *hosts[end.host];
  const size_t most = burst_limit(host.line.up);
  pipe.take_acknowledgements(now);
  if (pipe.in_flight == 0 && pipe.window > initial_window_bytes &&
      (pipe.tail_left() > 0 || (end.open && host.node && !host.node->pending_output(end.conn).empty())))
    pipe.restart_after_idle(now, way(*connection, dialer) + way(*connection, listener));
  for (size_t room = pipe.room(); room > 0; room = pipe.room()) {
    Burst burst;
    if (pipe.tail_left() > 0) {
      const size_t count = std::min({pipe.tail_left(), room, most});
      const auto from = pipe.tail.begin() + static_cast<ptrdiff_t>(pipe.tail_sent);
      burst.bytes.assign(from, from + static_cast<ptrdiff_t>(count));
      pipe.tail_sent += count;
    } else if (end.open && host.node) {
      const auto pending = host.node->pending_output(end.conn);
      stats.output_peak = std::max(stats.output_peak, pending.size());
      const size_t count = std::min({pending.size(), room, most});
      if (count == 0) break;
      burst.bytes.assign(pending.begin(), pending.begin() + static_cast<ptrdiff_t>(count));
      host.node->on_sent(end.conn, count, clock(host));
    } else {
      break;
    }
    send(id, *connection, side, std::move(burst));
  }
  if (pipe.fin_wanted && !pipe.fin_sent && pipe.tail_left() == 0) {
    pipe.fin_sent = true;
    send(id, *connection, side, Burst{.bytes = {}, .fin = true});
  }
  if (pipe.room() > 0) return;
  pipe.starved = pipe.acknowledgements.empty();
  if (!pipe.starved) plan_acknowledged(id, *connection, side);
}

// A burst is sealed when the process has done what it was at, waits for the line, and travels.
void World::State::send(uint64_t id, Connection& connection, uint8_t side, Burst burst) {
  Pipe& pipe = connection.pipes[side];
  Host& host = *hosts[connection.ends[side].host];
  const HostId to = connection.ends[other(side)].host;
  const Weather weather = weather_between(host, *hosts[to]);
  const size_t size = burst.bytes.size();
  const auto round_trip = connection.way[dialer] + connection.way[listener] + 2 * weather.extra;
  host.line.up_free = std::max({host.line.up_free, now, host.cpu_free}) + line_time(size, host.line.up);
  const LossModel loss{weather.loss + weather.corrupt * (1 - weather.undetected)};
  auto late = loss.delay(size, pipe.in_flight >= 3 * segment_bytes, round_trip, rng, stats.sent_again);
  burst.lost = late > Duration{};
  burst.place = pipe.places_sent++;
  burst.vanishes = !carries(connection, other(side));
  const size_t packets = size / segment_bytes + 1;
  if (any_hit(weather.reorder, packets, rng))
    late += Duration{static_cast<int64_t>(rng.below(1'000'000))} + connection.way[side] / 2;
  burst.twice = any_hit(weather.duplicate, packets, rng);
  if (weather.jitter > Duration{})
    late += Duration{static_cast<int64_t>(rng.below(static_cast<uint64_t>(weather.jitter.count())))};
  spoil(burst, weather);
  pipe.on_sent(size, now);
  pipe.last_arrival = std::max(pipe.last_arrival, host.line.up_free + connection.way[side] + weather.extra + late);
  queue.push(pipe.last_arrival, {.subject = id, .host = to, .kind = EventKind::arrival, .side = other(side)}, std::move(burst));
}

// In the order of its direction or not at all: what a line did not carry keeps back what comes behind it.
void World::State::on_arrival(const Event& event, Connection& connection, Burst burst) {
  Pipe& pipe = connection.pipes[other(event.side)];
  burst.vanishes |= !carries(connection, event.side);
  if (burst.vanishes || burst.place != pipe.places_arrived) return hold(event, connection, std::move(burst));
  through_line(event, connection, std::move(burst));
  const uint64_t id = event.subject;
  for (auto* rest = find(id); rest; rest = find(id)) {
    auto& held = rest->pipes[other(event.side)].held;
    if (held.empty() || held.front().vanishes || held.front().place != rest->pipes[other(event.side)].places_arrived) return;
    Burst next = std::move(held.front());
    held.erase(held.begin());
    through_line(event, *rest, std::move(next));
  }
}

void World::State::hold(const Event& event, Connection& connection, Burst burst) {
  const uint8_t sender = other(event.side);
  auto& held = connection.pipes[sender].held;
  const auto behind = std::ranges::find_if(held, [&](const Burst& one) { return one.place > burst.place; });
  const bool vanishes = burst.vanishes;
  held.insert(behind, std::move(burst));
  if (vanishes) plan_retry(event.subject, connection, sender);
}

void World::State::plan_retry(uint64_t id, Connection& connection, uint8_t side) {
  Pipe& pipe = connection.pipes[side];
  if (std::exchange(pipe.retry_planned, true)) return;
  const auto pause = pipe.retry_pause(connection.way[dialer] + connection.way[listener]);
  queue.push(now + pause, {.subject = id, .host = connection.ends[side].host, .kind = EventKind::retry, .side = side});
}

// The retransmission timer. After too many of them the sender's process is told that its connection is gone; nobody else is.
void World::State::on_retry(uint64_t id, Connection& connection, uint8_t side) {
  Pipe& pipe = connection.pipes[side];
  pipe.retry_planned = false;
  const HostId from = connection.ends[side].host, to = connection.ends[other(side)].host;
  const bool waiting = pipe.held_acknowledged > 0 || std::ranges::any_of(pipe.held, &Burst::vanishes);
  if (!waiting || !hosts[from]->powered) return;
  ++stats.sent_again;
  if (!carries(connection, other(side))) {
    if (++pipe.retries == retries_of_a_packet_max) return remote_closed(id, side);
    return plan_retry(id, connection, side);
  }
  pipe.retries = 0;
  pipe.last_arrival = std::max(pipe.last_arrival, now + way(connection, side));
  std::vector<Burst> rest;
  for (auto& burst : pipe.held) {
    if (!burst.vanishes) {
      rest.push_back(std::move(burst));
      continue;
    }
    burst.vanishes = false;
    burst.lost = true;
    queue.push(pipe.last_arrival, {.subject = id, .host = to, .kind = EventKind::arrival, .side = other(side)},
               std::move(burst));
  }
  pipe.held = std::move(rest);
  if (const size_t bytes = std::exchange(pipe.held_acknowledged, 0); bytes > 0)
    add_acknowledgement(id, connection, side, {now + way(connection, side) + way(connection, other(side)), bytes, true});
}

// A burst stands in the queue of its receiver's line; only a busy line costs a second event.
void World::State::through_line(const Event& event, Connection& connection, Burst burst) {
  ++connection.pipes[other(event.side)].places_arrived;
  Host& host = *hosts[event.host];
  const auto through = line_time(burst.bytes.size(), host.line.down);
  const auto done = std::max(now - through, host.line.down_free) + through;
  host.line.down_free = done;
  if (burst.twice) host.line.down_free += line_time(std::min(burst.bytes.size(), segment_bytes), host.line.down);
  if (done <= now) return on_delivery(event, connection, std::move(burst));
  Event later = event;
  later.kind = EventKind::delivery;
  queue.push(done, later, std::move(burst));
}

void World::State::on_delivery(const Event& event, Connection& connection, Burst burst) {
  const uint8_t side = event.side;
  if (side == listener && !connection.accepted) {
    on_accepted(event.subject, connection);
    if (find(event.subject) != &connection) return;
  }
  if (!connection.ends[side].open) {
    if (hosts[event.host]->powered) reset_other(event.subject, connection, side);
    return;
  }
  Pipe& pipe = connection.pipes[other(side)];
  trace.event(now, event.host, static_cast<uint8_t>(EventKind::delivery), event.subject << 1 | side, burst.bytes);
  ++stats.bursts;
  stats.bytes += burst.bytes.size();
  if (burst.lost) acknowledge(event.subject, connection, side, 0, true);
  if (burst.fin) pipe.fin_arrived = true;
  if (!burst.bytes.empty()) pipe.inbox.push_back(std::move(burst.bytes));
  take_inbox(socket_of(event.subject, side));
  settle(*hosts[event.host]);
}

// Gives the process what has arrived, as far as it wants it, and then the end of the stream.
bool World::State::take_inbox(SocketId socket) {
  const uint64_t id = connection_of(socket);
  const uint8_t side = side_of(socket);
  bool given = false;
  for (Connection* connection = find(id); connection && connection->ends[side].open; connection = find(id)) {
    Pipe& pipe = connection->pipes[other(side)];
    auto& end = connection->ends[side];
    Host& host = *hosts[end.host];
    if (pipe.inbox.empty()) {
      host.paused.erase(socket);
      if (!pipe.fin_arrived) return given;
      remote_closed(id, side);
      return true;
    }
    const bool wanted = host.node ? host.cpu_free <= now && host.node->wants_bytes(end.conn) : host.raw->reads(socket);
    if (!wanted) {
      host.paused.insert(socket);
      return given;
    }
    const Bytes bytes = std::move(pipe.inbox.front());
    pipe.inbox.pop_front();
    acknowledge(id, *connection, side, bytes.size(), false);
    given = true;
    if (host.raw) {
      RawNet net(world, host.id);
      host.raw->on_bytes(net, socket, bytes);
    } else {
      host.node->on_bytes(end.conn, bytes, clock(host));
      count(host);
    }
  }
  return given;
}

bool World::State::wake_paused(Host& host) {
  if (host.paused.empty()) return false;
  bool given = false;
  const auto paused = host.paused;
  for (const SocketId socket : paused) {
    if (find(connection_of(socket))) {
      given |= take_inbox(socket);
    } else {
      host.paused.erase(socket);
    }
  }
  return given;
}

// The receiver's side has taken bytes, or has noticed a loss.
void World::State::acknowledge(uint64_t id, Connection& connection, uint8_t side, size_t bytes, bool lost) {
  const uint8_t sender = other(side);
  if (carries(connection, sender)) {
    add_acknowledgement(id, connection, sender, {now + way(connection, side), bytes, lost});
  } else if (hosts[connection.ends[sender].host]->powered) {
    connection.pipes[sender].held_acknowledged += bytes;
    plan_retry(id, connection, sender);
  }
}

void World::State::add_acknowledgement(uint64_t id, Connection& connection, uint8_t side, Pipe::Acknowledgement one) {
  Pipe& pipe = connection.pipes[side];
  if (!pipe.acknowledgements.empty()) one.at = std::max(one.at, pipe.acknowledgements.back().at);
  pipe.acknowledgements.push_back(one);
  if (std::exchange(pipe.starved, false)) plan_acknowledged(id, connection, side);
}

void World::State::plan_acknowledged(uint64_t id, const Connection& connection, uint8_t side) {
  queue.push(connection.pipes[side].acknowledgements.front().at,
             {.subject = id, .host = connection.ends[side].host, .kind = EventKind::acknowledged, .side = side});
}

void World::State::on_acknowledged(const Event& event) {
  pump(event.subject, event.side);
  if (find(event.subject)) settle(*hosts[event.host]);
}

}  // namespace lattice::sim
