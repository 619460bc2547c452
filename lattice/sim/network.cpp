// Connections between hosts: requests, bursts, acknowledgements and ends, over lines of limited rate.
#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

using std::chrono::seconds;
constexpr uint8_t tries_max = 12;
constexpr size_t packet_overhead_bytes = 66;  // Ethernet, IPv4 and TCP with timestamps, for each segment

static uint8_t other(uint8_t side) { return static_cast<uint8_t>(1 - side); }

Connection* World::State::find(uint64_t id) {
  const auto found = connections.find(id);
  return found == connections.end() ? nullptr : &found->second;
}

static Duration line_time(size_t bytes, uint64_t bytes_per_second) {
  const size_t on_wire = bytes + packet_overhead_bytes * (bytes / segment_bytes + 1);
  return Duration{static_cast<int64_t>(on_wire * 1'000'000'000 / bytes_per_second)};
}

// SYN -> connect at the target -> dialed at the dialer, accepted at the target; or dial_failed, as a refusal or in silence.
void World::State::dial(Host& host, const Dial& wish) {
  const uint64_t id = ++last_connection;
  ++stats.connections;
  Connection& connection = connections[id];
  connection.from = {host.config.address, host.next_port};
  host.next_port = host.next_port == UINT16_MAX ? 40000 : static_cast<uint16_t>(host.next_port + 1);
  connection.to = wish.endpoint;
  connection.ends[dialer] = {host.id, wish.conn, true};
  host.connections[wish.conn] = id;
  const auto target = listeners.find(wish.endpoint);
  const Duration patience = host.config.node.connection_timeout;
  queue.push(now + patience, {.subject = id, .host = host.id, .kind = EventKind::dial_failed, .side = dialer});
  if (target == listeners.end()) return;
  connection.ends[listener].host = target->second;
  const auto when = now + delays.one_way(host.id, target->second) + loss.request_delay(rng, stats.sent_again);
  queue.push(when, {.subject = id, .host = target->second, .kind = EventKind::connect, .side = listener});
}

void World::State::on_connect(uint64_t id, Connection& connection) {
  const Host& target = *hosts[connection.ends[listener].host];
  const HostId back = connection.ends[dialer].host;
  if (!target.powered) return;
  const auto answer = now + delays.one_way(target.id, back);
  if (!target.node && !target.raw) {
    ++stats.refused;
    return queue.push(answer, {.subject = id, .host = back, .life = 1, .kind = EventKind::dial_failed, .side = dialer});
  }
  queue.push(answer, {.subject = id, .host = back, .kind = EventKind::dialed, .side = dialer});
  const auto settled = answer + delays.one_way(back, target.id);
  connection.pipes[dialer].last_arrival = settled;
  queue.push(settled, {.subject = id, .host = target.id, .kind = EventKind::accepted, .side = listener});
}

void World::State::on_accepted(uint64_t id, Connection& connection) {
  Host& host = *hosts[connection.ends[listener].host];
  auto& end = connection.ends[listener];
  if (host.raw) {
    end.open = true;
    return host.raw->on_open(RawSocket(world, id, listener), *host.raw_rng);
  }
  const auto conn = host.node ? host.node->on_accepted(connection.from, clock(host)) : std::nullopt;
  if (conn) {
    end.conn = *conn;
    end.open = true;
    host.connections[*conn] = id;
  } else if (host.powered) {
    ++stats.refused;
    reset_other(id, connection, listener);
  }
  if (host.node) drain(host);
}

void World::State::on_network_event(const Event& event, Payload payload) {
  Connection* connection = find(event.subject);
  if (!connection) return;
  Host& host = *hosts[event.host];
  auto& end = connection->ends[event.side];
  switch (event.kind) {
    case EventKind::connect: return on_connect(event.subject, *connection);
    case EventKind::accepted:
      trace.event(now, host.id, static_cast<uint8_t>(event.kind), event.subject);
      return on_accepted(event.subject, *connection);
    case EventKind::dialed:
      if (connection->established || !end.open) return;
      connection->established = true;
      trace.event(now, host.id, static_cast<uint8_t>(event.kind), end.conn.value);
      host.node->on_dialed(end.conn, connection->from, clock(host));
      return drain(host);
    case EventKind::dial_failed: {
      if (connection->established || !end.open) return;
      trace.event(now, host.id, static_cast<uint8_t>(event.kind), end.conn.value);
      const ConnId conn = end.conn;
      host.connections.erase(conn);
      connections.erase(event.subject);
      host.node->on_dial_failed(conn, clock(host));
      return drain(host);
    }
    case EventKind::arrival: return on_arrival(event, *connection, std::move(std::get<Burst>(payload)));
    case EventKind::delivery: return on_delivery(event, *connection, std::move(std::get<Burst>(payload)));
    case EventKind::acknowledged: {
      const auto& ack = std::get<Acknowledgement>(payload);
      connection->pipes[event.side].on_acknowledged(ack.bytes, ack.lost);
      pump(event.subject, event.side);
      if (host.node && find(event.subject)) drain(host);
      return;
    }
    default: return remote_closed(event.subject, event.side);
  }
}

// A burst stands in the queue of its receiver's line; only a busy line costs a second event.
void World::State::on_arrival(const Event& event, Connection& connection, Burst burst) {
  Host& host = *hosts[event.host];
  if (!host.powered) {
    // Nobody answers: the sender's TCP tries again, ever more slowly.
    if (burst.tries >= tries_max) return;
    const auto pause = seconds{1 << std::min<int>(burst.tries, 6)};
    ++burst.tries;
    ++stats.sent_again;
    Event again = event;
    return queue.push(now + pause, again, std::move(burst));
  }
  const auto through = line_time(burst.bytes.size(), options.bytes_per_second);
  const auto done = std::max(now - through, host.down_free) + through;
  host.down_free = done;
  if (done <= now) return on_delivery(event, connection, std::move(burst));
  Event later = event;
  later.kind = EventKind::delivery;
  queue.push(done, later, std::move(burst));
}

void World::State::on_delivery(const Event& event, Connection& connection, Burst burst) {
  const uint8_t side = event.side;
  if (!connection.ends[side].open) return reset_other(event.subject, connection, side);
  Pipe& pipe = connection.pipes[other(side)];
  trace.event(now, event.host, static_cast<uint8_t>(EventKind::delivery), event.subject << 1 | side, burst.bytes);
  ++stats.bursts;
  stats.bytes += burst.bytes.size();
  Host& host = *hosts[event.host];
  if (burst.lost) acknowledge(event.subject, connection, side, 0, true);
  if (burst.fin) pipe.fin_arrived = true;
  if (!burst.bytes.empty()) pipe.inbox.push_back(std::move(burst.bytes));
  take_inbox(event.subject, side);
  if (host.node) drain(host);
}

// Gives the process what has arrived, as far as it wants it, and then the end of the stream.
bool World::State::take_inbox(uint64_t id, uint8_t side) {
  bool given = false;
  for (Connection* connection = find(id); connection && connection->ends[side].open; connection = find(id)) {
    Pipe& pipe = connection->pipes[other(side)];
    auto& end = connection->ends[side];
    Host& host = *hosts[end.host];
    if (pipe.inbox.empty()) {
      host.paused.erase(id);
      if (!pipe.fin_arrived) return given;
      remote_closed(id, side);
      return true;
    }
    if (host.node && !host.node->wants_bytes(end.conn)) {
      host.paused.insert(id);
      return given;
    }
    const Bytes bytes = std::move(pipe.inbox.front());
    pipe.inbox.pop_front();
    acknowledge(id, *connection, side, bytes.size(), false);
    given = true;
    if (host.raw) {
      host.raw->on_bytes(RawSocket(world, id, side), bytes, *host.raw_rng);
    } else {
      host.node->on_bytes(end.conn, bytes, clock(host));
      while (auto effect = host.node->poll_effect()) on_effect(host, std::move(*effect));
    }
  }
  return given;
}

bool World::State::wake_paused(Host& host) {
  bool given = false;
  const auto paused = host.paused;
  for (const uint64_t id : paused) {
    const auto* connection = find(id);
    if (!connection) {
      host.paused.erase(id);
      continue;
    }
    given |= take_inbox(id, connection->ends[dialer].open && connection->ends[dialer].host == host.id ? dialer : listener);
  }
  return given;
}

void World::State::acknowledge(uint64_t id, Connection& connection, uint8_t side, size_t bytes, bool lost) {
  const HostId sender = connection.ends[other(side)].host;
  queue.push(now + delays.one_way(connection.ends[side].host, sender),
             {.subject = id, .host = sender, .kind = EventKind::acknowledged, .side = other(side)},
             Acknowledgement{bytes, lost});
}

// Sends what the window allows: what was written before the close first, else what the node has sealed.
void World::State::pump(uint64_t id, uint8_t side) {
  Connection* connection = find(id);
  if (!connection) return;
  auto& end = connection->ends[side];
  Pipe& pipe = connection->pipes[side];
  if (side == dialer && !connection->established) return;
  Host& host = *hosts[end.host];
  for (size_t room = pipe.room(); room > 0; room = pipe.room()) {
    Burst burst;
    if (pipe.tail_left() > 0) {
      const size_t count = std::min({pipe.tail_left(), room, burst_bytes_max});
      const auto from = pipe.tail.begin() + static_cast<ptrdiff_t>(pipe.tail_sent);
      burst.bytes.assign(from, from + static_cast<ptrdiff_t>(count));
      pipe.tail_sent += count;
    } else if (end.open && host.node) {
      const auto pending = host.node->pending_output(end.conn);
      stats.output_peak = std::max(stats.output_peak, pending.size());
      const size_t count = std::min({pending.size(), room, burst_bytes_max});
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
}

void World::State::send(uint64_t id, Connection& connection, uint8_t side, Burst burst) {
  Pipe& pipe = connection.pipes[side];
  Host& host = *hosts[connection.ends[side].host];
  const HostId to = connection.ends[other(side)].host;
  const size_t size = burst.bytes.size();
  const auto through = line_time(size, options.bytes_per_second);
  const auto away = delays.one_way(host.id, to), back = delays.one_way(to, host.id);
  host.up_free = std::max(host.up_free, now) + through;
  const auto late = loss.delay(size, pipe.in_flight >= 3 * segment_bytes, away + back, rng, stats.sent_again);
  burst.lost = late > Duration{};
  pipe.in_flight += size;
  pipe.last_arrival = std::max(pipe.last_arrival, host.up_free + away + late);
  queue.push(pipe.last_arrival, {.subject = id, .host = to, .kind = EventKind::arrival, .side = other(side)}, std::move(burst));
}

// The node lets a connection go: what it has sealed still leaves, then the end of the stream.
void World::State::local_close(uint64_t id, uint8_t side) {
  Connection& connection = *find(id);
  auto& end = connection.ends[side];
  Pipe& pipe = connection.pipes[side];
  Host& host = *hosts[end.host];
  for (auto pending = host.node->pending_output(end.conn); !pending.empty() && pipe.tail_left() < close_tail_bytes_max;
       pending = host.node->pending_output(end.conn)) {
    append(pipe.tail, pending);
    host.node->on_sent(end.conn, pending.size(), clock(host));
  }
  end.open = false;
  pipe.fin_wanted = true;
  host.connections.erase(end.conn);
  host.paused.erase(id);
  queue.push(now, {.subject = end.conn.value, .host = host.id, .life = host.life, .kind = EventKind::closed});
  if (side == dialer && !connection.established) {
    connections.erase(id);
    return;
  }
  connection.pipes[other(side)].inbox.clear();
  pump(id, side);
  forget_if_closed(id);
}

// The other side has ended, or was reset: the process learns that its socket is gone.
void World::State::remote_closed(uint64_t id, uint8_t side) {
  Connection& connection = *find(id);
  auto& end = connection.ends[side];
  if (end.open) {
    end.open = false;
    Host& host = *hosts[end.host];
    connection.pipes[other(side)].inbox.clear();
    if (host.node) {
      host.connections.erase(end.conn);
      host.paused.erase(id);
      queue.push(now, {.subject = end.conn.value, .host = host.id, .life = host.life, .kind = EventKind::closed});
    }
  }
  forget_if_closed(id);
}

void World::State::reset_other(uint64_t id, Connection& connection, uint8_t side) {
  const HostId to = connection.ends[other(side)].host;
  const auto when = std::max(now + delays.one_way(connection.ends[side].host, to), connection.pipes[side].last_arrival);
  queue.push(when, {.subject = id, .host = to, .kind = EventKind::reset, .side = other(side)});
}

void World::State::forget_if_closed(uint64_t id) {
  const auto* connection = find(id);
  if (connection && !connection->ends[dialer].open && !connection->ends[listener].open) connections.erase(id);
}

void RawSocket::send(ByteView bytes) {
  auto* connection = world_.state_->find(connection_);
  if (!connection || !connection->ends[side_].open) return;
  Pipe& pipe = connection->pipes[side_];
  if (pipe.tail_left() == 0) {
    pipe.tail.clear();
    pipe.tail_sent = 0;
  }
  append(pipe.tail, bytes);
  world_.state_->pump(connection_, side_);
}

void RawSocket::close() {
  auto* connection = world_.state_->find(connection_);
  if (!connection || !connection->ends[side_].open) return;
  connection->ends[side_].open = false;
  connection->pipes[side_].fin_wanted = true;
  world_.state_->pump(connection_, side_);
  world_.state_->forget_if_closed(connection_);
}

}  // namespace lattice::sim
