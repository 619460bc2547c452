// Connections between hosts: how they come to be and how they end.
#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

using std::chrono::seconds;
constexpr uint8_t requests_max = 6;  // RFC 6298 2.1: the first again after a second, then twice as long each time

Connection* World::State::find(uint64_t id) {
  const size_t slot = id & (connection_slots_max - 1);
  if (slot >= connections.size() || !connections[slot] || connections[slot]->id != id) return nullptr;
  return connections[slot].get();
}

Connection& World::State::add_connection() {
  if (free_connections.empty()) {
    ASSERT(connections.size() < connection_slots_max);
    free_connections.push_back(static_cast<uint32_t>(connections.size()));
    connections.emplace_back();
  }
  const uint32_t slot = free_connections.back();
  free_connections.pop_back();
  connections[slot] = std::make_unique<Connection>();
  connections[slot]->id = ++last_connection * connection_slots_max + slot;
  return *connections[slot];
}

void World::State::forget(uint64_t id) {
  const size_t slot = id & (connection_slots_max - 1);
  connections[slot].reset();
  free_connections.push_back(static_cast<uint32_t>(slot));
}

// SYN -> connect at the target -> dialed at the dialer -> accepted at the target; or dial_failed, as a refusal or in silence.
uint64_t World::State::dial(Host& host, ConnId conn, const IpAddress& from, const Endpoint& to) {
  ++stats.connections;
  Connection& connection = add_connection();
  const uint64_t id = connection.id;
  connection.from = {from, host.next_port};
  host.next_port = host.next_port == UINT16_MAX ? 40000 : static_cast<uint16_t>(host.next_port + 1);
  connection.to = to;
  if (host.raw) conn = ConnId{socket_of(id, dialer)};
  connection.ends[dialer] = {host.id, conn, true};
  host.connections[conn] = socket_of(id, dialer);
  const auto target = listeners.find(to);
  const Duration patience = host.config.node.connection_timeout;
  queue.push(now + patience, {.subject = id, .host = host.id, .kind = EventKind::dial_failed, .side = dialer});
  if (target == listeners.end()) return id;
  connection.ends[listener].host = target->second;
  connection.way[dialer] = delays.one_way(host.id, target->second);
  connection.way[listener] = delays.one_way(target->second, host.id);
  const Weather weather = weather_between(host, *hosts[target->second]);
  const Duration late = LossModel{weather.loss}.request_delay(rng, stats.sent_again);
  queue.push(std::max(now, host.cpu_free) + way(connection, dialer) + late,
             {.subject = id, .host = target->second, .kind = EventKind::connect, .side = listener});
  return id;
}

void World::State::on_connect(uint64_t id, Connection& connection) {
  const Host& target = *hosts[connection.ends[listener].host];
  const HostId back = connection.ends[dialer].host;
  if (connection.established) return;
  if (!carries(connection, listener)) {
    if (connection.requests == requests_max) return;
    ++stats.sent_again;
    return queue.push(now + seconds{1 << connection.requests++},
                      {.subject = id, .host = target.id, .kind = EventKind::connect, .side = listener});
  }
  const auto answer = now + way(connection, listener);
  const auto kind = target.up() ? EventKind::dialed : EventKind::dial_failed;
  if (!target.up()) ++stats.refused;
  queue.push(answer, {.subject = id, .host = back, .kind = kind, .side = dialer});
}

void World::State::on_dialed(uint64_t id, Connection& connection) {
  auto& end = connection.ends[dialer];
  Host& host = *hosts[end.host];
  if (connection.established || !end.open) return;
  if (!carries(connection, dialer)) return on_connect(id, connection);  // the request is made again
  connection.established = true;
  trace.event(now, host.id, static_cast<uint8_t>(EventKind::dialed), end.conn.value);
  const auto settled = now + way(connection, dialer);
  connection.pipes[dialer].last_arrival = settled;
  queue.push(settled, {.subject = id, .host = connection.ends[listener].host, .kind = EventKind::accepted, .side = listener});
  if (host.node) {
    host.node->on_dialed(end.conn, connection.from, clock(host));
  } else {
    RawNet net(world, host.id);
    host.raw->on_open(net, socket_of(id, dialer), connection.to, false);
    pump(id, dialer);
  }
  settle(host);
}

void World::State::on_dial_failed(uint64_t id, Connection& connection) {
  const auto end = connection.ends[dialer];
  Host& host = *hosts[end.host];
  if (connection.established || !end.open) return;
  trace.event(now, host.id, static_cast<uint8_t>(EventKind::dial_failed), end.conn.value);
  host.connections.erase(end.conn);
  forget(id);
  if (host.node) {
    host.node->on_dial_failed(end.conn, clock(host));
  } else {
    RawNet net(world, host.id);
    host.raw->on_dial_failed(net, socket_of(id, dialer));
  }
  settle(host);
}

