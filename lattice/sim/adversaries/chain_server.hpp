// An attacker's own copy of the chain: honest answers, to lie in one place only.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include <lattice/node/memory_store.hpp>
#include <lattice/sim/plan.hpp>

namespace lattice::sim {

class ChainServer {
 public:
  explicit ChainServer(const ChainKit& kit, Now now);

  // Answers as a production node's would be.
  wire::Headers headers(const wire::GetHeaders& question, Now now);
  std::optional<SharedBytes> body(const BlockHash& block) const;
  const Tip& tip() const { return tip_; }
  ChainId chain_id() const;
  const BlockHash& genesis() const;
  // Adds a valid block on top of one that is here. False: the chain did not take it.
  bool add(const FutureBlock& block, Now now);
  // Every header that it has given so far or could give from the genesis on, at most `count`.
  std::vector<Bytes> first_headers(size_t count, Now now);

 private:
  ChainEvents apply(const ChainCommand& command, Now now);

  std::unique_ptr<Chain> chain_;
  MemoryStore store_;
  Tip tip_;
  uint64_t next_request_ = 1;
};

}  // namespace lattice::sim
