// THREATS.md 36 and 45 to 50: accidents and hostile surroundings, each as a plan with its figure.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::vector<uint32_t> every_third(size_t nodes, uint32_t first) {
  std::vector<uint32_t> out;
  for (uint32_t node = first; node < nodes; node += 3) out.push_back(node);
  return out;
}

Plan base_plan(std::string name, uint64_t seed, size_t nodes) {
  Plan plan;
  plan.name = std::move(name);
  plan.seed = seed;
  plan.nodes = nodes;
  plan.weather.loss = 0.005;
  return plan;
}

Fault fault(FaultKind kind, Duration at, Duration lasts, std::vector<uint32_t> nodes = {}, double amount = 0) {
  Fault out;
  out.kind = kind;
  out.at = at;
  out.lasts = lasts;
  out.nodes = std::move(nodes);
  out.amount = amount;
  return out;
}

Attack attack(AttackKind kind, size_t machines) {
  Attack out;
  out.kind = kind;
  out.machines = machines;
  return out;
}

// 36: half of all who can be dialled are hostile or slow. New blocks still come within a few seconds to everybody: each hostile
// peer that has never given anything costs two of them at most, and is asked after those who have.
TEST(ThreatsFaults, T36HalfOfThePeersHostileAndSlow) {
  for (const uint64_t seed : {36, 1, 4, 16}) {
    Plan plan = base_plan("half_hostile", seed, slow_build ? 12 : 30);
    plan.hostile_in_dns = 3;
    const size_t each = plan.nodes / 5;
    for (const auto kind :
         {AttackKind::withholding, AttackKind::slow_sender, AttackKind::liar, AttackKind::silent, AttackKind::corrupting})
      plan.attacks.push_back(attack(kind, each));
    plan.new_blocks = 8;
    plan.faults_end = seconds{100};
    const auto result = run_plan(plan, mixed_kit());
    std::cout << described(result) << "\n";
    EXPECT_TRUE(result.passed) << described(result);
    EXPECT_LT(result.t50, 1.5);
    EXPECT_LT(result.t90, 4);
    EXPECT_LT(result.t99, 8);
    if (slow_build) return;
  }
}

// A seed with a chain, and nodes that DNS leads there; no bootstrap list.
class Restarts {
 public:
  static constexpr uint32_t height = 30;

  explicit Restarts(size_t nodes) : world_({.seed = 45, .cryptography = Cryptography::modelled}) {
    auto filled = std::make_shared<MemoryStore>();
    regtest_filler(height, 1000)(*filled);
    world_.on_log([this](HostId host, const LogEvent& event) { ++events_[{host, std::string(event.name)}]; });
    world_.set_dns("seeds.sim", {.addresses = {address(0)}});
    for (size_t i = 0; i <= nodes; ++i) add(i, i == 0 ? SimStore(filled) : SimStore{});
  }
  // Everybody at the tip, and what they know is saved.
  bool settle() {
    world_.run_for(seconds{60});
    return std::ranges::all_of(hosts_, [&](HostId host) { return world_.tip(host).block.height == height; });
  }
  void restart(HostId host) {
    world_.kill(host);
    world_.start(host);
  }
  bool connected(HostId host) {
    return world_.running(host) && std::ranges::any_of(world_.report(host).peers, &PeerReport::established);
  }
  size_t events(HostId host, const std::string& name) const {
    const auto found = events_.find({host, name});
    return found == events_.end() ? 0 : found->second;
  }
  World& world() { return world_; }
  const std::vector<HostId>& hosts() const { return hosts_; }

 private:
  static IpAddress address(size_t index) { return IpAddress::v4(20, static_cast<uint8_t>(1 + index), 7, 1); }
  void add(size_t index, SimStore store) {
    SimNodeConfig config;
    config.node.default_port = config.node.listen_port = plan_port;
    config.node.seeds.push_back({"seeds.sim", {}, 0});
    config.address = address(index);
    config.chain = [](Provider&) { return regtest_factory()(); };
    config.store = std::move(store);
    hosts_.push_back(world_.add_node(std::move(config)));
  }

  World world_;
  std::vector<HostId> hosts_;
  std::map<std::pair<HostId, std::string>, size_t> events_;
};

