#include "sim_minichain.hpp"

#include <algorithm>
#include <chrono>

#include <examples/minichain/minichain.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::app {

using sim::HostId;
using std::chrono::milliseconds;

namespace {

sim::WorldOptions world_options(const sim::ScenarioOptions& options) {
  sim::WorldOptions world;
  world.seed = options.seed;
  world.loss = options.loss;
  world.bytes_per_second = options.bytes_per_second;
  world.cities = options.cities;
  world.wall_start = options.wall_start;
  world.log = options.log;
  return world;
}

IpAddress address_of(size_t index) {
  return IpAddress::v4(static_cast<uint8_t>(20 + index / 250), static_cast<uint8_t>(1 + index % 250), 7, 1);
}

class MinichainScenario {
 public:
  MinichainScenario(const sim::ScenarioOptions& options, uint64_t height)
      : options_(options),
        height_(height),
        provider_(openssl_provider(std::make_unique<SeededRng>(options.seed))),
        world_(world_options(options)) {
    make_keys();
    world_.on_chain_event([this](HostId host, const ChainEvent& event) { on_chain_event(host, event); });
    sim::DnsRecord dns;
    for (size_t i = 0; i < minichain::validator_count; ++i) dns.addresses.push_back(address_of(i));
    world_.set_dns("minichain.sim", dns);
    for (size_t i = 0; i < options.nodes; ++i) add(i);
    restarts_left_ = options.restarts;
    for (size_t i = 0; i < options.restarts; ++i)
      world_.after(milliseconds{6'000 + world_.rng().below(40'000)}, [this](sim::World&) { restart(); });
  }

  sim::ScenarioResult run() {
    const auto began = std::chrono::steady_clock::now();
    const Instant start = world_.now();
    const auto done = [&] { return restarts_left_ == 0 && at_height() == options_.nodes; };
    world_.run_until(done, start + options_.limit);
    const auto& stats = world_.stats();
    result_.seed = options_.seed;
    result_.nodes = options_.nodes;
    result_.nodes_at_tip = at_height();
    if (!finals_.empty()) result_.height = finals_.rbegin()->first, result_.tip = finals_.rbegin()->second;
    result_.simulated_seconds = seconds_of(world_.now() - start);
    result_.real_seconds = seconds_of(std::chrono::steady_clock::now() - began);
    result_.events = stats.events;
    result_.events_per_second = static_cast<double>(stats.events) / result_.real_seconds;
    result_.segments = stats.bursts;
    result_.bytes = stats.bytes;
    result_.losses = stats.sent_again;
    result_.connections = stats.connections;
    for (const HostId host : hosts_)
      if (world_.running(host)) result_.handshakes += world_.report(host).handshakes;
    result_.connections_peak = stats.connections_peak;
    result_.trace_hash = world_.trace_hash();
    result_.passed = result_.broken.empty() && result_.nodes_at_tip == options_.nodes;
    return result_;
  }

 private:
  void make_keys() {
    for (auto& validator : validators_) {
      Secret<32> seed;
      provider_->rng().fill(seed.span());
      keys_.push_back(provider_->signing_key(SignAlg::mldsa65, seed));
      validator = to_bytes(keys_.back()->public_key());
    }
  }

  void add(size_t index) {
    sim::SimNodeConfig config;
    config.node.magic = {'m', 'i', 'n', 'i'};
    config.node.default_port = config.node.listen_port = options_.port;
    config.node.user_agent = "/minichain-sim/";
    config.node.seeds.push_back({"minichain.sim", {}, 0});
    config.address = address_of(index);
    const auto key = index < keys_.size() ? keys_[index] : nullptr;
    config.chain = [this, key](Provider& provider) { return minichain::make_minichain(validators_, key, provider); };
    hosts_.push_back(world_.add_node(std::move(config)));
  }

  void restart() {
    --restarts_left_;
    const HostId victim = hosts_[world_.rng().below(hosts_.size())];
    if (!world_.running(victim)) return;
    result_.handshakes += world_.report(victim).handshakes;
    world_.kill(victim, world_.rng().below(2) == 0 ? sim::Crash::power : sim::Crash::process);
    ++result_.restarts;
    world_.after(milliseconds{500 + world_.rng().below(9'500)}, [victim](sim::World& world) { world.start(victim); });
  }

  void on_chain_event(HostId host, const ChainEvent& event) {
    const auto* changed = std::get_if<TipChanged>(&event);
    if (!changed || changed->tip.block.height == 0) return;
    const auto& block = changed->tip.block;
    const auto [known, fresh] = finals_.try_emplace(block.height, block.hash);
    if (!fresh && known->second != block.hash && result_.broken.size() < 32)
      result_.broken.push_back("host " + std::to_string(host) + " has another final block at height " +
                               std::to_string(block.height));
  }

  size_t at_height() const {
    return static_cast<size_t>(std::ranges::count_if(
        hosts_, [this](HostId host) { return world_.running(host) && world_.tip(host).block.height >= height_; }));
  }

  sim::ScenarioOptions options_;
  uint64_t height_;
  std::unique_ptr<Provider> provider_;
  minichain::Validators validators_;
  std::vector<std::shared_ptr<const SigningKey>> keys_;
  sim::World world_;
  std::vector<HostId> hosts_;
  std::map<uint64_t, BlockHash> finals_;
  size_t restarts_left_ = 0;
  sim::ScenarioResult result_;
};

}  // namespace

sim::ScenarioResult run_minichain_scenario(const sim::ScenarioOptions& options, uint64_t height) {
  return MinichainScenario(options, height).run();
}

}  // namespace lattice::app
