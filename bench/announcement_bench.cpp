// B1a: how long the word of a node's place takes to every node of a simulated network, and what it costs, beside a flood of
// messages of the same size from the same nodes over the same delays.
#include <fmt/format.h>

#include <bench/benchmarks.hpp>
#include <bench/cities.hpp>
#include <lattice/sim/announcement_spread.hpp>

namespace lattice::bench {
namespace {

constexpr double ms = 1000;
using Quantile = double sim::Spread::*;

Row time_row(const std::string& what, const std::vector<sim::MessageSpread>& measured, Quantile quantile, double goal) {
  Row row{.id = "B1a",
          .what = what,
          .unit = "ms",
          .limit_name = "shortest way from the source, same quantile",
          .goal_ratio = goal,
          .lower_is_better = true};
  for (const auto& one : measured) {
    row.values.push_back(one.spread.*quantile * ms);
    row.limits.push_back(one.bound.*quantile * ms);
  }
  return row;
}

Row figure_row(const std::string& what, const char* unit, double value) {
  return {.id = "B1a", .what = what, .unit = unit, .limit_name = {}, .values = {value}, .limits = {}, .lower_is_better = true};
}

void add_times(const std::string& name, const std::vector<sim::MessageSpread>& measured, double goal, std::vector<Row>& rows) {
  rows.push_back(time_row(name + " T50", measured, &sim::Spread::t50, 0));
  rows.push_back(time_row(name + " T90", measured, &sim::Spread::t90, goal));
  rows.push_back(time_row(name + " T99", measured, &sim::Spread::t99, goal));
}

}  // namespace

std::vector<Row> announcement_rows(const Options& options) {
  sim::AnnouncementSpreadOptions run;
  run.seed = options.seed;
  run.cities = read_cities();
  run.announcements = static_cast<size_t>(options.runs);
  run.joins = static_cast<size_t>(options.runs_large);
  const auto ours = sim::measure_announcements(run);

  sim::PropagationOptions flood;
  flood.protocol = sim::Protocol::flood;
  flood.seed = options.seed;
  flood.cities = run.cities;
  flood.messages = run.announcements;
  flood.sizes = {ours.record_bytes};
  const auto theirs = sim::measure_propagation(flood).each[0];

  const std::string where = fmt::format("record to {}{}: ", run.nodes, run.cities ? "" : " (random delays)");
  std::vector<Row> rows;
  add_times(where + "flood", theirs.messages, 0, rows);
  add_times(where + "lattice", ours.announcements, 1 / 1.25, rows);
  add_times(where + "lattice, new node", ours.joins, 1 / 1.25, rows);
  rows.push_back(figure_row(where + "flood bytes", "KB/node", theirs.bytes_a_node / 1000));
  rows.push_back(figure_row(where + "lattice bytes", "KB/node", ours.bytes_a_node / 1000));
  rows.push_back(figure_row(where + "flood duplicates", "copies", theirs.duplicates_a_node));
  rows.push_back(figure_row(where + "lattice duplicates", "copies", ours.duplicates_a_node));
  return rows;
}

}  // namespace lattice::bench
