#include "sim_plot.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

#include "files.hpp"
#include "program.hpp"

namespace lattice::app {

// False where it is no list of times.
static bool read_block(const nlohmann::json& list, std::vector<double>& out) {
  if (!list.is_array()) return false;
  for (const auto& seconds : list) {
    if (!seconds.is_number() || !std::isfinite(seconds.get<double>()) || seconds.get<double>() < 0) return false;
    out.push_back(seconds.get<double>());
  }
  return true;
}

HostResult<sim::Curve> read_curve(const std::string& file_and_name) {
  const auto colon = file_and_name.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == file_and_name.size())
    return failure("the curve was not read", "\"" + file_and_name + "\" is no FILE:NAME",
                   "for example measured.json:processes");
  const auto file = file_and_name.substr(0, colon);
  const auto text = read_small_file(file, arrivals_bytes_max);
  if (!text) return std::unexpected(text.error());
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  const auto refused = [&] {
    return failure("the curve was not read", file + " holds no arrivals",
                   "a list of seconds, or {\"nodes\": 30, \"arrivals\": [...]}");
  };
  const bool object = json.is_object();
  if (object && !json.contains("arrivals")) return refused();
  const auto& lists = object ? json["arrivals"] : json;
  sim::Curve curve{file_and_name.substr(colon + 1), {}, 0};
  if (!lists.is_array() || lists.empty()) return refused();
  const bool several = lists.front().is_array();
  for (const auto& list : several ? lists : nlohmann::json::array({lists}))
    if (!read_block(list, curve.seconds)) return refused();
  if (object && json.contains("nodes")) {
    if (!json["nodes"].is_number_unsigned() || json["nodes"] > 1'000'000) return refused();
    curve.total = json["nodes"].get<size_t>() * (several ? lists.size() : 1);
  }
  return curve;
}

}  // namespace lattice::app
