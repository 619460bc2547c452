// A child process that runs simulated worlds: a seed a line on its standard input, a result a line on its standard output, as JSON.
// A world that dies by an assertion takes its child with it, and its seed is known.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lattice/host/host_error.hpp>

namespace lattice::app {

class SimWorker {
 public:
  // argv[0] is the program's path.
  static HostResult<std::unique_ptr<SimWorker>> start(const std::vector<std::string>& argv);
  // Killed where it still runs: what it works at has no value any more.
  ~SimWorker();
  SimWorker(const SimWorker&) = delete;
  SimWorker& operator=(const SimWorker&) = delete;

  void give(uint64_t seed);
  int output() const { return output_; }  // to poll: hear() when there is something
  // One read. A whole line where there is one; `ended` where no more will come.
  struct Heard {
    std::optional<std::string> line;
    bool ended = false;
  };
  Heard hear();
  // Ends it, and says how it ended with the last of what it wrote on standard error, a line each.
  std::vector<std::string> last_words();

 private:
  SimWorker() = default;
  void end();

  pid_t pid_ = -1;
  int input_ = -1, output_ = -1, errors_ = -1;
  std::string heard_;
  int status_ = 0;
};

}  // namespace lattice::app
