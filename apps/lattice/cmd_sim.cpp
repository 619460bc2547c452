// lattice sim: a whole network in one process, with virtual time; the same Node as on sockets. Same seed, same trace hash. Without a
// seed it looks for one that fails.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files.hpp"
#include "log.hpp"
#include "program.hpp"
#include "sim_campaign.hpp"
#include "sim_explore.hpp"
#include "sim_plot.hpp"
#include "sim_run.hpp"
#include "sim_shrink.hpp"

namespace lattice::app {

namespace {

struct SimOptions {
  SimRequest request;
  CampaignRequest campaign;
  std::optional<uint64_t> seed;
  std::optional<double> minutes;
  std::optional<uint64_t> first, count;  // --explore
  size_t jobs = 1;
  bool keep_going = false, show_log = false, arrivals = false, worker = false;
  double patience_s = 600, shrink_s = 120;
  std::string shrink_to, plot, program;
  std::vector<std::string> plot_with;
  std::vector<std::string> kept;  // of the command line: what repeats a run, without the seed
};

std::string in_shell(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./=:,").contains(c);
  });
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string repeat_command(const SimOptions& options, const SimRunner& runner, uint64_t seed) {
  std::string out = "lattice sim";
  for (const auto& word : options.kept) out += " " + in_shell(word);
  // What LATTICE_DATA decided here, it may decide otherwise elsewhere.
  if (options.request.cities.empty() && runner.cities() != "random") out += " --cities " + in_shell(runner.cities());
  if (options.request.least_s) out += fmt::format(" --minutes {}", *options.minutes);
  return out + fmt::format(" --seed {}", seed);
}

std::vector<std::string> worker_command(const SimOptions& options) {
  std::vector<std::string> out{options.program, "sim", "--worker"};
  out.insert(out.end(), options.kept.begin(), options.kept.end());
  return out;
}

// Seeds from standard input, a line each; figures on standard output, a line each.
HostResult<void> run_worker(SimRunner& runner) {
  for (std::string line; std::getline(std::cin, line);) {
    uint64_t seed = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seed);
    if (error != std::errc{} || end != line.data() + line.size())
      return failure("the worker stopped", "a line was no seed", "--worker is for lattice sim itself");
    const auto scenario = runner.scenario(seed);
    if (!scenario) return std::unexpected(scenario.error());
    const auto result = runner.run(*scenario, nullptr);
    if (!result) return std::unexpected(result.error());
    fmt::print("{}\n", figures_of(*result).dump());
    std::fflush(stdout);
  }
  return {};
}

HostResult<void> draw(const SimOptions& options, const SimScenario& scenario, const sim::PlanResult& result) {
  sim::Plot plot;
  plot.title = "Propagation of new blocks";
  plot.note = fmt::format("{}, seed {}: {} nodes, {} blocks of {} bytes, trace {}", scenario.plan.name, result.seed,
                          result.nodes, result.arrivals.size(), scenario.block_bytes, result.trace_hash.substr(0, 16));
  plot.curves.push_back(sim::pooled_curve("simulated", result.arrivals, result.nodes));
  for (const auto& other : options.plot_with) {
    auto curve = read_curve(other);
    if (!curve) return std::unexpected(curve.error());
    plot.curves.push_back(std::move(*curve));
  }
  return write_file_atomically(options.plot, sim::propagation_svg(plot));
}

// Makes the failing scenario smaller, where that is wanted and possible; says on standard error what to do with it. The file's name,
// or nothing.
HostResult<std::optional<std::string>> shrink_failure(const SimOptions& options, const SimRunner& runner,
                                                      const RunFailure& failed) {
  if (options.shrink_s <= 0 || options.request.scenario == minichain_name) return std::nullopt;
  auto scenario = runner.scenario(failed.seed);
  if (!scenario) return std::unexpected(scenario.error());
  fmt::print(stderr, "lattice: looking for a smaller run that fails, for up to {:.0f} s\n", options.shrink_s);
  ShrinkOptions shrink;
  shrink.program = options.program;
  shrink.seconds = options.shrink_s;
  shrink.run_seconds_max = options.patience_s;
  shrink.file = options.shrink_to;
  if (shrink.file.empty()) {
    const auto name = fmt::format("lattice-sim-{}-{}.toml", scenario->plan.name, failed.seed);
    std::error_code no_folder;  // then it goes where we are
    shrink.file = (std::filesystem::temp_directory_path(no_folder) / name).string();
  }
  auto smaller = shrink_scenario(*scenario, failed, shrink);
  if (!smaller) return std::unexpected(smaller.error());
  if (!smaller->scenario) {
    fmt::print(stderr, "lattice: it did not fail again in {} runs; not made smaller\n", smaller->runs);
    return std::nullopt;
  }
  const auto& plan = smaller->scenario->plan;
  fmt::print(stderr, "lattice: {} nodes, {} faults, {} attacks still fail ({} runs tried): lattice sim --scenario {}\n",
             plan.nodes, plan.faults.size(), plan.attacks.size(), smaller->runs, in_shell(shrink.file));
  return shrink.file;
}

