// Hosts that are no node.
#pragma once

#include <lattice/sim/world.hpp>

namespace lattice::sim {

// Answers everything with random bytes, until it closes at random.
std::unique_ptr<RawHost> garbage_sender();
// Takes connections and never says a word.
std::unique_ptr<RawHost> silent_listener();

}  // namespace lattice::sim
