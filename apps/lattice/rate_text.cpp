#include "rate_text.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace lattice::app {

namespace {

using wire::Lane;

constexpr std::pair<std::string_view, Lane> classes[] = {
    {"headers", Lane::headers}, {"transactions", Lane::transactions}, {"blocks", Lane::blocks}};

std::optional<uint64_t> parse_rate(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const uint64_t scale = unit.empty() ? 1 : unit == "k" ? 1'000 : unit == "M" ? 1'000'000 : unit == "G" ? 1'000'000'000 : 0;
  if (error != std::errc{} || scale == 0 || number > BandwidthLimits::rate_max / scale) return std::nullopt;
  const uint64_t rate = number * scale;
  return rate < BandwidthLimits::rate_min ? std::nullopt : std::optional{rate};
}

}  // namespace

bool add_rate(std::string_view text, BandwidthLimits& limits) {
  const size_t equals = text.find('=');
  const auto rate = parse_rate(equals == std::string_view::npos ? text : text.substr(equals + 1));
  if (!rate) return false;
  if (equals == std::string_view::npos) {
    limits.in_all = *rate;
    return true;
  }
  for (const auto& [name, lane] : classes) {
    if (name != text.substr(0, equals)) continue;
    limits.lanes[static_cast<size_t>(lane)] = *rate;
    return true;
  }
  return false;
}

}  // namespace lattice::app
