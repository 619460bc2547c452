// From what the command line or a file asks for to a run of it: a scenario by name or file, its chain, its figures as JSON.
#pragma once

#include <map>
#include <optional>
#include <tuple>

#include <lattice/host/host_error.hpp>
#include <nlohmann/json_fwd.hpp>

#include "sim_scenario.hpp"

namespace lattice::app {

// What the command line says beside the seed; what is empty is as the scenario has it.
struct SimRequest {
  std::string scenario = "mixed";  // sync, hostile, mixed, minichain, or a file
  std::optional<size_t> nodes, seeds, new_blocks, restarts, block_bytes;
  std::optional<uint32_t> blocks;
  std::optional<double> loss, recovery_s, least_s;
  std::optional<sim::Cryptography> cryptography;
  std::vector<sim::Attack> attacks;
  std::string cities;
};

constexpr std::string_view minichain_name = "minichain";
constexpr double attack_figure_most = 1000;  // machines of one attack

class SimRunner {
 public:
  // Reads the scenario's file and the cities, where there are any.
  static HostResult<SimRunner> make(SimRequest request);

  // The seed that the scenario's file names.
  std::optional<uint64_t> own_seed() const;
  // The same request and seed give the same scenario.
  HostResult<SimScenario> scenario(uint64_t seed) const;
  // Chains are made once for all runs that have the same.
  HostResult<sim::PlanResult> run(const SimScenario& scenario, LogSink* log);
  void run_at_least(double seconds) { request_.least_s = seconds; }
  // Where the delays come from: a file or "random", never empty.
  const std::string& cities() const { return cities_file_; }

 private:
  explicit SimRunner(SimRequest request) : request_(std::move(request)) {}
  HostResult<void> load_cities();
  HostResult<void> apply(SimScenario& scenario) const;

  SimRequest request_;
  std::optional<SimScenario> file_;
  std::string cities_file_;
  std::shared_ptr<const sim::CityDelays> cities_;
  std::map<std::tuple<uint32_t, size_t, size_t, int64_t>, sim::ChainKit> chains_;
};

nlohmann::ordered_json figures_of(const sim::PlanResult& result);

}  // namespace lattice::app
