#include "time_text.hpp"

#include <charconv>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

namespace lattice::app {

static constexpr int64_t day_s = 24 * 60 * 60;
static constexpr int64_t duration_s_max = 10 * 366 * day_s;

// Digits alone, all of them.
static std::optional<int64_t> digits(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-' || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  int64_t unit = 0;
  switch (text.back()) {
    case 's': unit = 1; break;
    case 'm': unit = 60; break;
    case 'h': unit = 60 * 60; break;
    case 'd': unit = day_s; break;
    case 'w': unit = 7 * day_s; break;
    default: return std::nullopt;
  }
  const auto count = digits(text.substr(0, text.size() - 1));
  if (!count || *count == 0 || *count > duration_s_max / unit) return std::nullopt;
  return std::chrono::seconds{*count * unit};
}

std::optional<WallTime> parse_date(std::string_view text) {
  if (text.size() != 10 && !(text.size() == 20 && text[10] == 'T' && text[13] == ':' && text[16] == ':' && text[19] == 'Z'))
    return std::nullopt;
  if (text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)), day = digits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * day_s;
  if (text.size() == 20) {
    const auto hour = digits(text.substr(11, 2)), minute = digits(text.substr(14, 2)), second = digits(text.substr(17, 2));
    if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
    seconds += *hour * 3600 + *minute * 60 + *second;
  }
  return wall_from_unix(seconds);
}

std::optional<WallTime> parse_expiry(std::string_view text, WallTime now) {
  if (const auto duration = parse_duration(text)) return now + *duration;
  return parse_date(text);
}

std::string date_text(WallTime time) {
  const std::chrono::sys_seconds seconds{time.time_since_epoch()};
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(days);
  const auto rest = (seconds - days).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), rest / 3600, rest / 60 % 60, rest % 60);
}

Duration duration_of(double seconds) { return Duration{std::llround(seconds * 1e9)}; }

}  // namespace lattice::app
