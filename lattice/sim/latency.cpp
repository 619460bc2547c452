#include <lattice/sim/latency.hpp>

#include <algorithm>
#include <charconv>

#include <lattice/base/random.hpp>

namespace lattice::sim {

constexpr size_t cities_max = 1024;
constexpr Duration own_machine = std::chrono::microseconds{50};

// The numbers of one line, appended. Empty on anything that is not digits and commas.
static Result<size_t> parse_line(std::string_view line, std::vector<uint32_t>& out) {
  size_t count = 0;
  while (!line.empty()) {
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc{}) return fail(ErrorCode::bad_value, "city delays: not a number");
    line.remove_prefix(static_cast<size_t>(end - line.data()));
    if (!line.empty() && line.front() != ',') return fail(ErrorCode::bad_value, "city delays: not a comma");
    if (!line.empty()) line.remove_prefix(1);
    out.push_back(value);
    if (++count > cities_max) return fail(ErrorCode::too_large, "city delays: too many columns");
  }
  return count;
}

Result<CityDelays> CityDelays::parse(std::string_view csv) {
  CityDelays delays;
  size_t lines = 0;
  while (!csv.empty()) {
    const size_t end = std::min(csv.find('\n'), csv.size());
    auto line = csv.substr(0, end);
    csv.remove_prefix(std::min(end + 1, csv.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    TRY(count, parse_line(line, delays.rtt_us_));
    if (lines == 0) delays.size_ = count;
    if (count != delays.size_) return fail(ErrorCode::bad_value, "city delays: lines of different length");
    if (++lines > delays.size_) return fail(ErrorCode::bad_value, "city delays: more lines than columns");
  }
  if (lines == 0 || lines != delays.size_) return fail(ErrorCode::bad_value, "city delays: not square");
  return delays;
}

Duration CityDelays::one_way(size_t from, size_t to) const { return std::chrono::microseconds{rtt_us_[from * size_ + to]} / 2; }

Duration Delays::one_way(uint32_t from, uint32_t to) const {
  if (from == to) return own_machine;
  if (cities_) {
    // Each host's city is drawn once, from its number; two hosts in one city are still half a millisecond apart.
    const auto city = [&](uint32_t host) {
      return SeededRng(seed_ ^ (0x9e3779b97f4a7c15 * (host + 1))).below(cities_->size());
    };
    return std::max<Duration>(cities_->one_way(city(from), city(to)), std::chrono::microseconds{250});
  }
  const uint64_t pair = (uint64_t{std::min(from, to)} << 32) | std::max(from, to);
  return std::chrono::microseconds{2'000 + SeededRng(seed_ ^ (pair * 0x9e3779b97f4a7c15)).below(118'000)};
}

}  // namespace lattice::sim
