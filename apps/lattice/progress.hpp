// How far a sync is: one line that is drawn again and again on a terminal, a plain line every few seconds elsewhere.
#pragma once

#include <deque>
#include <string>

#include <lattice/node/node.hpp>

namespace lattice::app {

// The line's text: headers, blocks, peers, rates, time left. Printable ASCII.
struct ProgressRates {
  double blocks_per_second = 0, bytes_per_second = 0;
};
std::string progress_text(const NodeReport& report, const ProgressRates& rates);
// Cut to `columns`, so that the line never wraps.
std::string fit_line(std::string text, size_t columns);

// Over the last seconds, so that the time left follows what happens now.
class RateMeter {
 public:
  ProgressRates update(const NodeReport& report, Instant now);

 private:
  struct Sample {
    Instant time;
    uint64_t blocks = 0, bytes = 0;
  };
  std::deque<Sample> samples_;
};

class Progress {
 public:
  Progress();
  ~Progress();
  // Draws when it is time to.
  void show(const NodeReport& report, Instant now);
  // Takes the line off the terminal: something else is about to be written.
  void clear();

 private:
  void draw(const std::string& line);

  bool terminal_;
  bool drawn_ = false;
  std::optional<Instant> last_;
  std::string last_text_;
  RateMeter meter_;
};

}  // namespace lattice::app
