// Blocks from a file into a chain and its store: parents before children, in batches of bounded memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <lattice/host/host_error.hpp>
#include <lattice/node/chain.hpp>

namespace lattice::app {

constexpr size_t import_batch_bytes = 16 * 1024 * 1024;
constexpr size_t import_batch_blocks = 1000;

class BlockImporter {
 public:
  // All must outlive the importer. Blocks whose header is `start` (the genesis or trusted header) count as had.
  BlockImporter(Chain& chain, Store& store, BlockHash start, std::function<Now()> now);

  // Reads the chain back from the store. Before anything else.
  HostResult<void> load();
  // Takes a block; checks and stores when a batch is full.
  HostResult<void> add(Bytes block);
  // Checks and stores what has been added.
  HostResult<void> flush();

  const Tip& tip() const { return tip_; }
  uint64_t blocks() const { return blocks_; }  // checked and in the store
  uint64_t bytes() const { return bytes_; }

 private:
  size_t valid_headers(Error& error);
  HostResult<void> store_block(Bytes block);
  ChainEvents apply(const ChainCommand& command);
  RequestId next_request() { return {++requests_}; }

  Chain& chain_;
  Store& store_;
  BlockHash start_;
  std::function<Now()> now_;
  Tip tip_;
  std::vector<Bytes> batch_;
  size_t batch_bytes_ = 0;
  uint64_t requests_ = 0, blocks_ = 0, bytes_ = 0;
  bool failed_ = false;
  Error failure_;
};

}  // namespace lattice::app
