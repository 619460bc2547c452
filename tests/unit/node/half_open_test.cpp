// Handshakes under way: who goes when there are too many, and how long each may take.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <lattice/base/random.hpp>

#include "world.hpp"

namespace lattice::test {
namespace {

using Progress = HalfOpen::Progress;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<LineBlock> line(size_t count) { return make_line(genesis().hash, count, 200); }

// ---- the table, against a list that is searched

struct NaiveHalfOpen {
  struct Entry {
    ConnId conn;
    IpAddress ip;
    Progress progress;
  };
  HalfOpenLimits limits;
  std::vector<Entry> entries;

  size_t of_group(const IpAddress& ip) const {
    return static_cast<size_t>(std::ranges::count_if(entries, [&](const Entry& e) { return group_of(e.ip) == group_of(ip); }));
  }
  static std::pair<bool, ConnId> goes(const Entry& e) { return {e.progress == Progress::admitted, e.conn}; }
  // The first to go of those that `may`.
  template <class May>
  std::optional<ConnId> first(May may) const {
    std::optional<Entry> out;
    for (const Entry& e : entries) {
      if (may(e) && (!out || goes(e) < goes(*out))) out = e;
    }
    return out ? std::optional(out->conn) : std::nullopt;
  }
  std::optional<ConnId> victim(const IpAddress& ip) const {
    const auto same = [&](const Entry& e) { return e.ip == ip; };
    const auto near = [&](const Entry& e) { return group_of(e.ip) == group_of(ip); };
    if (static_cast<size_t>(std::ranges::count_if(entries, same)) >= limits.per_ip) return first(same);
    if (of_group(ip) >= limits.per_group) return first(near);
    if (entries.size() < limits.in_all) return std::nullopt;
    size_t most = 0;
    for (const Entry& e : entries) most = std::max(most, of_group(e.ip));
    return first([&](const Entry& e) { return of_group(e.ip) == most; });
  }
};

TEST(HalfOpen, AgreesWithAListThatIsSearched) {
  SeededRng rng(11);
  for (int round = 0; round < 20; ++round) {
    const HalfOpenLimits limits{5 + rng.below(30), 2 + rng.below(8), 1 + rng.below(4)};
    HalfOpen table(limits);
    NaiveHalfOpen naive{limits, {}};
    for (uint64_t i = 0; i < 600; ++i) {
      const auto ip = IpAddress::v4(10, static_cast<uint8_t>(rng.below(12)), 0, static_cast<uint8_t>(rng.below(6)));
      const auto conn = table.victim(ip);
      ASSERT_EQ(conn, naive.victim(ip)) << round << " " << i;
      const uint64_t act = rng.below(4);
      if (conn) {
        table.remove(*conn);
        std::erase_if(naive.entries, [&](const auto& e) { return e.conn == *conn; });
      } else if (act == 0 && !naive.entries.empty()) {
        auto& entry = naive.entries[rng.below(naive.entries.size())];
        entry.progress = static_cast<Progress>(rng.below(3));
        table.put(entry.conn, entry.ip, entry.progress);
      } else if (act == 1 && !naive.entries.empty()) {
        const size_t at = rng.below(naive.entries.size());
        table.remove(naive.entries[at].conn);
        naive.entries.erase(naive.entries.begin() + static_cast<ptrdiff_t>(at));
      } else {
        table.put({i}, ip, Progress::silent);
        naive.entries.push_back({{i}, ip, Progress::silent});
      }
      ASSERT_EQ(table.size(), naive.entries.size());
      ASSERT_LE(table.size(), limits.in_all);
    }
  }
}

TEST(HalfOpen, WhoComesAloneStaysWhileACrowdPushesItselfOut) {
  HalfOpen table({64, 32, 16});
  const auto alone = IpAddress::v4(192, 0, 2, 1);
  table.put({1}, alone, Progress::silent);
  for (uint64_t i = 2; i < 5000; ++i) {
    const auto ip = IpAddress::v4(10, static_cast<uint8_t>(i % 8), static_cast<uint8_t>(i), 1);
    while (const auto victim = table.victim(ip)) {
      ASSERT_NE(*victim, ConnId{1});
      table.remove(*victim);
    }
    table.put({i}, ip, Progress::silent);
  }
  EXPECT_EQ(table.victim(alone).value_or(ConnId{}).value > 1, true);
}

TEST(HalfOpen, WhoHasPaidGoesAfterWhoHasNot) {
  HalfOpen table({4, 4, 4});
  const auto ip = IpAddress::v4(10, 1, 0, 1);
  table.put({1}, ip, Progress::admitted);
  table.put({2}, ip, Progress::asked);
  table.put({3}, ip, Progress::silent);
  table.put({4}, ip, Progress::silent);
  for (const uint64_t next : {2u, 3u, 4u, 1u}) {
    ASSERT_EQ(table.victim(ip), ConnId{next});
    table.remove({next});
    table.put({next + 10}, ip, Progress::admitted);
  }
}

// From among the addresses of an attack: its older connections were sent a retry, this one has not been read yet.
TEST(HalfOpen, WhoHasJustComeDoesNotGoBeforeOlderOnesThatWereAsked) {
  HalfOpen table({4, 4, 4});
  const auto attacked = IpAddress::v4(10, 1, 0, 1);
  for (uint64_t i = 1; i <= 3; ++i) table.put({i}, attacked, Progress::asked);
  table.put({4}, attacked, Progress::silent);
  EXPECT_EQ(table.victim(IpAddress::v4(10, 2, 0, 1)), ConnId{1});
}

// ---- a whole node

struct Answering {
  World world;
  Machine& hub;
  uint16_t next_port = 5000;

