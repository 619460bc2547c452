#include "sim_shrink.hpp"

#include <algorithm>
#include <chrono>

#include "files.hpp"

namespace lattice::app {

namespace {

// An assertion's own line, without what it says of the run: the same place again is the same failure.
std::string assertion_in(const RunFailure& failed) {
  constexpr std::string_view begin = "assertion failed: ";
  for (const auto& line : failed.what) {
    if (!line.starts_with(begin)) continue;
    const auto colon = line.rfind(".cpp:");
    return line.substr(0, colon == std::string::npos ? line.size() : colon);
  }
  return {};
}

bool same_failure(const RunFailure& one, const RunFailure& other) {
  return one.kind == other.kind && assertion_in(one) == assertion_in(other);
}

}  // namespace

HostResult<Shrunk> shrink_scenario(const SimScenario& failing, const RunFailure& failed, const ShrinkOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  const auto left = [&] {
    return options.seconds - std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  const std::vector<std::string> worker{options.program, "sim", "--worker", "--scenario", options.file};
  Shrunk out;
  HostResult<void> trouble;
  auto candidate = failing;
  const auto fails = [&](const sim::Plan& plan) {
    if (!trouble || (out.runs > 0 && left() <= 0)) return false;
    ++out.runs;
    candidate.plan = plan;
    trouble = write_file_atomically(options.file, sim_scenario_text(candidate));
    if (!trouble) return false;
    // A run that took too long once is given as long again; another is stopped when the time is up.
    const double most = failed.kind == FailureKind::too_long ? options.run_seconds_max : std::max(left(), 1.0);
    const auto found = run_in_child(worker, plan.seed, std::min(most, options.run_seconds_max));
    if (!found) trouble = std::unexpected(found.error());
    return found && *found && same_failure(**found, failed);
  };
  if (fails(failing.plan)) {
    auto smaller = failing;
    smaller.plan = sim::shrink(failing.plan, fails, options.runs_max);
    if (trouble) trouble = write_file_atomically(options.file, sim_scenario_text(smaller));
    out.scenario = std::move(smaller);
  }
  if (!trouble) return std::unexpected(trouble.error());
  return out;
}

}  // namespace lattice::app