// The third packet of the handshake, or data in its place.
void World::State::on_accepted(uint64_t id, Connection& connection) {
  auto& end = connection.ends[listener];
  Host& host = *hosts[end.host];
  if (std::exchange(connection.accepted, true)) return;
  trace.event(now, host.id, static_cast<uint8_t>(EventKind::accepted), id);
  if (host.raw_up) {
    end.open = true;
    end.conn = ConnId{socket_of(id, listener)};
    host.connections[end.conn] = socket_of(id, listener);
    RawNet net(world, host.id);
    host.raw->on_open(net, socket_of(id, listener), connection.from, true);
    return settle(host);
  }
  const auto conn = host.node ? host.node->on_accepted(connection.from, clock(host)) : std::nullopt;
  if (conn) {
    end.conn = *conn;
    end.open = true;
    host.connections[*conn] = socket_of(id, listener);
  } else if (host.powered) {
    ++stats.refused;
    reset_other(id, connection, listener);
  }
  settle(host);
}

void World::State::on_network_event(const Event& event, Payload payload) {
  Connection* connection = find(event.subject);
  if (!connection) return;
  switch (event.kind) {
    case EventKind::connect: return on_connect(event.subject, *connection);
    case EventKind::dialed: return on_dialed(event.subject, *connection);
    case EventKind::dial_failed: return on_dial_failed(event.subject, *connection);
    case EventKind::accepted:
      if (carries(*connection, listener)) return on_accepted(event.subject, *connection);
      if (connection->accepted || connection->requests == requests_max) return;
      return queue.push(now + seconds{1 << connection->requests++}, event);  // the target asks again for the third packet
    case EventKind::arrival: return on_arrival(event, *connection, std::move(std::get<Burst>(payload)));
    case EventKind::delivery: return on_delivery(event, *connection, std::move(std::get<Burst>(payload)));
    case EventKind::acknowledged: return on_acknowledged(event);
    case EventKind::retry: return on_retry(event.subject, *connection, event.side);
    default:
      if (carries(*connection, event.side)) remote_closed(event.subject, event.side);
  }
}

// The process lets a connection go: what it has written still leaves, then the end of the stream.
void World::State::local_close(uint64_t id, uint8_t side) {
  Connection& connection = *find(id);
  auto& end = connection.ends[side];
  Pipe& pipe = connection.pipes[side];
  Host& host = *hosts[end.host];
  if (host.node) {
    for (auto pending = host.node->pending_output(end.conn); !pending.empty() && pipe.tail_left() < close_tail_bytes_max;
         pending = host.node->pending_output(end.conn)) {
      append(pipe.tail, pending);
      host.node->on_sent(end.conn, pending.size(), clock(host));
    }
    queue.push(now, {.subject = end.conn.value, .host = host.id, .life = host.life, .kind = EventKind::closed});
  }
  end.open = false;
  pipe.fin_wanted = true;
  host.connections.erase(end.conn);
  host.paused.erase(socket_of(id, side));
  if (side == dialer && !connection.established) {
    forget(id);
    return;
  }
  connection.pipes[other(side)].inbox.clear();
  pump(id, side);
  forget_if_closed(id);
}

// The other side has ended, was reset or is given up: the process learns that its socket is gone.
void World::State::remote_closed(uint64_t id, uint8_t side) {
  Connection& connection = *find(id);
  auto& end = connection.ends[side];
  if (end.open) {
    end.open = false;
    Host& host = *hosts[end.host];
    connection.pipes[other(side)].inbox.clear();
    host.connections.erase(end.conn);
    host.paused.erase(socket_of(id, side));
    queue.push(now, {.subject = end.conn.value, .host = host.id, .life = host.life, .kind = EventKind::closed});
  }
  forget_if_closed(id);
}

void World::State::reset_other(uint64_t id, Connection& connection, uint8_t side) {
  const HostId to = connection.ends[other(side)].host;
  const auto when = std::max(now + way(connection, side), connection.pipes[side].last_arrival);
  queue.push(when, {.subject = id, .host = to, .kind = EventKind::reset, .side = other(side)});
}

void World::State::forget_if_closed(uint64_t id) {
  const auto* connection = find(id);
  if (connection && !connection->ends[dialer].open && !connection->ends[listener].open) forget(id);
}

}  // namespace lattice::sim
