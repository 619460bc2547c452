#include <lattice/sim/world.hpp>

#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

constexpr uint8_t trace_log = 0x80, trace_life = 0x81;

static uint64_t mixed(uint64_t seed, uint64_t a, uint64_t b) {
  return seed ^ (a * 0x9e3779b97f4a7c15) ^ (b * 0xc2b2ae3d27d4eb4f);
}

bool HostLog::wants(LogLevel level) const {
  return level >= LogLevel::info || (world_.options.log && world_.options.log->wants(level));
}

void HostLog::log(const LogEvent& event) {
  if (event.level >= LogLevel::info) {
    world_.trace.event(world_.now, host_, trace_log, 0, as_bytes(event.name));
    for (const auto& field : event.fields) world_.trace.event(world_.now, host_, trace_log, 1, as_bytes(field.value));
  }
  if (world_.log_observer) world_.log_observer(host_, event);
  if (!world_.options.log || !world_.options.log->wants(event.level)) return;
  char where[48];
  std::snprintf(where, sizeof where, "%.6fs n%u", seconds_of(world_.now.time_since_epoch()), host_);
  LogEvent passed = event;
  passed.fields.insert(passed.fields.begin(), LogField{"sim", where});
  world_.options.log->log(passed);
}

World::State::State(World& owner, WorldOptions given)
    : world(owner), options(std::move(given)), delays(options.seed, options.cities), rng(options.seed) {
  now = Instant{std::chrono::seconds{1}};
}

Now World::State::clock(const Host& host) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch() + host.skew.at(now));
  return {now, wall_from_unix(options.wall_start + host.config.wall_offset) + seconds};
}

// `use`: the life of a process, or 0 for what a host is made with.
std::unique_ptr<Provider> World::State::provider_for(const Host& host, uint64_t use) const {
  auto random = std::make_unique<SeededRng>(mixed(options.seed, host.id + 1, use));
  if (options.cryptography == Cryptography::modelled) return modelled_provider(std::move(random));
  return openssl_provider(std::move(random));
}

void World::State::start(Host& host) {
  ASSERT(!host.up());
  ++host.life;
  ++stats.events;
  trace.event(now, host.id, trace_life, host.life);
  host.powered = true;
  host.timer.reset();
  host.ready.reset();
  host.cpu_free = now;
  if (!host.raw) return start_node(host);
  host.raw_up = true;
  RawNet net(world, host.id);
  host.raw->on_start(net);
  settle(host);
}

void World::State::start_node(Host& host) {
  host.provider = provider_for(host, host.life);
  host.modelled =
      options.cryptography == Cryptography::modelled ? static_cast<ModelledProvider*>(host.provider.get()) : nullptr;
  host.chain = host.config.chain(*host.provider);
  NodeConfig config = host.config.node;
  config.chain = host.chain->identity();
  config.stored_addresses = host.config.saved_addresses;
  config.stored_seeds = host.config.saved_seeds;
  config.stored_bans = host.config.saved_bans;
  host.node = std::make_unique<Node>(std::move(config), *host.provider, *host.log);
  host.counts = {};
  host.crypto_free = host.chain_free = now;
  if (host.config.node.listen_port != 0) listeners[{host.config.address, host.config.node.listen_port}] = host.id;
  host.node->start(clock(host));
  drain(host);
}

void World::State::kill(Host& host, Crash crash) {
  ASSERT(host.up());
  ++stats.kills;
  ++host.life;  // what was planned for the process finds nobody
  trace.event(now, host.id, trace_life, host.life);
  host.powered = crash != Crash::power;
  const auto connected = std::exchange(host.connections, {});
  host.paused.clear();
  host.raw_up = false;
  host.node.reset();
  host.chain.reset();
  host.modelled = nullptr;
  if (!host.raw) host.provider.reset();
  if (crash == Crash::power) host.config.store.cut_power();
  for (const auto& [conn, socket] : connected) {
    const uint64_t id = connection_of(socket);
    const uint8_t side = side_of(socket);
    auto* connection = find(id);
    if (!connection) continue;
    connection->ends[side].open = false;
    connection->pipes[side].tail.clear();
    connection->pipes[side].tail_sent = 0;
    if (host.powered) reset_other(id, *connection, side);
    forget_if_closed(id);
  }
}

void World::State::step() {
  const Event event = queue.pop();
  now = std::max(now, Instant{Duration{event.at}});
  Payload payload = queue.claim(event);
  ++stats.events;
  handle(event, std::move(payload));
}

