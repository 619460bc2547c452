#include "log.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace lattice::app {

static constexpr std::string_view level_names[] = {"trace", "debug", "info", "warning", "error"};

std::optional<LogLevel> parse_log_level(std::string_view name) {
  for (size_t i = 0; i < std::size(level_names); ++i) {
    if (name == level_names[i]) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

static bool is_plain(std::string_view value) {
  return !value.empty() &&
         std::ranges::all_of(value, [](char c) { return c > ' ' && c < 127 && c != '"' && c != '\\' && c != '='; });
}

static void append_quoted(std::string& out, std::string_view value, const char* byte_format) {
  out += '"';
  for (const char c : value.substr(0, log_value_bytes_max)) {
    if (c == '"' || c == '\\') out += '\\';
    if (c >= ' ' && c < 127) {
      out += c;
    } else {
      out += fmt::format(fmt::runtime(byte_format), static_cast<unsigned>(static_cast<uint8_t>(c)));
    }
  }
  out += value.size() > log_value_bytes_max ? "...\"" : "\"";
}

std::string log_text(const LogEvent& event) {
  std::string out(event.name);
  for (const auto& field : event.fields) {
    out += fmt::format(" {}=", field.key);
    if (field.value.size() <= log_value_bytes_max && is_plain(field.value)) {
      out += field.value;
    } else {
      append_quoted(out, field.value, "\\x{:02x}");
    }
  }
  return out;
}

std::string log_json(const LogEvent& event) {
  std::string out = "\"event\":";
  append_quoted(out, event.name, "\\u{:04x}");
  for (const auto& field : event.fields) {
    out += ',';
    append_quoted(out, field.key, "\\u{:04x}");
    out += ':';
    append_quoted(out, field.value, "\\u{:04x}");
  }
  return out;
}

std::optional<uint64_t> LogGate::pass(std::string_view name, Instant now) {
  auto found = budgets_.find(name);
  if (found == budgets_.end()) found = budgets_.emplace(std::string(name), Budget{log_lines_burst, now, 0}).first;
  auto& budget = found->second;
  budget.lines = std::min(log_lines_burst, budget.lines + seconds_of(now - budget.filled) * log_lines_a_second);
  budget.filled = now;
  if (budget.lines < 1) {
    ++budget.left_out;
    return std::nullopt;
  }
  budget.lines -= 1;
  return std::exchange(budget.left_out, 0);
}

struct SpdLogSink::State {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::shared_ptr<spdlog::logger> logger;
  std::mutex mutex;
  std::function<void()> before_line;
  LogGate gate;

  std::string line(const LogEvent& event) const { return format == LogFormat::json ? log_json(event) : log_text(event); }
};

static spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace: return spdlog::level::trace;
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

SpdLogSink::SpdLogSink(LogLevel level, LogFormat format) : state_(std::make_unique<State>()) {
  state_->level = level;
  state_->format = format;
  // Colour where standard error is a terminal; one lock, ours.
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
  state_->logger = std::make_shared<spdlog::logger>("lattice", std::move(sink));
  state_->logger->set_level(spdlog::level::trace);
  state_->logger->flush_on(spdlog::level::trace);
  const char* pattern =
      format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%fZ %^%-7l%$ %v";
  state_->logger->set_pattern(pattern, spdlog::pattern_time_type::utc);
}

SpdLogSink::~SpdLogSink() = default;

bool SpdLogSink::wants(LogLevel level) const { return level >= state_->level; }

void SpdLogSink::log(const LogEvent& event) {
  if (!wants(event.level)) return;
  const std::lock_guard lock(state_->mutex);
  const auto left_out = state_->gate.pass(event.name, Instant{std::chrono::steady_clock::now().time_since_epoch()});
  if (!left_out) return;
  if (state_->before_line) state_->before_line();
  if (*left_out > 0) {
    const LogEvent note{
        LogLevel::warning, "log_lines_left_out", {{"event", std::string(event.name)}, {"lines", std::to_string(*left_out)}}};
    state_->logger->log(spdlog::level::warn, state_->line(note));
  }
  state_->logger->log(to_spdlog(event.level), state_->line(event));
}

void SpdLogSink::before_line(std::function<void()> callback) {
  const std::lock_guard lock(state_->mutex);
  state_->before_line = std::move(callback);
}

}  // namespace lattice::app
