// The first baseline: whoever has a new message sends it whole to all neighbours but the one it came from.
#pragma once

#include <lattice/sim/baseline_host.hpp>

namespace lattice::sim {

constexpr size_t flood_degree = 8;  // links that each node chooses; about as many others choose it

std::unique_ptr<BaselineHost> flood_host(BaselineConfig config);

}  // namespace lattice::sim
