#include "sim_minichain.hpp"

#include <algorithm>
#include <chrono>

#include <examples/minichain/minichain.hpp>
#include <lattice/sim/modelled_provider.hpp>

namespace lattice::app {

using sim::HostId;
using std::chrono::milliseconds;

namespace {

constexpr uint16_t minichain_port = 8333;

sim::WorldOptions world_options(const sim::Plan& plan) {
  sim::WorldOptions world;
  world.seed = plan.seed;
  world.cryptography = plan.cryptography;
  world.weather = plan.weather;
  world.bytes_per_second = plan.bytes_per_second;
  world.cities = plan.cities;
  world.wall_start = plan.wall_start;
  world.log = plan.log;
  return world;
}

// Keys of the kind that the world's nodes can check.
std::unique_ptr<Provider> key_maker(const sim::Plan& plan) {
  auto rng = std::make_unique<SeededRng>(plan.seed);
  if (plan.cryptography == sim::Cryptography::modelled) return sim::modelled_provider(std::move(rng));
  return openssl_provider(std::move(rng));
}

IpAddress address_of(size_t index) {
  return IpAddress::v4(static_cast<uint8_t>(20 + index / 250), static_cast<uint8_t>(1 + index % 250), 7, 1);
}

class MinichainRun {
 public:
  MinichainRun(const sim::Plan& plan, uint64_t height, size_t restarts)
      : plan_(plan), height_(height), provider_(key_maker(plan)), world_(world_options(plan)), restarts_left_(restarts) {
    make_keys();
    world_.on_chain_event([this](HostId host, const ChainEvent& event) { on_chain_event(host, event); });
    sim::DnsRecord dns;
    for (size_t i = 0; i < minichain::validator_count; ++i) dns.addresses.push_back(address_of(i));
    world_.set_dns("minichain.sim", dns);
    for (size_t i = 0; i < plan.nodes; ++i) add(i);
    for (size_t i = 0; i < restarts; ++i)
      world_.after(milliseconds{6'000 + world_.rng().below(40'000)}, [this](sim::World&) { restart(); });
  }

  sim::PlanResult run() {
    const auto began = std::chrono::steady_clock::now();
    const Instant start = world_.now();
    const auto done = [&] { return restarts_left_ == 0 && world_.now() >= start + plan_.least && at_height() == plan_.nodes; };
    world_.after(plan_.least, [](sim::World&) {});  // an event to look at, when nothing else is due
    world_.run_until(done, start + std::max(plan_.recovery, plan_.least));
    result_.seed = plan_.seed;
    result_.nodes = plan_.nodes;
    result_.nodes_at_tip = at_height();
    if (!finals_.empty()) result_.tip = {finals_.rbegin()->second, finals_.rbegin()->first};
    result_.simulated_seconds = seconds_of(world_.now() - start);
    result_.real_seconds = seconds_of(std::chrono::steady_clock::now() - began);
    result_.world = world_.stats();
    result_.trace_hash = world_.trace_hash();
    result_.passed = result_.broken.empty() && result_.nodes_at_tip == plan_.nodes;
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
    config.node.default_port = config.node.listen_port = minichain_port;
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

  const sim::Plan& plan_;
  uint64_t height_;
  std::unique_ptr<Provider> provider_;
  minichain::Validators validators_;
  std::vector<std::shared_ptr<const SigningKey>> keys_;
  sim::World world_;
  std::vector<HostId> hosts_;
  std::map<uint64_t, BlockHash> finals_;
  size_t restarts_left_;
  sim::PlanResult result_;
};

}  // namespace

sim::PlanResult run_minichain(const sim::Plan& plan, uint64_t height, size_t restarts) {
  return MinichainRun(plan, height, restarts).run();
}

}  // namespace lattice::app
