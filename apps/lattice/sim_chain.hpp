// The chain that simulated worlds sync: regtest's rules, made on the spot, the same for the same sizes.
#pragma once

#include <lattice/host/host_error.hpp>
#include <lattice/sim/plan.hpp>

namespace lattice::app {

// `blocks` above the genesis that the seeds hold, and `new_blocks` on top that are made while the world runs, and a few
// to spare. `wall_start`: unix
// seconds; no block is younger.
HostResult<sim::ChainKit> make_sim_chain(uint32_t blocks, size_t block_bytes, size_t new_blocks, int64_t wall_start);

}  // namespace lattice::app
