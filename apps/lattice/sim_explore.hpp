// Many seeds of one scenario in child processes, and what is done with one that fails.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <lattice/host/host_error.hpp>

namespace lattice::app {

enum class FailureKind : uint8_t {
  broken,         // an invariant; `what` says which
  not_recovered,  // some honest node was not at the tip in time
  crashed,        // an assertion, a sanitizer, a signal
  too_long,       // it took longer than it may, in real time
};
std::string_view failure_kind_name(FailureKind kind);

struct RunFailure {
  uint64_t seed = 0;
  FailureKind kind = FailureKind::broken;
  std::vector<std::string> what;
};

struct ExploreOptions {
  std::vector<std::string> worker;  // the command of a child: program and arguments
  uint64_t first = 1;               // this seed, then the next ones ...
  std::optional<uint64_t> count;    // ... so many; without it as many as `seconds` allow
  double seconds = 60;
  size_t jobs = 1;
  double run_seconds_max = 600;  // of one run
  bool keep_going = false;       // after a failure
};

struct ExploreResult {
  uint64_t runs = 0;                 // ended, failed ones included
  std::vector<RunFailure> failures;  // by seed; without keep_going at most as many as there are jobs
  double seconds = 0, simulated_seconds = 0, recovery_worst = 0;
  uint64_t recovery_worst_seed = 0;
  uint64_t events = 0, messages = 0, bytes = 0, restarts = 0;
  std::string trace_hash;  // of all traces, in order of their seeds
};

// What a run failed by, from its figures as JSON; figures that make no sense are a crash of their own kind. Empty: it passed.
std::optional<RunFailure> judge_figures(const std::string& line, uint64_t seed);

constexpr size_t explore_failures_max = 100;
constexpr double explore_progress_s = 10;

// Calls `progress` now and then.
HostResult<ExploreResult> explore(const ExploreOptions& options, const std::function<void(const ExploreResult&)>& progress);
// One run of one seed. Empty: it passed.
HostResult<std::optional<RunFailure>> run_in_child(const std::vector<std::string>& worker, uint64_t seed, double seconds_max);

}  // namespace lattice::app