std::unexpected<HostError> run_failed(const RunFailure& failed, const std::string& command) {
  std::string why;
  for (const auto& line : failed.what) why += (why.empty() ? "" : "\n  ") + line;
  return failure(fmt::format("the simulation failed ({}), seed {}", failure_kind_name(failed.kind), failed.seed), why,
                 fmt::format("the same run again: {} (and --log for every node's events)", command));
}

HostResult<void> run_one(const SimOptions& options, SimRunner& runner) {
  const uint64_t seed = options.seed ? *options.seed : runner.own_seed().value_or(std::random_device{}());
  fmt::print("seed {}\n", seed);
  std::fflush(stdout);
  const auto scenario = runner.scenario(seed);
  if (!scenario) return std::unexpected(scenario.error());
  if (!options.plot.empty() && scenario->plan.new_blocks == 0)
    return failure("there is nothing to plot", "the scenario makes no new blocks", "add --new-blocks 8");
  SpdLogSink log(LogLevel::trace, LogFormat::text);
  const auto result = runner.run(*scenario, options.show_log ? &log : nullptr);
  if (!result) return std::unexpected(result.error());
  auto figures = figures_of(*result);
  if (options.arrivals) figures["arrivals"] = result->arrivals;
  fmt::print("{}\n", figures.dump(2));
  std::fflush(stdout);
  if (!options.plot.empty())
    if (auto drawn = draw(options, *scenario, *result); !drawn) return drawn;
  const auto failed = judge_figures(figures.dump(), seed);
  if (!failed) return {};
  if (auto smaller = shrink_failure(options, runner, *failed); !smaller) return std::unexpected(smaller.error());
  return run_failed(*failed, repeat_command(options, runner, seed));
}

void say_progress(const std::string& name, const ExploreResult& result) {
  fmt::print(stderr, "lattice: {}: {} seeds in {:.0f} s, {} failed; {:.0f} simulated seconds, {:.0f} times real time\n", name,
             result.runs, result.seconds, result.failures.size(), result.simulated_seconds,
             result.simulated_seconds / std::max(result.seconds, 1e-9));
}

nlohmann::ordered_json summary_of(const ExploreResult& result, const ExploreOptions& asked, const std::string& name) {
  const auto a_second = [&](uint64_t count) {
    return static_cast<uint64_t>(static_cast<double>(count) / std::max(result.seconds, 1e-9));
  };
  nlohmann::ordered_json out;
  out["scenario"] = name;
  out["first_seed"] = asked.first;
  out["runs"] = result.runs;
  out["failed"] = result.failures.size();
  out["real_seconds"] = result.seconds;
  out["simulated_seconds"] = result.simulated_seconds;
  out["events"] = result.events;
  out["events_per_second"] = a_second(result.events);
  out["messages"] = result.messages;
  out["messages_per_second"] = a_second(result.messages);
  out["bytes"] = result.bytes;
  out["restarts"] = result.restarts;
  out["recovery_seconds_worst"] = result.recovery_worst;
  out["recovery_seconds_worst_seed"] = result.recovery_worst_seed;
  out["trace_hash"] = result.trace_hash;
  out["failures"] = nlohmann::ordered_json::array();
  return out;
}

HostResult<void> run_explore(const SimOptions& options, const SimRunner& runner) {
  ExploreOptions explored;
  explored.worker = worker_command(options);
  explored.first = options.first.value_or(std::random_device{}());
  explored.count = options.count;
  explored.seconds = options.minutes.value_or(1) * 60;
  explored.jobs = options.jobs;
  explored.run_seconds_max = options.patience_s;
  explored.keep_going = options.keep_going;
  fmt::print("seed {}\n", explored.first);
  std::fflush(stdout);
  const auto sample = runner.scenario(explored.first);
  if (!sample) return std::unexpected(sample.error());
  const auto& name = sample->plan.name;
  const auto result = explore(explored, [&](const ExploreResult& now) { say_progress(name, now); });
  if (!result) return std::unexpected(result.error());
  say_progress(name, *result);
  auto summary = summary_of(*result, explored, name);
  for (const auto& failed : result->failures) {
    const auto command = repeat_command(options, runner, failed.seed);
    fmt::print(stderr, "lattice: seed {} {}: {}\n  {}\n", failed.seed, failure_kind_name(failed.kind),
               failed.kind == FailureKind::crashed ? failed.what.back() : failed.what.front(), command);
    summary["failures"].push_back(
        {{"seed", failed.seed}, {"kind", failure_kind_name(failed.kind)}, {"what", failed.what}, {"command", command}});
  }
  HostResult<std::optional<std::string>> smaller = std::nullopt;
  if (!result->failures.empty()) smaller = shrink_failure(options, runner, result->failures.front());
  if (smaller && *smaller) summary["failures"].front()["smaller"] = **smaller;
  fmt::print("{}\n", summary.dump(2));
  if (!smaller) return std::unexpected(smaller.error());
  if (result->failures.empty()) return {};
  const auto& first = result->failures.front();
  return run_failed(first, repeat_command(options, runner, first.seed));
}

