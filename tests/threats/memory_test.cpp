// Memory, work and time under peers that take and do not give. Numbers: docs/THREATS.md.
#include <gtest/gtest.h>

#include <lattice/wire/writer.hpp>

#include "target.hpp"

namespace lattice::threats {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using wire::Command;
using wire::FrameFlags;
using wire::Lane;

constexpr size_t kib = 1024, mib = 1024 * kib;

std::vector<std::unique_ptr<Caller>> callers(Target& target, size_t count) {
  std::vector<std::unique_ptr<Caller>> out;
  for (size_t n = 1; n <= count; ++n) out.push_back(std::make_unique<Caller>(target, n));
  return out;
}

// The beginning of a message of `command` that says it is `length` long.
Bytes begun(Command command, size_t length, size_t bytes) {
  Bytes message = forged(static_cast<uint16_t>(command), Bytes(bytes), static_cast<uint32_t>(length));
  message.resize(bytes);
  return message;
}

// 1. Nobody has said who he is: what is kept is at most the longest message of a handshake, and nothing for long.
TEST(Threats, HalfSentHandshakesOfManyPeers) {
  Target target;
  target.config.connections_max = 200;
  target.start();
  const size_t before = heap::held();
  auto peers = callers(target, 100);
  for (const auto& peer : peers) {
    ASSERT_TRUE(peer->accepted);
    peer->answers_handshake = false;
    peer->hello();
    ASSERT_FALSE(peer->closed);
  }
  const size_t greeted = heap::held();
  Bytes half = framed(Bytes(limits::handshake_message_bytes_max, 1));
  half.pop_back();
  for (const auto& peer : peers) {
    for (size_t at = 0; at < half.size(); at += 1000) {
      peer->send_raw(ByteView(half).subspan(at, std::min<size_t>(1000, half.size() - at)));
    }
    EXPECT_FALSE(peer->closed);
  }
  EXPECT_GE(target.report().held_bytes, 100 * 16 * kib);
  EXPECT_LE(target.report().held_bytes, 100 * 32 * kib);
  EXPECT_LE(heap::held() - greeted, 100 * 33 * kib);
  EXPECT_LE(heap::held() - before, 100 * 384 * kib) << "with the links' buffers";
  target.pass(target.config.handshake_timeout);
  EXPECT_EQ(target.report().sockets, 0u);
  EXPECT_LE(heap::held(), before + 64 * kib) << "the list of who left";

  // One byte more than a message can have ends it at once.
  Caller over(target, 101);
  over.answers_handshake = false;
  over.hello();
  over.send_raw(Bytes{0x40, 0x01});
  EXPECT_TRUE(over.closed);
}

// 1. They have said who they are, but no worker has found out whether it is true; meanwhile they send records.
TEST(Threats, RecordsOfManyPeersBeforeTheyAreVerified) {
  Target target;
  target.config.connections_max = 200;
  target.start();
  const size_t before = heap::held();
  heap::reset_peak();
  target.verifies = false;
  auto peers = callers(target, 100);
  for (const auto& peer : peers) {
    peer->hello();
    ASSERT_TRUE(peer->accepted);
    for (int i = 0; i < 31; ++i) peer->send_raw(Bytes(32 * kib, 1));
    EXPECT_LE(target.report().held_bytes, 64 * mib);
  }
  EXPECT_GE(heap::peak() - before, 30 * mib);
  EXPECT_LE(heap::peak() - before, 64 * mib + 2 * mib + 100 * 384 * kib);
  // And no one alone holds more than a megabyte.
  Caller over(target, 101);
  over.hello();
  for (int i = 0; i < 33 && !over.closed; ++i) over.send_raw(Bytes(32 * kib, 1));
  EXPECT_TRUE(over.closed);
  target.pass(target.config.handshake_timeout);
  EXPECT_EQ(target.report().sockets, 0u);
  EXPECT_EQ(target.report().held_bytes, 0u);
  EXPECT_EQ(target.report().handshakes, 0u);
}

// 1. Established peers, each with as many messages begun as a link takes: together they hold no more than the node gives.
TEST(Threats, HalfSentMessagesOfManyPeers) {
  Target target;
  target.config.connections_max = 200;
  target.config.adaptive_limit = false;
  target.start();
  const size_t before = heap::held();
  auto peers = callers(target, 100);
  for (const auto& peer : peers) ASSERT_TRUE(peer->open());
  const size_t open = heap::held();
  EXPECT_LE(open - before, 100 * 512 * kib);
  heap::reset_peak();
  const Bytes head = begun(Command::block, limits::block_bytes_max, limits::chunk_bytes_max);
  const Bytes more(limits::chunk_bytes_max, 7);
  for (const auto& peer : peers) {
    for (wire::ChannelId channel = 1; channel <= 4 && !peer->closed; ++channel) {
      std::vector<Bytes> frames{frame(channel, Lane::blocks, FrameFlags::first, head)};
      for (int i = 0; i < 24; ++i) frames.push_back(frame(channel, Lane::blocks, 0, more));
      peer->send_frames(frames);
    }
    EXPECT_LE(target.report().held_bytes, 64 * mib);
  }
  EXPECT_LE(heap::peak() - open, 64 * mib + 2 * limits::message_bytes_max);
  const auto report = target.report();
  EXPECT_LT(report.peers.size(), 100u) << "those who hold most are left";
  EXPECT_GE(report.peers.size(), 5u);
  for (const LeftReport& row : report.left) EXPECT_EQ(row.reason, ErrorCode::limit_reached);
}

// 3. Fifty inventories of a thousand blocks that nobody knows, and the peer never reads: one question follows.
TEST(Threats, OneInventoryIsNotAnsweredFiftyThousandTimes) {
  Target target;
  target.start();
  Caller peer(target, 1);
  ASSERT_TRUE(peer.open());
  peer.received.clear();
  peer.reads = false;
  const size_t before = heap::held(), wishes = target.wishes, commands = target.commands;
  heap::reset_peak();
  for (size_t i = 0; i < 50; ++i) {
    wire::Inventory inventory;
    for (size_t k = 0; k < limits::inventory_items_max; ++k) {
      BlockHash hash;
      hash.bytes[0] = 1;
      hash.bytes[1] = static_cast<uint8_t>(i);
      wire::store_be(hash.bytes.data() + 2, static_cast<uint16_t>(k));
      inventory.items.push_back({wire::InventoryType::block, hash});
    }
    peer.send(inventory);
  }
  EXPECT_FALSE(peer.closed);
  EXPECT_LE(target.wishes - wishes, 2u);
  EXPECT_EQ(target.commands, commands);
  EXPECT_LE(heap::held() - before, 600 * kib);
  EXPECT_LE(heap::peak() - before, 1 * mib);
  peer.read();
  EXPECT_LE(peer.received.size(), 1u);
}

// 3. Asks for everything, over and over, and never reads: what waits for it is capped, and then it is left.
TEST(Threats, WhoNeverReadsHasACappedQueue) {
  auto blocks = test::make_line(test::genesis().hash, 200, 200'000);
  Target target(std::make_unique<test::LineChain>(blocks));
  target.config.costs.messages = {6'000, 2'000};  // the pings are not what it is left for
  target.start();
  Caller peer(target, 1);
  peer.status.services = 0;  // nothing is asked of it
  ASSERT_TRUE(peer.open());
  peer.reads = false;
  const size_t before = heap::held();
  heap::reset_peak();
  wire::GetBlocks ask;
  for (size_t i = 0; i < limits::block_request_hashes_max; ++i) ask.hashes.push_back(blocks[i].hash);
  for (int i = 0; i < 8; ++i) peer.send(ask);
  for (uint64_t nonce = 0; nonce < 1000; ++nonce) peer.send(wire::Ping{nonce});
  const wire::GetHeaders headers{{test::genesis().hash}, {}};
  for (int i = 0; i < 20; ++i) peer.send(headers);
  EXPECT_FALSE(peer.closed);
  EXPECT_LE(target.report().open_questions, 16u);
  EXPECT_LE(heap::peak() - before, 6 * mib) << "4 MiB of blocks and one more, of 200 MB asked for";
  target.pass(seconds{61});
  EXPECT_TRUE(peer.closed);
  EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::queue_full);
  EXPECT_LE(heap::held(), before + 64 * kib) << "the list of who left";
}

// 12. As many pings as it likes: the allowance is all it gets, and each costs the same.
TEST(Threats, AMillionPingsAtOnce) {
  Target target;
  target.start();
  Caller peer(target, 1);
  ASSERT_TRUE(peer.open());
  peer.hear = [](Caller&, wire::Message&) {};
  const size_t before = heap::held(), heard = peer.heard;
  heap::reset_peak();
  size_t sent = 0;
  for (uint64_t i = 0; i < 1'000'000 && !peer.closed; i += 1000) {
    std::vector<Bytes> frames;
    for (uint64_t k = 0; k < 1000; ++k) frames.push_back(frames_of(whole(wire::Ping{i + k}), Lane::control).front());
    peer.send_frames(frames);
    sent += 1000;
  }
  EXPECT_TRUE(peer.closed);
  EXPECT_LE(sent, 4000u) << "the peer is cut at its allowance";
  EXPECT_LE(peer.heard - heard, 2010u) << "pongs";
  EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::too_many_messages);
  EXPECT_LE(heap::peak() - before, 2 * mib);
  EXPECT_LE(heap::held(), before + 64 * kib) << "the list of who left";
}

