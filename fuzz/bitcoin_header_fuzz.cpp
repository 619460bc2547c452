// A chain driven by commands drawn from the input: headers that connect and that do not, bodies, questions, restarts. The tip
// never has more work than the best header allows, and a restart gives the same chain back.
#include <cstdlib>

#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/primitives.hpp>
#include <lattice/node/memory_store.hpp>

using namespace lattice;
using namespace lattice::bitcoin;

namespace {

// Like regtest, but with retargets every four headers, so that their code is reached.
Rules fuzz_rules() {
  Rules rules = regtest();
  rules.retargets = true;
  rules.retarget_blocks = 4;
  rules.retarget_seconds = 40;
  return rules;
}

struct World {
  explicit World(const ChainOptions& options) : chain(std::move(*make_chain(options))) { apply(LoadChain{}); }

  void apply(const ChainCommand& command) {
    for (const ChainEvent& event : chain->apply(command, store, Now{{}, wall_from_unix(1'800'000'000)})) {
      if (std::holds_alternative<ChainFailed>(event)) std::abort();
      if (const auto* changed = std::get_if<BestHeaderChanged>(&event)) best = changed->best;
      if (const auto* changed = std::get_if<TipChanged>(&event)) tip = changed->tip;
      if (const auto* verdict = std::get_if<HeadersVerdict>(&event); verdict != nullptr && verdict->accepted > 0) {
        last = verdict->last.hash;
      }
    }
  }

  MemoryStore store;
  std::unique_ptr<Chain> chain;
  Tip best, tip;
  BlockHash last;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Rules rules = fuzz_rules();
  ChainOptions options;
  options.rules = &rules;
  options.id = chain_id(rules);
  options.side_headers_max = 8;
  World world(options);
  Cursor input(ByteView(data, size));
  while (input.ok() && input.left() > 0) {
    const uint8_t kind = input.u8();
    if (kind < 160) {
      // A header on one of those known, with a nonce that fits where a few tries find one.
      Header header = rules.genesis;
      header.version = kind < 8 ? kind : 4;
      header.previous = kind % 3 == 0 ? hash_of(rules.genesis) : kind % 3 == 1 ? world.last : world.best.block.hash;
      header.time = rules.genesis.time + input.u32() % 4096;
      if (kind % 5 == 0) header.bits = input.u32();
      for (header.nonce = 0; header.nonce < 8 && !check_proof_of_work(rules, hash_of(header), header.bits);) ++header.nonce;
      world.apply(SubmitHeaders{RequestId{1}, {to_bytes(header_wire(header))}});
    } else if (kind < 200) {
      world.apply(SubmitHeaders{RequestId{1}, {to_bytes(input.take(input.u8() % 90))}});
    } else if (kind < 220) {
      world.apply(SubmitBlock{RequestId{1}, SharedBytes(to_bytes(input.take(std::min(input.left(), size_t{input.u8()}))))});
    } else if (kind < 240) {
      world.apply(FindHeaders{RequestId{1}, {world.last, world.tip.block.hash}, {}, input.u8(), size_t{input.u8()} * 80});
      world.apply(FindMissing{RequestId{1}, input.u8(), input.u8()});
    } else {
      const Tip best = world.best;
      world.apply(LoadChain{});
      if (best.score != world.best.score) std::abort();
    }
    if (world.tip.score > world.best.score) std::abort();
  }
  return 0;
}
