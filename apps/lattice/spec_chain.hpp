// From a chain spec to the things that run: the chain and the node's configuration.
#pragma once

#include <array>

#include <lattice/chains/bitcoin/chain.hpp>

#include "chain_spec.hpp"

namespace lattice::app {

// The rules of the spec's chain, with its own genesis.
bitcoin::Rules chain_rules(const ChainSpec& spec);
// Genesis, rules, magic and protocol version: nodes whose specs differ in one of them do not talk.
ChainId spec_chain_id(const ChainSpec& spec);

// `rules` must outlive `chain`.
struct SpecChain {
  std::unique_ptr<const bitcoin::Rules> rules;
  std::unique_ptr<Chain> chain;
};
Result<SpecChain> make_spec_chain(const ChainSpec& spec, Rng& rng);

// The magics that a file of this chain's blocks may have: its own, and that of the network whose rules it has. A chain of its own
// can be filled with mainnet's blocks.
std::array<ByteArray<4>, 2> file_magics(const ChainSpec& spec);

// What the spec says of a node's behaviour; identity, chain, addresses and discovery are the caller's.
NodeConfig node_config(const ChainSpec& spec);

}  // namespace lattice::app