// 12. A million within the allowance: nothing grows.
TEST(Threats, AMillionPingsOverTime) {
  Target target;
  target.config.costs.messages = {11'400, 2'000};  // as often as it wants
  target.start();
  Caller peer(target, 1);
  peer.status.services = 0;  // nothing is asked of it
  ASSERT_TRUE(peer.open());
  peer.hear = [](Caller& self, wire::Message& message) {
    if (auto* ping = std::get_if<wire::Ping>(&message)) self.send(wire::Pong{ping->nonce});
  };
  size_t settled = 0, wishes = 0;
  uint64_t sent = 0;
  const size_t heard = peer.heard;
  for (int step = 0; sent < 1'000'000; ++step) {
    std::vector<Bytes> frames;
    for (int k = 0; k < 1900; ++k) frames.push_back(frames_of(whole(wire::Ping{sent++}), Lane::control).front());
    const size_t before = target.wishes;
    peer.send_frames(frames);
    wishes = std::max(wishes, target.wishes - before);
    target.pass(seconds{10});
    if (step == 3) {
      settled = heap::held();
      heap::reset_peak();
    }
  }
  EXPECT_FALSE(peer.closed);
  EXPECT_GE(peer.heard - heard, 1'000'000u);
  EXPECT_LE(wishes, 8u) << "effects an input";
  EXPECT_LE(heap::held(), settled + 64 * kib);
  EXPECT_LE(heap::peak(), settled + 2 * mib);
}

