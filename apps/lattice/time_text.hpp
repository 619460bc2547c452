// Times as people write them on a command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <lattice/base/time.hpp>

namespace lattice::app {

// "90s", "30m", "12h", "30d", "8w": above zero, at most ten years.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// "2027-01-31" (its first second) or "2027-01-31T12:00:00Z", UTC. Real days only.
std::optional<WallTime> parse_date(std::string_view text);
// A duration from `now` on, or a date.
std::optional<WallTime> parse_expiry(std::string_view text, WallTime now);
// "2027-01-31T12:00:00Z".
std::string date_text(WallTime time);
// Exact: a double holds every nanosecond of 104 days.
Duration duration_of(double seconds);

}  // namespace lattice::app
