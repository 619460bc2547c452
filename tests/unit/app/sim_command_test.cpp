// `lattice sim` as it is called: the seed first, then figures as JSON, and the same seed gives the same trace.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../../../apps/lattice/program.hpp"
#include "../../../apps/lattice/sim_plot.hpp"
#include "../../../apps/lattice/sim_scenario.hpp"
#include "places.hpp"

namespace lattice::app {
namespace {

struct Run {
  int code = 0;
  std::string first_line, error;
  nlohmann::json figures;
};

Run run_sim(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"lattice", "sim", "--program", program_file()});
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

const std::vector<std::string> small{"--scenario", "sync", "--nodes",      "6", "--seeds",  "2",     "--blocks", "40",
                                     "--restarts", "2",    "--new-blocks", "2", "--cities", "random"};
std::vector<std::string> small_with(std::vector<std::string> more) {
  more.insert(more.begin(), small.begin(), small.end());
  return more;
}

// Fresh nodes that have a thousandth of a second, behind lines that lose half of everything.
const std::vector<std::string> hopeless{
    "--scenario", "sync", "--nodes", "6",   "--seeds",    "2",     "--blocks", "40",     "--new-blocks", "0",
    "--restarts", "0",    "--loss",  "0.5", "--recovery", "0.001", "--attack", "silent", "--cities",     "random"};
std::vector<std::string> hopeless_with(std::vector<std::string> more) {
  more.insert(more.begin(), hopeless.begin(), hopeless.end());
  return more;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A folder that goes with the test.
class SimCommand : public testing::Test {
 public:
  SimCommand(const SimCommand&) = delete;
  SimCommand& operator=(const SimCommand&) = delete;
  ~SimCommand() override { std::filesystem::remove_all(folder_); }

 protected:
  SimCommand() {
    std::string name = (std::filesystem::temp_directory_path() / "lattice-sim-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  std::string file(const std::string& name, const std::string& content = {}) const {
    const auto path = folder_ / name;
    if (!content.empty()) std::ofstream(path) << content;
    return path.string();
  }

  std::filesystem::path folder_;
};

TEST_F(SimCommand, SameSeedSameTrace) {
  const auto first = run_sim(small_with({"--seed", "7"}));
  const auto again = run_sim(small_with({"--seed", "7"}));
  const auto other = run_sim(small_with({"--seed", "8"}));
  EXPECT_EQ(first.code, 0) << first.error;
  EXPECT_EQ(first.first_line, "seed 7");
  EXPECT_EQ(first.figures["nodes_at_tip"], 6);
  EXPECT_EQ(first.figures["passed"], true);
  EXPECT_EQ(first.figures["height"], 42);
  EXPECT_EQ(first.figures["trace_hash"], again.figures["trace_hash"]);
  EXPECT_NE(first.figures["trace_hash"], other.figures["trace_hash"]);
  for (const char* key : {"simulated_seconds", "real_seconds", "events", "events_per_second", "messages", "messages_per_second",
                          "deliveries", "bytes", "t50", "t90", "t99", "handshakes", "connections"})
    EXPECT_GT(first.figures[key].get<double>(), 0) << key;
  for (const char* key :
       {"duplicates", "packets_lost", "connections_peak", "broken", "hostile_left", "honest_left", "restarts"})
    EXPECT_TRUE(first.figures.contains(key)) << key;
}

TEST_F(SimCommand, CryptographyIsModelledOrReal) {
  const auto modelled = run_sim(small_with({"--seed", "7"}));
  const auto named = run_sim(small_with({"--seed", "7", "--cryptography", "modelled"}));
  const auto real = run_sim(small_with({"--seed", "7", "--cryptography", "real"}));
  const auto flag = run_sim(small_with({"--seed", "7", "--real-crypto"}));
  EXPECT_EQ(real.code, 0) << real.error;
  EXPECT_EQ(modelled.figures["trace_hash"], named.figures["trace_hash"]);
  EXPECT_EQ(real.figures["trace_hash"], flag.figures["trace_hash"]);
  EXPECT_NE(real.figures["trace_hash"], modelled.figures["trace_hash"]);
}

TEST_F(SimCommand, ARunThatFailsSaysHowToRepeatItAndLeavesASmallerOne) {
  const auto smaller = file("smaller it's.toml");
  const auto run = run_sim(hopeless_with({"--seed", "7", "--shrink", "30", "--shrink-to", smaller}));
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.figures["passed"], false);
  EXPECT_NE(run.error.find("seed 7"), std::string::npos) << run.error;
  const std::string command =
      "lattice sim --scenario sync --nodes 6 --seeds 2 --blocks 40 --new-blocks 0 --restarts 0 --loss 0.5 --attack silent "
      "--recovery 0.001 --cities random --seed 7";
  EXPECT_NE(run.error.find(command), std::string::npos) << run.error;
  EXPECT_NE(run.error.find("smaller it'\\''s.toml'"), std::string::npos) << run.error;
  const auto scenario = load_sim_scenario(smaller);
  ASSERT_TRUE(scenario) << scenario.error().text();
  EXPECT_LE(scenario->plan.nodes, 6u);
  EXPECT_TRUE(scenario->plan.attacks.empty());
  EXPECT_EQ(scenario->plan.seed, 7u);
  // It fails by itself, without a word beside the file.
  const auto again = run_sim({"--scenario", smaller, "--shrink", "0"});
  EXPECT_EQ(again.first_line, "seed 7");
  EXPECT_EQ(again.code, 1);
}

TEST_F(SimCommand, WithoutASeedItExplores) {
  const auto run = run_sim(small_with({"--explore", "3", "--jobs", "2"}));
  EXPECT_EQ(run.code, 0) << run.error;
  EXPECT_EQ(run.figures["runs"], 3);
  EXPECT_EQ(run.figures["failed"], 0);
  EXPECT_EQ(run.first_line, "seed " + run.figures["first_seed"].dump());
  const auto minutes = run_sim(small_with({"--minutes", "0.001"}));  // too short for more than one a job
  EXPECT_EQ(minutes.code, 0) << minutes.error;
  EXPECT_GE(minutes.figures["runs"].get<int>(), 1);
}

TEST_F(SimCommand, ExploringIsTheSameWithMoreProcesses) {
  const auto one = run_sim(small_with({"--explore", "5..9", "--jobs", "1"}));
  const auto three = run_sim(small_with({"--explore", "5..9", "--jobs", "3"}));
  EXPECT_EQ(one.first_line, "seed 5");
  EXPECT_EQ(one.figures["runs"], 5);
  EXPECT_EQ(one.figures["trace_hash"], three.figures["trace_hash"]);
  EXPECT_EQ(one.figures["events"], three.figures["events"]);
}

TEST_F(SimCommand, ExploringReportsTheFirstSeedThatFails) {
  const auto run = run_sim(hopeless_with({"--explore", "5..500", "--jobs", "1", "--shrink", "0"}));
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.figures["runs"], 1);
  ASSERT_EQ(run.figures["failures"].size(), 1u);
  const auto& failed = run.figures["failures"][0];
  EXPECT_EQ(failed["seed"], 5);
  EXPECT_EQ(failed["kind"], "not recovered");
  const auto command = failed["command"].get<std::string>();
  EXPECT_TRUE(command.ends_with("--recovery 0.001 --cities random --seed 5")) << command;
  EXPECT_EQ(command.find("--explore"), std::string::npos);
  EXPECT_NE(run.error.find(command), std::string::npos) << run.error;
}

TEST_F(SimCommand, AFileMayHoldItsSeed) {
  const auto with = file("with.toml", "seed = 9\nnodes = 4\nseeds = 1\n[chain]\nblocks = 20\n");
  const auto run = run_sim({"--scenario", with, "--cities", "random"});
  EXPECT_EQ(run.code, 0) << run.error;
  EXPECT_EQ(run.first_line, "seed 9");
  EXPECT_EQ(run_sim({"--scenario", with, "--seed", "8", "--cities", "random"}).first_line, "seed 8");
}

TEST_F(SimCommand, NamedScenarios) {
  const auto hostile = run_sim({"--scenario", "hostile", "--seed", "3", "--nodes", "6", "--seeds", "2", "--blocks", "30"});
  EXPECT_EQ(hostile.code, 0) << hostile.error;
  EXPECT_FALSE(hostile.figures["hostile_left"].empty());
  const auto mixed = run_sim({"--seed", "3", "--nodes", "6", "--blocks", "30"});
  EXPECT_EQ(mixed.code, 0) << mixed.error;
  const auto mini = run_sim({"--scenario", "minichain", "--seed", "3", "--nodes", "5", "--blocks", "5", "--restarts", "1"});
  EXPECT_EQ(mini.code, 0) << mini.error;
  EXPECT_GE(mini.figures["height"], 5);
}

TEST_F(SimCommand, AttackersBesideTheScenarios) {
  const auto run = run_sim(small_with({"--seed", "3", "--attack", "silent=2", "--attack", "garbage", "--minutes", "1"}));
  EXPECT_EQ(run.code, 0) << run.error;
  EXPECT_TRUE(run.figures["hostile_left"].contains("handshake_timeout")) << run.figures.dump();
  EXPECT_GE(run.figures["simulated_seconds"].get<double>(), 60);
}

TEST_F(SimCommand, WrongUsageEndsWithTwo) {
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"--seed", "x"},
                                                                 {"--seed", "-1"},
                                                                 {"--nodes", "1"},
                                                                 {"--minutes", "nan"},
                                                                 {"--explore", "0"},
                                                                 {"--explore", "9..5"},
                                                                 {"--explore", "1..x"},
                                                                 {"--explore", "5", "--seed", "3"},
                                                                 {"--attack", "nobody"},
                                                                 {"--attack", "silent=0"},
                                                                 {"--cryptography", "none"},
                                                                 {"--cryptography", "real", "--real-crypto"},
                                                                 {"--plot-with", "a.json:b"},
                                                                 {"--rain"}}) {
    const auto run = run_sim(wrong);
    EXPECT_EQ(run.code, 2) << wrong[0] << " " << run.error;
    EXPECT_TRUE(run.first_line.empty()) << run.first_line;
  }
}