void World::State::handle(const Event& event, Payload payload) {
  switch (event.kind) {
    case EventKind::action: return std::get<std::function<void(World&)>>(payload)(world);
    case EventKind::connect:
    case EventKind::dialed:
    case EventKind::dial_failed:
    case EventKind::accepted:
    case EventKind::arrival:
    case EventKind::delivery:
    case EventKind::acknowledged:
    case EventKind::retry:
    case EventKind::reset: return on_network_event(event, std::move(payload));
    default: break;
  }
  Host& host = *hosts[event.host];
  if (!host.up() || host.life != event.life) return;
  if (host.raw) return on_raw_event(host, event);
  on_process_event(host, event, std::move(payload));
}

World::World(WorldOptions options) : state_(std::make_unique<State>(*this, std::move(options))) {}
World::~World() = default;

static Host& new_host(World::State& state) {
  auto host = std::make_unique<Host>();
  host->id = static_cast<HostId>(state.hosts.size());
  host->log = std::make_unique<HostLog>(state, host->id);
  host->line.up = host->line.down = state.options.bytes_per_second;
  state.hosts.push_back(std::move(host));
  return *state.hosts.back();
}

HostId World::add_node(SimNodeConfig config) {
  Host& host = new_host(*state_);
  host.config = std::move(config);
  if (!host.config.node.identity) {
    const auto provider = state_->provider_for(host, 0);
    Secret<64> secret;
    provider->rng().fill(secret.span());
    IdentityOptions options;
    options.not_before = wall_from_unix(state_->options.wall_start - 86'400);
    options.not_after = wall_from_unix(state_->options.wall_start + 365 * 86'400);
    host.config.node.identity = make_identity(*provider, secret, options);
  }
  state_->start(host);
  return host.id;
}

HostId World::add_raw(std::vector<Endpoint> endpoints, std::unique_ptr<RawHost> raw) {
  ASSERT(!endpoints.empty());
  Host& host = new_host(*state_);
  host.raw = std::move(raw);
  host.raw_rng = std::make_unique<SeededRng>(mixed(state_->options.seed, host.id + 1, 0));
  host.config.address = endpoints.front().ip;
  host.own = std::move(endpoints);
  for (const auto& endpoint : host.own) state_->listeners[endpoint] = host.id;
  state_->start(host);
  return host.id;
}

void World::set_dns(const std::string& name, DnsRecord record) { state_->names[name] = std::move(record); }
void World::kill(HostId host, Crash crash) { state_->kill(*state_->hosts[host], crash); }
void World::start(HostId host) { state_->start(*state_->hosts[host]); }

void World::make_block(HostId id, Bytes header, SharedBytes block) {
  Host& host = *state_->hosts[id];
  if (!host.node) return;
  host.node->on_local_block(std::move(header), std::move(block), state_->clock(host));
  state_->drain(host);
}

void World::set_own_endpoints(HostId id, std::vector<Endpoint> endpoints) {
  Host& host = *state_->hosts[id];
  if (!host.node) return;
  host.node->set_own_endpoints(std::move(endpoints), state_->clock(host));
  state_->drain(host);
}

void World::at(Instant when, std::function<void(World&)> action) {
  state_->queue.push(std::max(when, now()), {.kind = EventKind::action}, std::move(action));
}

bool World::run_until(const std::function<bool()>& done, Instant limit) {
  if (done()) return true;
  while (!state_->queue.empty() && state_->queue.next_at() <= limit) {
    state_->step();
    if (done()) return true;
  }
  state_->now = std::max(state_->now, limit);
  return false;
}

void World::run_for(Duration duration) {
  run_until([] { return false; }, now() + duration);
}

Instant World::now() const { return state_->now; }
Rng& World::rng() { return state_->rng; }
size_t World::hosts() const { return state_->hosts.size(); }
bool World::running(HostId host) const { return state_->hosts[host]->up(); }
NodeReport World::report(HostId host) const {
  ASSERT(state_->hosts[host]->node);
  return state_->hosts[host]->node->report();
}
Tip World::tip(HostId host) const { return state_->hosts[host]->tip; }
SimStore& World::store(HostId host) { return state_->hosts[host]->config.store; }
Bytes& World::saved_addresses(HostId host) { return state_->hosts[host]->config.saved_addresses; }
NodeId World::identity(HostId host) const { return state_->hosts[host]->config.node.identity->id; }
void World::on_chain_event(std::function<void(HostId, const ChainEvent&)> observer) {
  state_->chain_observer = std::move(observer);
}
void World::on_log(std::function<void(HostId, const LogEvent&)> observer) { state_->log_observer = std::move(observer); }
std::string World::trace_hash() const { return state_->trace.hash(); }
const WorldStats& World::stats() const { return state_->stats; }

}  // namespace lattice::sim
