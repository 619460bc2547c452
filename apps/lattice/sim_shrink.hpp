// A failing scenario made smaller: the same kind of failure from fewer nodes, faults and attackers, as a file to run again.
#pragma once

#include "sim_explore.hpp"
#include "sim_scenario.hpp"

namespace lattice::app {

struct ShrinkOptions {
  std::string program;  // `lattice`: each try is a child process, so that an assertion ends only the try
  std::string file;     // where the smaller scenario is written
  double seconds = 120;
  double run_seconds_max = 600;  // of one try
  size_t runs_max = 400;
};

struct Shrunk {
  std::optional<SimScenario> scenario;  // in `file`; empty: it does not fail when it is run from a file
  size_t runs = 0;
};

HostResult<Shrunk> shrink_scenario(const SimScenario& failing, const RunFailure& failed, const ShrinkOptions& options);

}  // namespace lattice::app
