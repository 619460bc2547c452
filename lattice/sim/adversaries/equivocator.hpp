// Says one thing to some and another to the rest. One machine; it divides its peers in two sides as they come. Where the kit has
// rivals (two valid blocks of one height), each side is shown another one as the newest; else the second side is shown headers
// that end early. Tips and heights differ from peer to peer and from one status to the next. What consensus messages it hears it
// passes on: as they are to one side, changed to the other.
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> equivocator(AttackContext context);

}  // namespace lattice::sim
