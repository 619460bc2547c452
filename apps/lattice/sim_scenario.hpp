// Scenario files: a whole simulated run as TOML, from what a person writes and from what shrinking leaves. examples/scenarios/.
//
//   name = "lossy"                  # a word for reports
//   seed = 7                        # without it: --seed, or drawn
//   nodes = 12                      # honest ones, of which
//   seeds = 2                       # ... hold the chain at the start, and stand in DNS
//   outbound_target, connections_max, cryptography = "modelled" | "real", bytes_per_second, new_blocks, wall_start (unix)
//   faults_end, recovery, least     # seconds: no fault lasts longer; everybody at the tip after so many more; runs at least so long
//   arrive, unreachable, bootstrap, hostile_in_dns    # as in sim::Plan
//   cities = "FILE" | "random"      # delays; without it: LATTICE_DATA's cities where that is set
//   [chain]       blocks, block_bytes
//   [weather]     loss, reorder, duplicate, corrupt, undetected (shares), jitter, extra (seconds)
//   [[fault]]     kind, at, lasts (seconds), nodes = [0, 3], amount, weather = { loss = 0.2 }
//   [[attack]]    kind, machines, addresses, connections, bytes_per_second, from, until (seconds)
//
// Times are seconds since the start, with or without a fraction. An unknown key, a wrong type and a value out of its range are
// errors with their place. Kinds: lattice/sim/plan.hpp.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <lattice/sim/plan.hpp>

#include "toml_error.hpp"

namespace lattice::app {

struct SimScenario {
  sim::Plan plan;           // `cities` and `log` of it are not in the file
  bool seed_given = false;  // the file says which
  uint32_t blocks = 300;    // of the chain that the seeds hold
  size_t block_bytes = 2000;
  std::string cities;  // a file, "random", or empty: LATTICE_DATA decides
};

constexpr size_t scenario_bytes_max = 4 * 1024 * 1024;
constexpr size_t scenario_nodes_max = 60'000;
constexpr size_t scenario_seeds_max = 64;
constexpr size_t scenario_blocks_max = 100'000;
constexpr size_t scenario_block_bytes_max = 4'000'000;
constexpr size_t scenario_new_blocks_max = 10'000;
constexpr size_t scenario_faults_max = 20'000;
constexpr size_t scenario_attacks_max = 1'000;
constexpr size_t hostile_in_dns_max = 1'000'000;  // as good as all
constexpr double scenario_seconds_max = 1e6;      // of any time in it: 11 days
constexpr uint64_t scenario_rate_max = 100'000'000'000;

// `file` is only for messages.
std::expected<SimScenario, TomlError> parse_sim_scenario(std::string_view toml, std::string_view file);
std::expected<SimScenario, TomlError> load_sim_scenario(const std::string& file);
// As TOML that parse_sim_scenario reads back to the same scenario, the seed included.
std::string sim_scenario_text(const SimScenario& scenario);

std::string_view cryptography_name(sim::Cryptography cryptography);
std::optional<sim::FaultKind> parse_fault(std::string_view name);
std::optional<sim::AttackKind> parse_attack(std::string_view name);
std::string attack_names();  // "garbage, silent, ..."

}  // namespace lattice::app
