// Passes on what honest nodes say, with something changed. One machine that asks its victims for headers, blocks and addresses,
// gives what it hears to the others, and answers them likewise; every connection changes another thing:
//
//   in messages   a bit, with the checksum made to fit; a bit; the end cut off; everything twice; the order of two
//   in records    a bit, the end cut off, everything twice, the order of two: as somebody on the line could
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> mutator(AttackContext context);

}  // namespace lattice::sim
