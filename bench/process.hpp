// Child processes of a benchmark: started, waited for with a limit, ended by their id.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace lattice::bench {

// A running program; ended (SIGTERM, then SIGKILL) where it still runs when this goes.
class Process {
 public:
  // Standard output and error go to `log`. ASSERTs that it could be started.
  Process(const std::vector<std::string>& arguments, const std::string& log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The exit code; 128 + n for a signal; -1 where the limit passed first.
  int wait(double seconds_max);

 private:
  void end();
  pid_t pid_ = -1;
};

// Runs it to its end; a failure is printed with its log and ends the benchmark.
void run_or_stop(const std::vector<std::string>& arguments, const std::string& log, double seconds_max);
// A TCP port on 127.0.0.1 that was free a moment ago.
unsigned free_port();
// Waits until somebody listens there; false after the limit.
bool wait_for_port(const std::string& ip, unsigned port, double seconds_max);

}  // namespace lattice::bench
