// Many names for one machine: every connection has a fresh identity, all come from its few addresses. It takes as many slots of
// each victim as it may, promises blocks and gives none, and after half a minute does small wrongs until it is left; then the
// next identity comes.
#pragma once

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> sybil(AttackContext context);

}  // namespace lattice::sim
