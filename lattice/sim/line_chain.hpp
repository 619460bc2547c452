// A chain for simulations of the network: it costs next to nothing, so that what is measured is how things travel. One line of
// blocks, no forks, no proof of anything; consensus messages are any bytes, each good once.
//
// header = parent 32 | digest of the body 32;  block = header | body. Hashes are mixes (lattice/sim/modelled_mix.hpp), no
// security.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include <lattice/node/chain.hpp>

namespace lattice::sim {

constexpr size_t line_header_bytes = 64;

struct LineBlock {
  BlockRef ref;
  Bytes header;
  SharedBytes block;
};
BlockRef line_genesis();
LineBlock make_line_block(const BlockRef& parent, ByteView body);

// Bodies that many nodes of one world hold are kept once.
class LineBodies {
 public:
  SharedBytes keep(const BlockHash& hash, const SharedBytes& block) { return kept_.try_emplace(hash, block).first->second; }

 private:
  std::unordered_map<BlockHash, SharedBytes> kept_;
};

struct LineChainOptions {
  size_t block_bytes_max = 4 * 1024 * 1024;
  std::shared_ptr<LineBodies> bodies = std::make_shared<LineBodies>();
  // Consensus messages to publish, each at the chain's next tick.
  std::shared_ptr<std::deque<SharedBytes>> outbox = std::make_shared<std::deque<SharedBytes>>();
  // Takes everything, keeps and passes on nothing.
  bool silent = false;
  // Once for each consensus message, when it has been judged or is published, and for each block, when it is kept.
  std::function<void(ByteView message, Instant)> on_message;
  std::function<void(const BlockHash& block, Instant)> on_block;
};

// A tip's score is its height.
std::unique_ptr<Chain> line_chain(LineChainOptions options);

}  // namespace lattice::sim
