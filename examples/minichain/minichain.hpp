// A small chain with finality by votes of four keys: what node/chain.hpp asks of a chain that has no proof of work.
//
// Validator height mod 4 proposes a block; its signature in the header is its vote. Three votes make a block final. A body is
// its parent's votes, so whoever only syncs can check finality. One false validator of four cannot make two blocks of one
// height final. A proposer that is away stops the chain until it is back.
//
// header = height 8 | parent 32 | BLAKE2s of the body 32 | proposer's signature 3309;  the hash covers the first 72 bytes
// body   = 3 x (validator 1 | signature 3309), its parent's votes; empty above the genesis
// vote   = validator 1 | height 8 | hash 32 | signature 3309 over height and hash, context lattice/1/vote
#pragma once

#include <array>

#include <lattice/crypto/provider.hpp>
#include <lattice/node/chain.hpp>

namespace lattice::minichain {

constexpr size_t validator_count = 4, quorum = 3;
using Validators = std::array<Bytes, validator_count>;  // ML-DSA-65 public keys

// `key`: of one of the validators, or none for an observer. `provider` outlives the chain. A tip's score is its final height.
std::unique_ptr<Chain> make_minichain(Validators validators, std::shared_ptr<const SigningKey> key, Provider& provider);

}  // namespace lattice::minichain
