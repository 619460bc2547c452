#include "sim_explore.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>
#include <lattice/base/bytes.hpp>
#include <lattice/crypto/hash.hpp>
#include <nlohmann/json.hpp>

#include "sim_worker.hpp"

namespace lattice::app {

using SteadyClock = std::chrono::steady_clock;

std::string_view failure_kind_name(FailureKind kind) {
  switch (kind) {
    case FailureKind::broken: return "broken";
    case FailureKind::not_recovered: return "not recovered";
    case FailureKind::crashed: return "crashed";
    case FailureKind::too_long: return "too long";
  }
  return "";
}

std::optional<RunFailure> judge_figures(const std::string& line, uint64_t seed) {
  const auto result = nlohmann::json::parse(line, nullptr, false);
  if (!result.is_object() || result.value("seed", uint64_t{0}) != seed || !result.contains("passed"))
    return RunFailure{seed, FailureKind::crashed, {"the process said: " + line.substr(0, 200)}};
  if (result["passed"] == true) return std::nullopt;
  auto broken = result.value("broken", std::vector<std::string>{});
  if (broken.empty())
    broken.push_back(fmt::format("{} of {} nodes are at the tip after {} simulated seconds", result.value("nodes_at_tip", 0),
                                 result.value("nodes", 0), result.value("simulated_seconds", 0.0)));
  // A plan says of itself who was late; everything else that it says is worse.
  constexpr std::string_view late_words[] = {" nodes reached height ", " nodes are at the tip after "};
  const bool late = std::ranges::all_of(broken, [&](const std::string& sentence) {
    return std::ranges::any_of(late_words, [&](auto words) { return sentence.find(words) != std::string::npos; });
  });
  return RunFailure{seed, late ? FailureKind::not_recovered : FailureKind::broken, std::move(broken)};
}

namespace {

double seconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

class Exploration {
 public:
  Exploration(const ExploreOptions& options, const std::function<void(const ExploreResult&)>& progress)
      : options_(options), progress_(progress), next_(options.first) {}

  HostResult<ExploreResult> run() {
    lanes_.resize(std::max<size_t>(1, options_.jobs));
    for (;;) {
      for (auto& lane : lanes_)
        if (auto begun = begin(lane); !begun) return std::unexpected(begun.error());
      if (std::ranges::none_of(lanes_, &Lane::busy)) break;
      wait();
      say_progress();
    }
    finish();
    return std::move(result_);
  }

 private:
  // A child, or a place for one.
  struct Lane {
    std::unique_ptr<SimWorker> worker;
    bool busy = false;
    uint64_t seed = 0;
    SteadyClock::time_point began;
  };

  bool more() const {
    if (result_.failures.size() >= (options_.keep_going ? explore_failures_max : 1)) return false;
    if (options_.count) return next_ - options_.first < *options_.count;
    return seconds_since(began_) < options_.seconds;
  }

  HostResult<void> begin(Lane& lane) {
    if (lane.busy || !more()) return {};
    if (!lane.worker) {
      auto started = SimWorker::start(options_.worker);
      if (!started) return std::unexpected(started.error());
      lane.worker = std::move(*started);
    }
    lane.seed = next_++;
    lane.busy = true;
    lane.began = SteadyClock::now();
    lane.worker->give(lane.seed);
    return {};
  }

  void wait() {
    std::vector<pollfd> files;
    std::vector<Lane*> listening;
    for (auto& lane : lanes_) {
      if (!lane.busy) continue;
      files.push_back({lane.worker->output(), POLLIN, 0});
      listening.push_back(&lane);
    }
    poll(files.data(), files.size(), 200);
    for (size_t i = 0; i < files.size(); ++i) {
      if (files[i].revents != 0)
        hear(*listening[i]);
      else if (seconds_since(listening[i]->began) > options_.run_seconds_max)
        stop(*listening[i]);
    }
  }

  void hear(Lane& lane) {
    const auto heard = lane.worker->hear();
    if (heard.line) {
      lane.busy = false;
      take(lane.seed, *heard.line);
    } else if (heard.ended) {
      fail(lane, FailureKind::crashed, lane.worker->last_words());
    }
  }

  void stop(Lane& lane) {
    fail(lane, FailureKind::too_long, {fmt::format("not done after {:.0f} real seconds", seconds_since(lane.began))});
  }

  void fail(Lane& lane, FailureKind kind, std::vector<std::string> what) {
    lane.worker.reset();
    lane.busy = false;
    ++result_.runs;
    result_.failures.push_back({lane.seed, kind, std::move(what)});
  }

  void take(uint64_t seed, const std::string& line) {
    ++result_.runs;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (auto failed = judge_figures(line, seed)) result_.failures.push_back(std::move(*failed));
    if (!json.is_object()) return;
    result_.simulated_seconds += json.value("simulated_seconds", 0.0);
    result_.events += json.value("events", uint64_t{0});
    result_.messages += json.value("messages", uint64_t{0});
    result_.bytes += json.value("bytes", uint64_t{0});
    result_.restarts += json.value("restarts", uint64_t{0});
    traces_[seed] = json.value("trace_hash", std::string());
    if (const double recovery = json.value("recovery_seconds", 0.0); recovery > result_.recovery_worst) {
      result_.recovery_worst = recovery;
      result_.recovery_worst_seed = seed;
    }
  }

  void say_progress() {
    if (seconds_since(said_) < explore_progress_s) return;
    said_ = SteadyClock::now();
    result_.seconds = seconds_since(began_);
    progress_(result_);
  }

  void finish() {
    result_.seconds = seconds_since(began_);
    std::ranges::sort(result_.failures, {}, &RunFailure::seed);
    std::string all;
    for (const auto& [seed, trace] : traces_) all += fmt::format("{} {}\n", seed, trace);
    result_.trace_hash = to_hex(blake2s(as_bytes(all)));
  }

  const ExploreOptions& options_;
  const std::function<void(const ExploreResult&)>& progress_;
  uint64_t next_;
  SteadyClock::time_point began_ = SteadyClock::now(), said_ = began_;
  std::vector<Lane> lanes_;
  std::map<uint64_t, std::string> traces_;
  ExploreResult result_;
};

}  // namespace

HostResult<ExploreResult> explore(const ExploreOptions& options, const std::function<void(const ExploreResult&)>& progress) {
  return Exploration(options, progress).run();
}

HostResult<std::optional<RunFailure>> run_in_child(const std::vector<std::string>& worker, uint64_t seed, double seconds_max) {
  ExploreOptions options;
  options.worker = worker;
  options.first = seed;
  options.count = 1;
  options.run_seconds_max = seconds_max;
  auto result = explore(options, [](const ExploreResult&) {});
  if (!result) return std::unexpected(result.error());
  if (result->failures.empty()) return std::nullopt;
  return std::move(result->failures.front());
}

}  // namespace lattice::app
