// Log lines on standard error: one event, one line, as text or as JSON.
//
//   2026-03-01T12:00:00.123456Z info    peer_connected peer=lat1... inbound=1
//   {"time":"2026-03-01T12:00:00.123456Z","level":"info","event":"peer_connected","peer":"lat1...","inbound":"1"}
//
// Values may come from peers: they are cut to `log_value_bytes_max`, and nothing in them can begin a line, move a cursor or end
// a quotation. Each event name has a budget of its own, so that a peer who causes one event again and again neither fills the
// disk nor hides the others; what was left out is counted and said.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <lattice/base/log.hpp>
#include <lattice/base/time.hpp>

namespace lattice::app {

constexpr size_t log_value_bytes_max = 512;
constexpr double log_lines_burst = 200;   // of one event
constexpr double log_lines_a_second = 2;  // of one event, after the burst: about a megabyte an hour

enum class LogFormat : uint8_t { text, json };

std::optional<LogLevel> parse_log_level(std::string_view name);
// Event and fields, without time and level.
std::string log_text(const LogEvent& event);
std::string log_json(const LogEvent& event);

// Which lines pass.
class LogGate {
 public:
  // Empty: not this one. Else how many lines of this event were left out since the last that passed.
  std::optional<uint64_t> pass(std::string_view name, Instant now);

 private:
  struct Budget {
    double lines = log_lines_burst;
    Instant filled;
    uint64_t left_out = 0;
  };
  std::map<std::string, Budget, std::less<>> budgets_;  // names are literals in the code: as many as there are
};

class SpdLogSink final : public LogSink {
 public:
  SpdLogSink(LogLevel level, LogFormat format);
  ~SpdLogSink() override;
  bool wants(LogLevel level) const override;
  // Any thread.
  void log(const LogEvent& event) override;
  // Called before a line is written, under the sink's lock: a progress line makes room.
  void before_line(std::function<void()> callback);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lattice::app
