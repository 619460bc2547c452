// Limits of bandwidth as people write them on a command line.
#pragma once

#include <string_view>

#include <lattice/peers/bandwidth.hpp>

namespace lattice::app {

// "200k" in all, or "blocks=1M" for a class: headers, transactions, blocks. Bytes a second, with k, M or G for 10^3, 10^6, 10^9; from
// BandwidthLimits::rate_min to rate_max. False: it is not that, and nothing changes.
bool add_rate(std::string_view text, BandwidthLimits& limits);

}  // namespace lattice::app
