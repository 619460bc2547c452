#include "sim_chains.hpp"

#include <lattice/base/assert.hpp>

namespace lattice::sim {

static std::unique_ptr<Chain> regtest_chain() {
  bitcoin::ChainOptions options;
  options.rules = &bitcoin::regtest();
  options.id = bitcoin::chain_id(bitcoin::regtest());
  auto chain = bitcoin::make_chain(std::move(options));
  ASSERT(chain.has_value());
  return std::move(*chain);
}

ChainFactory regtest_factory() { return regtest_chain; }

std::function<void(Store&)> regtest_filler(uint32_t blocks, size_t block_bytes) {
  return [=](Store& store) {
    const auto chain = regtest_chain();
    const Now now{{}, wall_from_unix(1'750'000'000)};
    chain->apply(LoadChain{}, store, now);
    bitcoin::MakeChainOptions options;
    options.rules = &bitcoin::regtest();
    options.blocks = blocks;
    options.block_bytes = block_bytes;
    options.seed = 7;
    bool genesis = true;
    const auto made = bitcoin::make_chain_blocks(options, [&](ByteView block) -> Result<void> {
      if (std::exchange(genesis, false)) return {};
      chain->apply(SubmitHeaders{{1}, {to_bytes(block.first(80))}}, store, now);
      for (const auto& event : chain->apply(SubmitBlock{{2}, SharedBytes(to_bytes(block))}, store, now))
        if (const auto* verdict = std::get_if<BlockVerdict>(&event); verdict && verdict->error.code != ErrorCode::none)
          return std::unexpected(verdict->error);
      return {};
    });
    ASSERT(made.has_value());
  };
}

ScenarioOptions regtest_scenario(uint64_t seed, size_t nodes, uint32_t blocks, size_t block_bytes) {
  ScenarioOptions options;
  options.seed = seed;
  options.nodes = nodes;
  options.chain = regtest_factory();
  options.fill = regtest_filler(blocks, block_bytes);
  options.limit = std::chrono::minutes{30};
  return options;
}

}  // namespace lattice::sim
