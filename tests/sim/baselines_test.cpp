// The baselines and the measurement that sets Lattice beside them, in small worlds.
#include <gtest/gtest.h>

#include <lattice/base/assert.hpp>
#include <lattice/sim/baseline_flood.hpp>
#include <lattice/sim/baseline_mesh.hpp>
#include <lattice/sim/propagation.hpp>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

constexpr size_t nodes = slow_build ? 30 : 50;
constexpr Protocol protocols[] = {Protocol::flood, Protocol::mesh, Protocol::lattice};

PropagationOptions small(Protocol protocol, bool blocks = false) {
  PropagationOptions options;
  options.protocol = protocol;
  options.seed = 3;
  options.nodes = nodes;
  options.blocks = blocks;
  options.sizes = {blocks ? size_t{100'000} : size_t{300}};
  options.messages = 3;
  if (blocks) options.lines = {{6'250'000, 1'875'000}, {6'250'000, 3'125'000}, {12'500'000, 6'250'000}};
  return options;
}

std::string name_of(const testing::TestParamInfo<std::tuple<Protocol, bool>>& param) {
  const auto [protocol, blocks] = param.param;
  return std::string(protocol_name(protocol)) + (blocks ? "Blocks" : "Votes");
}
class EachProtocol : public testing::TestWithParam<std::tuple<Protocol, bool>> {
 protected:
  PropagationOptions options = small(std::get<0>(GetParam()), std::get<1>(GetParam()));
};
INSTANTIATE_TEST_SUITE_P(Each, EachProtocol, testing::Combine(testing::ValuesIn(protocols), testing::Bool()), name_of);

TEST_P(EachProtocol, ReachesEverybodyAndNeverBeatsTheBound) {
  const auto result = measure_propagation(options);
  ASSERT_EQ(result.each.size(), 1u);
  EXPECT_EQ(result.honest, nodes);
  ASSERT_EQ(result.each[0].messages.size(), options.messages);
  for (const auto& message : result.each[0].messages) {
    EXPECT_EQ(message.reached, nodes - 1);
    ASSERT_EQ(message.times.size(), nodes - 1);
    EXPECT_GT(message.least_slack, 0.0);
    EXPECT_GT(message.bound.t50, 0.0);
    EXPECT_LE(message.bound.t50, message.spread.t50);
    EXPECT_LE(message.bound.t90, message.spread.t90);
    EXPECT_LE(message.bound.t99, message.spread.t99);
    EXPECT_LE(message.spread.t50, message.spread.t90);
    EXPECT_LE(message.spread.t90, message.spread.t99);
    EXPECT_LT(message.spread.t99, options.blocks ? 10.0 : 1.0);
  }
}

TEST_P(EachProtocol, TheSameSeedGivesTheSameTraceAndAnotherAnother) {
  const auto once = measure_propagation(options), twice = measure_propagation(options);
  EXPECT_EQ(once.trace_hash, twice.trace_hash);
  EXPECT_EQ(once.events, twice.events);
  EXPECT_EQ(once.each[0].messages[0].times, twice.each[0].messages[0].times);
  ++options.seed;
  EXPECT_NE(measure_propagation(options).trace_hash, once.trace_hash);
}

TEST_P(EachProtocol, SilentNodesSlowNobodyDownForGood) {
  options.silent = 0.2;
  const auto result = measure_propagation(options);
  EXPECT_EQ(result.honest, nodes - nodes / 5);
  for (const auto& message : result.each[0].messages) {
    EXPECT_EQ(message.reached, result.honest - 1);
    EXPECT_EQ(message.times.size(), result.honest - 1);
  }
}

// Each node sends to all its neighbours but one, and needs one copy: two less than it has neighbours are too much.
TEST(Flood, SendsACopyOverEachLink) {
  const auto result = measure_propagation(small(Protocol::flood));
  const double neighbours = 2 * flood_degree;
  EXPECT_GT(result.each[0].duplicates_a_node, neighbours - 2.5);
  EXPECT_LT(result.each[0].duplicates_a_node, neighbours - 1.5);
  EXPECT_GT(result.each[0].bytes_a_node, 300 * (neighbours - 2));
  EXPECT_LT(result.each[0].bytes_a_node, 300 * neighbours * 1.1);
}

TEST(Mesh, SendsLessThanFloodAndNotMuchMoreThanItsDegree) {
  for (const bool blocks : {false, true}) {
    const auto flood = measure_propagation(small(Protocol::flood, blocks)),
               mesh = measure_propagation(small(Protocol::mesh, blocks));
    EXPECT_LT(mesh.each[0].bytes_a_node, flood.each[0].bytes_a_node);
    EXPECT_LT(mesh.each[0].duplicates_a_node, flood.each[0].duplicates_a_node);
    // A mesh has 6 to 12 links.
    EXPECT_GT(mesh.each[0].duplicates_a_node, 4.0);
    EXPECT_LT(mesh.each[0].duplicates_a_node, 12.0);
  }
}

TEST(Lattice, BlocksTravelAboutOnceToEach) {
  const auto result = measure_propagation(small(Protocol::lattice, true));
  EXPECT_LT(result.each[0].duplicates_a_node, 0.5);
  EXPECT_GT(result.each[0].bytes_a_node, 100'000.0 * (nodes - 1) / nodes);
}

// The other end of a host's only connection, in a test's hands.
class Bystander final : public RawHost {
 public:
  explicit Bystander(Endpoint to, std::vector<Bytes>& heard, SocketId& socket) : to_(to), heard_(heard), socket_(socket) {}
  void on_start(RawNet& net) override { net.dial(to_); }
  void on_open(RawNet&, SocketId socket, const Endpoint&, bool) override { socket_ = socket; }
  void on_bytes(RawNet&, SocketId, ByteView bytes) override { heard_.push_back(to_bytes(bytes)); }

 private:
  Endpoint to_;
  std::vector<Bytes>& heard_;
  SocketId& socket_;
};

struct OneHost {
  World world{{.seed = 9, .cryptography = Cryptography::modelled}};
  std::shared_ptr<BaselineLedger> ledger = std::make_shared<BaselineLedger>();
  std::vector<MessageId> got;
  size_t copies = 0;
  BaselineHost* host = nullptr;
  HostId id = 0, other = 0;
  std::vector<Bytes> heard;
  SocketId socket = 0;
  SharedBytes message = baseline_message(1, 100);

  explicit OneHost(bool mesh, bool silent = false) {
    ledger->on_message = [this](HostId, const MessageId& message_id, Instant) { got.push_back(message_id); };
    ledger->on_copy = [this](HostId) { ++copies; };
    ledger->messages[message_id(message.view())] = message;
    BaselineConfig config;
    config.silent = silent;
    config.ledger = ledger;
    auto made = mesh ? mesh_host(std::move(config)) : flood_host(std::move(config));
    host = made.get();
    const Endpoint endpoint{IpAddress::v4(20, 1, 1, 1), 7};
    id = world.add_raw({endpoint}, std::move(made));
    other = world.add_raw({{IpAddress::v4(21, 1, 1, 1), 7}}, std::make_unique<Bystander>(endpoint, heard, socket));
    world.run_for(std::chrono::seconds{3});
  }
  void say(ByteView bytes) {
    RawNet(world, other).send(socket, bytes);
    world.run_for(std::chrono::seconds{3});
  }
  static Bytes frame(uint8_t kind, ByteView payload) {
    Bytes out{kind, 0, 0, 0, static_cast<uint8_t>(payload.size())};
    append(out, payload);
    return out;
  }
  // By kind, over everything heard.
  std::vector<uint8_t> kinds() const {
    Bytes all;
    for (const auto& bytes : heard) append(all, bytes);
    std::vector<uint8_t> out;
    for (size_t at = 0; at + 5 <= all.size(); at += 5 + all[at + 4]) out.push_back(all[at]);
    return out;
  }
  size_t heard_of(uint8_t kind) const {
    const auto all = kinds();
    return static_cast<size_t>(std::ranges::count(all, kind));
  }
};
constexpr uint8_t kind_message = 0, kind_ihave = 1, kind_iwant = 2, kind_graft = 3, kind_prune = 4;

TEST(BaselineHost, TakesAMessageInPiecesAndNotTwice) {
  OneHost one(false);
  const Bytes framed = OneHost::frame(kind_message, one.message.view());
  for (size_t at = 0; at < framed.size(); at += 3)
    one.say(ByteView(framed).subspan(at, std::min<size_t>(3, framed.size() - at)));
  EXPECT_EQ(one.got.size(), 1u);
  EXPECT_EQ(one.copies, 1u);
  one.say(framed);
  EXPECT_EQ(one.got.size(), 1u);
  EXPECT_EQ(one.copies, 2u);
  EXPECT_EQ(one.heard_of(kind_message), 0u);  // never back to where it came from
}

TEST(BaselineHost, ClosesOnWhatIsNoFrame) {
  for (const Bytes& wrong : {Bytes{5, 0, 0, 0, 0}, Bytes{kind_message, 0xff, 0, 0, 0}, Bytes{kind_message, 0, 0, 0, 19},
                             Bytes{kind_ihave, 0, 2, 0, 0}}) {
    OneHost one(true);
    one.say(wrong);
    one.say(OneHost::frame(kind_message, one.message.view()));
    EXPECT_TRUE(one.got.empty());
  }
}

TEST(BaselineHost, AMessageThatNobodyMadeIsDropped) {
  OneHost one(false);
  one.say(OneHost::frame(kind_message, baseline_message(2, 100).view()));
  EXPECT_TRUE(one.got.empty());
  EXPECT_EQ(one.copies, 0u);
  one.say(OneHost::frame(kind_message, one.message.view()));  // and the connection lives on
  EXPECT_EQ(one.got.size(), 1u);
}

TEST(Mesh, GraftsPrunesTellsAndAnswers) {
  OneHost one(true);
  const MessageId id = message_id(one.message.view());
  EXPECT_EQ(one.heard_of(kind_graft), 1u);  // a neighbour, and a mesh that is too small
  one.say(OneHost::frame(kind_prune, {}));
  one.say({});
  EXPECT_EQ(one.heard_of(kind_graft), 1u);  // not again for a minute
  // Whoever grafts too early is sent away too.
  one.say(OneHost::frame(kind_graft, {}));
  EXPECT_EQ(one.heard_of(kind_prune), 1u);
  // It hears of a message and asks.
  one.say(OneHost::frame(kind_ihave, id));
  EXPECT_EQ(one.heard_of(kind_iwant), 1u);
  one.say(OneHost::frame(kind_message, one.message.view()));
  EXPECT_EQ(one.got.size(), 1u);
  one.say(OneHost::frame(kind_ihave, id));
  EXPECT_EQ(one.heard_of(kind_iwant), 1u);  // has it now
  // Out of the mesh: it tells of what is new with a few heartbeats, and sends nothing by itself.
  EXPECT_GE(one.heard_of(kind_ihave), 1u);
  EXPECT_EQ(one.heard_of(kind_message), 0u);
}

TEST(Mesh, AnswersThreeTimesAndOnlyWhatItRemembers) {
  OneHost one(true);
  const MessageId id = message_id(one.message.view());
  const auto ask = [&] {
    RawNet(one.world, one.other).send(one.socket, OneHost::frame(kind_iwant, id));
    one.world.run_for(std::chrono::milliseconds{300});
  };
  ask();
  EXPECT_EQ(one.heard_of(kind_message), 0u);  // has it not
  RawNet(one.world, one.other).send(one.socket, OneHost::frame(kind_message, one.message.view()));
  one.world.run_for(std::chrono::milliseconds{300});
  for (int i = 0; i < 5; ++i) ask();
  EXPECT_EQ(one.heard_of(kind_message), 3u);
  one.world.run_for(std::chrono::seconds{10});
  ask();
  EXPECT_EQ(one.heard_of(kind_message), 3u);  // forgotten
}

TEST(Mesh, ASilentOneKeepsItsPlaceAndSaysNothing) {
  OneHost one(true, true);
  EXPECT_EQ(one.heard_of(kind_graft), 1u);
  one.say(OneHost::frame(kind_prune, {}));
  one.say(OneHost::frame(kind_message, one.message.view()));
  EXPECT_EQ(one.got.size(), 1u);
  EXPECT_EQ(one.heard_of(kind_ihave), 0u);
}

// Own messages go to all neighbours, in the mesh or not.
TEST(Mesh, PublishesToEverybody) {
  OneHost one(true);
  one.say(OneHost::frame(kind_prune, {}));
  RawNet net(one.world, one.id);
  one.host->publish(net, message_id(one.message.view()));
  one.world.run_for(std::chrono::milliseconds{500});
  EXPECT_EQ(one.heard_of(kind_message), 1u);
}

// ---- the measurement

TEST(ShortestWays, GoOverOthersWhereThatIsShorter) {
  // From the first city to the third 100 ms, over the second 10 + 10.
  const auto cities = std::make_shared<const CityDelays>(*CityDelays::parse("0,20000,200000\n20000,0,20000\n200000,20000,0\n"));
  const Delays delays(4, cities);
  constexpr uint32_t hosts = 12;
  bool shorter = false;
  for (uint32_t from = 0; from < hosts; ++from) {
    const auto ways = shortest_ways(delays, hosts, from);
    EXPECT_EQ(ways[from], Duration{});
    for (uint32_t to = 0; to < hosts; ++to) {
      if (to == from) continue;
      EXPECT_LE(ways[to], delays.one_way(from, to));
      EXPECT_LE(ways[to], std::chrono::milliseconds{21});
      shorter |= ways[to] < delays.one_way(from, to);
      for (uint32_t over = 0; over < hosts; ++over) {
        if (over == to) continue;
        EXPECT_LE(ways[to], ways[over] + delays.one_way(over, to));
      }
    }
  }
  EXPECT_TRUE(shorter);
}

TEST(Quantiles, AreTheSmallestThatEnoughDoNotExceed) {
  std::vector<double> values;
  for (int i = 1; i <= 200; ++i) values.push_back(i);
  EXPECT_EQ(quantile_of(values, 0.5), 100);
  EXPECT_EQ(quantile_of(values, 0.99), 198);
  EXPECT_EQ(quantile_of(values, 1), 200);
  EXPECT_EQ(quantile_of(values, 0), 1);
  EXPECT_EQ(quantile_of({7}, 0.99), 7);
}

TEST(Propagation, SizesShareAWorldAndAreMeasuredApart) {
  auto options = small(Protocol::flood);
  options.sizes = {300, 4096};
  const auto result = measure_propagation(options);
  ASSERT_EQ(result.each.size(), 2u);
  EXPECT_EQ(result.each[0].bytes, 300u);
  EXPECT_EQ(result.each[1].bytes, 4096u);
  const double more = result.each[1].bytes_a_node / result.each[0].bytes_a_node;
  EXPECT_GT(more, 12.0);
  EXPECT_LT(more, 14.0);
  EXPECT_NEAR(result.each[0].duplicates_a_node, result.each[1].duplicates_a_node, 0.1);
}

}  // namespace
}  // namespace lattice::sim
