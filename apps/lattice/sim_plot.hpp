// What `lattice sim --plot` draws beside its own curve: arrivals that were measured elsewhere.
#pragma once

#include <lattice/host/host_error.hpp>
#include <lattice/sim/plot.hpp>

namespace lattice::app {

constexpr size_t arrivals_bytes_max = 64 * 1024 * 1024;

// "FILE:NAME". The file is JSON: a list of seconds; a list of such lists, one a block; or an object with "arrivals", one of these,
// and maybe "nodes": how many each block could have reached, the ones that never had it included.
HostResult<sim::Curve> read_curve(const std::string& file_and_name);

}  // namespace lattice::app
