#include "sim_run.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <lattice/chains/bitcoin/primitives.hpp>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "sim_chain.hpp"
#include "sim_minichain.hpp"
#include "time_text.hpp"

namespace lattice::app {

using sim::Fault;
using sim::FaultKind;
using std::chrono::milliseconds;

namespace {

// Processes and machines that go and come back, early and late in the run.
void add_restarts(sim::Plan& plan, size_t count) {
  constexpr uint64_t stream = 0x72657374;  // its own randomness: other faults of the seed stay as they are
  SeededRng rng(plan.seed ^ stream);
  for (size_t i = 0; i < count; ++i) {
    Fault fault;
    fault.kind = rng.below(2) == 0 ? FaultKind::kill : FaultKind::power_cut;
    fault.at = milliseconds{500 + rng.below(39'500)};
    fault.lasts = milliseconds{500 + rng.below(9'500)};
    fault.nodes = {static_cast<uint32_t>(rng.below(plan.nodes))};
    plan.faults_end = std::max(plan.faults_end, fault.at + fault.lasts);
    plan.faults.push_back(std::move(fault));
  }
}

SimScenario sync_scenario(uint64_t seed, const SimRequest& request) {
  SimScenario out;
  const size_t nodes = request.nodes.value_or(out.plan.nodes);
  out.plan = sim::sync_plan(seed, nodes, request.restarts.value_or(nodes / 3));
  return out;
}

SimScenario hostile_scenario(uint64_t seed, const SimRequest& request) {
  SimScenario out;
  out.plan = sim::hostile_plan(seed, request.nodes.value_or(12));
  add_restarts(out.plan, request.restarts.value_or(0));
  return out;
}

SimScenario mixed_scenario(uint64_t seed, const SimRequest& request) {
  SimScenario out;
  out.plan = sim::mixed_plan(seed, request.nodes.value_or(30));
  out.blocks = 100;
  add_restarts(out.plan, request.restarts.value_or(0));
  return out;
}

SimScenario minichain_scenario(uint64_t seed, const SimRequest& request) {
  SimScenario out;
  out.plan.seed = seed;
  out.plan.name = minichain_name;
  out.plan.nodes = request.nodes.value_or(10);
  out.plan.weather.loss = 0.01;
  out.plan.recovery = std::chrono::hours{2};
  out.blocks = 30;
  return out;
}

using Make = SimScenario (*)(uint64_t, const SimRequest&);
constexpr std::pair<std::string_view, Make> named_scenarios[] = {
    {"sync", sync_scenario}, {"hostile", hostile_scenario}, {"mixed", mixed_scenario}, {minichain_name, minichain_scenario}};

Make make_named(std::string_view name) {
  for (const auto& [known, make] : named_scenarios)
    if (known == name) return make;
  return nullptr;
}

HostResult<std::shared_ptr<const sim::CityDelays>> read_cities(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failure("the cities were not read", file + " cannot be opened", "--cities random needs no file");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto cities = sim::CityDelays::parse(text);
  if (!cities)
    return failure("the cities were not read", file + " is no square of round-trip times",
                   "lines of comma-separated microseconds");
  return std::make_shared<const sim::CityDelays>(std::move(*cities));
}

std::string default_cities() {
  const char* data = std::getenv("LATTICE_DATA");
  if (!data || !*data) return "random";
  const auto file = std::string(data) + "/latency/rtt-avg-us.csv";
  return std::ifstream(file) ? file : "random";
}

}  // namespace

HostResult<SimRunner> SimRunner::make(SimRequest request) {
  SimRunner runner(std::move(request));
  if (!make_named(runner.request_.scenario)) {
    auto loaded = load_sim_scenario(runner.request_.scenario);
    if (!loaded)
      return failure("the scenario was not read", loaded.error().text(),
                     "a scenario is sync, hostile, mixed, minichain or a TOML file as in examples/scenarios");
    runner.file_ = std::move(*loaded);
  }
  if (auto cities = runner.load_cities(); !cities) return std::unexpected(cities.error());
  return runner;
}

HostResult<void> SimRunner::load_cities() {
  cities_file_ = !request_.cities.empty() ? request_.cities : file_ ? file_->cities : std::string();
  if (cities_file_.empty()) cities_file_ = default_cities();
  if (cities_file_ == "random") return {};
  auto cities = read_cities(cities_file_);
  if (!cities) return std::unexpected(cities.error());
  cities_ = std::move(*cities);
  return {};
}

std::optional<uint64_t> SimRunner::own_seed() const {
  if (file_ && file_->seed_given) return file_->plan.seed;
  return std::nullopt;
}

HostResult<SimScenario> SimRunner::scenario(uint64_t seed) const {
  SimScenario out;
  if (file_) {
    out = *file_;
    out.plan.seed = seed;
    out.plan.nodes = request_.nodes.value_or(out.plan.nodes);
    add_restarts(out.plan, request_.restarts.value_or(0));
  } else {
    out = make_named(request_.scenario)(seed, request_);
  }
  if (auto applied = apply(out); !applied) return std::unexpected(applied.error());
  return out;
}

HostResult<void> SimRunner::apply(SimScenario& scenario) const {
  auto& plan = scenario.plan;
  const bool minichain = request_.scenario == minichain_name;
  plan.seeds = request_.seeds.value_or(plan.seeds);
  plan.new_blocks = request_.new_blocks.value_or(plan.new_blocks);
  plan.weather.loss = request_.loss.value_or(plan.weather.loss);
  plan.cryptography = request_.cryptography.value_or(plan.cryptography);
  if (request_.recovery_s) plan.recovery = duration_of(*request_.recovery_s);
  if (request_.least_s) plan.least = duration_of(*request_.least_s);
  plan.attacks.insert(plan.attacks.end(), request_.attacks.begin(), request_.attacks.end());
  scenario.blocks = request_.blocks.value_or(scenario.blocks);
  scenario.block_bytes = request_.block_bytes.value_or(scenario.block_bytes);
  scenario.cities = cities_file_;
  plan.cities = cities_;
  const auto refused = [&](std::string why, std::string advice) {
    return failure("the scenario " + plan.name + " cannot run", std::move(why), std::move(advice));
  };
  if (minichain && plan.nodes < 5)
    return refused("it has four validators and an observer at least", "ask for --nodes 5 or more");
  if (minichain && (!plan.attacks.empty() || request_.new_blocks || request_.seeds || request_.block_bytes))
    return refused("minichain has no attackers, seeds or blocks from elsewhere",
                   "leave --attack, --seeds, --new-blocks and --block-bytes away");
  if (!minichain && plan.seeds + plan.unreachable > plan.nodes)
    return refused(fmt::format("{} seeds and {} that cannot be reached of {} nodes", plan.seeds, plan.unreachable, plan.nodes),
                   "ask for fewer --seeds or more --nodes");
  for (const auto& fault : plan.faults)
    for (const uint32_t node : fault.nodes)
      if (node >= plan.nodes)
        return refused(fmt::format("a fault hits the node {}, and there are {} from 0", node, plan.nodes),
                       "ask for more --nodes");
  return {};
}

HostResult<sim::PlanResult> SimRunner::run(const SimScenario& scenario, LogSink* log) {
  auto plan = scenario.plan;
  plan.log = log;
  if (request_.scenario == minichain_name) return run_minichain(plan, scenario.blocks, request_.restarts.value_or(4));
  const std::tuple key{scenario.blocks, scenario.block_bytes, plan.new_blocks, plan.wall_start};
  auto known = chains_.find(key);
  if (known == chains_.end()) {
    auto made = make_sim_chain(scenario.blocks, scenario.block_bytes, plan.new_blocks, plan.wall_start);
    if (!made) return std::unexpected(made.error());
    chains_.clear();  // one is enough: exploring keeps to one, or draws another each time
    known = chains_.emplace(key, std::move(*made)).first;
  }
  return sim::run_plan(plan, known->second);
}

nlohmann::ordered_json figures_of(const sim::PlanResult& result) {
  const auto& world = result.world;
  const auto a_second = [&](uint64_t count) {
    return result.real_seconds > 0 ? static_cast<uint64_t>(static_cast<double>(count) / result.real_seconds) : 0;
  };
  nlohmann::ordered_json out;
  out["seed"] = result.seed;
  out["passed"] = result.passed;
  out["broken"] = result.broken;
  out["nodes"] = result.nodes;
  out["nodes_at_tip"] = result.nodes_at_tip;
  out["height"] = result.tip.height;
  out["tip"] = bitcoin::display(result.tip.hash);
  out["simulated_seconds"] = result.simulated_seconds;
  out["real_seconds"] = result.real_seconds;
  out["recovery_seconds"] = result.recovery_seconds;
  out["events"] = world.events;
  out["events_per_second"] = a_second(world.events);
  out["messages"] = world.messages;
  out["messages_per_second"] = a_second(world.messages);
  out["deliveries"] = world.bursts;
  out["bytes"] = world.bytes;
  out["packets_lost"] = world.sent_again;
  out["new_blocks"] = result.new_blocks;
  out["rival_blocks"] = result.rival_blocks;
  out["t50"] = result.t50;
  out["t90"] = result.t90;
  out["t99"] = result.t99;
  out["duplicates"] = result.duplicates;
  out["connections"] = world.connections;
  out["connections_refused"] = world.refused;
  out["connections_peak"] = world.connections_peak;
  out["output_peak"] = world.output_peak;
  out["handshakes"] = world.handshakes;
  out["restarts"] = result.restarts;
  out["stores_wiped"] = result.stores_wiped;
  out["hostile_left"] = result.hostile_left;
  out["honest_left"] = result.honest_left;
  out["trace_hash"] = result.trace_hash;
  return out;
}

}  // namespace lattice::app
