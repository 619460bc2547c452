// lattice sim: a whole network in one process, with virtual time; the same Node as on sockets. Same seed, same trace hash.
#include <cstdlib>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <lattice/chains/bitcoin/mkchain.hpp>
#include <lattice/sim/scenario.hpp>
#include <nlohmann/json.hpp>

#include "block_import.hpp"
#include "log.hpp"
#include "presets.hpp"
#include "program.hpp"
#include "sim_minichain.hpp"
#include "spec_chain.hpp"

namespace lattice::app {

namespace {

struct SimOptions {
  sim::ScenarioOptions scenario;
  std::string name = "sync";
  bool seed_given = false;
  std::string cities;   // a file; empty: LATTICE_DATA's where that is set
  std::string command;  // as it was called, without the seed
  uint32_t blocks = 300;
  size_t block_bytes = 2000;
  double limit_s = 7200;
  bool show_log = false;
};

// The chain that the seeds hold at the start.
HostResult<void> fill_store(const SimOptions& options, Store& store, Chain& chain) {
  const auto& rules = bitcoin::regtest();
  // After the last block of the chain, so that no header lies in the future.
  const Now now{Instant{}, wall_from_unix(options.scenario.wall_start)};
  BlockImporter importer(chain, store, bitcoin::hash_of(rules.genesis), [now] { return now; });
  if (auto loaded = importer.load(); !loaded) return loaded;
  bitcoin::MakeChainOptions make;
  make.rules = &rules;
  make.blocks = options.blocks;
  make.block_bytes = options.block_bytes;
  make.transactions = 1;
  make.seed = options.scenario.seed;
  HostResult<void> added;
  const auto made = bitcoin::make_chain_blocks(make, [&](ByteView block) -> Result<void> {
    added = importer.add(to_bytes(block));
    if (!added) return fail(ErrorCode::store_failed, "import");
    return {};
  });
  if (!added) return added;
  if (!made)
    return failure("the simulation's chain was not made", std::string(error_text(made.error().code)), "ask for smaller blocks");
  return importer.flush();
}

void print_result(const sim::ScenarioResult& result) {
  nlohmann::ordered_json out;
  out["seed"] = result.seed;
  out["passed"] = result.passed;
  out["broken"] = result.broken;
  out["nodes"] = result.nodes;
  out["nodes_at_tip"] = result.nodes_at_tip;
  out["height"] = result.height;
  out["tip"] = bitcoin::display(result.tip);
  out["simulated_seconds"] = result.simulated_seconds;
  out["real_seconds"] = result.real_seconds;
  out["events"] = result.events;
  out["events_per_second"] = static_cast<uint64_t>(result.events_per_second);
  out["deliveries"] = result.segments;
  out["bytes"] = result.bytes;
  out["packets_lost"] = result.losses;
  out["connections"] = result.connections;
  out["connections_peak"] = result.connections_peak;
  out["handshakes"] = result.handshakes;
  out["restarts"] = result.restarts;
  out["hostile_left"] = result.hostile_left;
  out["trace_hash"] = result.trace_hash;
  fmt::print("{}\n", out.dump(2));
}

// --cities, or LATTICE_DATA/latency/rtt-avg-us.csv where the environment names that folder; else a random delay for each pair.
HostResult<void> load_cities(SimOptions& options) {
  const char* data = std::getenv("LATTICE_DATA");
  if (options.cities.empty() && (!data || !*data)) return {};
  const std::string path = options.cities.empty() ? std::string(data) + "/latency/rtt-avg-us.csv" : options.cities;
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return failure("the cities were not read", path + " cannot be opened",
                   "leave --cities and LATTICE_DATA away for random delays");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto cities = sim::CityDelays::parse(text);
  if (!cities)
    return failure("the cities were not read", path + " is no square of round-trip times",
                   "lines of comma-separated microseconds");
  options.scenario.cities = std::make_shared<const sim::CityDelays>(std::move(*cities));
  return {};
}

// What makes a run hostile, where the command line does not say it.
void add_hostile_hosts(sim::ScenarioOptions& scenario) {
  for (size_t* count :
       {&scenario.garbage, &scenario.silent, &scenario.wrong_magic, &scenario.withholding, &scenario.corrupting})
    if (*count == 0) *count = 2;
  scenario.least = std::max<Duration>(scenario.least, std::chrono::seconds{40});  // the silent ones are left at a timeout
}

HostResult<void> run_sim(SimOptions options) {
  if (!options.seed_given) options.scenario.seed = std::random_device{}();
  fmt::print("seed {}\n", options.scenario.seed);
  std::fflush(stdout);
  if (auto loaded = load_cities(options); !loaded) return loaded;
  if (options.name == "hostile") add_hostile_hosts(options.scenario);
  const auto& preset = *find_preset("bitcoin-regtest");
  const auto rules = chain_rules(preset);
  options.scenario.chain = [&rules, &preset]() -> std::unique_ptr<Chain> {
    bitcoin::ChainOptions chain;
    chain.rules = &rules;
    chain.id = spec_chain_id(preset);
    auto made = bitcoin::make_chain(std::move(chain));
    return made ? std::move(*made) : nullptr;
  };
  HostResult<void> filled;
  options.scenario.fill = [&](Store& store) { filled = fill_store(options, store, *options.scenario.chain()); };
  options.scenario.limit = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.limit_s));
  SpdLogSink log(LogLevel::trace, LogFormat::text);
  if (options.show_log) options.scenario.log = &log;
  const bool minichain = options.name == "minichain";
  const auto result =
      minichain ? run_minichain_scenario(options.scenario, options.blocks) : sim::run_sync_scenario(options.scenario);
  if (!filled) return filled;
  print_result(result);
  if (result.passed) return {};
  return failure(
      "the simulation failed", fmt::format("{} of {} nodes reached the tip", result.nodes_at_tip, result.nodes),
      fmt::format("the same run again: {} --seed {} (and --log for every node's events)", options.command, result.seed));
}

}  // namespace

