// P10: how fast blocks spread where nodes learn whom to keep, beside the same nodes with random peers; and how many places who is
// fast and hostile wins.
#include <fmt/format.h>

#include <bench/benchmarks.hpp>
#include <bench/cities.hpp>
#include <lattice/sim/peer_learning.hpp>

namespace lattice::bench {
namespace {

using sim::LearningOptions, sim::LearningRound;
constexpr size_t seeds = 3, settled = 5;  // rounds at the end that count

// One value a seed.
struct Figures {
  std::vector<double> t50, t90, exchanges, hostile_learned, hostile_random;  // milliseconds; of a node a round; percent
};

Figures run(LearningOptions options, unsigned seed) {
  Figures out;
  for (size_t i = 0; i < seeds; ++i) {
    options.seed = seed + i;
    const auto rounds = learn(options);
    LearningRound mean;
    for (size_t k = rounds.size() - settled; k < rounds.size(); ++k) {
      mean.t50 += rounds[k].t50 / settled;
      mean.t90 += rounds[k].t90 / settled;
      mean.exchanges += rounds[k].exchanges;
    }
    out.t50.push_back(mean.t50 * 1000);
    out.t90.push_back(mean.t90 * 1000);
    out.exchanges.push_back(static_cast<double>(mean.exchanges) / static_cast<double>(settled * options.nodes));
    out.hostile_learned.push_back(rounds.back().hostile_learned * 100);
    out.hostile_random.push_back(rounds.back().hostile_random * 100);
  }
  return out;
}

Row row_of(std::string what, const char* unit, std::vector<double> values, std::vector<double> random = {}) {
  Row row{.id = "P10",
          .what = std::move(what),
          .unit = unit,
          .limit_name = {},
          .values = std::move(values),
          .limits = std::move(random)};
  row.lower_is_better = true;
  if (row.limits.empty()) return row;
  row.limit_name = "the same nodes with random peers";
  row.goal_ratio = 1;
  return row;
}

}  // namespace

std::vector<Row> learning_rows(const Options& options) {
  LearningOptions work;
  work.cities = read_cities();
  work.nodes = 300;
  work.rounds = 25;
  const std::string name = fmt::format("blocks to {}{}", work.nodes, work.cities ? "" : " (random delays)");
  LearningOptions still = work;
  still.limits.learned = 0;
  still.rounds = 2 * settled;
  const Figures random = run(still, options.seed);
  std::vector<Row> rows{row_of(name + ": random T50", "ms", random.t50), row_of(name + ": random T90", "ms", random.t90)};
  constexpr std::pair<PerigeeRule, const char*> rules[] = {
      {PerigeeRule::ucb, "ucb"}, {PerigeeRule::vanilla, "vanilla"}, {PerigeeRule::subset, "subset"}};
  for (const size_t learned : {4u, 8u}) {
    for (const auto& [rule, rule_name] : rules) {
      work.limits.learned = learned;
      work.limits.rule = rule;
      const Figures figures = run(work, options.seed);
      const std::string which = fmt::format("{}: {} of 8 learned, {}", name, learned, rule_name);
      rows.push_back(row_of(which + " T50", "ms", figures.t50, random.t50));
      rows.push_back(row_of(which + " T90", "ms", figures.t90, random.t90));
      rows.push_back(row_of(which + " exchanges", "a round", figures.exchanges));
    }
  }
  work.limits.rule = PerigeeRule::ucb;
  work.hostile = 0.2;
  work.hostile_pace = 0.3;
  for (const size_t learned : {4u, 8u}) {
    work.limits.learned = learned;
    const Figures figures = run(work, options.seed);
    const std::string which = fmt::format("{}: {} of 8 learned, a fifth hostile and fast:", name, learned);
    rows.push_back(row_of(which + " its learned places", "%", figures.hostile_learned));
    if (learned < 8) rows.push_back(row_of(which + " its other places", "%", figures.hostile_random));
  }
  return rows;
}

}  // namespace lattice::bench
