// Attackers that need no link. One machine, one listener; they also dial their victims, and again when they are cut off.
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

// Answers everything with random bytes, until it closes at random.
std::unique_ptr<RawHost> garbage_sender(AttackContext context);
// Takes connections, makes as many as it may, and never says a word.
std::unique_ptr<RawHost> silent_listener(AttackContext context);

}  // namespace lattice::sim
