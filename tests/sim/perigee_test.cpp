// Learned selection of peers: what it gains, and what it leaves to who is fast and hostile. In a model of the graph alone, and with
// production nodes.
#include <lattice/peers/perigee.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>
#include <lattice/sim/line_chain.hpp>
#include <lattice/sim/peer_learning.hpp>
#include <lattice/sim/propagation.hpp>
#include <lattice/sim/world.hpp>

#include "../slow_build.hpp"

namespace lattice::sim {
namespace {

constexpr uint16_t port = 24'400;
constexpr size_t relays = 4;

// The mean of the last rounds.
double last_t90(const std::vector<LearningRound>& rounds, size_t count) {
  double sum = 0;
  for (size_t i = rounds.size() - count; i < rounds.size(); ++i) sum += rounds[i].t90;
  return sum / static_cast<double>(count);
}

TEST(PeerLearning, BlocksSpreadFasterThanOverRandomPeers) {
  for (const uint64_t seed : {1, 2, 3}) {
    LearningOptions options;
    options.seed = seed;
    options.nodes = 80;
    options.rounds = 4;
    options.limits.learned = 0;
    const double random = last_t90(learn(options), 4);
    options.rounds = 12;
    options.limits.learned = 4;
    EXPECT_LT(last_t90(learn(options), 4), 0.95 * random) << seed;
  }
}

// A fifth of the nodes is hostile and three times as fast as all others. It wins learned places, and no other.
TEST(PeerLearning, WhoIsFastWinsLearnedPlacesOnly) {
  LearningOptions options;
  options.nodes = 80;
  options.rounds = 16;
  options.hostile = 0.2;
  options.hostile_pace = 0.3;
  const auto rounds = learn(options);
  EXPECT_GT(rounds.back().hostile_learned, 0.5) << "else the attack is too weak to show anything";
  EXPECT_NEAR(rounds.back().hostile_random, rounds.front().hostile_random, 0.001);
  EXPECT_LT(rounds.back().hostile_random, 0.3);
}

Endpoint endpoint_of(size_t node) { return {IpAddress::v4(static_cast<uint8_t>(20 + node), 1, 1, 1), port}; }

// Production nodes that choose their peers themselves.
class Nodes {
 public:
  Nodes(uint64_t seed, size_t count, size_t learned_slots)
      : world_(world_options(seed)), sources_(seed), count_(count), had_(count) {
    const auto bodies = std::make_shared<LineBodies>();
    for (size_t node = 0; node < count; ++node) {
      LineChainOptions chain;
      chain.bodies = bodies;
      chain.on_block = [this, node](const BlockHash& block, Instant at) {
        if (block == newest_.hash) had_[node] = at;
      };
      SimNodeConfig config;
      config.node.magic = {'p', 'e', 'r', 'i'};
      config.node.listen_port = config.node.default_port = port;
      config.node.learned_slots = learned_slots;
      config.node.outbound_target = relays + 1;  // and one for blocks alone
      for (size_t other = 0; other < count; ++other)
        if (other != node) config.node.bootstrap.push_back({endpoint_of(other), std::nullopt});
      config.address = endpoint_of(node).ip;
      config.chain = [chain](Provider&) { return line_chain(chain); };
      world_.add_node(std::move(config));
    }
    world_.run_for(std::chrono::minutes{2});
  }

  // So many blocks, each found by somebody else; the mean of the times until nine of ten nodes have one, in seconds.
  double blocks(size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      const std::string body = "block " + std::to_string(newest_.height + 1);
      const LineBlock made = make_line_block(newest_, as_bytes(body));
      newest_ = made.ref;
      std::ranges::fill(had_, std::nullopt);
      const Instant began = world_.now();
      world_.make_block(static_cast<HostId>(sources_.below(count_)), made.header, made.block);
      world_.run_for(std::chrono::seconds{13});
      std::vector<double> times;
      for (const auto& at : had_) times.push_back(at ? seconds_of(*at - began) : 13);
      std::ranges::sort(times);
      sum += quantile_of(times, 0.9);
    }
    return sum / static_cast<double>(count);
  }

  NodeReport report(size_t node) const { return world_.report(static_cast<HostId>(node)); }
  size_t count() const { return count_; }

 private:
  static WorldOptions world_options(uint64_t seed) {
    WorldOptions out;
    out.seed = seed;
    out.cryptography = Cryptography::modelled;
    return out;
  }

  World world_;
  SeededRng sources_;
  size_t count_;
  BlockRef newest_ = line_genesis();
  std::vector<std::optional<Instant>> had_;
};

TEST(LearnedSelection, BlocksReachNodesThatLearnEarlier) {
  constexpr size_t nodes = slow_build ? 12 : 30, warm_up = slow_build ? 60 : 300, measured = 40;
  double before = 0, after = 0, without = 0;
  for (const uint64_t seed : {1, 2}) {
    Nodes learning(seed, nodes, 2);
    before += learning.blocks(measured);
    learning.blocks(warm_up);
    after += learning.blocks(measured);
    size_t exchanged = 0;
    for (size_t node = 0; node < nodes; ++node) {
      const NodeReport report = learning.report(node);
      exchanged += report.exchanged_late;
      size_t learned = 0, watched = 0;
      for (const auto& peer : report.peers) {
        watched += peer.arrivals.has_value();
        learned += peer.arrivals && peer.arrivals->learned;
        EXPECT_FALSE(peer.inbound && peer.arrivals);
      }
      EXPECT_LE(learned, 2u);
      EXPECT_LE(watched, relays);
    }
    EXPECT_GT(exchanged, slow_build ? 0 : nodes) << seed;
    Nodes random(seed, nodes, 0);
    random.blocks(measured + warm_up);
    without += random.blocks(measured);
  }
  if (slow_build) return;  // too few blocks to tell
  EXPECT_LT(after, 0.9 * before);
  EXPECT_LT(after, 0.9 * without);
}

TEST(LearnedSelection, NobodyGoesForItWhereItIsOff) {
  constexpr size_t nodes = 12;
  Nodes random(1, nodes, 0);
  random.blocks(60);
  for (size_t node = 0; node < nodes; ++node) {
    const NodeReport report = random.report(node);
    EXPECT_EQ(report.exchanged_late, 0u);
    for (const auto& peer : report.peers) EXPECT_TRUE(!peer.arrivals || peer.arrivals->samples == 0);
  }
}

}  // namespace
}  // namespace lattice::sim
