// How soon a node has peers: after a fresh start in a network of a hundred, and after a third of them have gone.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t good_enough = 4;

// Nodes of a /16 each that DNS led to each other: it names three of them.
class Hundred {
 public:
  explicit Hundred(uint64_t seed, size_t nodes = 100) : world_({.seed = seed, .cryptography = Cryptography::modelled}) {
    auto filled = std::make_shared<MemoryStore>();
    regtest_filler(height, 1000)(*filled);
    filled_ = std::move(filled);
    world_.set_dns("seeds.sim", {.addresses = {address(0), address(1), address(2)}});
    for (size_t i = 0; i < nodes; ++i) add(i < 3);
    world_.run_for(minutes{2});
  }
  HostId add(bool has_chain = false) {
    SimNodeConfig config;
    config.node.magic = plan_magic;
    config.node.default_port = config.node.listen_port = plan_port;
    config.node.seeds.push_back({"seeds.sim", {}, 0});
    config.address = address(hosts_.size());
    config.chain = [](Provider&) { return regtest_factory()(); };
    config.store = has_chain ? SimStore(filled_) : SimStore{};
    hosts_.push_back(world_.add_node(std::move(config)));
    return hosts_.back();
  }
  // Peers that it chose, which are still there.
  size_t chosen(HostId host) const {
    const NodeReport report = world_.report(host);
    return static_cast<size_t>(std::ranges::count_if(report.peers, [&](const PeerReport& row) {
      return row.established && !row.inbound && row.slot != SlotKind::feeler && is_there(row.endpoint);
    }));
  }
  bool is_there(const Endpoint& endpoint) const {
    for (size_t i = 0; i < hosts_.size(); ++i)
      if (address(i) == endpoint.ip) return world_.running(hosts_[i]);
    return false;
  }
  // The least of those that run.
  size_t least_chosen() const {
    size_t least = SIZE_MAX;
    for (const HostId host : hosts_)
      if (world_.running(host)) least = std::min(least, chosen(host));
    return least;
  }
  void end_each_third(Crash crash) {
    for (size_t i = 3; i < hosts_.size(); ++i)
      if (i % 10 < 3) world_.kill(hosts_[i], crash);
  }
  World& world() { return world_; }

 private:
  static constexpr uint32_t height = 30;
  static IpAddress address(size_t index) {
    return IpAddress::v4(static_cast<uint8_t>(20 + index / 250), static_cast<uint8_t>(1 + index % 250), 7, 1);
  }
  World world_;
  std::shared_ptr<const MemoryStore> filled_;
  std::vector<HostId> hosts_;
};

TEST(FindingPeers, AFreshNodeHasFourWithinTenSeconds) {
  for (const uint64_t seed : {1, 2, 3}) {
    Hundred network(seed);
    for (int i = 0; i < 5; ++i) {
      const HostId fresh = network.add();
      const Instant began = network.world().now();
      const bool found = network.world().run_until([&] { return network.chosen(fresh) >= good_enough; }, began + seconds{10});
      EXPECT_TRUE(found) << "seed " << seed;
      std::cout << "seed " << seed << ": four after " << seconds_of(network.world().now() - began) << " s\n";
    }
  }
}

// Processes that end: their peers are told, and have as many others within half a minute.
TEST(FindingPeers, WhoLosesAThirdOfThemHasAsManyAgainWithinThirtySeconds) {
  for (const uint64_t seed : {1, 2, 3}) {
    Hundred network(seed);
    const size_t target = NodeConfig{}.outbound_target;
    EXPECT_EQ(network.least_chosen(), target) << "seed " << seed;
    network.end_each_third(Crash::process);
    const Instant began = network.world().now();
    const bool full = network.world().run_until([&] { return network.least_chosen() >= target; }, began + seconds{30});
    EXPECT_TRUE(full) << "seed " << seed << ": " << network.least_chosen();
    std::cout << "seed " << seed << ": " << target << " again after " << seconds_of(network.world().now() - began) << " s\n";
  }
}

// Machines that lose their power say nothing: with what is left nobody is below four, and who is gone is found out by pings.
TEST(FindingPeers, WhoLosesAThirdInSilenceStillHasFour) {
  Hundred network(4);
  network.end_each_third(Crash::power);
  network.world().run_for(seconds{30});
  EXPECT_GE(network.least_chosen(), good_enough);
  network.world().run_for(minutes{4});
  EXPECT_EQ(network.least_chosen(), NodeConfig{}.outbound_target);
}

}  // namespace
}  // namespace lattice::sim
