// Scenario files: every key is read and written back, whatever is wrong is refused with its place, and the examples pass.
#include "../../../apps/lattice/sim_scenario.hpp"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "../../../apps/lattice/sim_run.hpp"
#include "places.hpp"

namespace lattice::app {
namespace {

using sim::AttackKind;
using sim::FaultKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

SimScenario accepted(const std::string& toml) {
  auto scenario = parse_sim_scenario(toml, "t.toml");
  EXPECT_TRUE(scenario) << (scenario ? "" : scenario.error().text());
  return scenario.value_or(SimScenario{});
}

// Refused with a message that begins "t.toml:LINE:" and holds every one of `parts`.
void expect_refused(const std::string& toml, size_t line, const std::vector<std::string>& parts) {
  const auto scenario = parse_sim_scenario(toml, "t.toml");
  ASSERT_FALSE(scenario) << toml;
  EXPECT_EQ(scenario.error().line, line) << scenario.error().text();
  const auto place = line == 0 ? std::string("t.toml: ") : "t.toml:" + std::to_string(line) + ":";
  EXPECT_TRUE(scenario.error().text().starts_with(place)) << scenario.error().text();
  for (const auto& part : parts) EXPECT_NE(scenario.error().what.find(part), std::string::npos) << scenario.error().text();
}

const std::string everything = R"(name = "all-of_it"
seed = 77
nodes = 9
seeds = 3
outbound_target = 5
connections_max = 40
cryptography = "real"
bytes_per_second = 1_000_000
new_blocks = 6
faults_end = 61.5
recovery = 90
least = 0.25
arrive = 2.5
unreachable = 2
bootstrap = 1
hostile_in_dns = 3
wall_start = 1600000000
cities = "a \"city\" file.csv"

[chain]
blocks = 44
block_bytes = 1234

[weather]
loss = 0.01
reorder = 0.02
duplicate = 0.03
corrupt = 0.04
undetected = 0.5
jitter = 0.006
extra = 1

[[fault]]
kind = "kill"
at = 1.000000001
lasts = 2
nodes = [0, 8]

[[fault]]
kind = "weather"
at = 3
lasts = 4
weather = { loss = 0.25, undetected = 0.125, jitter = 0.5 }

[[fault]]
kind = "clock_step"
at = 5
nodes = [1]
amount = -3600.5

[[attack]]
kind = "sybil"
machines = 2
addresses = 30
connections = 7
bytes_per_second = 5000
from = 1.5
until = 60
)";

TEST(SimScenario, EveryKeyIsRead) {
  const auto scenario = accepted(everything);
  const auto& plan = scenario.plan;
  EXPECT_TRUE(scenario.seed_given);
  EXPECT_EQ(plan.name, "all-of_it");
  EXPECT_EQ(plan.seed, 77u);
  EXPECT_EQ(plan.nodes, 9u);
  EXPECT_EQ(plan.seeds, 3u);
  EXPECT_EQ(plan.outbound_target, 5u);
  EXPECT_EQ(plan.connections_max, 40u);
  EXPECT_EQ(plan.cryptography, sim::Cryptography::real);
  EXPECT_EQ(plan.bytes_per_second, 1'000'000u);
  EXPECT_EQ(plan.new_blocks, 6u);
  EXPECT_EQ(plan.faults_end, milliseconds{61'500});
  EXPECT_EQ(plan.recovery, seconds{90});
  EXPECT_EQ(plan.least, milliseconds{250});
  EXPECT_EQ(plan.arrive, milliseconds{2'500});
  EXPECT_EQ(plan.unreachable, 2u);
  EXPECT_EQ(plan.bootstrap, 1u);
  EXPECT_EQ(plan.hostile_in_dns, 3u);
  EXPECT_EQ(plan.wall_start, 1'600'000'000);
  EXPECT_EQ(scenario.cities, "a \"city\" file.csv");
  EXPECT_EQ(scenario.blocks, 44u);
  EXPECT_EQ(scenario.block_bytes, 1234u);
  EXPECT_EQ(plan.weather.loss, 0.01);
  EXPECT_EQ(plan.weather.reorder, 0.02);
  EXPECT_EQ(plan.weather.duplicate, 0.03);
  EXPECT_EQ(plan.weather.corrupt, 0.04);
  EXPECT_EQ(plan.weather.undetected, 0.5);
  EXPECT_EQ(plan.weather.jitter, milliseconds{6});
  EXPECT_EQ(plan.weather.extra, seconds{1});
  ASSERT_EQ(plan.faults.size(), 3u);
  EXPECT_EQ(plan.faults[0].kind, FaultKind::kill);
  EXPECT_EQ(plan.faults[0].at, Duration{1'000'000'001});
  EXPECT_EQ(plan.faults[0].lasts, seconds{2});
  EXPECT_EQ(plan.faults[0].nodes, (std::vector<uint32_t>{0, 8}));
  EXPECT_EQ(plan.faults[1].weather.loss, 0.25);
  EXPECT_EQ(plan.faults[1].weather.undetected, 0.125);
  EXPECT_EQ(plan.faults[1].weather.jitter, milliseconds{500});
  EXPECT_EQ(plan.faults[2].amount, -3600.5);
  ASSERT_EQ(plan.attacks.size(), 1u);
  EXPECT_EQ(plan.attacks[0].kind, AttackKind::sybil);
  EXPECT_EQ(plan.attacks[0].machines, 2u);
  EXPECT_EQ(plan.attacks[0].addresses, 30u);
  EXPECT_EQ(plan.attacks[0].connections, 7u);
  EXPECT_EQ(plan.attacks[0].bytes_per_second, 5000u);
  EXPECT_EQ(plan.attacks[0].from, milliseconds{1500});
  EXPECT_EQ(plan.attacks[0].until, seconds{60});
}

// With EveryKeyIsRead: what is written is the same scenario again.
TEST(SimScenario, EveryKeyIsWrittenBack) {
  const auto text = sim_scenario_text(accepted(everything));
  EXPECT_EQ(sim_scenario_text(accepted(text)), text);
  for (const char* part : {"name = \"all-of_it\"",
                           "seed = 77",
                           "nodes = 9",
                           "seeds = 3",
                           "outbound_target = 5",
                           "connections_max = 40",
                           "cryptography = \"real\"",
                           "bytes_per_second = 1000000",
                           "new_blocks = 6",
                           "faults_end = 61.5",
                           "recovery = 90\n",
                           "least = 0.25",
                           "arrive = 2.5",
                           "unreachable = 2",
                           "bootstrap = 1",
                           "hostile_in_dns = 3",
                           "wall_start = 1600000000",
                           "cities = \"a \\\"city\\\" file.csv\"",
                           "blocks = 44",
                           "block_bytes = 1234",
                           "loss = 0.01",
                           "reorder = 0.02",
                           "duplicate = 0.03",
                           "corrupt = 0.04",
                           "undetected = 0.5",
                           "jitter = 0.006",
                           "extra = 1\n",
                           "at = 1.000000001",
                           "nodes = [0, 8]",
                           "weather = { loss = 0.25, undetected = 0.125, jitter = 0.5 }",
                           "amount = -3600.5",
                           "machines = 2",
                           "addresses = 30",
                           "connections = 7",
                           "from = 1.5",
                           "until = 60\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

// What exploring finds is written as a file: nothing of a drawn plan may be lost on the way.
TEST(SimScenario, DrawnPlansComeBackAsTheyWere) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SimScenario drawn;
    drawn.plan = sim::mixed_plan(seed, 2 + seed % 40);
    const auto text = sim_scenario_text(drawn);
    const auto back = accepted(text);
    ASSERT_EQ(sim_scenario_text(back), text) << seed;
    ASSERT_EQ(back.plan.faults.size(), drawn.plan.faults.size());
    for (size_t i = 0; i < drawn.plan.faults.size(); ++i) {
      const auto &one = drawn.plan.faults[i], &other = back.plan.faults[i];
      ASSERT_EQ(one.kind, other.kind);
      ASSERT_EQ(one.at, other.at);
      ASSERT_EQ(one.lasts, other.lasts);
      ASSERT_EQ(one.nodes, other.nodes);
      ASSERT_EQ(one.amount, other.amount);
      ASSERT_EQ(one.weather.loss, other.weather.loss);
      ASSERT_EQ(one.weather.extra, other.weather.extra);
    }
  }
}

TEST(SimScenario, AnEmptyFileIsTheDefaults) {
  const auto scenario = accepted("");
  const sim::Plan defaults;
  EXPECT_FALSE(scenario.seed_given);
  EXPECT_EQ(scenario.plan.nodes, defaults.nodes);
  EXPECT_EQ(scenario.plan.recovery, defaults.recovery);
  EXPECT_TRUE(scenario.plan.faults.empty());
  EXPECT_EQ(accepted("nodes = 2\n").plan.seeds, 2u);
}

TEST(SimScenario, UnknownKeysAreRefusedEverywhere) {
  expect_refused("nodes = 5\nnode = 6\n", 2, {"unknown key \"node\"", "allowed: name, seed"});
  expect_refused("[chain]\nlength = 6\n", 2, {"unknown key \"length\" in [chain]"});
  expect_refused("[weather]\nrain = 0.5\n", 2, {"unknown key \"rain\" in [weather]"});
  expect_refused("[[fault]]\nkind = \"kill\"\nat = 1\nnode = 3\n", 4, {"unknown key \"node\" in [[fault]]"});
  expect_refused("[[fault]]\nkind = \"weather\"\nat = 1\nweather = { rain = 1 }\n", 4, {"unknown key \"rain\""});
  expect_refused("[[attack]]\nkind = \"silent\"\npower = 3\n", 3, {"unknown key \"power\" in [[attack]]"});
}

TEST(SimScenario, WrongTypesAreRefused) {
  expect_refused("nodes = \"5\"\n", 1, {"nodes must be a whole number"});
  expect_refused("nodes = 5.5\n", 1, {"nodes must be a whole number"});
  expect_refused("recovery = \"1 s\"\n", 1, {"recovery must be a number"});
  expect_refused("name = 5\n", 1, {"name must be a text"});
  expect_refused("chain = 5\n", 1, {"chain must be a table"});
  expect_refused("fault = 5\n", 1, {"fault must be a list"});
  expect_refused("fault = [5]\n", 1, {"a fault is a table"});
  expect_refused("attack = [5]\n", 1, {"an attack is a table"});
  expect_refused("[[fault]]\nkind = \"kill\"\nat = 1\nnodes = 3\n", 4, {"[[fault]] nodes must be a list"});
  expect_refused("[[fault]]\nkind = \"weather\"\nat = 1\nweather = 3\n", 4, {"weather must be a table"});
  expect_refused("nodes = \n", 1, {"this is no TOML"});
}

TEST(SimScenario, ValuesOutOfTheirRangeAreRefused) {
  expect_refused("nodes = 0\n", 1, {"nodes is 0", "1 to 60000"});
  expect_refused("seed = -1\n", 1, {"seed is -1"});
  expect_refused("nodes = 3\nseeds = 4\n", 2, {"there cannot be more"});
  expect_refused("nodes = 3\nseeds = 2\nunreachable = 2\n", 3, {"there cannot be more"});
  expect_refused("outbound_target = 20\nconnections_max = 10\n", 1, {"outbound_target (20) is above connections_max (10)"});
  expect_refused("recovery = -1\n", 1, {"recovery is -1"});
  expect_refused("recovery = nan\n", 1, {"recovery is nan"});
  expect_refused("recovery = inf\n", 1, {"recovery is inf"});
  expect_refused("cryptography = \"none\"\n", 1, {"\"none\" is not known", "real, modelled"});
  expect_refused("name = \"a b\"\n", 1, {"letters, digits"});
  expect_refused("[weather]\nloss = 1\n", 2, {"[weather] loss is 1", "0 to 0.9"});
  expect_refused("[chain]\nblocks = 0\n", 2, {"[chain] blocks is 0"});
  expect_refused("# " + std::string(scenario_bytes_max, 'x') + "\n", 0, {"larger than"});
}

TEST(SimScenario, FaultsAndAttacksThatMakeNoSenseAreRefused) {
  const std::string kill = "nodes = 4\n[[fault]]\nkind = \"kill\"\n";
  expect_refused(kill, 2, {"[[fault]] needs the key \"at\""});
  expect_refused(kill + "at = 1\nnodes = [1, 4]\n", 5, {"a node's number is 4", "0 to 3"});
  expect_refused(kill + "at = 1\nnodes = [1, 1]\n", 5, {"the node 1 stands here twice"});
  expect_refused(kill + "at = 1\namount = 1\n", 5, {"a fault of kind \"kill\" has no amount"});
  expect_refused(kill + "at = 1\nweather = {}\n", 5, {"only a fault of kind \"weather\""});
  expect_refused("[[fault]]\nkind = \"rain\"\nat = 1\n", 2, {"\"rain\" is not known", "kill, power_cut", "dns_lying"});
  expect_refused("[[fault]]\nkind = \"slow_line\"\nat = 1\n", 1, {"[[fault]] needs the key \"amount\""});
  expect_refused("[[fault]]\nkind = \"slow_line\"\nat = 1\namount = 1\n", 4, {"amount is 1"});
  expect_refused("[[fault]]\nkind = \"weather\"\nat = 1\n", 1, {"needs the key \"weather\""});
  expect_refused("[[attack]]\nkind = \"nobody\"\n", 2, {"\"nobody\" is not known", "garbage, silent", "mutator"});
  expect_refused("[[attack]]\nkind = \"silent\"\nfrom = 5\nuntil = 5\n", 4, {"ends after it begins"});
  expect_refused("[[attack]]\nkind = \"silent\"\nmachines = 0\n", 3, {"machines is 0"});
}

TEST(SimScenario, NamesOfEveryKindComeBack) {
  for (auto kind = FaultKind::kill;; kind = static_cast<FaultKind>(static_cast<int>(kind) + 1)) {
    EXPECT_EQ(parse_fault(sim::fault_name(kind)), kind);
    if (kind == FaultKind::dns_lying) break;
  }
  for (auto kind = AttackKind::garbage;; kind = static_cast<AttackKind>(static_cast<int>(kind) + 1)) {
    EXPECT_EQ(parse_attack(sim::attack_name(kind)), kind);
    if (kind == AttackKind::mutator) break;
  }
  EXPECT_FALSE(parse_fault("Kill"));
  EXPECT_FALSE(parse_attack(""));
}

TEST(SimScenario, AFileThatIsNotThereIsNamed) {
  const auto scenario = load_sim_scenario("no-such-file.toml");
  ASSERT_FALSE(scenario);
  EXPECT_EQ(scenario.error().text(), "no-such-file.toml: it cannot be read (No such file or directory)");
}

// Each of examples/scenarios is run to its end, from two seeds.
class ExampleScenario : public testing::TestWithParam<std::string> {};

TEST_P(ExampleScenario, Passes) {
  const std::string file = (scenario_folder() / (GetParam() + ".toml")).string();
  SimRequest request;
  request.scenario = file;
  request.cities = "random";
  auto runner = SimRunner::make(request);
  ASSERT_TRUE(runner) << runner.error().why;
  for (const uint64_t seed : {1, 2}) {
    const auto scenario = runner->scenario(seed);
    ASSERT_TRUE(scenario) << scenario.error().why;
    EXPECT_EQ(scenario->plan.name, GetParam());
    const auto result = runner->run(*scenario, nullptr);
    ASSERT_TRUE(result) << result.error().why;
    EXPECT_TRUE(result->passed) << sim::described(*result);
    EXPECT_EQ(result->nodes_at_tip, scenario->plan.nodes);
    const bool attacked = !scenario->plan.attacks.empty();
    EXPECT_TRUE(!attacked || !result->hostile_left.empty()) << sim::described(*result);
  }
}

std::vector<std::string> example_names() {
  std::vector<std::string> names;
  const auto folder = scenario_folder();
  if (folder.empty()) return {"no-examples"};  // ... which fails
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, ExampleScenario, testing::ValuesIn(example_names()), [](const auto& example) {
  std::string name = example.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace lattice::app
