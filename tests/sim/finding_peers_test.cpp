// How soon a node has peers: after a fresh start in a network of a hundred, and after a third of them have gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t good_enough = 4;

// Nodes of a /16 each that DNS led to each other: it names three of them.
// Of thirty, with a third gone, all would have to be linked with all for each to have ten that it chose.
class Hundred {
 public:
  explicit Hundred(uint64_t seed, size_t nodes = slow_build ? 60 : 100)
      : world_({.seed = seed, .cryptography = Cryptography::modelled}) {
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
  // The least of those that run. With the three of DNS almost everybody is linked from the other side: whom they could choose is
  // there already, and all of those count for them.
  size_t least() const {
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < hosts_.size(); ++i)
      if (world_.running(hosts_[i])) least = std::min(least, i < 3 ? linked(hosts_[i]) : chosen(hosts_[i]));
    return least;
  }
  size_t linked(HostId host) const {
    const NodeReport report = world_.report(host);
    return static_cast<size_t>(
        std::ranges::count_if(report.peers, [&](const PeerReport& row) { return row.established && is_there(row.endpoint); }));
  }
  void end_each_third(Crash crash) {
    for (size_t i = 3; i < hosts_.size(); ++i)
      if (i % 10 < 3) world_.kill(hosts_[i], crash);
  }
  World& world() { return world_; }
  // Looks ten times a second. The time it took, or nothing.
  template <class Done>
  std::optional<double> seconds_until(Done done, Duration limit) {
    const Instant began = world_.now();
    while (!done()) {
      if (world_.now() - began >= limit) return std::nullopt;
      world_.run_for(std::chrono::milliseconds{100});
    }
    return seconds_of(world_.now() - began);
  }

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
  for (uint64_t seed = 1; seed <= (slow_build ? 1u : 3u); ++seed) {
    Hundred network(seed);
    for (int i = 0; i < 5; ++i) {
      const HostId fresh = network.add();
      const auto took = network.seconds_until([&] { return network.chosen(fresh) >= good_enough; }, seconds{10});
      EXPECT_TRUE(took) << "seed " << seed;
      std::cout << "seed " << seed << ": four after " << took.value_or(-1) << " s\n";
    }
  }
}

// Processes that end: their peers are told, and have as many others within half a minute.
TEST(FindingPeers, WhoLosesAThirdOfThemHasAsManyAgainWithinThirtySeconds) {
  for (uint64_t seed = 1; seed <= (slow_build ? 1u : 3u); ++seed) {
    Hundred network(seed);
    const size_t target = NodeConfig{}.outbound_target;
    EXPECT_EQ(network.least(), target) << "seed " << seed;
    network.end_each_third(Crash::process);
    const auto took = network.seconds_until([&] { return network.least() >= target; }, seconds{30});
    EXPECT_TRUE(took) << "seed " << seed << ": " << network.least();
    std::cout << "seed " << seed << ": " << target << " again after " << took.value_or(-1) << " s\n";
  }
}

// Machines that lose their power say nothing: with what is left nobody is below four, and who is gone is found out by pings.
TEST(FindingPeers, WhoLosesAThirdInSilenceStillHasFour) {
  Hundred network(4);
  network.end_each_third(Crash::power);
  network.world().run_for(seconds{30});
  EXPECT_GE(network.least(), good_enough);
  network.world().run_for(minutes{4});
  EXPECT_EQ(network.least(), NodeConfig{}.outbound_target);
}

}  // namespace
}  // namespace lattice::sim