// 45: whatever becomes of the stored addresses, a node starts, says so once, and finds its peers by DNS.
TEST(ThreatsFaults, T45DamagedStoredPeersCostOnlyThem) {
  Restarts net(2);
  ASSERT_TRUE(net.settle());
  const HostId host = net.hosts()[1];
  const Bytes good = net.world().saved_addresses(host);
  ASSERT_GT(good.size(), 100u);
  const auto restart_with = [&](Bytes file, const std::string& what) {
    const size_t damaged = net.events(host, "stored_addresses_damaged"), loaded = net.events(host, "stored_addresses_loaded");
    net.world().saved_addresses(host) = std::move(file);
    net.restart(host);
    const auto limit = net.world().now() + seconds{30};
    EXPECT_TRUE(net.world().run_until([&] { return net.connected(host); }, limit)) << what;
    EXPECT_FALSE(net.world().report(host).failed) << what;
    EXPECT_EQ(net.events(host, "stored_addresses_damaged"), damaged + (what == "whole" ? 0 : 1)) << what;
    EXPECT_EQ(net.events(host, "stored_addresses_loaded"), loaded + (what == "whole" ? 1 : 0)) << what;
  };
  restart_with(good, "whole");
  const size_t step = slow_build ? 13 : 3;
  for (size_t size = 1; size < good.size(); size += step)
    restart_with(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size)), "cut to " + std::to_string(size));
  for (size_t bit = 0; bit < 8 * good.size(); bit += 8 * step + 1) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    restart_with(std::move(flipped), "bit " + std::to_string(bit));
  }
  restart_with(good, "whole");
}

class DamageCounter final : public LogSink {
 public:
  bool wants(LogLevel level) const override { return level >= LogLevel::warning; }
  void log(const LogEvent& event) override { count_ += event.name == "stored_addresses_damaged"; }
  size_t count() const { return count_; }

 private:
  size_t count_ = 0;
};

// The same with everything else at work: bits flip in the stored addresses of a third, then they are killed.
TEST(ThreatsFaults, T45FlippedStoredPeersInAWholeNetwork) {
  Plan plan = base_plan("damaged_peers", 45, slow_build ? 9 : 21);
  const auto nodes = every_third(plan.nodes, 1);
  plan.faults.push_back(fault(FaultKind::disk_flip, seconds{29}, {}, nodes));  // of the store nothing
  plan.faults.push_back(fault(FaultKind::kill, seconds{30}, seconds{5}, nodes));
  plan.new_blocks = 6;
  DamageCounter damaged;
  plan.log = &damaged;
  const auto result = run_plan(plan, mixed_kit());
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_EQ(result.stores_wiped, 0u);
  EXPECT_EQ(damaged.count(), nodes.size());
  EXPECT_EQ(result.restarts, nodes.size());
}

// And whole they are worth something: with DNS dead for good, all who lost their power at once find each other again. Who has no
// file finds nobody.
TEST(ThreatsFaults, T45StoredPeersOutliveDns) {
  for (const bool kept : {true, false}) {
    Restarts net(6);
    ASSERT_TRUE(net.settle());
    net.world().set_dns("seeds.sim", {.fails = true});
    for (const HostId host : net.hosts()) {
      net.world().kill(host, Crash::power);
      if (!kept) net.world().saved_addresses(host).clear();
    }
    net.world().run_for(seconds{10});
    for (const HostId host : net.hosts()) net.world().start(host);
    net.world().run_for(seconds{30});
    for (const HostId host : net.hosts()) {
      // The seed knew nobody by name; it knows those who called it, and they call again.
      EXPECT_EQ(net.connected(host), kept) << host;
      EXPECT_EQ(net.events(host, "stored_addresses_loaded"), kept ? 1u : 0u) << host;
    }
  }
}