  // `places`: for handshakes under way; where less than a quarter is in use, nobody is hurried.
  explicit Answering(size_t places = HalfOpenLimits{}.in_all) : hub(world.add(line(3))) {
    hub.config.discovery = false;
    hub.config.half_open.in_all = places;
    hub.start();
    world.run([&] { return hub.node->takes_connections(); }, seconds{5});
  }
  std::optional<ConnId> come(uint8_t group, uint8_t last = 1) {
    const auto conn = hub.node->on_accepted({IpAddress::v4(10, group, 0, last), next_port++}, world.now);
    while (auto effect = hub.node->poll_effect()) {
      if (const auto* close = std::get_if<CloseConn>(&*effect)) {
        EXPECT_TRUE(close->at_once);
        gone.push_back(close->conn);
      }
    }
    for (const ConnId conn_gone : std::exchange(gone, {})) {
      ++gone_total;
      hub.node->on_closed(conn_gone, world.now);
    }
    return conn;
  }
  std::vector<ConnId> gone;
  size_t gone_total = 0;
};

TEST(HalfOpenNode, TwentyThousandThatSayNothingTakeNoSlotAndNoMemory) {
  Answering a;
  size_t sockets = 0;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(a.come(static_cast<uint8_t>(i % 200), static_cast<uint8_t>(i / 200)));
    sockets = std::max(sockets, a.hub.report().sockets);
  }
  const auto limits = a.hub.config.half_open;
  EXPECT_LE(sockets, limits.in_all + 1);
  EXPECT_EQ(a.hub.report().half_open, limits.in_all);
  EXPECT_EQ(a.gone_total, 20'000 - limits.in_all);

  Machine& honest = a.world.add();
  honest.config.discovery = false;
  honest.config.connect = {{endpoint(1), std::nullopt}};
  const auto began = a.world.now.mono;
  honest.start();
  ASSERT_TRUE(a.world.run([&] { return honest.report().synced; }, seconds{5}));
  EXPECT_LE(a.world.now.mono - began, seconds{1});
}

TEST(HalfOpenNode, OneAddressAndOneGroupHaveTheirShareOnly) {
  Answering a;
  const auto limits = a.hub.config.half_open;
  for (size_t i = 0; i < limits.per_ip + 50; ++i) a.come(1);
  EXPECT_EQ(a.hub.report().half_open, limits.per_ip);
  for (size_t i = 0; i < limits.per_group + 50; ++i) a.come(1, static_cast<uint8_t>(i));
  EXPECT_EQ(a.hub.report().half_open, limits.per_group);
}

TEST(HalfOpenNode, WhoSaysNothingIsGoneAfterTheFirstMessagesTime) {
  Answering a(4);
  ASSERT_TRUE(a.come(1));
  const auto in_time = a.hub.config.first_message_timeout - milliseconds{100};
  a.world.run([] { return false; }, in_time);
  EXPECT_EQ(a.hub.report().half_open, 1u);
  a.world.run([] { return false; }, milliseconds{1200});
  EXPECT_EQ(a.hub.report().half_open, 0u);
  EXPECT_EQ(a.hub.report().left.back().reason, ErrorCode::handshake_timeout);
  EXPECT_EQ(a.hub.report().left.back().where, "first message");
}

// Its line may be one that loses a third of what it carries. The handshake as a whole has its time nevertheless.
TEST(HalfOpenNode, WhereThereIsRoomASlowOneHasTheWholeHandshakesTime) {
  Answering a;
  ASSERT_TRUE(a.come(1));
  a.world.run([] { return false; }, a.hub.config.handshake_timeout - milliseconds{100});
  EXPECT_EQ(a.hub.report().half_open, 1u);
  a.world.run([] { return false; }, milliseconds{1200});
  EXPECT_EQ(a.hub.report().half_open, 0u);
  EXPECT_EQ(a.hub.report().left.back().reason, ErrorCode::handshake_timeout);
}

// The places fill up meanwhile: then its time is over.
TEST(HalfOpenNode, TheSlowAreHurriedOnceThePlacesAreWanted) {
  Answering a(16);
  ASSERT_TRUE(a.come(1));
  a.world.run([] { return false; }, 2 * a.hub.config.first_message_timeout);
  ASSERT_EQ(a.hub.report().half_open, 1u);
  a.world.run([] { return false; }, a.hub.config.first_message_timeout - milliseconds{500});
  for (uint8_t group = 2; group < 8; ++group) a.come(group);
  a.world.run([] { return false; }, milliseconds{1500});
  EXPECT_EQ(a.hub.report().half_open, 6u);
  const auto left = a.hub.report().left;
  EXPECT_TRUE(std::ranges::any_of(left, [](const auto& one) { return one.endpoint.ip == IpAddress::v4(10, 1, 0, 1); }));
}

// A byte every second does not buy time.
TEST(HalfOpenNode, DrippingBytesDoNotProlongIt) {
  Answering a(4);
  const auto conn = a.come(1);
  const Bytes front = {0x04, 0xda, 1, 2, 3, 4, 1, 1};
  for (const uint8_t byte : front) {
    if (a.hub.report().half_open == 0) break;
    a.hub.node->on_bytes(*conn, ByteView(&byte, 1), a.world.now);
    a.world.run([] { return false; }, seconds{1});
  }
  EXPECT_EQ(a.hub.report().half_open, 0u);
  EXPECT_EQ(a.hub.report().left.back().where, "first message");
}

// Whoever sends a good first message and then nothing gets the limit of a later message, and gives back its place.
TEST(HalfOpenNode, AFirstMessageAloneBuysOneMoreStep) {
  Answering a(4);
  Machine& other = a.world.add();
  LinkConfig config;
  config.magic = a.hub.config.magic;
  std::copy_n(a.hub.config.chain.genesis.bytes.begin(), config.chain8.size(), config.chain8.begin());
  config.identity = other.config.identity;
  Link link(config, *other.provider, a.world.now);
  const auto conn = a.come(1);
  a.hub.node->on_bytes(*conn, link.pending_output(), a.world.now);
  a.hub.drain();
  a.world.run([] { return false; }, a.hub.config.message_timeout - milliseconds{100});
  EXPECT_EQ(a.hub.report().half_open, 1u);
  a.world.run([] { return false; }, milliseconds{1200});
  EXPECT_EQ(a.hub.report().half_open, 0u);
  EXPECT_EQ(a.hub.report().left.back().where, "message of the handshake");
  EXPECT_EQ(a.hub.report().admission.admitted + a.hub.report().admission.retried, 1u);
}

TEST(HalfOpenNode, ThousandsThatSayNothingAreAFewLinesInTheLog) {
  Answering a;
  for (int i = 0; i < 6000; ++i) {
    a.come(static_cast<uint8_t>(i % 200), static_cast<uint8_t>(i / 200));
    if (i % 200 == 199) a.world.run([] { return false; }, seconds{1});
  }
  EXPECT_GE(a.hub.log.count("slowloris"), 1u);
  EXPECT_LE(a.hub.log.count("slowloris"), 5u);
}

TEST(Dials, NoMoreAtOnceThanTheLimit) {
  World world;
  Machine& node = world.add(line(3));
  node.config.discovery = false;
  node.config.dials_max = 3;
  for (uint8_t i = 10; i < 30; ++i) node.config.connect.push_back({endpoint(i), std::nullopt});
  node.node = std::make_unique<Node>(node.config, *node.provider, node.log);
  node.node->start(world.now);
  std::vector<ConnId> open;
  size_t dials = 0;
  const auto look = [&] {
    while (auto effect = node.node->poll_effect()) {
      if (auto* command = std::get_if<ToChain>(&*effect))
        node.node->on_chain_events(node.chain->apply(command->command, node.store, world.now), world.now);
      if (auto* dial = std::get_if<Dial>(&*effect)) {
        open.push_back(dial->conn);
        ++dials;
      }
    }
  };
  look();
  world.now.mono += seconds{1};
  node.node->on_timeout(world.now);
  look();
  EXPECT_EQ(open.size(), 3u);
  while (!open.empty() && dials < 20) {
    node.node->on_dial_failed(open.front(), world.now);
    open.erase(open.begin());
    look();
    EXPECT_LE(open.size(), 3u);
  }
  EXPECT_EQ(dials, 20u);
}

}  // namespace
}  // namespace lattice::test
