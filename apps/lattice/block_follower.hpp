// A file of blocks (as mkchain writes it and import reads it) that another program appends to, read as it grows: the door for a
// miner. Read from its beginning, so that what was appended while the node was down is taken too; blocks already had cost a
// hash.
//
// A record is taken when all of it is there: who appends need not write it in one piece. A file that is not there yet is waited
// for; one that shrank is begun anew. What stands where a record must begin and is none ends the following: nobody can say
// where the next one would begin.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <lattice/base/log.hpp>
#include <lattice/host/host_error.hpp>
#include <lattice/node/chain.hpp>

#include "chain_spec.hpp"

namespace lattice::app {

class BlockFollower {
 public:
  // Takes a block, or says that it cannot now: it is offered again at the next poll.
  using Take = std::function<bool(const Bytes& header, const SharedBytes& block)>;

  BlockFollower(std::string file, const ChainSpec& spec, size_t block_bytes_max, LogSink& log);
  ~BlockFollower();
  BlockFollower(const BlockFollower&) = delete;
  BlockFollower& operator=(const BlockFollower&) = delete;

  // Offers what has been appended, up to `poll_bytes_max`. Does not wait.
  void poll(const Take& take);
  bool stopped() const { return stopped_; }
  uint64_t taken() const { return taken_; }

  static constexpr size_t poll_bytes_max = 8 << 20;

 private:
  bool open();
  bool read(uint64_t at, ByteSpan out);
  // The size of the block whose record begins at at_; zero: not all there yet, or stopped.
  size_t next_size(uint64_t file_size);
  void stop(std::string why);

  const std::string file_;
  const std::array<ByteArray<4>, 2> magics_;
  const BlockHash start_;  // of the genesis or the trusted header: had already
  const size_t block_bytes_max_;
  LogSink& log_;
  int fd_ = -1;
  uint64_t at_ = 0, taken_ = 0;
  std::optional<SharedBytes> waiting_;  // read, and not yet taken
  bool stopped_ = false;
};

}  // namespace lattice::app
