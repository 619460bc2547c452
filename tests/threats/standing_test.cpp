// What peers may send, what becomes of those who send more, and what is looked at again while they are here. Numbers:
// docs/THREATS.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "../slow_build.hpp"
#include "target.hpp"

namespace lattice::threats {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using wire::Command;

constexpr size_t kib = 1024, mib = 1024 * kib;

Bytes noise(Rng& rng, size_t count) {
  Bytes bytes(count);
  rng.fill(bytes);
  return bytes;
}
std::vector<BlockHash> hashes(Rng& rng, size_t count) {
  std::vector<BlockHash> out;
  for (size_t i = 0; i < count; ++i) out.push_back(BlockHash::from(noise(rng, 32)));
  return out;
}

// One message of each kind, as large as it is worth while; none of them asked for.
Bytes flood_message(Command command, Rng& rng) {
  switch (command) {
    case Command::open_channel: return whole(wire::OpenChannel{ChainId::from(noise(rng, 32)), 1});
    case Command::status: {
      wire::Status status;
      status.version = 1;
      status.tip = hashes(rng, 1)[0];
      status.height = 1 + rng.below(1'000'000);
      status.user_agent = std::string(256, 'x');
      return whole(status);
    }
    case Command::ping: return whole(wire::Ping{rng.next()});
    case Command::pong: return whole(wire::Pong{rng.next()});
    case Command::reject: return whole(wire::Reject{5, ErrorCode::bad_block, hashes(rng, 1)[0], std::string(128, 'x')});
    case Command::succession: return whole(wire::Succession{SharedBytes(noise(rng, 9'000))});
    case Command::get_addresses: return whole(wire::GetAddresses{});
    case Command::addresses: {
      wire::Addresses message;
      for (int i = 0; i < 10; ++i) {
        const auto b = noise(rng, 3);
        message.entries.push_back({{IpAddress::v4(90, b[0], b[1], b[2]), 4000}, std::nullopt, 1, 1'800'000'000});
      }
      return whole(message);
    }
    case Command::get_headers: return whole(wire::GetHeaders{hashes(rng, 101), {}});
    case Command::headers: return whole(wire::Headers{{noise(rng, 80), noise(rng, 80)}});
    case Command::inventory: {
      wire::Inventory message;
      for (const auto& hash : hashes(rng, 1000)) message.items.push_back({wire::InventoryType::block, hash});
      return whole(message);
    }
    case Command::get_blocks: return whole(wire::GetBlocks{hashes(rng, 128)});
    case Command::block: return whole(wire::Block{SharedBytes(noise(rng, 20'000))});
    case Command::not_found: return whole(wire::NotFound{hashes(rng, 128)});
    case Command::announcement: return whole(wire::Announcement{SharedBytes(noise(rng, 4'000))});
    case Command::consensus: return whole(wire::Consensus{SharedBytes(noise(rng, 1'000))});
  }
  return forged(4'711, noise(rng, 100));
}

constexpr Command flood_commands[] = {Command::open_channel, Command::status,     Command::ping,          Command::pong,
                                      Command::reject,       Command::succession, Command::get_addresses, Command::addresses,
                                      Command::get_headers,  Command::headers,    Command::inventory,     Command::get_blocks,
                                      Command::block,        Command::not_found,  Command::consensus,     Command::announcement,
                                      Command{4'711}};

class Flood : public testing::TestWithParam<Command> {};

// 31. A hundred peers, each as fast as it can, and one honest peer that brings the chain meanwhile, then a new block each 0.2 s: it is
// heard, it gets its answers, nobody drops it, the tip follows within a second, ours and the machine's, and memory stays where it was.
TEST_P(Flood, OfAHundredPeers) {
  constexpr size_t old_blocks = 300, old_rounds = 2, new_rounds = 3;
  const auto line = test::make_line(test::genesis().hash, old_blocks + new_rounds, 500);
  std::vector<test::LineBlock> made(line.begin(), line.begin() + old_blocks);
  Target target;
  target.config.connections_max = 250;
  target.start();
  SeededRng rng(31);
  Caller honest(target, 200 << 16 | 1);
  honest.status.tip = made.back().hash;
  honest.status.height = made.size();
  honest.hear = [&](Caller& self, wire::Message& message) { answer_honestly(self, message, made); };
  honest.reads = true;
  std::vector<std::unique_ptr<Caller>> flood;
  for (size_t n = 1; n <= 100; ++n) {
    flood.push_back(std::make_unique<Caller>(target, n << 16));  // an address group each
    flood.back()->status.services = 0;
    flood.back()->hear = [](Caller&, wire::Message&) {};
    ASSERT_TRUE(flood.back()->open());
  }
  const size_t before = heap::held();
  heap::reset_peak();
  ASSERT_TRUE(honest.open());
  size_t sent = 0;
  const auto flood_once = [&] {
    for (auto& peer : flood) {
      std::vector<Bytes> frames;
      for (int i = 0; i < 8; ++i) {
        const Bytes message = flood_message(GetParam(), rng);
        const auto lane = GetParam() == Command{4'711} ? wire::Lane::control : wire::lane_of(GetParam());
        for (auto& frame : frames_of(message, lane)) frames.push_back(std::move(frame));
      }
      if (peer->closed || !target.node->wants_bytes(peer->conn)) continue;
      peer->send_frames(frames);
      sent += 8;
    }
  };
  for (size_t round = 0; round < old_rounds; ++round) {
    flood_once();
    target.pass(std::chrono::milliseconds{200});
  }
  EXPECT_EQ(target.report().tip.block.height, old_blocks) << "0.4 s later";
  for (size_t round = 0; round < new_rounds; ++round) {
    const auto began = std::chrono::steady_clock::now();
    flood_once();
    made.push_back(line[made.size()]);
    honest.send(wire::Inventory{{{wire::InventoryType::block, made.back().hash}}});
    target.pass(std::chrono::milliseconds{200});
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_EQ(target.report().tip.block.height, made.size()) << "0.2 s later";
    EXPECT_LT(took, seconds{slow_build ? 10 : 1}) << "of this machine, the flood's own making of messages counted";
  }
  EXPECT_GE(sent, 700u);
  EXPECT_FALSE(honest.closed);
  const size_t heard = honest.heard;
  honest.send(wire::Ping{7});
  EXPECT_EQ(honest.heard, heard + 1);
  EXPECT_LE(heap::peak() - before, 48 * mib);
  target.pass(minutes{5});
  EXPECT_LE(heap::held(), before + 8 * mib) << "the chain, and what is kept of who was left";
  EXPECT_FALSE(target.left(honest.endpoint) && target.left(honest.endpoint)->reason != ErrorCode::idle_timeout);
}

INSTANTIATE_TEST_SUITE_P(Threats, Flood, testing::ValuesIn(flood_commands),
                         [](const auto& each) { return std::string(wire::command_name(static_cast<uint16_t>(each.param))); });

// 31. Who sends a little too much is read more slowly and not cut; who goes on all the same is.
TEST(Threats, WhoSendsTooMuchIsReadMoreSlowly) {
  Target target;
  target.start();
  Caller peer(target, 1);
  peer.hear = [](Caller&, wire::Message&) {};
  ASSERT_TRUE(peer.open());
  for (uint64_t i = 0; i < 110; ++i) peer.send(wire::Ping{i});
  EXPECT_FALSE(target.node->wants_bytes(peer.conn));
  EXPECT_EQ(target.report().throttled, 1u);
  target.pass(seconds{8});
  EXPECT_TRUE(target.node->wants_bytes(peer.conn));
  EXPECT_FALSE(peer.closed);
  for (uint64_t i = 0; i < 300; ++i) peer.send(wire::Ping{i});  // whoever reads on all the same
  EXPECT_TRUE(peer.closed);
  EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::too_many_messages);
}

// 54. From where three were banned whoever comes next is taken in where there is room, and never for somebody else.
TEST(Threats, FreshIdentitiesOfABannedAttackerGainNoStanding) {
  Target target;
  target.config.connections_max = 6;
  target.config.outbound_target = 0;
  target.config.eviction = {0, 0, 0, 0, 2};  // nobody is protected by merits
  target.start();
  for (size_t n = 1; n <= 3; ++n) {
    Caller attacker(target, 1 << 16 | n);
    ASSERT_TRUE(attacker.open());
    attacker.send_frames(frames_of(forged(static_cast<uint16_t>(Command::ping), Bytes(3)), wire::Lane::control));
    EXPECT_TRUE(attacker.closed);
    EXPECT_FALSE(target.node->on_accepted(attacker.endpoint, target.now)) << "banned";
  }
  target.settle();
  Caller with_room(target, 1 << 16 | 9);
  EXPECT_TRUE(with_room.open());
  std::vector<std::unique_ptr<Caller>> honest;
  for (size_t n = 2; n <= 5; ++n) {  // one of the six is kept for a feeler
    honest.push_back(std::make_unique<Caller>(target, n << 16));
    ASSERT_TRUE(honest.back()->open());
  }
  Caller fresh(target, 1 << 16 | 10);
  EXPECT_FALSE(fresh.open());
  EXPECT_TRUE(std::ranges::none_of(honest, [](const auto& peer) { return peer->closed; }));
  Caller stranger(target, 7 << 16);
  EXPECT_TRUE(stranger.open());
  EXPECT_TRUE(with_room.closed) << "the first to go";
  for (const auto& peer : honest)
    EXPECT_FALSE(peer->closed) << error_name(target.left(peer->endpoint)->reason) << target.left(peer->endpoint)->where;
}

// 39. Whoever writes into the stream of an honest peer ends its link, and nothing else.
TEST(Threats, InjectedBytesBanNobody) {
  Target target;
  target.start();
  SeededRng rng(39);
  for (int i = 0; i < 60; ++i) {
    Caller honest(target, 1);
    ASSERT_TRUE(honest.accepted) << i;
    if (i % 3 == 0) {
      honest.hello();
    } else {
      ASSERT_TRUE(honest.open()) << i;
    }
    honest.send_raw(framed(noise(rng, 200)));
    EXPECT_TRUE(honest.closed) << i;
  }
  EXPECT_TRUE(target.report().avoided.empty());
}

// 7. Clocks at the ends of time: nothing overflows (the sanitizers' build looks), nothing moves, nobody is blamed.
TEST(Threats, ClocksOfStatusAtTheEndsOfTime) {
  Target target;
  target.start();
  const int64_t times[] = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), 0, -1};
  std::vector<std::unique_ptr<Caller>> peers;
  for (size_t n = 1; n <= 40; ++n) {
    peers.push_back(std::make_unique<Caller>(target, n << 16));
    peers.back()->status.services = 0;  // nothing is asked of them
    peers.back()->status.time = times[n % 4];
    peers.back()->status.seen_as = Endpoint{IpAddress::v4(8, 8, 8, 8), 1};
    ASSERT_TRUE(peers.back()->open());
  }
  target.pass(seconds{30});
  const auto report = target.report();
  EXPECT_FALSE(report.clock_difference) << "all of them came in by themselves";
  EXPECT_FALSE(report.external_address);
  EXPECT_FALSE(report.network_height);
  EXPECT_TRUE(std::ranges::none_of(peers, [](const auto& peer) { return peer->closed; }));
}

// 32. A connection has shown that its address is its own: TCP's first packets went both ways. Before a first message that is worth
// an answer nothing is sent, and a retry is shorter than what it answers.
TEST(Threats, BytesOutPerByteInBeforeAnythingIsProven) {
  Target target;
  target.start();
  SeededRng rng(32);
  Caller silent(target, 1), garbage(target, 2);
  target.pass(seconds{2});
  EXPECT_TRUE(target.node->pending_output(silent.conn).empty());
  EXPECT_EQ(target.peer(silent.conn)->bytes_out, 0u);
  garbage.send_raw(framed(noise(rng, 1'242)));
  EXPECT_TRUE(garbage.closed);

  Target guarded;
  guarded.config.admission.unproven = guarded.config.admission.unproven_all = {1, 1};
  guarded.start();
  size_t retried = 0;
  for (size_t n = 1; n <= 20; ++n) {
    Caller caller(guarded, n);
    caller.reads = false;
    caller.hello();
    const auto row = guarded.peer(caller.conn);
    ASSERT_TRUE(row);
    const size_t answer = guarded.node->pending_output(caller.conn).size();
    if (answer > 1'000) continue;  // the few that need no retry
    EXPECT_GT(answer, 0u);
    EXPECT_LE(answer, row->bytes_in / 20);
    ++retried;
  }
  EXPECT_GE(retried, 15u);
  EXPECT_GE(guarded.report().admission.retried, 15u);
}

// P12: what was true when a link began is looked at again, sixteen a second.
TEST(Recheck, ExpiredCertificatesEndTheirLinks) {
  Target target;
  target.start();
  std::vector<std::unique_ptr<Caller>> peers;
  for (size_t n = 1; n <= 60; ++n) {
    peers.push_back(std::make_unique<Caller>(target, n << 16));
    ASSERT_TRUE(peers.back()->open());
  }
  const auto open = [&] { return std::ranges::count_if(peers, [](const auto& peer) { return !peer->closed; }); };
  target.pass(seconds{3});
  EXPECT_EQ(open(), 60);
  target.now.wall = wall_from_unix(1'810'000'001);
  target.pass(seconds{2});
  EXPECT_LE(60 - open(), 3 * 16) << "not all at once";
  EXPECT_LT(open(), 60);
  target.pass(seconds{8});
  EXPECT_EQ(open(), 0);
  EXPECT_EQ(target.left(peers[0]->endpoint)->reason, ErrorCode::certificate_expired);
  EXPECT_TRUE(target.report().avoided.empty());
}

TEST(Recheck, WhoIsAvoidedDoesNotStay) {
  Target target;
  target.start();
  Caller other(target, 1, Endpoint{IpAddress::v4(50, 1, 1, 1), 1});
  Caller attacker(target, 2, Endpoint{IpAddress::v4(50, 1, 1, 1), 2});
  Caller elsewhere(target, 3, Endpoint{IpAddress::v4(50, 1, 1, 2), 2});
  ASSERT_TRUE(other.open());
  ASSERT_TRUE(attacker.open());
  ASSERT_TRUE(elsewhere.open());
  attacker.send_frames(frames_of(forged(static_cast<uint16_t>(Command::ping), Bytes(3)), wire::Lane::control));
  EXPECT_TRUE(attacker.closed);
  EXPECT_FALSE(other.closed);
  target.pass(seconds{8});
  EXPECT_TRUE(other.closed);
  EXPECT_FALSE(elsewhere.closed);
}

TEST(Recheck, WhomTheOperatorBansGetsNoLink) {
  Target target;
  target.config.banned.subnets = {*Subnet::parse("50.1.0.0/16")};
  target.config.banned.nodes = {identity_of(5)->id};
  target.start();
  EXPECT_FALSE(target.node->on_accepted({IpAddress::v4(50, 1, 7, 7), 1}, target.now));
  Caller banned(target, 5);
  EXPECT_FALSE(banned.open());
  Caller other(target, 6);
  EXPECT_TRUE(other.open());
}

// Each pattern has its line in the log, once in its interval.
TEST(Threats, PatternsHaveNames) {
  Target target;
  target.start();
  for (size_t n = 1; n <= 40; ++n) {  // a scan: connections of one group that come and go
    Caller probe(target, 1 << 16 | n);
    probe.answers_handshake = false;
    probe.hello();
  }
  std::vector<std::unique_ptr<Caller>> crowd;  // links of one group, one after the other
  for (size_t n = 1; n <= 30; ++n) {
    crowd.push_back(std::make_unique<Caller>(target, 2 << 16 | n << 8));
    crowd.back()->status.services = 0;  // nothing is asked of them
    crowd.back()->hear = [](Caller&, wire::Message&) {};
    ASSERT_TRUE(crowd.back()->open());
  }
  for (auto& peer : crowd) {  // a flood, and addresses
    for (uint64_t i = 0; i < 60; ++i) peer->send(wire::Ping{i});
    wire::Addresses ten;
    for (uint8_t i = 1; i <= 10; ++i) ten.entries.push_back({{IpAddress::v4(90, 1, 1, i), 4000}, {}, 1, 1'800'000'000});
    for (int i = 0; i < 3; ++i) peer->send(ten);
    for (uint64_t i = 0; i < 60; ++i) peer->send(wire::Ping{i});
  }
  target.pass(minutes{11});
  const auto attacks = target.report().attacks;
  const auto times = [&](Attack kind) { return attacks[static_cast<size_t>(kind)]; };
  EXPECT_EQ(times(Attack::scan), 1u);
  EXPECT_EQ(times(Attack::eclipse_attempt), 1u);
  EXPECT_EQ(times(Attack::flood), 1u);
  EXPECT_EQ(times(Attack::address_spam), 1u);
  EXPECT_EQ(times(Attack::withholding), 0u);
}

}  // namespace
}  // namespace lattice::threats
