// One event, one line: `peer_connected peer=lat1... inbound=1 suite=0x0001`. The core says what happened; the world writes it
// down.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lattice {

enum class LogLevel : uint8_t { trace, debug, info, warning, error };

struct LogField {
  std::string_view key;  // a literal
  std::string value;     // already text; never a secret
};

struct LogEvent {
  LogLevel level = LogLevel::info;
  std::string_view name;  // snake_case, a literal
  std::vector<LogField> fields;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual bool wants(LogLevel level) const = 0;
  virtual void log(const LogEvent& event) = 0;
};

// Takes nothing: for tests that look elsewhere.
class NoLog final : public LogSink {
 public:
  bool wants(LogLevel) const override { return false; }
  void log(const LogEvent&) override {}
};

}  // namespace lattice
