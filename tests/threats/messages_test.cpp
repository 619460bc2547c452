// Messages made to cost more than they weigh, or to say two things at once.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <lattice/wire/tlv.hpp>

#include "target.hpp"

namespace lattice::threats {
namespace {

using std::chrono::seconds;
using wire::Command;
using wire::FrameFlags;
using wire::Lane;
using wire::Writer;

constexpr size_t kib = 1024, mib = 1024 * kib;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto of = [](timeval time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

Lane lane_of(uint16_t command) {
  return wire::command_name(command) == "unknown" ? Lane::control : wire::lane_of(static_cast<Command>(command));
}
constexpr uint16_t number(Command command) { return static_cast<uint16_t>(command); }

// What became of the link of a peer that said this; none: it is still there.
ErrorCode said(Target& target, const Bytes& message, size_t who = 1, std::optional<Lane> lane = {}) {
  Caller peer(target, who);
  EXPECT_TRUE(peer.open());
  const uint16_t command = static_cast<uint16_t>(message[2] << 8 | message[3]);
  peer.send_frames(frames_of(message, lane.value_or(lane_of(command))));
  if (!peer.closed) return ErrorCode::none;
  return target.left(peer.endpoint)->reason;
}

// 13. CVE-2024-32972: each count of each message at nothing, one, the most, one more and the last number, with as many entries
// behind it as it says (where they fit) and with none.
TEST(Threats, CountsAtTheirEndsInEveryMessage) {
  struct Counted {
    Command command;
    size_t count_bytes;
    size_t entry_bytes;
    size_t most;
    size_t tail_bytes;
    bool may_be_empty;
  };
  const Counted all[] = {
      {Command::get_headers, 1, 32, limits::locator_hashes_max, 32, false},
      {Command::get_blocks, 1, 32, limits::block_request_hashes_max, 0, false},
      {Command::not_found, 1, 32, limits::block_request_hashes_max, 0, true},
      {Command::inventory, 2, 33, limits::inventory_items_max, 0, true},
      {Command::headers, 2, 2 + 40, limits::headers_max, 0, true},
      {Command::addresses, 2, 35, limits::addresses_max, 0, true},
  };
  Target target;
  target.start();
  size_t who = 1;
  for (const Counted& one : all) {
    const uint64_t last = one.count_bytes == 1 ? 255 : 65'535;
    for (const uint64_t count : {uint64_t{0}, uint64_t{1}, uint64_t{one.most}, uint64_t{one.most + 1}, last}) {
      for (const bool filled : {true, false}) {
        Writer payload;
        one.count_bytes == 1 ? payload.u8(static_cast<uint8_t>(count)) : payload.u16(static_cast<uint16_t>(count));
        for (uint64_t i = 0; filled && i < count; ++i) {
          Bytes entry(one.entry_bytes, 0);
          entry[0] = one.command == Command::inventory ? 1 : 0;
          if (one.command == Command::headers) entry[1] = 40;
          entry[entry.size() - 1] = static_cast<uint8_t>(i);
          entry[entry.size() - 2] = static_cast<uint8_t>(i >> 8);
          payload.bytes(entry);
        }
        payload.bytes(Bytes(one.tail_bytes));
        const size_t before = heap::held(), commands = target.commands, wishes = target.wishes;
        const double began = cpu_seconds();
        heap::reset_peak();
        // Larger than the command may be: refused by its first twelve bytes, of which a peer may send any number behind.
        const ErrorCode reason = said(target, forged(number(one.command), payload.view()), ++who);
        const std::string what =
            std::string(wire::command_name(number(one.command))) + " " + std::to_string(count) + (filled ? " filled" : "");
        const bool whole = filled || count == 0;
        if (count > one.most) {
          EXPECT_EQ(reason, ErrorCode::too_large) << what;
        } else if (count == 0 && !one.may_be_empty) {
          EXPECT_EQ(reason, ErrorCode::bad_value) << what;
        } else if (!whole) {
          EXPECT_EQ(reason, ErrorCode::truncated) << what;
        } else {
          EXPECT_TRUE(reason == ErrorCode::none || reason == ErrorCode::bad_header) << what << ": " << error_name(reason);
        }
        EXPECT_LE(heap::peak() - before, 4 * mib) << what;
        EXPECT_LE(heap::held(), before + 300 * kib) << what << ": what a table may learn";
        EXPECT_LE(target.commands - commands, 4u) << what;
        EXPECT_LE(target.wishes - wishes, 300u) << what;
        EXPECT_LE(cpu_seconds() - began, 0.5) << what;
      }
    }
  }
  // The length of a message: the same numbers, and no memory for what is only claimed.
  for (const uint16_t command : {1, 2, 3, 4, 5, 16, 17, 32, 33, 34, 35, 36, 37, 48, 999}) {
    for (const uint32_t length : {uint32_t{0}, uint32_t{1}, uint32_t{1} << 31, UINT32_MAX}) {
      const size_t before = heap::held();
      heap::reset_peak();
      said(target, forged(command, {}, length), ++who);
      EXPECT_LE(heap::peak() - before, 1 * mib) << command << " " << length;
    }
  }
  EXPECT_EQ(target.report().sockets, 0u);
  EXPECT_EQ(target.report().open_questions, 0u);
}

// 13. Numbers that are no counts: heights, ports, versions, services.
TEST(Threats, NumbersAtTheirEndsInEveryMessage) {
  Target target;
  target.start();
  size_t who = 1;
  for (const uint64_t end : {uint64_t{0}, uint64_t{1}, uint64_t{INT64_MAX}, uint64_t{1} << 63, UINT64_MAX}) {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    wire::Status status = peer.status;
    status.height = end;
    status.tip.bytes[0] ^= static_cast<uint8_t>(end != 0);
    status.services = end;
    status.score = Bytes(32, 0xff);
    status.listen_port = static_cast<uint16_t>(end);
    peer.send(status);
    peer.send(wire::Ping{end});
    peer.send(wire::Reject{static_cast<uint16_t>(end), static_cast<ErrorCode>(end), {}, ""});
    peer.send(wire::Reject{36, static_cast<ErrorCode>(end), {}, ""});
    EXPECT_FALSE(peer.closed) << end << " " << (peer.closed ? error_name(target.left(peer.endpoint)->reason) : "");
    target.pass(seconds{1});
    EXPECT_TRUE(target.report().peers.empty() || target.report().peers[0].height == end);
  }
}

// 16. Fields that say the same thing twice must agree. Each row contradicts itself in one pair; that it is refused for this reason
// and no other the row before it shows, which agrees.
TEST(Threats, RedundantFieldsThatContradict) {
  Target target;
  target.start();
  size_t who = 1;
  const BlockHash hash = test::genesis().hash;
  const Bytes ping = whole(wire::Ping{7});
  EXPECT_EQ(said(target, ping, ++who), ErrorCode::none);

  // A message's length and its bytes; its checksum and its bytes.
  EXPECT_EQ(said(target, forged(number(Command::ping), Bytes(8), 7), ++who), ErrorCode::bad_frame);
  EXPECT_EQ(said(target, forged(number(Command::status), Bytes(60), 80), ++who), ErrorCode::bad_frame);
  Bytes changed = ping;
  changed.back() ^= 1;
  EXPECT_EQ(said(target, changed, ++who), ErrorCode::bad_checksum);

  // Its command and the lane that it goes on.
  EXPECT_EQ(said(target, whole(wire::GetBlocks{{hash}}), ++who), ErrorCode::none);
  EXPECT_EQ(said(target, whole(wire::GetBlocks{{hash}}), ++who, Lane::control), ErrorCode::contradiction);
  EXPECT_EQ(said(target, ping, ++who, Lane::blocks), ErrorCode::contradiction);
  EXPECT_EQ(said(target, forged(999, Bytes(5)), ++who, Lane::transactions), ErrorCode::none) << "no lane is known of this one";

  // A count and the entries behind it, in both directions.
  for (const auto& [command, payload] : std::initializer_list<std::pair<Command, Bytes>>{
           {Command::get_blocks, Bytes(1 + 32)}, {Command::not_found, Bytes(1 + 32)}, {Command::inventory, Bytes(2 + 33)}}) {
    Bytes one = payload;
    const size_t at = command == Command::inventory ? 1 : 0;
    one[at] = 1;
    if (command == Command::inventory) one[2] = 1;
    EXPECT_EQ(said(target, forged(number(command), one), ++who), ErrorCode::none);
    one[at] = 2;
    EXPECT_EQ(said(target, forged(number(command), one), ++who), ErrorCode::truncated);
    one[at] = 0;
    const ErrorCode too_few = said(target, forged(number(command), one), ++who);
    EXPECT_TRUE(too_few == ErrorCode::trailing_bytes || too_few == ErrorCode::bad_value);
  }

  // An address's flag and its NodeID: without the flag the 32 bytes are no NodeID and the count no longer fits.
  Writer address;
  address.u16(1).bytes(Bytes(16, 0)).u16(4000).u8(1).bytes(Bytes(32, 3)).u64(0).u64(0);
  EXPECT_EQ(said(target, forged(number(Command::addresses), address.view()), ++who), ErrorCode::none);
  Bytes unflagged = to_bytes(address.view());
  unflagged[20] = 0;
  EXPECT_NE(said(target, forged(number(Command::addresses), unflagged), ++who), ErrorCode::none);

  // Extension fields: a type twice, a length beyond the end.
  for (const auto& [types, expected] : std::initializer_list<std::pair<std::pair<int, int>, ErrorCode>>{
           {{1, 2}, ErrorCode::none}, {{1, 1}, ErrorCode::not_canonical}, {{2, 1}, ErrorCode::not_canonical}}) {
    Writer tlv;
    wire::write_tlv(tlv, static_cast<uint16_t>(types.first), {});
    wire::write_tlv(tlv, static_cast<uint16_t>(types.second), {});
    EXPECT_EQ(said(target, forged(number(Command::get_addresses), tlv.view()), ++who), expected);
  }

  // What a peer says of itself twice: the version of its channel, and that at height 0 there is the genesis and nothing else.
  Caller speaker(target, ++who);
  ASSERT_TRUE(speaker.open());
  wire::Status status = speaker.status;
  status.height = 5;
  status.tip.bytes[0] ^= 1;
  speaker.send(status);
  EXPECT_FALSE(speaker.closed);
  const auto contradicts = [&](auto change) {
    Caller peer(target, ++who);
    EXPECT_TRUE(peer.open());
    wire::Status said_now = peer.status;
    change(said_now);
    peer.send(said_now);
    EXPECT_TRUE(peer.closed);
    EXPECT_EQ(target.left(peer.endpoint) ? target.left(peer.endpoint)->reason : ErrorCode::none, ErrorCode::contradiction);
    // And in its first status.
    Caller early(target, ++who);
    change(early.status);
    EXPECT_FALSE(early.open());
    EXPECT_EQ(target.left(early.endpoint) ? target.left(early.endpoint)->reason : ErrorCode::none, ErrorCode::contradiction);
  };
  contradicts([](wire::Status& s) { s.version = 2; });
  contradicts([](wire::Status& s) { s.height = 7; });
  contradicts([](wire::Status& s) { s.tip.bytes[0] ^= 1; });
  EXPECT_EQ(target.report().known_addresses, 0u);
}

// 21. Empty and repeated entries: each is counted like any other, and none is worth more than one.
TEST(Threats, EmptyAndRepeatedEntries) {
  Target target;
  target.config.discovery = true;
  target.start();
  size_t who = 1;
  // Empty chunks, however many.
  {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    std::vector<Bytes> frames{frame(1, Lane::blocks, FrameFlags::first, forged(number(Command::block), Bytes(100), 1000))};
    for (int i = 0; i < 5000; ++i) frames.push_back(frame(1, Lane::blocks, 0, {}));
    peer.send_frames(frames);
    EXPECT_TRUE(peer.closed);
    EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::bad_frame);
  }
  // One byte at a time.
  {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    const Bytes ping = whole(wire::Ping{1});
    std::vector<Bytes> frames{frame(1, Lane::control, FrameFlags::first, ByteView(ping).first(12))};
    for (size_t i = 12; i < ping.size(); ++i) {
      frames.push_back(
          frame(1, Lane::control, i + 1 == ping.size() ? FrameFlags::last : uint8_t{0}, ByteView(ping).subspan(i, 1)));
    }
    peer.received.clear();
    peer.send_frames(frames);
    EXPECT_FALSE(peer.closed);
    EXPECT_EQ(peer.received.size(), 1u);
  }
  // The same block a thousand times: one question.
  {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    peer.received.clear();
    BlockHash unknown;
    unknown.bytes.fill(9);
    peer.send(
        wire::Inventory{std::vector<wire::InventoryItem>(limits::inventory_items_max, {wire::InventoryType::block, unknown})});
    EXPECT_LE(peer.received.size(), 1u);
    EXPECT_FALSE(peer.closed);
  }
  // Nothing, again and again: it costs the allowance.
  {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    for (int i = 0; i < 20 && !peer.closed; ++i) {
      std::vector<Bytes> frames;
      for (int k = 0; k < 500; ++k) frames.push_back(frames_of(whole(wire::Inventory{}), Lane::headers).front());
      peer.send_frames(frames);
    }
    EXPECT_TRUE(peer.closed);
    EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::too_many_messages);
  }
  // The same address a thousand times: at most one entry, and unasked ones are taken ten at a time at most.
  {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    const size_t before = target.report().known_addresses;
    const wire::PeerAddress one{{IpAddress::v4(8, 8, 8, 8), 4000}, std::nullopt, 1, 0};
    peer.send(wire::Addresses{std::vector<wire::PeerAddress>(10, one)});
    EXPECT_LE(target.report().known_addresses, before + 1);
    EXPECT_FALSE(peer.closed);
    peer.send(wire::Addresses{std::vector<wire::PeerAddress>(11, one)});
    peer.send(wire::Addresses{std::vector<wire::PeerAddress>(1000, one)});
    EXPECT_LE(target.report().known_addresses, before + 1);
  }
  // A block twice in one question, and the same hash in many.
  {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    const BlockHash hash = test::genesis().hash;
    Writer twice;
    twice.u8(2).bytes(hash.view()).bytes(hash.view());
    peer.reads = false;
    for (int i = 0; i < 1200; ++i) peer.send(wire::GetBlocks{{hash}});
    EXPECT_LE(target.report().open_questions, 16u);
    peer.send_frames(frames_of(forged(number(Command::get_blocks), twice.view()), Lane::headers));
    EXPECT_TRUE(peer.closed);
    EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::not_canonical);
  }
  // The same hash in a locator: one look-up, one answer.
  {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    peer.received.clear();
    const size_t commands = target.commands;
    peer.send(wire::GetHeaders{std::vector<BlockHash>(limits::locator_hashes_max, test::genesis().hash), {}});
    EXPECT_EQ(target.commands - commands, 1u);
    EXPECT_EQ(peer.received.size(), 1u);
  }
}

}  // namespace
}  // namespace lattice::threats
