// Bitcoin behind the Chain interface: a header index in memory, bodies and headers in the store. What is checked of a header is
// in rules.hpp, of a body in check_block.hpp.
//
// The best header chain is the one with the most accumulated work; of equals the first seen. The tip is the block with the most
// work among those whose ancestors' bodies are all here, down to the start. The start (the genesis or a trusted header) is
// never asked for and counts as had; work counts from the start on, its own included, what lies below it as nothing.
// `least_work` is to be read in the same way.
//
// A chain with less than `least_work` is followed but never called the best, never stored, and its bodies are not taken:
// low_work. Where a peer gives it, its headers are not even kept in memory until they show that work (header_presync.hpp). Memory for headers that are not on the best header chain is bounded: when there are more than
// `side_headers_max` of them, all but the strongest such branch are forgotten; that branch has less work than the best chain,
// or is the one on its way to `least_work`, and each of its headers has cost the proof of work that the rules ask for.
//
// Bodies are taken in any order for headers of the best chain, and off it for heights down to `side_depth_max` below the tip.
//
// A header too far in the future is refused (bad_time) but not remembered: it may come again.
//
// With a trusted start the rules use what is known: the median time past is that of the ancestors there are; at the first
// retarget whose period began before the start only the factor of four is checked.
//
// Store: headers are written once they are on the best chain, or with their body. Column::headers: height 8 big-endian, hash 32
// -> header 80, flags 1 (bit 0: body here, bit 1: body invalid). Column::bodies: hash -> block. Column::meta: "bitcoin/chain"
// -> format 1, chain id 32, start height 8, start hash 32; "bitcoin/tip" -> hash 32, which only decides between equals. A body
// and its flag are one batch.
#pragma once

#include <memory>

#include <lattice/chains/bitcoin/rules.hpp>
#include <lattice/node/chain.hpp>

namespace lattice::bitcoin {

constexpr size_t side_headers_max = 500'000;  // about 70 MB
constexpr uint32_t side_depth_max = 288;      // two days
constexpr uint32_t height_max = 1u << 30;

// A header that is believed without its past.
struct TrustedHeader {
  uint32_t height = 0;
  BlockHash hash;  // in wire order, the reverse of how it is shown
  uint32_t bits = 0;
  std::optional<uint32_t> time;
};
struct Checkpoint {
  uint32_t height = 0;
  BlockHash hash;
};

struct ChainOptions {
  const Rules* rules = nullptr;
  std::optional<TrustedHeader> start;  // none: the genesis
  ByteArray<32> least_work{};          // big-endian
  std::vector<Checkpoint> checkpoints;
  size_t block_bytes_max = 4'000'000;
  ChainId id;                           // chain_id(rules)
  std::array<uint64_t, 2> table_key{};  // of the hash table, whose keys peers can grind: random in the real world
  size_t side_headers_max = bitcoin::side_headers_max;  // fewer in tests
};

// bad_value: a start with impossible bits or height, or no rules.
Result<std::unique_ptr<Chain>> make_chain(ChainOptions options);

}  // namespace lattice::bitcoin
