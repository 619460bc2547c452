// What a benchmark says: a figure, the limit measured beside it in the same run, and their ratio.
#pragma once

#include <string>
#include <vector>

namespace lattice::bench {

// One figure over several runs. `values[i]` and `limits[i]` were measured one after the other, so their ratio holds when the
// machine's speed drifts.
struct Row {
  std::string id;  // B5, B6, ... (docs/PERFORMANCE.md)
  std::string what;
  std::string unit;
  std::string limit_name;
  std::vector<double> values;
  std::vector<double> limits;    // empty: no limit, only a figure
  double goal_ratio = 0;         // 0: none
  double goal_value = 0;         // 0: none
  bool lower_is_better = false;  // a time: the ratio is limit / value
};

double quantile(std::vector<double> values, double q);
std::vector<double> ratios(const Row& row);

// A table for people, one line a row: median, p99 (of the bad side), limit, ratio, goal, met or missed.
std::string table(const std::vector<Row>& rows);
std::string json(const std::vector<Row>& rows, const std::string& commit, unsigned seed);

}  // namespace lattice::bench