HostResult<void> run_sim(SimOptions options) {
  if (!options.campaign.name.empty()) return run_campaign(options.campaign, options.seed.value_or(1));
  std::error_code error;
  if (options.program.empty()) options.program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  auto runner = SimRunner::make(options.request);
  if (!runner) return std::unexpected(runner.error());
  if (options.worker) return run_worker(*runner);
  const bool one = options.seed || runner->own_seed() || !options.plot.empty() || options.show_log || options.arrivals;
  if (options.count || !one) return run_explore(options, *runner);
  if (options.minutes) {
    options.request.least_s = *options.minutes * 60;
    runner->run_at_least(*options.request.least_s);
  }
  return run_one(options, *runner);
}

// "N" or "A..B", both included.
std::string read_seeds(const std::string& text, SimOptions& options) {
  const auto number = [](std::string_view word, uint64_t& to) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), to);
    return !word.empty() && error == std::errc{} && end == word.data() + word.size() && static_cast<double>(to) <= seed_max;
  };
  uint64_t first = 0, last = 0;
  const auto dots = text.find("..");
  if (dots == std::string::npos) {
    if (!number(text, last) || last == 0) return text + " is neither a number of seeds nor A..B";
    options.count = last;
    return {};
  }
  if (!number(std::string_view(text).substr(0, dots), first) || !number(std::string_view(text).substr(dots + 2), last) ||
      last < first)
    return text + " is no range of seeds: A..B, the first and the last";
  options.first = first;
  options.count = last - first + 1;
  return {};
}

// "KIND" or "KIND=MACHINES".
std::string read_attack(const std::string& text, sim::Attack& attack) {
  const auto sign = text.find('=');
  const auto kind = parse_attack(text.substr(0, sign));
  if (!kind) return text.substr(0, sign) + " is no attack; there are: " + attack_names();
  attack.kind = *kind;
  if (sign == std::string::npos) return {};
  const auto count = text.substr(sign + 1);
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), attack.machines);
  const bool good =
      error == std::errc{} && end == count.data() + count.size() && attack.machines >= 1 && attack.machines <= 1000;
  return good ? std::string() : text + ": from 1 to 1000 machines";
}

// Everything that makes the run what it is. What only says how to show it is left out.
std::vector<std::string> kept_words(const CLI::App& command) {
  constexpr std::string_view shown[] = {"--seed",   "--explore",   "--jobs",    "--keep-going", "--patience",
                                        "--shrink", "--shrink-to", "--plot",    "--plot-with",  "--arrivals",
                                        "--log",    "--worker",    "--program", "--minutes",    "--help"};
  std::vector<std::string> out;
  for (const auto* option : command.get_options()) {
    const auto name = "--" + option->get_lnames().front();  // get_name() hides what --help hides
    if (option->count() == 0 || std::ranges::find(shown, name) != std::end(shown)) continue;
    if (option->get_items_expected() == 0)
      out.push_back(name);
    else
      for (const auto& value : option->results()) out.insert(out.end(), {name, value});
  }
  return out;
}

