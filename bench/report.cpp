#include <bench/report.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace lattice::bench {

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto index = static_cast<size_t>(std::lround(q * static_cast<double>(values.size() - 1)));
  return values[index];
}

std::vector<double> ratios(const Row& row) {
  std::vector<double> out;
  for (size_t i = 0; i < std::min(row.values.size(), row.limits.size()); ++i) {
    out.push_back(row.lower_is_better ? row.limits[i] / row.values[i] : row.values[i] / row.limits[i]);
  }
  return out;
}

static double worst(const Row& row) { return quantile(row.values, row.lower_is_better ? 0.99 : 0.01); }

static std::string verdict(const Row& row) {
  if (row.goal_ratio == 0 && row.goal_value == 0) return "";
  const double value = quantile(row.values, 0.5);
  const bool ratio_met = row.goal_ratio == 0 || quantile(ratios(row), 0.5) >= row.goal_ratio;
  const bool value_met = row.goal_value == 0 || (row.lower_is_better ? value <= row.goal_value : value >= row.goal_value);
  return ratio_met && value_met ? "met" : "missed";
}

static std::string goal_text(const Row& row) {
  std::string text;
  if (row.goal_value != 0) text += fmt::format("{}{:.6g}", row.lower_is_better ? "<=" : ">=", row.goal_value);
  if (row.goal_ratio != 0) text += fmt::format("{}>={:.2f}x", text.empty() ? "" : " ", row.goal_ratio);
  return text;
}

std::string table(const std::vector<Row>& rows) {
  std::string out = fmt::format("{:<4} {:<46} {:>12} {:>12} {:<8} {:>5} {:>12} {:>6}  {:<16} {}\n", "id", "work", "median",
                                "p99", "unit", "runs", "limit", "ratio", "goal", "");
  std::set<std::string> named;  // limits: once each
  for (const Row& row : rows) {
    const auto all = ratios(row);
    out += fmt::format("{:<4} {:<46} {:>12.2f} {:>12.2f} {:<8} {:>5} {:>12} {:>6}  {:<16} {}\n", row.id, row.what,
                       quantile(row.values, 0.5), worst(row), row.unit, row.values.size(),
                       row.limits.empty() ? "" : fmt::format("{:.2f}", quantile(row.limits, 0.5)),
                       all.empty() ? "" : fmt::format("{:.2f}", quantile(all, 0.5)), goal_text(row), verdict(row));
    if (row.limit_name.empty() || !named.insert(row.limit_name).second) continue;
    out += fmt::format("     limit: {}\n", row.limit_name);
  }
  return out;
}

std::string json(const std::vector<Row>& rows, const std::string& commit, unsigned seed) {
  nlohmann::json out{{"commit", commit}, {"seed", seed}, {"rows", nlohmann::json::array()}};
  for (const Row& row : rows) {
    nlohmann::json entry{{"id", row.id},
                         {"work", row.what},
                         {"unit", row.unit},
                         {"runs", row.values.size()},
                         {"median", quantile(row.values, 0.5)},
                         {"p99", worst(row)}};
    if (!row.limits.empty()) {
      entry["limit"] = {{"what", row.limit_name}, {"median", quantile(row.limits, 0.5)}};
      entry["ratio"] = quantile(ratios(row), 0.5);
    }
    if (const auto met = verdict(row); !met.empty()) entry["goal"] = {{"text", goal_text(row)}, {"verdict", met}};
    out["rows"].push_back(std::move(entry));
  }
  return out.dump(2) + "\n";
}

}  // namespace lattice::bench
