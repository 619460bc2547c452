#include <lattice/sim/raw_host.hpp>

#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

static Host& host_of(World::State& state, HostId host) { return *state.hosts[host]; }

Now RawNet::now() const { return world_.state_->clock(host_of(*world_.state_, host_)); }
Rng& RawNet::rng() { return *host_of(*world_.state_, host_).raw_rng; }
const Endpoint& RawNet::endpoint() const { return host_of(*world_.state_, host_).own.front(); }

Provider& RawNet::provider() {
  Host& host = host_of(*world_.state_, host_);
  if (!host.provider) host.provider = world_.state_->provider_for(host, host.life);
  return *host.provider;
}

SocketId RawNet::dial(const Endpoint& to, std::optional<IpAddress> from) {
  Host& host = host_of(*world_.state_, host_);
  ASSERT(!from || std::ranges::any_of(host.own, [&](const Endpoint& own) { return own.ip == *from; }));
  return socket_of(world_.state_->dial(host, {}, from.value_or(host.own.front().ip), to), dialer);
}

// A socket of this host that is open, or null.
static Connection* open_socket(World::State& state, HostId host, SocketId socket) {
  auto* connection = state.find(connection_of(socket));
  if (!connection) return nullptr;
  const auto& end = connection->ends[side_of(socket)];
  return end.open && end.host == host ? connection : nullptr;
}

void RawNet::send(SocketId socket, ByteView bytes) {
  auto* connection = open_socket(*world_.state_, host_, socket);
  if (!connection) return;
  Pipe& pipe = connection->pipes[side_of(socket)];
  if (pipe.tail_left() == 0) {
    pipe.tail.clear();
    pipe.tail_sent = 0;
  }
  if (pipe.tail_sent >= burst_bytes_max) {
    pipe.tail.erase(pipe.tail.begin(), pipe.tail.begin() + static_cast<ptrdiff_t>(pipe.tail_sent));
    pipe.tail_sent = 0;
  }
  append(pipe.tail, bytes);
  world_.state_->pump(connection_of(socket), side_of(socket));
}

size_t RawNet::unsent(SocketId socket) const {
  const auto* connection = open_socket(*world_.state_, host_, socket);
  return connection ? connection->pipes[side_of(socket)].tail_left() : 0;
}

void RawNet::close(SocketId socket) {
  if (open_socket(*world_.state_, host_, socket)) world_.state_->local_close(connection_of(socket), side_of(socket));
}

void RawNet::wake_at(Instant when) {
  Host& host = host_of(*world_.state_, host_);
  when = std::max(when, world_.state_->now + timer_grain);
  if (host.timer && *host.timer <= when) return;
  host.timer = when;
  world_.state_->queue.push(when, {.host = host.id, .life = host.life, .kind = EventKind::wake});
}

void World::State::on_raw_event(Host& host, const Event& event) {
  RawNet net(world, host.id);
  if (event.kind == EventKind::wake) {
    if (host.timer != now) return;  // an earlier one took its place
    host.timer.reset();
    host.raw->on_wake(net);
  } else {
    host.raw->on_closed(net, event.subject);
  }
  settle(host);
}

}  // namespace lattice::sim
