// Exploring with children that die, hang or talk nonsense: each is reported with its seed, and the others go on.
#include "../../../apps/lattice/sim_explore.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "../../../apps/lattice/sim_shrink.hpp"

namespace lattice::app {
namespace {

// A child that answers each seed with the lines of a shell script; $seed is its seed.
class Explore : public testing::Test {
 public:
  Explore(const Explore&) = delete;
  Explore& operator=(const Explore&) = delete;
  ~Explore() override { std::filesystem::remove_all(folder_); }

 protected:
  Explore() {
    std::string name = (std::filesystem::temp_directory_path() / "lattice-explore-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  std::string child(const std::string& lines) const {
    const auto file = folder_ / "child";
    std::ofstream(file) << "#!/bin/sh\npass() { echo \"{\\\"seed\\\":$seed,\\\"passed\\\":true,\\\"simulated_seconds\\\":2,"
                           "\\\"events\\\":10,\\\"trace_hash\\\":\\\"t$seed\\\"}\"; }\n"
                           "while read -r seed; do\n"
                        << lines << "\ndone\n";
    chmod(file.c_str(), 0700);
    return file.string();
  }
  ExploreResult run(const std::string& lines, ExploreOptions options = {}) const {
    options.worker = {child(lines)};
    if (!options.count) options.count = 10;
    const auto result = explore(options, [](const ExploreResult&) {});
    EXPECT_TRUE(result) << result.error().why;
    return result.value_or(ExploreResult{});
  }
  static bool says(const RunFailure& failed, const std::string& part) {
    for (const auto& line : failed.what)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }

  std::filesystem::path folder_;
};

TEST_F(Explore, SumsUpWhatPasses) {
  const auto result = run("pass");
  EXPECT_EQ(result.runs, 10u);
  EXPECT_TRUE(result.failures.empty());
  EXPECT_EQ(result.simulated_seconds, 20);
  EXPECT_EQ(result.events, 100u);
  ExploreOptions three;
  three.jobs = 3;
  EXPECT_EQ(run("pass", three).trace_hash, result.trace_hash);
  EXPECT_NE(run("[ $seed = 4 ] && echo '{\"seed\":4,\"passed\":true,\"trace_hash\":\"x\"}' || pass").trace_hash,
            result.trace_hash);
}

TEST_F(Explore, AChildThatDiesIsReportedWithItsSeed) {
  const auto result = run("if [ $seed = 6 ]; then echo 'assertion failed: a == b at c.cpp:7' >&2; kill -ABRT $$; fi; pass");
  EXPECT_EQ(result.runs, 6u);
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].seed, 6u);
  EXPECT_EQ(result.failures[0].kind, FailureKind::crashed);
  EXPECT_TRUE(says(result.failures[0], "Aborted"));
  EXPECT_TRUE(says(result.failures[0], "assertion failed: a == b at c.cpp:7"));
}

TEST_F(Explore, KeepsGoingWhereThatIsWanted) {
  ExploreOptions options;
  options.keep_going = true;
  options.jobs = 2;
  const auto result = run("case $seed in 3|8) exit 3;; esac; pass", options);
  EXPECT_EQ(result.runs, 10u);
  ASSERT_EQ(result.failures.size(), 2u);
  EXPECT_EQ(result.failures[0].seed, 3u);
  EXPECT_EQ(result.failures[1].seed, 8u);
  EXPECT_TRUE(says(result.failures[0], "exit code 3"));
}

TEST_F(Explore, AChildThatHangsIsStopped) {
  ExploreOptions options;
  options.run_seconds_max = 0.3;
  const auto result = run("if [ $seed = 2 ]; then exec sleep 100; fi; pass", options);
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].seed, 2u);
  EXPECT_EQ(result.failures[0].kind, FailureKind::too_long);
  EXPECT_LT(result.seconds, 30);
}

TEST_F(Explore, WhatAChildSaysIsJudged) {
  const auto kind_of = [&](const std::string& line) {
    ExploreOptions options;
    options.count = 1;
    const auto result = run("echo '" + line + "'", options);
    return result.failures.empty() ? std::string("passed") : std::string(failure_kind_name(result.failures[0].kind));
  };
  EXPECT_EQ(kind_of(R"({"seed":1,"passed":true})"), "passed");
  EXPECT_EQ(kind_of(R"({"seed":1,"passed":false,"broken":["two tips final"]})"), "broken");
  EXPECT_EQ(kind_of(R"({"seed":1,"passed":false,"broken":[],"nodes":3,"nodes_at_tip":2})"), "not recovered");
  EXPECT_EQ(kind_of(R"({"seed":1,"passed":false,"broken":["1 of 3 nodes reached height 4 within 1 s"]})"), "not recovered");
  EXPECT_EQ(kind_of(R"({"seed":2,"passed":true})"), "crashed");  // of another seed
  EXPECT_EQ(kind_of("hello"), "crashed");
  EXPECT_EQ(kind_of("[1]"), "crashed");
}

TEST_F(Explore, TimeIsALimitToo) {
  ExploreOptions options;
  options.count = 1'000'000;
  options.seconds = 0;  // counts only without `count`
  options.count.reset();
  options.worker = {child("pass")};
  const auto result = explore(options, [](const ExploreResult&) {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->runs, 0u);
}

TEST_F(Explore, AProgramThatIsNotThereIsAnError) {
  ExploreOptions options;
  options.worker = {(folder_ / "nothing").string()};
  const auto result = explore(options, [](const ExploreResult&) {});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().why.find("No such file"), std::string::npos);
}

// The child reads the scenario's file, as `lattice sim --worker --scenario FILE` does: $4.
class Shrinking : public Explore {
 protected:
  Shrunk shrink(const std::string& lines, FailureKind kind, std::vector<std::string> what) {
    SimScenario scenario;
    scenario.plan = sim::mixed_plan(5, 30);
    scenario.plan.attacks.emplace_back().kind = sim::AttackKind::liar;
    ShrinkOptions options;
    options.program = child(lines);
    options.file = (folder_ / "smaller.toml").string();
    options.seconds = 60;
    const auto out = shrink_scenario(scenario, {5, kind, std::move(what)}, options);
    EXPECT_TRUE(out) << out.error().why;
    return out.value_or(Shrunk{});
  }
};

TEST_F(Shrinking, KeepsWhatTheFailureNeeds) {
  const std::string assertion = "assertion failed: x at y.cpp:1 seed 5";
  const auto out = shrink("if grep -q liar \"$4\"; then echo '" + assertion + "' >&2; kill -ABRT $$; fi; pass",
                          FailureKind::crashed, {assertion});
  ASSERT_TRUE(out.scenario);
  EXPECT_GT(out.runs, 2u);
  EXPECT_TRUE(out.scenario->plan.faults.empty());
  ASSERT_EQ(out.scenario->plan.attacks.size(), 1u);
  EXPECT_EQ(out.scenario->plan.attacks[0].kind, sim::AttackKind::liar);
  EXPECT_LT(out.scenario->plan.nodes, 30u);
  const auto written = load_sim_scenario((folder_ / "smaller.toml").string());
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_EQ(sim_scenario_text(*written), sim_scenario_text(*out.scenario));
}

TEST_F(Shrinking, AnotherFailureIsNotTheSame) {
  EXPECT_FALSE(shrink("echo 'assertion failed: other at z.cpp:2' >&2; kill -ABRT $$", FailureKind::crashed,
                      {"assertion failed: x at y.cpp:1"})
                   .scenario);
  EXPECT_FALSE(shrink("pass", FailureKind::broken, {"two tips final"}).scenario);
}

}  // namespace
}  // namespace lattice::app
