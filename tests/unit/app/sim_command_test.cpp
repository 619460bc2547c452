// `lattice sim` as it is called: the seed first, then figures as JSON, and the same seed gives the same trace.
#include "../../../apps/lattice/program.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lattice::app {
namespace {

struct Run {
  int code = 0;
  std::string first_line, error;
  nlohmann::json figures;
};

Run run_sim(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"lattice", "sim"});
  std::vector<const char*> argv;
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Run run;
  run.code = run_program(static_cast<int>(argv.size()), argv.data());
  const auto out = testing::internal::GetCapturedStdout();
  run.error = testing::internal::GetCapturedStderr();
  const auto end = out.find('\n');
  run.first_line = out.substr(0, end);
  if (end != std::string::npos) run.figures = nlohmann::json::parse(out.substr(end), nullptr, false);
  return run;
}

const std::vector<std::string> small{"--nodes", "6", "--seeds", "2", "--blocks", "40", "--restarts", "2"};
std::vector<std::string> small_with(std::vector<std::string> more) {
  more.insert(more.begin(), small.begin(), small.end());
  return more;
}

TEST(SimCommand, SameSeedSameTrace) {
  const auto first = run_sim(small_with({"--seed", "7"}));
  const auto again = run_sim(small_with({"--seed", "7"}));
  const auto other = run_sim(small_with({"--seed", "8"}));
  EXPECT_EQ(first.code, 0) << first.error;
  EXPECT_EQ(first.first_line, "seed 7");
  EXPECT_EQ(first.figures["nodes_at_tip"], 6);
  EXPECT_EQ(first.figures["passed"], true);
  EXPECT_EQ(first.figures["trace_hash"], again.figures["trace_hash"]);
  EXPECT_NE(first.figures["trace_hash"], other.figures["trace_hash"]);
}

TEST(SimCommand, ARunThatFailsSaysHowToRepeatIt) {
  const auto run = run_sim(small_with({"--minutes", "0.01"}));  // too short, and the seed is drawn
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.figures["passed"], false);
  const auto seed = run.first_line.substr(5);
  EXPECT_NE(run.error.find("lattice sim"), std::string::npos) << run.error;
  EXPECT_NE(run.error.find("--minutes 0.01 --seed " + seed), std::string::npos) << run.error;
}

TEST(SimCommand, MinichainMakesBlocks) {
  const auto run = run_sim({"--scenario", "minichain", "--seed", "3", "--nodes", "5", "--blocks", "5", "--restarts", "1"});
  EXPECT_EQ(run.code, 0) << run.error;
  EXPECT_GE(run.figures["height"], 5);
}

TEST(SimCommand, CitiesComeFromAFile) {
  const char* data = std::getenv("LATTICE_DATA");
  const std::string path = std::string(data ? data : "../shared/data") + "/latency/rtt-avg-us.csv";
  if (!std::ifstream(path))
    GTEST_SKIP() << "skips a run with measured delays: " << path << " is not there; LATTICE_DATA names its folder";
  const auto run = run_sim(small_with({"--seed", "7", "--cities", path}));
  EXPECT_EQ(run.code, 0) << run.error;
  if (data) GTEST_SKIP() << "skips the comparison with random delays: LATTICE_DATA gives both runs the measured ones";
  EXPECT_NE(run.figures["trace_hash"], run_sim(small_with({"--seed", "7"})).figures["trace_hash"]);
}

TEST(SimCommand, AWrongFileOfCitiesIsRefused) {
  const auto run = run_sim(small_with({"--cities", "no-such-file.csv"}));
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.error.find("no-such-file.csv"), std::string::npos);
}

}  // namespace
}  // namespace lattice::app
