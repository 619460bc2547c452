// Slow, but never wrong. One machine that holds as many connections as it may, for next to nothing; every connection is slow
// another way:
//
//   drip       its handshake comes at a byte a second
//   trickle    a whole peer, but all that it says after the handshake comes at 100 bytes a second
//   brink      each answer comes just before the victim would give up on it: headers after 19 s, bodies one every 9.5 s
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> slow_sender(AttackContext context);

}  // namespace lattice::sim
