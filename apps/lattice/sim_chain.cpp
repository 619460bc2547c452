#include "sim_chain.hpp"

#include <algorithm>

#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/mkchain.hpp>

#include "block_import.hpp"
#include "presets.hpp"
#include "program.hpp"
#include "spec_chain.hpp"

namespace lattice::app {

constexpr size_t spare_blocks = 4;      // beyond those asked for: they decide between branches of one length
constexpr uint64_t sim_chain_seed = 1;  // not the run's: many seeds share one chain

static sim::FutureBlock future_block(ByteView block, uint64_t height) {
  return {{bitcoin::hash_header(block), height}, to_bytes(block.first(bitcoin::header_bytes)), SharedBytes(to_bytes(block))};
}

// The same body under a later time: another valid block of the same height.
static sim::FutureBlock rival_of(const bitcoin::Rules& rules, const sim::FutureBlock& one, uint32_t later) {
  Bytes bytes = to_bytes(one.block.view());
  auto header = *bitcoin::parse_header(ByteView(bytes).first(bitcoin::header_bytes));
  header.time += later;
  while (!bitcoin::check_proof_of_work(rules, bitcoin::hash_of(header), header.bits)) ++header.nonce;
  std::ranges::copy(bitcoin::header_wire(header), bytes.begin());
  return future_block(bytes, one.ref.height);
}

// What others than the makers of `future` may bring: a branch shorter by a block from the same
// parent on, and single blocks beside it.
static Result<void> add_rivals(bitcoin::MakeChainOptions make, uint32_t blocks, sim::ChainKit& kit) {
  make.fork_above = blocks;
  make.blocks -= 1;
  uint64_t height = 0;
  auto made = bitcoin::make_chain_blocks(make, [&](ByteView block) -> Result<void> {
    if (height++ > blocks) kit.branch.push_back(future_block(block, height - 1));
    return {};
  });
  for (const uint32_t later : {1, 2}) kit.rivals.push_back(rival_of(*make.rules, kit.future.front(), later));
  for (const auto* list : {&kit.branch, &kit.rivals})
    for (const auto& block : *list) kit.valid.push_back(block.ref.hash);
  return made;
}

HostResult<sim::ChainKit> make_sim_chain(uint32_t blocks, size_t block_bytes, size_t new_blocks, int64_t wall_start) {
  sim::ChainKit kit;
  const auto& preset = *find_preset("bitcoin-regtest");
  const auto rules = std::make_shared<const bitcoin::Rules>(chain_rules(preset));
  kit.chain = [rules, &preset]() -> std::unique_ptr<Chain> {
    bitcoin::ChainOptions options;
    options.rules = rules.get();
    options.id = spec_chain_id(preset);
    auto made = bitcoin::make_chain(std::move(options));
    return made ? std::move(*made) : nullptr;
  };
  kit.made_anew = [rules](ByteView body, ByteView of) { return bitcoin::is_mined_anew(*rules, body, of); };
  const auto store = std::make_shared<MemoryStore>();
  const auto chain = kit.chain();
  const Now now{Instant{}, wall_from_unix(wall_start)};
  BlockImporter importer(*chain, *store, bitcoin::hash_of(rules->genesis), [now] { return now; });
  if (auto loaded = importer.load(); !loaded) return std::unexpected(loaded.error());

  bitcoin::MakeChainOptions make;
  make.rules = rules.get();
  make.blocks = blocks + static_cast<uint32_t>(new_blocks + spare_blocks);
  make.block_bytes = block_bytes;
  make.transactions = 1;
  make.seed = sim_chain_seed;
  HostResult<void> added;
  const auto made = bitcoin::make_chain_blocks(make, [&](ByteView block) -> Result<void> {
    const uint64_t height = kit.valid.size();
    kit.valid.push_back(bitcoin::hash_header(block));
    if (height > blocks) {
      kit.future.push_back(future_block(block, height));
      return {};
    }
    added = importer.add(to_bytes(block));
    if (!added) return fail(ErrorCode::store_failed, "import");
    return {};
  });
  if (added && made) added = importer.flush();
  if (!added) return std::unexpected(added.error());
  if (!made || !add_rivals(make, blocks, kit))
    return failure("the simulation's chain was not made",
                   made ? "its second branch" : std::string(error_text(made.error().code)), "ask for smaller blocks");
  kit.filled = store;
  return kit;
}

}  // namespace lattice::app
