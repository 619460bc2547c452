// The delays between 222 cities, where LATTICE_DATA names them or they lie beside the tree; null where there are none.
#pragma once

#include <lattice/sim/latency.hpp>

namespace lattice::bench {

std::shared_ptr<const sim::CityDelays> read_cities();

}  // namespace lattice::bench
