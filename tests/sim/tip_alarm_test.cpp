// 41. A node all of whose peers hide the new blocks, in the simulated world: within ten minutes it says so, and once an honest peer
// can be found it has them.
#include <gtest/gtest.h>

#include <map>

#include <lattice/sim/world.hpp>

#include "attack_world.hpp"

namespace lattice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint16_t port = 8333;

struct Eclipsed {
  std::shared_ptr<const ChainKit> kit = attack_kit(20, 1000);
  World world;
  HostId honest{}, victim{};
  std::map<std::string, Instant> events;  // of the victim, the first of each
  DnsRecord dns;

  explicit Eclipsed(size_t rescue_outbound) : world(options()) {
    world.on_log([this](HostId host, const LogEvent& event) {
      if (host == victim) events.emplace(std::string(event.name), world.now());
    });
    for (size_t i = 0; i < 5; ++i) {
      add(i, true, false);
      dns.addresses.push_back(address(i));
    }
    honest = add(10, true, false);
    world.set_dns("seeds.sim", dns);
    victim = add(20, false, true, rescue_outbound);
  }
  static WorldOptions options() {
    WorldOptions out;
    out.seed = 41;
    out.cryptography = Cryptography::modelled;
    return out;
  }
  static IpAddress address(size_t index) { return IpAddress::v4(20, static_cast<uint8_t>(1 + index), 7, 1); }

  HostId add(size_t index, bool filled, bool discovers, size_t rescue_outbound = 0) {
    SimNodeConfig config;
    config.node.magic = {'s', 'i', 'm', '1'};
    config.node.default_port = config.node.listen_port = port;
    config.node.user_agent = "/lattice-sim/";
    config.node.discovery = discovers;
    config.node.outbound_target = 5;
    config.node.rescue_outbound = rescue_outbound;
    config.node.block_only_target = 0;
    config.node.feeler_interval = config.node.churn_interval = std::chrono::hours{24};  // they are not what is tested
    if (discovers) config.node.seeds.push_back({"seeds.sim", {}, 0});
    config.address = address(index);
    config.chain = [make = kit->chain](Provider&) { return make(); };
    if (filled) config.store = SimStore{*kit->filled};
    return world.add_node(std::move(config));
  }
  // The five hide what the honest one has made, which DNS names from now on.
  void begin() {
    ASSERT_TRUE(world.run_until([&] { return world.report(victim).synced; }, world.now() + minutes{2}));
    ASSERT_EQ(world.report(victim).tip.block.height, 20u);
    for (const auto& block : kit->future) {
      world.make_block(honest, block.header, block.block);
      world.run_for(seconds{1});
    }
    dns.addresses.push_back(address(10));
    world.set_dns("seeds.sim", dns);
  }
  bool out() const { return world.report(victim).tip.block.height == 25; }
};

TEST(ThreatsEclipse, T41IsNoticedWithinTenMinutesAndLeft) {
  Eclipsed net(2);
  net.begin();
  const Instant begun = net.world.now();
  ASSERT_TRUE(net.world.run_until([&] { return net.events.contains("stale_tip"); }, begun + minutes{10}));
  EXPECT_TRUE(net.world.run_until([&] { return net.out(); }, begun + minutes{14}));
  EXPECT_TRUE(net.world.run_until([&] { return net.events.contains("tip_recovered"); }, begun + minutes{15}));
  net.world.run_for(seconds{5});
  const auto report = net.world.report(net.victim);
  EXPECT_LE(report.peers.size(), 5u);
  EXPECT_FALSE(report.stale_tip);
}

// The defence taken out: the same world, and nobody new is dialled.
TEST(ThreatsEclipse, T41WithoutTheDefenceItGoesOn) {
  Eclipsed net(0);
  net.begin();
  const Instant begun = net.world.now();
  EXPECT_FALSE(net.world.run_until([&] { return net.out(); }, begun + minutes{30}));
  EXPECT_TRUE(net.events.contains("stale_tip"));
}

}  // namespace
}  // namespace lattice::sim
