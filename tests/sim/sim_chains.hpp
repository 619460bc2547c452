// Chains for simulations: small ones of Bitcoin's regtest rules, and the sizes that a sanitized build can afford.
#pragma once

#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/mkchain.hpp>
#include <lattice/sim/scenario.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool slow_build = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool slow_build = true;
#else
constexpr bool slow_build = false;
#endif
#else
constexpr bool slow_build = false;
#endif

ChainFactory regtest_factory();
// Fills a store with `blocks` blocks of `block_bytes` each above the genesis.
std::function<void(Store&)> regtest_filler(uint32_t blocks, size_t block_bytes);
// What the sync scenario needs, with such a chain.
ScenarioOptions regtest_scenario(uint64_t seed, size_t nodes, uint32_t blocks, size_t block_bytes);

}  // namespace lattice::sim
