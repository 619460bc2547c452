// Pictures of propagation: which share of the nodes had a block after how many seconds, one curve a name. Plain SVG: no script,
// no font or file from elsewhere, readable on a light and on a dark page.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lattice::sim {

// Seconds until each had it, in any order. Those that never had it are in `total` alone.
struct Curve {
  std::string name;
  std::vector<double> seconds;
  size_t total = 0;  // nodes, times blocks where several are in one curve; 0: as many as there are seconds
};

struct Plot {
  std::string title, note;    // the note stands below the title, smaller
  std::vector<Curve> curves;  // at most 8 are drawn; later ones are left out and the note says so
  double seconds_max = 0;     // right end of the axis; 0: so that every curve's 99% is on it
};

constexpr size_t plot_curves_max = 8;

// When `share` (above 0, at most 1) of the total had it: the least time at which so many had. Empty where they never did.
std::optional<double> time_of_share(const Curve& curve, double share);
// Several blocks' arrivals as one curve; `nodes` is how many each could have reached.
Curve pooled_curve(std::string name, const std::vector<std::vector<double>>& arrivals, size_t nodes);

std::string propagation_svg(const Plot& plot);

}  // namespace lattice::sim