// 14. One address after the other fails in its own way; afterwards the node is as it was.
TEST(Threats, SixtyFiveThousandFailedHandshakes) {
  Target target;
  target.start();
  Caller model(target, 1);
  model.answers_handshake = false;
  // Message 1 of somebody: it may be used again, and the answer is signed each time.
  Bytes message1;
  {
    LinkConfig config;
    config.magic = target.config.magic;
    std::copy_n(target.config.chain.genesis.bytes.begin(), config.chain8.size(), config.chain8.begin());
    config.identity = identity_of(1);
    Handshake handshake(std::move(config), *target.provider, target.now);
    message1 = framed(*handshake.poll_message());
  }
  model.hang_up();
  Bytes wrong_magic = message1;
  wrong_magic[2] ^= 1;
  const Bytes no_magic = framed(Bytes(1200, 0x5a));
  const Bytes tls{0x16, 0x03, 0x01, 0x02, 0x00, 0x01};
  const Bytes half = to_bytes(ByteView(message1).first(message1.size() / 2));
  size_t settled = 0;
  for (size_t i = 0; i < 65'535; ++i) {
    const Endpoint from{IpAddress::v4(11, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)),
                        static_cast<uint16_t>(1024 + i % 60'000)};
    target.works = i % 512 == 7;  // mostly it hangs up before a worker has signed
    {
      heap::Counted counted;
      const auto conn = target.node->on_accepted(from, target.now);
      ASSERT_TRUE(conn.has_value()) << i;
      const Bytes* said[] = {&wrong_magic, &no_magic,    &tls,      &half,
                             nullptr,      &wrong_magic, &no_magic, i % 64 == 7 ? &message1 : &half};
      if (const Bytes* bytes = said[i % 8]) target.node->on_bytes(*conn, *bytes, target.now);
      if (i % 4 == 0) target.node->on_closed(*conn, target.now);
    }
    target.settle();
    if (i % 100 == 99) target.pass(target.config.handshake_timeout);
    if (i == 1999) settled = heap::held();
    if (i % 1000 == 999) {
      ASSERT_LE(target.report().sockets, 200u) << i;
    }
  }
  target.pass(minutes{1});
  const auto report = target.report();
  EXPECT_EQ(report.sockets, 0u);
  EXPECT_EQ(report.open_questions, 0u);
  EXPECT_EQ(report.held_bytes, 0u);
  EXPECT_EQ(report.handshakes, 0u);
  EXPECT_FALSE(target.node->poll_effect());
  EXPECT_LE(report.left.size(), 64u);
  EXPECT_LE(heap::held(), settled + 16 * kib);
  Caller honest(target, 2);
  target.works = true;
  EXPECT_TRUE(honest.open());
}

}  // namespace
}  // namespace lattice::threats
