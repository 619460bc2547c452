// A small chain with finality by votes of four keys: what node/chain.hpp asks of a chain that has no proof of work.
//
// Validator `height mod 4` proposes a block by voting for it, the others vote for the same, three votes make it final.
// Each votes once a height, so one false validator of four makes no two. While a proposer is away the chain waits.
//
// vote   = validator 1 | core 48 | signature 3309 of the core;  core = height 8 | parent 32 | unix time 8;  hash = BLAKE2s of
// the core header = its proposer's vote;  block = the proposer's vote and two others'
#pragma once

#include <array>

#include <lattice/crypto/provider.hpp>
#include <lattice/node/chain.hpp>

namespace lattice::minichain {

constexpr size_t validator_count = 4, quorum = 3;
using Validators = std::array<Bytes, validator_count>;  // ML-DSA-65 public keys

// `key`: of one of the validators, or none for an observer. `provider` outlives the chain. A tip's score is its height.
std::unique_ptr<Chain> make_minichain(Validators validators, std::shared_ptr<const SigningKey> key, Provider& provider);

}  // namespace lattice::minichain
