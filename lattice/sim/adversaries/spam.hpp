// What a spammer has to say: every kind of message there is, in the shapes that ask most of whoever reads it.
#pragma once

#include <span>
#include <vector>

#include <lattice/base/random.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice::sim {

struct SpamSource {
  Rng& rng;
  const std::vector<BlockHash>& known;  // blocks that the victim has, genesis first; at least one
  ChainId chain;
  uint64_t number = 0;  // how many came before
};

// One kind: its name, and a whole message with its header.
struct SpamKind {
  const char* name;
  wire::Lane lane;
  Bytes (*make)(const SpamSource& source);
};
std::span<const SpamKind> spam_kinds();

BlockHash random_block(Rng& rng);
wire::PeerAddress random_address(Rng& rng, uint16_t port);

}  // namespace lattice::sim