TEST_F(SimCommand, WhatCannotRunEndsWithOneAndSaysWhy) {
  const auto expect_failed = [](const std::vector<std::string>& arguments, const std::string& part) {
    const auto run = run_sim(arguments);
    EXPECT_EQ(run.code, 1);
    EXPECT_NE(run.error.find(part), std::string::npos) << run.error;
  };
  expect_failed({"--scenario", "no-such.toml", "--seed", "1"}, "no-such.toml: it cannot be read");
  expect_failed({"--scenario", file("bad.toml", "nodes = 0\n"), "--seed", "1"}, "bad.toml:1:9: ");
  expect_failed({"--cities", "no-such-file.csv", "--seed", "1"}, "no-such-file.csv cannot be opened");
  expect_failed({"--cities", file("bad.csv", "1,2\n"), "--seed", "1"}, "no square");
  expect_failed({"--scenario", "minichain", "--nodes", "4", "--seed", "1"}, "four validators");
  expect_failed({"--scenario", "minichain", "--attack", "silent", "--seed", "1"}, "no attackers");
  expect_failed({"--scenario", "sync", "--nodes", "3", "--seeds", "4", "--seed", "1"}, "4 seeds");
  expect_failed({"--scenario", file("far.toml", "nodes = 9\n[[fault]]\nkind = \"kill\"\nat = 1\nnodes = [8]\n"), "--nodes", "5",
                 "--seed", "1"},
                "hits the node 8");
  expect_failed({"--scenario", "sync", "--new-blocks", "0", "--plot", file("a.svg"), "--seed", "1"}, "no new blocks");
}

