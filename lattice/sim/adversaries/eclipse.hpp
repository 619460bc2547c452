// Wants to be all that a victim sees. One machine with an address in each of many groups and two identities for each address: it
// listens at all of them, dials every node that it hears of from all of them, tells of its own addresses only (the real ones,
// and as many more in its groups as an answer holds), serves the old chain well, and never says that there is a new block.
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> eclipse(AttackContext context);

}  // namespace lattice::sim
