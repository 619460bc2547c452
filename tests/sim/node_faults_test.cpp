// Faults of the simulated world as production nodes see them.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

IpAddress address(uint8_t index) { return IpAddress::v4(20, index, 7, 1); }

// A node that holds a chain, and fresh ones that know its name.
class NodeFaults : public testing::TestWithParam<Cryptography> {
 protected:
  static constexpr uint32_t height = 100;

  explicit NodeFaults(Weather weather = {}) : world_({.seed = 5, .cryptography = GetParam(), .weather = weather}) {
    static const auto filled = [] {
      auto store = std::make_shared<MemoryStore>();
      regtest_filler(height, 20'000)(*store);
      return std::shared_ptr<const MemoryStore>(std::move(store));
    }();
    world_.set_dns("seeds.sim", {.addresses = {address(1)}});
    seed_ = add(1, SimStore(filled));
    world_.run_for(seconds{1});
  }
  HostId add(uint8_t index, SimStore store = {}) {
    SimNodeConfig config;
    config.node.default_port = config.node.listen_port = 8333;
    config.node.seeds.push_back({"seeds.sim", {}, 0});
    config.address = address(index);
    config.chain = [](Provider&) { return regtest_factory()(); };
    config.store = std::move(store);
    return world_.add_node(std::move(config));
  }
  bool run_to_tip(HostId host, Duration limit) {
    return world_.run_until([&] { return world_.tip(host).block.height == height; }, world_.now() + limit);
  }
  size_t left(HostId host, ErrorCode reason) {
    const auto report = world_.report(host);
    return static_cast<size_t>(std::ranges::count(report.left, reason, &LeftReport::reason));
  }
  bool connected(HostId host) {
    const auto report = world_.report(host);
    return std::ranges::any_of(report.peers, &PeerReport::established);
  }

  World world_;
  HostId seed_ = 0;
};

TEST_P(NodeFaults, CaughtCorruptionNeverBreaksALink) {
  world_.set_weather({.loss = 0.01, .reorder = 0.05, .duplicate = 0.05, .corrupt = 0.02});
  const HostId host = add(2);
  EXPECT_TRUE(run_to_tip(host, minutes{5}));
  EXPECT_TRUE(world_.report(host).left.empty());
  EXPECT_GT(world_.stats().messages, height);
  EXPECT_GT(world_.stats().handshakes, 0u);
}

TEST_P(NodeFaults, UndetectedCorruptionEndsALinkAndNobodyIsAvoided) {
  const HostId host = add(2);
  ASSERT_TRUE(world_.run_until([&] { return world_.tip(host).block.height > 3; }, world_.now() + seconds{30}));
  world_.set_weather({.corrupt = 0.5, .undetected = 1});
  ASSERT_TRUE(world_.run_until([&] { return left(host, ErrorCode::bad_record) > 0 || left(seed_, ErrorCode::bad_record) > 0; },
                               world_.now() + minutes{5}));
  world_.set_weather({});
  EXPECT_TRUE(run_to_tip(host, minutes{5}));
  EXPECT_TRUE(connected(host));
}

TEST_P(NodeFaults, AHalfOpenLinkIsFoundAndMadeAgain) {
  const HostId host = add(2);
  ASSERT_TRUE(run_to_tip(host, seconds{60}));
  world_.break_silently(host);
  world_.run_for(seconds{30});
  EXPECT_TRUE(world_.report(host).left.empty());
  world_.run_for(minutes{4});
  EXPECT_EQ(left(host, ErrorCode::idle_timeout) + left(host, ErrorCode::request_timeout), 1u);  // whichever is noticed first
  EXPECT_TRUE(connected(host));
}

TEST_P(NodeFaults, AStallInTheMiddleOfASyncIsOutlived) {
  world_.set_rate(seed_, 100'000, 100'000);
  const HostId host = add(2);
  ASSERT_TRUE(world_.run_until([&] { return world_.tip(host).block.height > 3; }, world_.now() + seconds{60}));
  world_.set_stalled(host, true);
  world_.run_for(seconds{15});
  const auto before = world_.tip(host).block.height;
  world_.run_for(minutes{3});
  EXPECT_LE(world_.tip(host).block.height, before + 16);  // what had arrived is still judged
  world_.set_stalled(host, false);
  EXPECT_TRUE(run_to_tip(host, minutes{10}));
}

TEST_P(NodeFaults, ANameThatAnswersLateIsUsedAndOneThatIsTooLateIsNot) {
  world_.set_dns("seeds.sim", {.late = seconds{3}, .addresses = {address(1)}});
  const HostId host = add(2);
  world_.run_for(seconds{2});
  EXPECT_FALSE(connected(host));
  EXPECT_TRUE(run_to_tip(host, seconds{60}));
  world_.set_dns("seeds.sim", {.late = seconds{8}, .addresses = {address(1)}});
  const HostId other = add(3);
  world_.run_for(seconds{6});
  ASSERT_EQ(world_.report(other).dns.size(), 1u);
  EXPECT_TRUE(world_.report(other).dns[0].failed);
}

TEST_P(NodeFaults, ASlowDiskIsSlowAndAFullOneStopsTheNode) {
  const HostId slow = add(2);
  world_.store(slow).slow_down(std::chrono::milliseconds{500});
  world_.run_for(seconds{20});
  EXPECT_LT(world_.tip(slow).block.height, height);
  const HostId full = add(3);
  world_.store(full).fail_commits(true);
  world_.run_for(seconds{20});
  EXPECT_EQ(world_.tip(full).block.height, 0u);
  ASSERT_TRUE(world_.report(full).failed);
  EXPECT_EQ(world_.report(full).failed->code, ErrorCode::store_failed);
}

TEST_P(NodeFaults, APowerCutOnALyingDiskIsSyncedAgain) {
  const HostId host = add(2);
  world_.store(host).lie(true);
  ASSERT_TRUE(run_to_tip(host, seconds{60}));
  world_.kill(host, Crash::power);
  world_.start(host);
  world_.run_for(std::chrono::milliseconds{100});
  EXPECT_LT(world_.tip(host).block.height, height);
  EXPECT_TRUE(run_to_tip(host, minutes{5}));
}

INSTANTIATE_TEST_SUITE_P(Both, NodeFaults, testing::Values(Cryptography::real, Cryptography::modelled),
                         [](const auto& value) { return value.param == Cryptography::real ? "real" : "modelled"; });

}  // namespace
}  // namespace lattice::sim
