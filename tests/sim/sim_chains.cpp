#include "sim_chains.hpp"

#include <lattice/base/assert.hpp>
#include <lattice/chains/bitcoin/primitives.hpp>

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

static bitcoin::MakeChainOptions make_options(const KitOptions& kit) {
  bitcoin::MakeChainOptions options;
  options.rules = &bitcoin::regtest();
  options.blocks = kit.blocks + kit.future;
  options.block_bytes = kit.block_bytes;
  options.seed = kit.first_seed;
  constexpr int64_t interval = 600;
  if (kit.recent) options.start_time = static_cast<uint32_t>(sim_wall_start - interval * options.blocks);
  return options;
}

static std::vector<FutureBlock> made_blocks(const bitcoin::MakeChainOptions& options) {
  std::vector<FutureBlock> out;
  const auto made = bitcoin::make_chain_blocks(options, [&](ByteView block) -> Result<void> {
    out.push_back({{bitcoin::hash_header(block), out.size()},
                   to_bytes(block.first(bitcoin::header_bytes)),
                   SharedBytes(to_bytes(block))});
    return {};
  });
  ASSERT(made.has_value());
  return out;
}

static void take(Chain& chain, Store& store, const FutureBlock& block) {
  const Now now{{}, wall_from_unix(sim_wall_start)};
  chain.apply(SubmitHeaders{{1}, {block.header}}, store, now);
  for (const auto& event : chain.apply(SubmitBlock{{2}, block.block}, store, now))
    if (const auto* verdict = std::get_if<BlockVerdict>(&event)) ASSERT(verdict->error.code == ErrorCode::none);
}

std::function<void(Store&)> regtest_filler(uint32_t blocks, size_t block_bytes) {
  return [=](Store& store) {
    const auto chain = regtest_chain();
    chain->apply(LoadChain{}, store, {{}, wall_from_unix(sim_wall_start)});
    for (const auto& block : made_blocks(make_options({.blocks = blocks, .block_bytes = block_bytes, .future = 0})))
      if (block.ref.height > 0) take(*chain, store, block);
  };
}

ChainKit regtest_kit(const KitOptions& options) {
  ChainKit kit;
  kit.chain = regtest_factory();
  kit.made_anew = [](ByteView body, ByteView of) { return bitcoin::is_mined_anew(bitcoin::regtest(), body, of); };
  auto make = make_options(options);
  const auto blocks = made_blocks(make);
  const auto store = std::make_shared<MemoryStore>();
  const auto chain = regtest_chain();
  chain->apply(LoadChain{}, *store, {{}, wall_from_unix(sim_wall_start)});
  for (const auto& block : blocks) {
    kit.valid.push_back(block.ref.hash);
    if (block.ref.height > options.blocks) kit.future.push_back(block);
    if (block.ref.height > 0 && block.ref.height <= options.blocks) take(*chain, *store, block);
  }
  kit.filled = store;
  make.blocks = options.blocks + options.branch;
  make.fork_above = options.blocks;
  for (const auto& block : made_blocks(make)) {
    if (block.ref.height <= options.blocks) continue;
    kit.branch.push_back(block);
    kit.valid.push_back(block.ref.hash);
  }
  return kit;
}

const ChainKit& mixed_kit() {
  static const ChainKit kit = regtest_kit({});
  return kit;
}

}  // namespace lattice::sim