TEST_F(SimCommand, PlotsItsOwnCurveAndOthers) {
  const auto picture = file("a.svg"), other = file("real.json", "{\"nodes\": 4, \"arrivals\": [[0.5, 1.5, 2.5], [0.25, 9]]}");
  const auto run = run_sim(small_with({"--seed", "7", "--arrivals", "--plot", picture, "--plot-with", other + ":real ones"}));
  EXPECT_EQ(run.code, 0) << run.error;
  const auto svg = text_of(picture);
  EXPECT_TRUE(svg.starts_with("<svg"));
  EXPECT_NE(svg.find(">simulated</text>"), std::string::npos);
  EXPECT_NE(svg.find(">real ones</text>"), std::string::npos);
  EXPECT_NE(svg.find("trace " + run.figures["trace_hash"].get<std::string>().substr(0, 16)), std::string::npos);
  ASSERT_EQ(run.figures["arrivals"].size(), 2u);
  EXPECT_FALSE(run.figures["arrivals"][0].empty());
  // What --arrivals prints is what --plot-with takes.
  const auto own = read_curve(file("own.json", run.figures.dump()) + ":own");
  ASSERT_TRUE(own) << own.error().why;
  EXPECT_EQ(own->total, 12u);
}

TEST_F(SimCommand, CurvesFromFiles) {
  const auto curve = [&](const std::string& json) { return read_curve(file("c.json", json) + ":name"); };
  EXPECT_EQ(curve("[3, 1, 2.5]")->seconds, (std::vector<double>{3, 1, 2.5}));
  EXPECT_EQ(curve("[3, 1, 2.5]")->total, 0u);
  EXPECT_EQ(curve("[[1], [2, 3]]")->seconds, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(curve("{\"arrivals\": [1, 2], \"nodes\": 3}")->total, 3u);
  EXPECT_EQ(curve("{\"arrivals\": [[1, 2], [1]], \"nodes\": 3}")->total, 6u);
  EXPECT_EQ(curve("[1]")->name, "name");
  for (const char* wrong : {" ", "[]", "{}", "[\"a\"]", "[-1]", "[[1], 2]", "5", "{\"arrivals\": []}", "[1e999]",
                            "{\"arrivals\": [1], \"nodes\": -3}", "[1"})
    EXPECT_FALSE(curve(wrong)) << wrong;
  EXPECT_FALSE(read_curve(file("c.json", "[1]")));
  EXPECT_FALSE(read_curve("no-such.json:name"));
}

TEST_F(SimCommand, CitiesComeFromAFile) {
  // Two cities, 200 ms apart: a block takes its time between them.
  const auto cities = file("two.csv", "1000,200000\n200000,1000\n");
  auto arguments = small_with({"--seed", "7"});
  *std::ranges::find(arguments, "random") = cities;
  const auto run = run_sim(arguments);
  EXPECT_EQ(run.code, 0) << run.error;
  EXPECT_NE(run.figures["trace_hash"], run_sim(small_with({"--seed", "7"})).figures["trace_hash"]);
  EXPECT_GT(run.figures["t99"].get<double>(), 0.1);
}

}  // namespace
}  // namespace lattice::app
