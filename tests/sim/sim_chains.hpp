// Chains for simulations: small ones of Bitcoin's regtest rules, and the sizes that a sanitized build can afford.
#pragma once

#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/mkchain.hpp>
#include <lattice/sim/plan.hpp>
#include <lattice/sim/world.hpp>

#include "../slow_build.hpp"

namespace lattice::sim {

constexpr int64_t sim_wall_start = 1'750'000'000;

ChainFactory regtest_factory();

// Fills a store with `blocks` blocks of `block_bytes` each above the genesis.
std::function<void(Store&)> regtest_filler(uint32_t blocks, size_t block_bytes);

struct KitOptions {
  uint32_t blocks = 60;  // in the seeds' stores
  size_t block_bytes = 1000;
  uint32_t future = 16, branch = 8;
  uint32_t first_seed = 7;
  bool recent = false;  // the newest block is made just before the simulation starts, instead of long ago
};
ChainKit regtest_kit(const KitOptions& options);
// The one that the mixed world uses: made once.
const ChainKit& mixed_kit();

}  // namespace lattice::sim
