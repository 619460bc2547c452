// P5: limits of bandwidth in the simulated world, whose lines are much faster.
#include <gtest/gtest.h>

#include <lattice/sim/world.hpp>

#include "attack_world.hpp"

namespace lattice::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint16_t port = 8333;
constexpr uint64_t rate = 100'000;
constexpr size_t blocks = 100, block_bytes = 20'000;
constexpr double chain_bytes = blocks * block_bytes;
constexpr double buffer = limits::send_buffer_bytes_max;

// One that has the chain, and some that want it and know nobody else.
struct OneServer {
  std::shared_ptr<const ChainKit> kit = attack_kit(blocks, block_bytes);
  World world{options()};
  HostId server{};
  std::vector<HostId> clients;

  static WorldOptions options() {
    WorldOptions out;
    out.seed = 5;
    out.cryptography = Cryptography::modelled;
    return out;
  }
  OneServer(BandwidthLimits upload, BandwidthLimits download, size_t count) {
    server = add(0, upload, {});
    for (size_t i = 1; i <= count; ++i) clients.push_back(add(i, {}, download));
  }
  static IpAddress address(size_t index) { return IpAddress::v4(20, static_cast<uint8_t>(1 + index), 7, 1); }
  HostId add(size_t index, BandwidthLimits upload, BandwidthLimits download) {
    SimNodeConfig config;
    config.node.magic = {'s', 'i', 'm', '1'};
    config.node.default_port = config.node.listen_port = port;
    config.node.user_agent = "/lattice-sim/";
    config.node.discovery = false;
    config.node.upload = upload;
    config.node.download = download;
    config.node.ping_interval = seconds{5};
    config.address = address(index);
    config.chain = [make = kit->chain](Provider&) { return make(); };
    if (index == 0)
      config.store = SimStore{*kit->filled};
    else
      config.node.connect.push_back({{address(0), port}, std::nullopt});
    return world.add_node(std::move(config));
  }
  bool all_have_it() {
    return std::ranges::all_of(clients, [&](HostId host) { return world.report(host).tip.block.height == blocks; });
  }
  // Why links were left, of all hosts.
  std::string left() {
    std::string out;
    for (HostId host = server; host <= clients.back(); ++host)
      for (const auto& gone : world.report(host).left)
        out += std::to_string(host) + ": " + std::string(error_name(gone.reason)) + " (" + gone.where +
               (gone.by_peer ? ", by peer)\n" : ")\n");
    return out;
  }
  // Seconds; nobody is lost over it.
  double synced() {
    const Instant begin = world.now();
    EXPECT_TRUE(world.run_until([&] { return all_have_it(); }, begin + minutes{10}));
    EXPECT_EQ(left(), "");
    return seconds_of(world.now() - begin);
  }
};

BandwidthLimits in_all(uint64_t bytes) {
  BandwidthLimits out;
  out.in_all = bytes;
  return out;
}
BandwidthLimits of(wire::Lane lane, uint64_t bytes) {
  BandwidthLimits out;
  out.lanes[static_cast<size_t>(lane)] = bytes;
  return out;
}

TEST(BandwidthLimits, WithoutAnyItTakesSeconds) { EXPECT_LT(OneServer({}, {}, 3).synced(), 10); }

TEST(BandwidthLimits, UploadInAllIsSharedByAll) {
  OneServer net(in_all(rate), {}, 3);
  const double took = net.synced();
  EXPECT_GT(took, (3 * chain_bytes - 3 * buffer) / rate - 1);
  EXPECT_LT(took, 1.3 * 3 * chain_bytes / rate);
}

// Headers do not wait for blocks.
TEST(BandwidthLimits, UploadOfOneClass) {
  OneServer net(of(wire::Lane::blocks, rate), {}, 1);
  const auto has_headers = [&] { return net.world.report(net.clients[0]).best_header.block.height == blocks; };
  ASSERT_TRUE(net.world.run_until(has_headers, net.world.now() + seconds{5}));
  EXPECT_LT(net.world.report(net.clients[0]).tip.block.height, blocks);
  const double took = net.synced();
  EXPECT_GT(took, (chain_bytes - buffer) / rate - 6);
  EXPECT_LT(took, 1.3 * chain_bytes / rate);
}

TEST(BandwidthLimits, DownloadInAll) {
  OneServer net({}, in_all(rate), 1);
  const double took = net.synced();
  EXPECT_GT(took, chain_bytes / rate - 2);
  EXPECT_LT(took, 1.3 * chain_bytes / rate);
}

TEST(BandwidthLimits, DownloadOfOneClass) {
  OneServer net({}, of(wire::Lane::blocks, rate), 1);
  const double took = net.synced();
  EXPECT_GT(took, chain_bytes / rate - 2);
  EXPECT_LT(took, 1.3 * chain_bytes / rate);
}

// The least that can be asked for: slow, and nobody is taken for silent.
TEST(BandwidthLimits, TheLeastRateLosesNobody) {
  OneServer net(in_all(BandwidthLimits::rate_min), {}, 4);
  net.world.run_for(minutes{8});
  EXPECT_EQ(net.left(), "");
  for (const HostId host : net.clients) EXPECT_GT(net.world.report(host).tip.block.height, 0u);
}

}  // namespace
}  // namespace lattice::sim