// 46: wall clocks jump ten years ahead or back, and later home again, while blocks of today are made.
TEST(ThreatsFaults, T46ClockStepsBanNobody) {
  constexpr double ten_years = 10 * 365.25 * 86'400;
  Plan plan = base_plan("clock_steps", 46, slow_build ? 9 : 21);
  for (const double years : {ten_years, -ten_years}) {
    const auto nodes = every_third(plan.nodes, years > 0 ? 1 : 2);
    plan.faults.push_back(fault(FaultKind::clock_step, seconds{15}, seconds{60}, nodes, years));
  }
  plan.faults.push_back(fault(FaultKind::kill, seconds{30}, seconds{3}, {3, 4, 5, 6, 7, 8}));
  plan.new_blocks = 8;
  plan.faults_end = seconds{80};
  const auto result = run_plan(plan, regtest_kit({.blocks = 60, .block_bytes = 1000, .recent = true}));
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);  // of which: no honest node avoids another
}

// 47: a line that is hardly one.
TEST(ThreatsFaults, T47SyncCompletesInTheWorstWeather) {
  Plan plan = base_plan("worst_weather", 47, slow_build ? 3 : 6);
  plan.seeds = 2;
  plan.weather = {.loss = 0.3, .reorder = 0.25, .corrupt = 0.01, .extra = seconds{1}};
  plan.faults_end = seconds{6};
  plan.recovery = minutes{60};
  const auto result = run_plan(plan, regtest_kit({.blocks = 200, .block_bytes = 2000}));
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_GT(result.world.sent_again, 100u);
}

// 48: an hour apart, each side with blocks of its own, then one network again.
TEST(ThreatsFaults, T48PartitionForAnHourThenOneTipWithinThirtySeconds) {
  Plan plan = base_plan("partition", 48, slow_build ? 8 : 20);
  std::vector<uint32_t> side;
  for (uint32_t node = 0; node < plan.nodes; node += 2) side.push_back(node);
  plan.faults.push_back(fault(FaultKind::partition, seconds{30}, minutes{60}, side));
  plan.faults_end = seconds{30} + minutes{60};
  plan.new_blocks = 14;
  plan.recovery = seconds{30};
  const auto result = run_plan(plan, mixed_kit());
  std::cout << described(result) << "\n";
  EXPECT_TRUE(result.passed) << described(result);
  EXPECT_GT(result.rival_blocks, 2u);
  EXPECT_LE(result.recovery_seconds, 30);
}

// 49: nine of ten peers take requests and give nothing.
TEST(ThreatsFaults, T49NineOfTenPeersStallAndSyncTakesAtMostTwiceAsLong) {
  const auto kit = regtest_kit({.blocks = slow_build ? 200u : 600u, .block_bytes = 20'000});
  const auto seconds_to_tip = [&](uint64_t seed, size_t seeds, size_t stalling) {
    Plan plan = base_plan("stalling", seed, seeds + 1);
    plan.seeds = seeds;
    plan.bytes_per_second = slow_build ? 100'000 : 400'000;
    plan.hostile_in_dns = stalling;
    plan.bootstrap = 0;
    if (stalling > 0) plan.attacks.push_back(attack(AttackKind::withholding, stalling));
    plan.arrive = plan.faults_end = seconds{1};
    plan.recovery = minutes{60};
    const auto result = run_plan(plan, kit);
    EXPECT_TRUE(result.passed) << described(result);
    return result.simulated_seconds;
  };
  for (uint64_t seed = 41; seed <= (slow_build ? 43u : 49u); ++seed) {
    const double alone = seconds_to_tip(seed, 2, 0), among = seconds_to_tip(seed, 2, 18);
    std::cout << "seed " << seed << ": " << alone << " s, with eighteen that stall " << among << " s\n";
    EXPECT_LE(among, 2 * alone) << seed;
  }
}

// 50: names that are not answered, or answered with addresses where nobody is.
TEST(ThreatsFaults, T50BootstrapWithoutDnsWithinAMinute) {
  for (const auto kind : {FaultKind::dns_dead, FaultKind::dns_lying, FaultKind::dns_slow}) {
    Plan plan = base_plan(std::string(fault_name(kind)), 50, slow_build ? 6 : 15);
    plan.arrive = seconds{2};
    plan.faults_end = plan.arrive + seconds{60};
    plan.faults.push_back(fault(kind, Duration{}, plan.faults_end, {}, 30));
    plan.recovery = seconds{1};
    const auto result = run_plan(plan, mixed_kit());
    std::cout << described(result) << "\n";
    EXPECT_TRUE(result.passed) << fault_name(kind) << ": " << described(result);
  }
}

}  // namespace
}  // namespace lattice::sim
