#include "progress.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sync_report.hpp"

namespace lattice::app {

static constexpr auto rate_window = std::chrono::seconds{5};
static constexpr auto terminal_interval = std::chrono::milliseconds{100};
static constexpr auto plain_interval = std::chrono::seconds{5};

static std::string time_left(double seconds) {
  const auto whole = static_cast<uint64_t>(std::min(seconds + 0.5, 1e8));
  if (whole < 60) return fmt::format("{} s left", whole);
  if (whole < 3600) return fmt::format("{} min {} s left", whole / 60, whole % 60);
  return fmt::format("{} h {} min left", whole / 3600, whole / 60 % 60);
}

// A node goes on where nobody takes what it shows; fmt::print would throw.
static void show_text(const std::string& text) { std::fputs(text.c_str(), stdout); }

std::string progress_text(const NodeReport& report, const ProgressRates& rates) {
  const auto peers = static_cast<size_t>(std::ranges::count(report.peers, true, &PeerReport::established));
  const uint64_t headers = report.best_header.block.height, blocks = report.tip.block.height;
  auto line = fmt::format("headers {} | blocks {}", grouped(headers), grouped(blocks));
  if (headers > blocks) line += fmt::format(" ({}%)", blocks * 100 / headers);
  line += fmt::format(" | peers {}", peers);
  if (report.synced) return line + " | synced";
  if (rates.blocks_per_second > 0) {
    line += fmt::format(" | {} blocks/s, {:.1f} MB/s", grouped(static_cast<uint64_t>(rates.blocks_per_second)),
                        rates.bytes_per_second / 1e6);
    if (headers > blocks) line += " | " + time_left(static_cast<double>(headers - blocks) / rates.blocks_per_second);
  } else if (peers == 0) {
    line += " | looking for peers";
  } else if (headers == blocks) {
    line += " | asking for headers";
  }
  return line;
}

std::string fit_line(std::string text, size_t columns) {
  if (text.size() > columns) text.resize(columns);
  return text;
}

ProgressRates RateMeter::update(const NodeReport& report, Instant now) {
  samples_.push_back({now, report.blocks_received, report.block_bytes_received});
  while (samples_.size() > 2 && now - samples_[1].time > rate_window) samples_.pop_front();
  const auto& first = samples_.front();
  const double seconds = seconds_of(now - first.time);
  if (seconds <= 0) return {};
  return {static_cast<double>(report.blocks_received - first.blocks) / seconds,
          static_cast<double>(report.block_bytes_received - first.bytes) / seconds};
}

Progress::Progress() : terminal_(::isatty(STDOUT_FILENO) != 0) {}
Progress::~Progress() { clear(); }

static size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 79;
  return size.ws_col - 1u;  // the last column makes some terminals wrap
}

void Progress::show(const NodeReport& report, Instant now) {
  const auto interval = terminal_ ? Duration{terminal_interval} : Duration{plain_interval};
  if (last_ && now - *last_ < interval) return;
  last_ = now;
  const auto text = progress_text(report, meter_.update(report, now));
  // A node that waits says so once.
  if (!terminal_ && text == last_text_) return;
  last_text_ = text;
  draw(text);
}

void Progress::draw(const std::string& line) {
  if (terminal_) {
    show_text(fmt::format("\r{}\x1b[K", fit_line(line, terminal_columns())));
    drawn_ = true;
  } else {
    show_text(line + "\n");
  }
  std::fflush(stdout);
}

void Progress::clear() {
  if (!drawn_) return;
  show_text("\r\x1b[K");
  std::fflush(stdout);
  drawn_ = false;
}

}  // namespace lattice::app
