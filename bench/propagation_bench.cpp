// B1 and B2: how long a message takes to every node of a simulated network, and what it costs, for Lattice's nodes and two
// baselines on the same delays and lines. Each message has the same source whatever the protocol, so that rows compare one by one.
#include <fmt/format.h>

#include <algorithm>

#include <bench/benchmarks.hpp>
#include <bench/cities.hpp>
#include <lattice/base/assert.hpp>
#include <lattice/sim/propagation.hpp>

namespace lattice::bench {
namespace {

using sim::PropagationOptions, sim::PropagationResult, sim::Protocol;

constexpr Protocol protocols[] = {Protocol::flood, Protocol::mesh, Protocol::lattice};
constexpr double ms = 1000;

// One benchmark's rows of one size of messages, in one world of each protocol.
struct Case {
  std::string id, name, bound_name;
  double goal_t90 = 0, goal_t99 = 0;           // of the bound
  double goal_bytes = 0, goal_duplicates = 0;  // a node
};

using Quantile = double sim::Spread::*;

Row time_row(const Case& work, Protocol protocol, const char* what, const sim::Propagation& figures, Quantile quantile) {
  Row row{.id = work.id,
          .what = fmt::format("{}: {} {}", work.name, protocol_name(protocol), what),
          .unit = "ms",
          .limit_name = work.bound_name,
          .lower_is_better = true};
  for (const auto& message : figures.messages) {
    row.values.push_back(message.spread.*quantile * ms);
    row.limits.push_back(message.bound.*quantile * ms);
  }
  return row;
}

Row figure_row(const Case& work, Protocol protocol, const char* what, const char* unit, double value) {
  return {.id = work.id,
          .what = fmt::format("{}: {} {}", work.name, protocol_name(protocol), what),
          .unit = unit,
          .limit_name = {},
          .values = {value},
          .limits = {},
          .lower_is_better = true};
}

// Lattice's figures beside the better one of the two baselines'.
Row against_baselines(const Row& ours, const Row& flood, const Row& mesh) {
  Row row = ours;
  row.what += " beside";
  row.limit_name = "the better of the two baselines";
  row.goal_ratio = 1;
  row.goal_value = 0;
  row.limits.clear();
  for (size_t i = 0; i < ours.values.size(); ++i) row.limits.push_back(std::min(flood.values[i], mesh.values[i]));
  return row;
}

void add_rows(const Case& work, const std::vector<PropagationResult>& results, size_t size_index, std::vector<Row>& rows) {
  std::vector<Row> last_time, bytes;
  for (size_t i = 0; i < std::size(protocols); ++i) {
    const sim::Propagation& figures = results[i].each[size_index];
    const bool ours = protocols[i] == Protocol::lattice;
    Row t90 = time_row(work, protocols[i], "T90", figures, &sim::Spread::t90);
    Row t99 = time_row(work, protocols[i], "T99", figures, &sim::Spread::t99);
    Row carried = figure_row(work, protocols[i], "bytes", "KB/node", figures.bytes_a_node / 1000);
    Row duplicates = figure_row(work, protocols[i], "duplicates", "copies", figures.duplicates_a_node);
    if (ours) {
      t90.goal_ratio = work.goal_t90;
      t99.goal_ratio = work.goal_t99;
      carried.goal_value = work.goal_bytes / 1000;
      duplicates.goal_value = work.goal_duplicates;
    }
    last_time.push_back(t99);
    bytes.push_back(carried);
    for (Row* row : {&t90, &t99, &carried, &duplicates}) rows.push_back(std::move(*row));
  }
  rows.push_back(against_baselines(last_time[2], last_time[0], last_time[1]));
  rows.push_back(against_baselines(bytes[2], bytes[0], bytes[1]));
}

std::vector<PropagationResult> measure_all(PropagationOptions options) {
  std::vector<PropagationResult> results;
  for (const Protocol protocol : protocols) {
    options.protocol = protocol;
    results.push_back(sim::measure_propagation(options));
  }
  return results;
}

std::string text_of(size_t bytes) {
  if (bytes >= 1024 * 1024) return fmt::format("{} MB", bytes / (1024 * 1024));
  return bytes >= 1024 ? fmt::format("{} KB", bytes / 1024) : fmt::format("{} B", bytes);
}

sim::LineRates megabits(uint64_t down, uint64_t up) { return {down * 125'000, up * 125'000}; }

}  // namespace

std::vector<Row> votes_rows(const Options& options) {
  PropagationOptions run;
  run.seed = options.seed;
  run.cities = read_cities();
  run.messages = static_cast<size_t>(options.runs);
  run.sizes = {300, 4096};
  std::vector<Row> rows;
  for (const double silent : {0.0, 0.2}) {
    run.silent = silent;
    const auto results = measure_all(run);
    for (size_t i = 0; i < run.sizes.size(); ++i) {
      Case work{.id = "B1",
                .name = fmt::format("{} to {}{}, {}% silent", text_of(run.sizes[i]), run.nodes,
                                    run.cities ? "" : " (random delays)", static_cast<int>(silent * 100)),
                .bound_name = "shortest way from the source, same quantile",
                .goal_t90 = 1 / 1.15,
                .goal_t99 = 1 / 1.25,
                .goal_duplicates = 0.5};
      add_rows(work, results, i, rows);
    }
  }
  return rows;
}

std::vector<Row> blocks_rows(const Options& options) {
  // As many nodes as both cores' memory and two minutes allow, where each block travels fifteen times to each.
  constexpr std::pair<size_t, size_t> works[] = {{128 * 1024, 500}, {1024 * 1024, 150}};
  std::vector<Row> rows;
  for (const auto& [bytes, nodes] : works) {
    PropagationOptions run;
    run.seed = options.seed;
    run.cities = read_cities();
    run.messages = static_cast<size_t>(options.runs_large);
    run.sizes = {bytes};
    run.nodes = nodes;
    run.blocks = true;
    run.lines = {megabits(50, 15), megabits(50, 25), megabits(100, 50)};
    Case work{.id = "B2",
              .name = fmt::format("{} to {}{}, cold", text_of(bytes), nodes, run.cities ? "" : " (random delays)"),
              .bound_name = "shortest way + size / min(source's up, node's down, mean up)",
              .goal_t99 = 1 / 1.3,
              .goal_bytes = 1.15 * static_cast<double>(bytes)};
    add_rows(work, measure_all(run), 0, rows);
  }
  return rows;
}

}  // namespace lattice::bench
