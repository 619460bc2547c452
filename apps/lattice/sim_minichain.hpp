// The scenario `minichain` of `lattice sim`: four validators and observers, all fresh, make blocks until everyone has `height`.
#pragma once

#include <lattice/sim/scenario.hpp>

namespace lattice::app {

// Of the options: seed, nodes (at least five), restarts, loss, limit, bytes_per_second, cities, wall_start, log. Two final
// blocks of one height break it.
sim::ScenarioResult run_minichain_scenario(const sim::ScenarioOptions& options, uint64_t height);

}  // namespace lattice::app
