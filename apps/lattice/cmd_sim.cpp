// lattice sim: a whole network in one process, with virtual time; the same Node as on sockets. Same seed, same trace hash.
#include <fmt/format.h>
#include <lattice/chains/bitcoin/mkchain.hpp>
#include <lattice/sim/scenario.hpp>

#include "block_import.hpp"
#include "log.hpp"
#include "presets.hpp"
#include "program.hpp"
#include "spec_chain.hpp"

namespace lattice::app {

namespace {

struct SimOptions {
  sim::ScenarioOptions scenario;
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
  fmt::print("seed {}: {} of {} nodes at the tip, height {} {}\n", result.seed, result.nodes_at_tip, result.nodes,
             result.height, bitcoin::display(result.tip));
  fmt::print("{:.1f} s simulated in {:.1f} s; {} events, {:.0f} a second; {} connections, {} handshakes, {} restarts\n",
             result.simulated_seconds, result.real_seconds, result.events, result.events_per_second, result.connections,
             result.handshakes, result.restarts);
  fmt::print("{} segments, {:.1f} MB, {} sent again; at most {} connections a node\n", result.segments,
             static_cast<double>(result.bytes) / 1e6, result.losses, result.connections_peak);
  for (const auto& broken : result.broken) fmt::print("broken: {}\n", broken);
  fmt::print("trace {}\n", result.trace_hash);
}

HostResult<void> run_sim(SimOptions options) {
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
  fmt::print("seed {}\n", options.scenario.seed);
  std::fflush(stdout);
  const auto result = sim::run_sync_scenario(options.scenario);
  if (!filled) return filled;
  print_result(result);
  if (result.passed) return {};
  return failure(
      "the simulation failed", fmt::format("{} of {} nodes reached the tip", result.nodes_at_tip, result.nodes),
      fmt::format("the same options with --seed {} give the same run; --log shows every node's events", result.seed));
}

}  // namespace

void add_sim(Program& program) {
  auto* command =
      program.app.add_subcommand("sim", "Sync a whole network in the simulator; the same seed gives the same trace hash");
  const auto options = std::make_shared<SimOptions>();
  auto& scenario = options->scenario;
  command->add_option("--seed", scenario.seed, "Of everything random")->capture_default_str();
  command->add_option("--nodes", scenario.nodes, "In all")->check(CLI::Range(2, 100'000))->capture_default_str();
  command->add_option("--seeds", scenario.seeds, "Of them: they hold the chain, and DNS names them")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--restarts", scenario.restarts, "Processes killed at random times")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  command->add_option("--loss", scenario.loss, "Share of packets lost")->check(CLI::Range(0.0, 0.5))->capture_default_str();
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
  command->add_option("--blocks", options->blocks, "Length of the chain")->check(CLI::Range(1, 100'000))->capture_default_str();
  command->add_option("--block-bytes", options->block_bytes, "Size of each block")
      ->check(CLI::Range(0, 4'000'000))
      ->capture_default_str();
  command->add_option("--limit", options->limit_s, "Simulated seconds at most")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command->add_flag("--log", options->show_log, "Every node's events on standard error");
  command->callback([&program, options] { program.action = [options] { return run_sim(*options); }; });
}

}  // namespace lattice::app
