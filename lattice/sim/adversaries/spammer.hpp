// Floods. One machine that fills its line, or stays just within what a node allows a peer; every connection goes another way:
//
//   polite     every kind in turn, 150 a second, for as long as it is let
//   deaf       asks for headers and blocks, and never reads what comes
//   halves     begins blocks of the greatest size and never ends them; the last bytes come one by one
//   one kind   as many of one kind as the line carries; each new connection the next kind
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> spammer(AttackContext context);

}  // namespace lattice::sim
