#include <lattice/sim/scenario.hpp>

#include <chrono>
#include <set>

#include <lattice/sim/adversary.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr size_t broken_max = 32;
constexpr uint8_t penalty_max = 100;
constexpr std::string_view seed_name = "seeds.sim";

// One host a /16, so that address diversity holds nobody back.
static IpAddress address_of(size_t index) {
  return IpAddress::v4(static_cast<uint8_t>(20 + index / 250), static_cast<uint8_t>(1 + index % 250), 7, 1);
}

namespace {

class SyncScenario {
 public:
  explicit SyncScenario(const ScenarioOptions& options);
  ScenarioResult run();

 private:
  NodeConfig node_config() const;
  HostId add(size_t index, bool filled, Bodies bodies = Bodies::honest);
  void add_hosts();
  void add_hostile();
  void plan_restarts();
  void restart(HostId host, Crash crash, Duration pause);
  void on_chain_event(HostId host, const ChainEvent& event);
  void check(HostId host);
  void check_limits();
  void say_broken(std::string what);

  ScenarioOptions options_;
  World world_;
  MemoryStore filled_;
  Tip target_;
  DnsRecord dns_;
  std::set<HostId> honest_, hostile_;
  std::set<IpAddress> honest_addresses_;
  std::set<HostId> at_tip_, down_;
  size_t restarts_left_ = 0;
  ScenarioResult result_;
};

WorldOptions world_options(const ScenarioOptions& options) {
  WorldOptions world;
  world.seed = options.seed;
  world.loss = options.loss;
  world.bytes_per_second = options.bytes_per_second;
  world.cities = options.cities;
  world.wall_start = options.wall_start;
  world.log = options.log;
  return world;
}

SyncScenario::SyncScenario(const ScenarioOptions& options) : options_(options), world_(world_options(options)) {
  options_.fill(filled_);
  SimStore copy{filled_};
  for (const auto& event : options_.chain()->apply(LoadChain{}, copy, {world_.now(), wall_from_unix(options_.wall_start)}))
    if (const auto* changed = std::get_if<TipChanged>(&event)) target_ = changed->tip;
  world_.on_chain_event([this](HostId host, const ChainEvent& event) { on_chain_event(host, event); });
}

NodeConfig SyncScenario::node_config() const {
  NodeConfig config;
  config.magic = options_.magic;
  config.default_port = config.listen_port = options_.port;
  config.user_agent = "/lattice-sim/";
  config.seeds.push_back({std::string(seed_name), {}, 0});
  return config;
}

HostId SyncScenario::add(size_t index, bool filled, Bodies bodies) {
  SimNodeConfig config;
  config.node = node_config();
  config.address = address_of(index);
  config.chain = [make = options_.chain](Provider&) { return make(); };
  if (filled) config.store = SimStore{filled_};
  config.bodies = bodies;
  if (bodies == Bodies::honest) honest_addresses_.insert(config.address);
  const HostId host = world_.add_node(std::move(config));
  (bodies == Bodies::honest ? honest_ : hostile_).insert(host);
  return host;
}

// DNS names the hostile hosts and the seeds; the fresh nodes come one by one in the first five seconds.
void SyncScenario::add_hosts() {
  add_hostile();
  const size_t first = options_.garbage + options_.silent + options_.wrong_magic + options_.withholding + options_.corrupting;
  for (size_t i = 0; i < options_.seeds; ++i) dns_.addresses.push_back(address_of(first + i));
  world_.set_dns(std::string(seed_name), dns_);
  for (size_t i = 0; i < options_.seeds; ++i) add(first + i, true);
  for (size_t i = options_.seeds; i < options_.nodes; ++i)
    world_.after(milliseconds{world_.rng().below(5000)}, [this, index = first + i](World&) { add(index, false); });
}

void SyncScenario::add_hostile() {
  size_t index = 0;
  const auto next = [&] {
    dns_.addresses.push_back(address_of(index));
    return address_of(index++);
  };
  for (size_t i = 0; i < options_.garbage; ++i) world_.add_raw({next(), options_.port}, garbage_sender());
  for (size_t i = 0; i < options_.silent; ++i) world_.add_raw({next(), options_.port}, silent_listener());
  for (size_t i = 0; i < options_.wrong_magic; ++i) {
    SimNodeConfig config;
    config.node = node_config();
    config.node.magic[3] ^= 0xff;
    config.node.seeds.clear();
    config.address = next();
    config.chain = [make = options_.chain](Provider&) { return make(); };
    config.store = SimStore{filled_};
    hostile_.insert(world_.add_node(std::move(config)));
  }
  for (size_t i = 0; i < options_.withholding; ++i) next(), add(index - 1, true, Bodies::withheld);
  for (size_t i = 0; i < options_.corrupting; ++i) next(), add(index - 1, true, Bodies::corrupted);
}

void SyncScenario::plan_restarts() {
  restarts_left_ = options_.restarts;
  for (size_t i = 0; i < options_.restarts; ++i) {
    const auto when = milliseconds{6'000 + world_.rng().below(40'000)};
    world_.after(when, [this](World& world) {
      const auto victim = std::next(honest_.begin(), static_cast<ptrdiff_t>(world.rng().below(honest_.size())));
      const auto crash = world.rng().below(5) == 0 ? Crash::power : Crash::process;
      restart(*victim, crash, milliseconds{500 + world.rng().below(9'500)});
    });
  }
}

void SyncScenario::restart(HostId host, Crash crash, Duration pause) {
  --restarts_left_;
  if (!world_.running(host)) return;
  check(host);
  world_.kill(host, crash);
  ++result_.restarts;
  at_tip_.erase(host);
  down_.insert(host);
  world_.after(pause, [this, host](World& world) {
    down_.erase(host);
    world.start(host);
  });
}

void SyncScenario::on_chain_event(HostId host, const ChainEvent& event) {
  if (hostile_.contains(host)) return;
  if (const auto* changed = std::get_if<TipChanged>(&event)) {
    if (changed->tip.block == target_.block) {
      at_tip_.insert(host);
    } else {
      at_tip_.erase(host);
    }
  } else if (std::holds_alternative<ChainFailed>(event)) {
    say_broken("the chain of host " + std::to_string(host) + " failed");
  }
}

void SyncScenario::say_broken(std::string what) {
  if (result_.broken.size() < broken_max) result_.broken.push_back(std::move(what));
}

// No honest node leaves another for a reason that takes the whole penalty.
void SyncScenario::check(HostId host) {
  const auto report = world_.report(host);
  if (report.failed) say_broken("host " + std::to_string(host) + " failed: " + std::string(error_name(report.failed->code)));
  result_.handshakes += report.handshakes;
  for (const auto& left : report.left) {
    const bool honest = honest_addresses_.contains(left.endpoint.ip);
    if (!honest) ++result_.hostile_left[std::string(error_name(left.reason))];
    if (!honest || error_info(left.reason).penalty < penalty_max) continue;
    say_broken("host " + std::to_string(host) + " left the honest " + left.endpoint.text() + ": " +
               std::string(error_name(left.reason)) + " (" + left.where + ")");
  }
}

void SyncScenario::check_limits() {
  const NodeConfig defaults;
  if (world_.stats().connections_peak > defaults.connections_max) say_broken("more connections than connections_max");
  if (world_.stats().output_peak > limits::send_buffer_bytes_max) say_broken("more sealed bytes than send_buffer_bytes_max");
}

ScenarioResult SyncScenario::run() {
  const auto began = std::chrono::steady_clock::now();
  const Instant start = world_.now();
  add_hosts();
  plan_restarts();
  world_.after(options_.least, [](World&) {});  // an event to look at, when nothing else is due
  const auto done = [&] {
    return at_tip_.size() == options_.nodes && restarts_left_ == 0 && down_.empty() && world_.now() >= start + options_.least;
  };
  world_.run_until(done, start + options_.limit);
  for (const HostId host : honest_)
    if (world_.running(host)) check(host);
  check_limits();

  const auto& stats = world_.stats();
  result_.seed = options_.seed;
  result_.nodes = options_.nodes;
  result_.nodes_at_tip = at_tip_.size();
  result_.height = target_.block.height;
  result_.tip = target_.block.hash;
  result_.simulated_seconds = seconds_of(world_.now() - start);
  result_.real_seconds = seconds_of(std::chrono::steady_clock::now() - began);
  result_.events = stats.events;
  result_.events_per_second = static_cast<double>(stats.events) / result_.real_seconds;
  result_.segments = stats.bursts;
  result_.bytes = stats.bytes;
  result_.losses = stats.sent_again;
  result_.connections = stats.connections;
  result_.connections_peak = stats.connections_peak;
  result_.trace_hash = world_.trace_hash();
  result_.passed = result_.broken.empty() && result_.nodes_at_tip == options_.nodes;
  return result_;
}

}  // namespace

ScenarioResult run_sync_scenario(const ScenarioOptions& options) { return SyncScenario(options).run(); }

}  // namespace lattice::sim