void add_size_options(CLI::App& command, SimRequest& request) {
  command.add_option("--nodes", request.nodes, "Honest ones, in all")->check(CLI::Range(2, 60'000));
  command.add_option("--seeds", request.seeds, "Of them: they hold the chain at the start, and DNS names them")
      ->check(CLI::Range(1, 64));
  command.add_option("--blocks", request.blocks, "Length of the chain; minichain: the height to reach")
      ->check(CLI::Range(1, 100'000));
  command.add_option("--block-bytes", request.block_bytes, "Size of each block")->check(CLI::Range(0, 4'000'000));
  command.add_option("--new-blocks", request.new_blocks, "Made by nodes while the network runs")->check(CLI::Range(0, 10'000));
  command.add_option("--restarts", request.restarts, "Nodes that are killed or lose their power at random times")
      ->check(CLI::Range(0, 10'000));
  command.add_option("--loss", request.loss, "Share of packets lost")->check(number_in(0, 0.5));
  command
      .add_option_function<std::vector<std::string>>(
          "--attack",
          [&request](const std::vector<std::string>& words) {
            for (const auto& word : words)
              if (const auto wrong = read_attack(word, request.attacks.emplace_back()); !wrong.empty())
                throw CLI::ValidationError("--attack", wrong);
          },
          "KIND or KIND=MACHINES, beside those of the scenario (repeatable): " + attack_names())
      ->expected(1)
      ->take_all();
  command
      .add_option("--recovery", request.recovery_s, "Simulated seconds after the last fault, until everyone must be at the tip")
      ->check(number_in(0.001, scenario_seconds_max));
  command.add_option("--cities", request.cities,
                     "Delays: a file with a square of round-trip times in microseconds, or \"random\"; without it the one in "
                     "LATTICE_DATA, else random");
  auto* kind = command
                   .add_option_function<std::string>(
                       "--cryptography",
                       [&request](const std::string& name) {
                         request.cryptography = name == "real" ? sim::Cryptography::real : sim::Cryptography::modelled;
                       },
                       "real, or modelled: the same sizes and failures without the work")
                   ->check(CLI::IsMember({"real", "modelled"}));
  command
      .add_flag_callback(
          "--real-crypto", [&request] { request.cryptography = sim::Cryptography::real; }, "The same as real")
      ->excludes(kind);
}

void add_explore_options(CLI::App& command, SimOptions& options, const CLI::Option* seed) {
  command
      .add_option_function<std::string>(
          "--explore",
          [&options](const std::string& text) {
            if (const auto wrong = read_seeds(text, options); !wrong.empty()) throw CLI::ValidationError("--explore", wrong);
          },
          "Look for a seed that fails: N seeds from a random one on, or A..B")
      ->excludes(const_cast<CLI::Option*>(seed));
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  command.add_option("--jobs", options.jobs, "Exploring: worlds at a time, each in a process of its own")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command.add_flag("--keep-going", options.keep_going, "Exploring: do not stop at the first failure");
  command.add_option("--patience", options.patience_s, "Exploring: real seconds that one run may take")
      ->check(number_in(1, 1e6))
      ->capture_default_str();
  command.add_option("--shrink", options.shrink_s, "Real seconds to make a failing run smaller in; 0: not at all")
      ->check(number_in(0, 1e6))
      ->capture_default_str();
  command.add_option("--shrink-to", options.shrink_to, "The file for it (in the folder for temporary files)");
}

void add_picture_options(CLI::App& command, SimOptions& options) {
  auto* plot = command.add_option("--plot", options.plot, "How new blocks spread, as an SVG picture in this file");
  command.add_option("--plot-with", options.plot_with, "FILE:NAME, another curve: a JSON list of seconds (repeatable)")
      ->expected(1)
      ->take_all()
      ->needs(plot);
  command.add_flag("--arrivals", options.arrivals, "Among the figures: each new block's seconds to each node");
  command.add_flag("--log", options.show_log, "Every node's events on standard error");
  command.add_flag("--worker", options.worker, "Take seeds from standard input")->group("");
  command.add_option("--program", options.program, "Runs the worlds when exploring")->group("");
}

}  // namespace

void add_sim(Program& program) {
  auto* command = program.app.add_subcommand(
      "sim",
      "A whole network in the simulator: the same seed gives the same trace hash; without a seed it looks for one that fails");
  const auto options = std::make_shared<SimOptions>();
  command
      ->add_option("--scenario", options->request.scenario,
                   "mixed: everything at once, drawn from the seed. sync: fresh nodes reach the seeds' tip. hostile: the same "
                   "beside hostile hosts. minichain: four validators make blocks. Or a TOML file (examples/scenarios)")
      ->capture_default_str();
  const auto* seed =
      command->add_option("--seed", options->seed, "Of everything random; one run")->check(number_in(0, seed_max));
  command
      ->add_option("--minutes", options->minutes,
                   "Without a seed: how long to explore (1). With one: simulated minutes that the run lasts at least")
      ->check(number_in(0.001, 1e4));
  auto* campaign =
      command->add_option("--campaign", options->campaign.name,
                          "No network: starts of one node whose address book an attacker filled. " + campaign_names());
  command->add_option("--row", options->campaign.scene, "Of that campaign, by its name there; without it all")->needs(campaign);
  command->add_option("--fills", options->campaign.fills, "Lives of that node")->needs(campaign)->check(CLI::Range(1, 10'000));
  command->add_option("--starts", options->campaign.starts, "Of each life")->needs(campaign)->check(CLI::Range(1, 10'000'000));
  add_size_options(*command, options->request);
  add_explore_options(*command, *options, seed);
  add_picture_options(*command, *options);
  command->callback([&program, options, command] {
    options->kept = kept_words(*command);
    program.action = [options] { return run_sim(*options); };
  });
}

}  // namespace lattice::app
