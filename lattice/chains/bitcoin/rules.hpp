// What Bitcoin's headers must obey, and the parameters in which its networks differ.
#pragma once

#include <lattice/base/time.hpp>
#include <lattice/chains/bitcoin/primitives.hpp>
#include <lattice/chains/bitcoin/u256.hpp>

namespace lattice::bitcoin {

constexpr size_t median_time_blocks = 11;
constexpr uint32_t future_seconds_max = 2 * 60 * 60;

// Consensus parameters. A network that is like one of ours differs in these fields only.
struct Rules {
  std::string_view name;
  Header genesis;
  uint32_t pow_limit_bits = 0;
  bool retargets = true;  // false: every header has its parent's bits (regtest)
  uint32_t retarget_blocks = 2016;
  uint32_t retarget_seconds = 14 * 24 * 60 * 60;
  uint32_t halving_blocks = 210'000;
  // Heights from which a rule holds; as buried in Bitcoin Core (BIP90).
  uint32_t bip34_height = 0;   // height in the coinbase, version >= 2
  uint32_t bip65_height = 0;   // version >= 4
  uint32_t bip66_height = 0;   // version >= 3
  uint32_t segwit_height = 0;  // BIP141
};
const Rules& mainnet();
const Rules& regtest();
// "mainnet", "regtest"; null where there is none of that name.
const Rules* find_rules(std::string_view name);

// BLAKE2s-256("lattice chain id" || genesis header hash || every consensus parameter, little-endian || extra). Two nodes that
// would disagree about a chain do not share an id. Where a node starts (a trusted header) and what it demands (checkpoints,
// least work) is its own affair and not part of it.
ChainId chain_id(const Rules& rules, ByteView extra = {});

// Compact form of a target. Refused (bad_difficulty): negative, above 2^256, or zero.
Result<U256> target_from_bits(uint32_t bits);
uint32_t bits_from_target(const U256& target);
// Expected hashes behind a header of these bits: 2^256 / (target + 1). Zero where the bits are none.
U256 work_of(uint32_t bits);
// bad_difficulty: bits above the network's limit or none at all. bad_proof_of_work: the hash is above the target.
Result<void> check_proof_of_work(const Rules& rules, const BlockHash& hash, uint32_t bits);

// Bits after a full period whose first header has `first_time` and whose last has `last_time` and `last_bits`. As in the
// original program the period is one block short: 2015 intervals count as 2016.
uint32_t retargeted_bits(const Rules& rules, uint32_t last_bits, uint32_t first_time, uint32_t last_time);
// Whether `bits` can follow `last_bits` at a retarget at all: no more than a factor of four. For a start whose period's first
// header is not known.
bool retarget_possible(const Rules& rules, uint32_t last_bits, uint32_t bits);
// Least version of a header at `height` (BIP34, BIP66, BIP65).
int32_t version_min(const Rules& rules, uint32_t height);
uint64_t subsidy(const Rules& rules, uint32_t height);  // in satoshi

}  // namespace lattice::bitcoin
