// What is checked of a block's body, and what is not.
//
// Checked: it parses to its last byte; the header's Merkle root is the transactions'; no transaction stands twice; the first is
// a coinbase and no other is; coinbase script of 2 to 100 bytes, with the height where BIP34 holds; inputs and outputs are not
// empty; output values and their sums are money; the witness commitment (BIP141); base size and weight.
//
// Not checked: scripts and signatures, whether inputs exist, are unspent and mature, amounts against inputs, fees and subsidy,
// signature operations, lock times (BIP68, BIP113), an input spent twice in one transaction. A node that relies on this alone
// follows the chain with the most work, whatever it pays.
#pragma once

#include <lattice/chains/bitcoin/rules.hpp>

namespace lattice::bitcoin {

constexpr size_t block_weight_max = 4'000'000;
constexpr uint64_t money_max = 21'000'000ull * 100'000'000;

struct BlockFault {
  Error error;
  // True: no block with this header can be valid. False: these bytes are wrong, but others may carry the same header (Merkle
  // root not met, CVE-2012-2459, witnesses changed on the way): only who sent them is to blame.
  bool permanent = false;
};

// `bytes`: a whole block whose header is valid at `height`. Empty: nothing is wrong.
std::optional<BlockFault> check_block(const Rules& rules, ByteView bytes, uint32_t height);

struct MerkleResult {
  Digest root{};
  bool mutated = false;  // two equal neighbours at some level: the same root has another list of leaves (CVE-2012-2459)
};
// Consumes `leaves`; zero for none.
MerkleResult merkle_root(std::vector<Digest>& leaves);

// The script that BIP34 asks the coinbase script to begin with.
Bytes height_push(uint32_t height);
constexpr ByteArray<6> witness_commitment_prefix{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};

}  // namespace lattice::bitcoin