void add_sim(Program& program) {
  auto* command =
      program.app.add_subcommand("sim", "Sync a whole network in the simulator; the same seed gives the same trace hash");
  const auto options = std::make_shared<SimOptions>();
  auto& scenario = options->scenario;
  command
      ->add_option("--scenario", options->name,
                   "sync: fresh nodes reach the seeds' tip. hostile: the same beside hostile hosts. minichain: four validators "
                   "make blocks")
      ->check(CLI::IsMember({"sync", "hostile", "minichain"}))
      ->capture_default_str();
  const auto* seed = command->add_option("--seed", scenario.seed, "Of everything random; without it: drawn, and printed first")
                         ->check(number_in(0, seed_max));
  command->add_option("--nodes", scenario.nodes, "In all")->check(CLI::Range(2, 60'000))->capture_default_str();
  command->add_option("--seeds", scenario.seeds, "Of them: they hold the chain, and DNS names them")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--restarts", scenario.restarts, "Processes killed at random times")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  command->add_option("--loss", scenario.loss, "Share of packets lost")->check(number_in(0, 0.5))->capture_default_str();
  command->add_option("--garbage", scenario.garbage, "Hostile hosts that send garbage")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--silent", scenario.silent, "Hosts that never say a word")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--withholding", scenario.withholding, "Seeds that never give a block")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--corrupting", scenario.corrupting, "Seeds whose blocks are wrong in the last bit")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--wrong-magic", scenario.wrong_magic, "Hosts of another network")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command
      ->add_option("--blocks", options->blocks, "Length of the chain; minichain: the height to reach (without this option: 30)")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--block-bytes", options->block_bytes, "Size of each block")
      ->check(CLI::Range(0, 4'000'000))
      ->capture_default_str();
  command->add_option("--limit", options->limit_s, "Simulated seconds at most")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command
      ->add_option_function<double>(
          "--minutes", [options](double minutes) { options->limit_s = minutes * 60; }, "The same in minutes")
      ->check(number_in(0.01, 1e5));
  command->add_option("--cities", options->cities,
                      "Measured delays: a file with a square of round-trip times in microseconds; without it the one in "
                      "LATTICE_DATA, else random delays");
  command->add_flag("--log", options->show_log, "Every node's events on standard error");
  command->callback([&program, options, command, seed] {
    options->seed_given = seed->count() > 0;
    options->command = "lattice sim";
    for (const auto* option : command->get_options()) {
      if (option == seed || option->count() == 0) continue;
      options->command += " " + option->get_name();
      if (option->get_items_expected() > 0) options->command += " " + option->results().front();
    }
    if (options->name == "minichain") {
      options->scenario.nodes = std::max<size_t>(options->scenario.nodes, 5);
      if (command->count("--blocks") == 0) options->blocks = 30;
      if (command->count("--nodes") == 0) options->scenario.nodes = 10;
      if (command->count("--restarts") == 0) options->scenario.restarts = 4;
    }
    program.action = [options] { return run_sim(*options); };
  });
}

}  // namespace lattice::app
