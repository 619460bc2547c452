// The scenario `minichain` of `lattice sim`: four validators and observers, all fresh, make blocks until everyone has `height`.
#pragma once

#include <lattice/sim/plan.hpp>

namespace lattice::app {

// Of the plan: seed, nodes (at least five), cryptography, weather, bytes_per_second, cities, recovery (the limit), wall_start, log.
// `restarts`: processes killed at random times. Two final blocks of one height break it.
sim::PlanResult run_minichain(const sim::Plan& plan, uint64_t height, size_t restarts);

}  // namespace lattice::app
