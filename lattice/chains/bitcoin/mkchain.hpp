// Chains made to measure, that a real node on regtest accepts: the same options give the same bytes, another seed another
// chain.
//
// Each block has a coinbase that pays the subsidy to a P2WSH output anyone can spend (its script is OP_TRUE), commits to the
// witnesses, and is padded with random bytes in an OP_RETURN output up to the size asked for. From height 101 on,
// `transactions` more follow: the first spends the coinbase of 100 blocks before, each other one the output of the one before
// it. Before that height no coinbase is mature, and blocks hold their coinbase alone.
#pragma once

#include <functional>

#include <lattice/chains/bitcoin/rules.hpp>

namespace lattice::bitcoin {

constexpr uint32_t coinbase_maturity = 100;
constexpr size_t made_transactions_max = 10'000;

struct MakeChainOptions {
  const Rules* rules = nullptr;  // regtest, or like it: proof of work is ground one nonce after the other
  uint32_t blocks = 0;           // above the genesis, which comes first and is not counted
  size_t block_bytes = 0;        // at least as large as block and transactions need; a few sizes cannot be met to the byte
  size_t transactions = 0;       // beside the coinbase
  uint64_t seed = 0;
  std::optional<uint32_t> start_time;  // of block 1; the default follows the genesis
  std::optional<uint32_t> fork_above;  // blocks above this height are another branch's: as if the seed were the next one
};

// Gives each block to `write`, genesis first. bad_value: rules whose proof of work is out of reach. block_too_large: a block
// would weigh more than the rules allow.
Result<void> make_chain_blocks(const MakeChainOptions& options, const std::function<Result<void>(ByteView block)>& write);
// The same in blk format, for a file: magic, length, block.
Result<void> make_chain_file(const MakeChainOptions& options, ByteArray<4> magic,
                             const std::function<Result<void>(ByteView bytes)>& write);

// Another valid block with the same body: what differs is what a miner chooses, version, time or nonce, and the proof of work
// holds. The rule of time is not looked at.
bool is_mined_anew(const Rules& rules, ByteView block, ByteView of);

}  // namespace lattice::bitcoin
