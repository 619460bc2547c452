// The delays between 222 cities that simulated benchmarks use.
#pragma once

#include <memory>

#include <lattice/sim/latency.hpp>

namespace lattice::bench {

// Where LATTICE_DATA names them or they lie beside the tree; else null.
std::shared_ptr<const sim::CityDelays> read_cities();

}  // namespace lattice::bench
