#include <gtest/gtest.h>

#include <map>

#include <lattice/link/lanes.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {
namespace {

using enum ErrorCode;
using wire::Lane;

wire::Message block_of(size_t bytes, uint8_t fill = 7) { return wire::Block{SharedBytes(Bytes(bytes, fill))}; }
wire::Message ping_of(uint64_t nonce) { return wire::Ping{nonce}; }

std::vector<wire::Frame> frames_in(ByteView bytes) {
  std::vector<wire::Frame> frames;
  wire::Reader reader(bytes);
  while (!reader.empty()) {
    const auto frame = wire::read_frame(reader);
    EXPECT_TRUE(frame);
    if (!frame) break;
    frames.push_back(*frame);
  }
  return frames;
}

struct Filled {
  Bytes bytes;
  std::vector<wire::Frame> frames;
};
Filled fill(SendLanes& lanes, size_t room) {
  Filled filled;
  filled.bytes.resize(room);
  filled.bytes.resize(lanes.fill(filled.bytes));
  filled.frames = frames_in(filled.bytes);
  return filled;
}

TEST(SendLanes, MessageGoesInChunks) {
  SendLanes lanes;
  ASSERT_TRUE(lanes.push(1, Lane::blocks, block_of(40'000)));
  EXPECT_EQ(lanes.bytes(), 40'012u);
  const Filled filled = fill(lanes, 65'000);
  ASSERT_EQ(filled.frames.size(), 3u);
  EXPECT_TRUE(filled.frames[0].is_first() && !filled.frames[0].is_last());
  EXPECT_TRUE(!filled.frames[1].is_first() && !filled.frames[1].is_last());
  EXPECT_TRUE(!filled.frames[2].is_first() && filled.frames[2].is_last());
  EXPECT_EQ(filled.frames[0].chunk.size(), limits::chunk_bytes_max);
  EXPECT_TRUE(lanes.empty());
  EXPECT_EQ(lanes.bytes(), 0u);
}

TEST(SendLanes, UrgentGoesFirst) {
  SendLanes lanes;
  ASSERT_TRUE(lanes.push(1, Lane::blocks, block_of(100'000)));
  fill(lanes, 17'000);
  ASSERT_TRUE(lanes.push(1, Lane::consensus, wire::Consensus{SharedBytes(Bytes(10))}));
  ASSERT_TRUE(lanes.push(1, Lane::control, ping_of(1)));
  const Filled filled = fill(lanes, 60'000);
  ASSERT_GE(filled.frames.size(), 3u);
  EXPECT_EQ(filled.frames[0].lane, Lane::control);
  EXPECT_EQ(filled.frames[1].lane, Lane::consensus);
  EXPECT_EQ(filled.frames[2].lane, Lane::blocks);
}

// A message that has begun waits too; what is urgent does not.
TEST(SendLanes, WhatIsNotAllowedStays) {
  SendLanes lanes;
  ASSERT_TRUE(lanes.push(1, Lane::blocks, block_of(100'000)));
  fill(lanes, 17'000);
  lanes.allow({});
  EXPECT_FALSE(lanes.can_fill());
  EXPECT_TRUE(fill(lanes, 60'000).frames.empty());
  ASSERT_TRUE(lanes.push(1, Lane::control, ping_of(1)));
  ASSERT_TRUE(lanes.push(1, Lane::consensus, wire::Consensus{SharedBytes(Bytes(10))}));
  ASSERT_TRUE(lanes.push(1, Lane::headers, wire::Headers{}));
  EXPECT_TRUE(lanes.can_fill());
  Filled filled = fill(lanes, 60'000);
  ASSERT_EQ(filled.frames.size(), 2u);
  EXPECT_EQ(filled.frames[0].lane, Lane::control);
  EXPECT_EQ(filled.frames[1].lane, Lane::consensus);
  lanes.allow({0, 0, UINT64_MAX, UINT64_MAX, 0});
  filled = fill(lanes, 60'000);
  ASSERT_EQ(filled.frames.size(), 1u);
  EXPECT_EQ(filled.frames[0].lane, Lane::headers);
  lanes.allow({0, 0, 0, 0, 1});  // a chunk ends whole
  EXPECT_EQ(fill(lanes, 60'000).frames.size(), 1u);
  lanes.allow(all_lanes_free);
  for (size_t bytes = fill(lanes, 60'000).bytes.size(); bytes > 0;) bytes = fill(lanes, 60'000).bytes.size();
  EXPECT_TRUE(lanes.empty());
  EXPECT_EQ(lanes.filled_bytes()[static_cast<size_t>(Lane::blocks)], 100'012 + limits::frame_header_bytes * 8u)
      << "seven chunks, one of them cut to its record";
}

// Full lanes share by weight, and each gets its part whatever the others have.
TEST(SendLanes, NoneStarves) {
  SendLanes lanes;
  std::map<Lane, size_t> sent;
  for (int i = 0; i < 6; ++i) {
    for (const Lane lane : {Lane::headers, Lane::transactions, Lane::blocks})
      ASSERT_TRUE(lanes.push(1, lane, block_of(1'000'000)));
  }
  for (int i = 0; i < 50; ++i) {
    const Filled filled = fill(lanes, 65'000);
    for (const wire::Frame& frame : filled.frames) sent[frame.lane] += frame.chunk.size();
  }
  const double all = static_cast<double>(sent[Lane::headers] + sent[Lane::transactions] + sent[Lane::blocks]);
  EXPECT_NEAR(static_cast<double>(sent[Lane::headers]) / all, 0.4, 0.05);
  EXPECT_NEAR(static_cast<double>(sent[Lane::transactions]) / all, 0.2, 0.05);
  EXPECT_NEAR(static_cast<double>(sent[Lane::blocks]) / all, 0.4, 0.05);
}

TEST(SendLanes, WhoWasSilentHasSavedNothingUp) {
  SendLanes lanes;
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(lanes.push(1, Lane::blocks, block_of(1'000'000)));
  for (int i = 0; i < 30; ++i) fill(lanes, 65'000);
  ASSERT_TRUE(lanes.push(1, Lane::headers, block_of(1'000'000)));
  std::map<Lane, size_t> sent;
  for (int i = 0; i < 8; ++i) {
    const Filled filled = fill(lanes, 65'000);
    for (const wire::Frame& frame : filled.frames) sent[frame.lane] += frame.chunk.size();
  }
  EXPECT_GT(sent[Lane::blocks], 150'000u);
  EXPECT_GT(sent[Lane::headers], 150'000u);
}

TEST(SendLanes, ChannelsTakeTurnsMessageByMessage) {
  SendLanes lanes;
  for (const wire::ChannelId channel : {1, 1, 1, 2, 2}) ASSERT_TRUE(lanes.push(channel, Lane::control, ping_of(channel)));
  std::vector<int> order;
  const Filled filled = fill(lanes, 65'000);
  for (const wire::Frame& frame : filled.frames) order.push_back(frame.channel);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1}));
}

TEST(SendLanes, QueueHasLimits) {
  SendLanes messages;
  for (size_t i = 0; i < limits::send_queue_messages_max; ++i) ASSERT_TRUE(messages.push(1, Lane::control, ping_of(i)));
  EXPECT_EQ(messages.push(1, Lane::control, ping_of(0)).error().code, queue_full);

  SendLanes bytes;
  const wire::Block block{SharedBytes(Bytes(limits::block_bytes_max))};
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(bytes.push(1, Lane::blocks, block));
  EXPECT_EQ(bytes.push(1, Lane::blocks, block).error().code, queue_full);
  EXPECT_TRUE(bytes.push(1, Lane::control, ping_of(1)));
}

TEST(SendLanes, NeverWritesBeyondItsRoom) {
  for (size_t room = 0; room < 2000; ++room) {
    SendLanes lanes;
    ASSERT_TRUE(lanes.push(1, Lane::blocks, block_of(1000)));
    Bytes bytes(room);
    EXPECT_LE(lanes.fill(bytes), room);
    frames_in(ByteView(bytes).first(0));
  }
}

TEST(SendLanes, ClosingKeepsControlAlone) {
  SendLanes lanes;
  ASSERT_TRUE(lanes.push(1, Lane::blocks, block_of(100'000)));
  ASSERT_TRUE(lanes.push(1, Lane::control, ping_of(1)));
  lanes.drop_all_but_control();
  EXPECT_EQ(lanes.bytes(), 20u);
  const Filled filled = fill(lanes, 65'000);
  ASSERT_EQ(filled.frames.size(), 1u);
  EXPECT_TRUE(lanes.empty());
}

// --- receiving ---

wire::Frame frame_of(wire::ChannelId channel, Lane lane, uint8_t flags, ByteView chunk) {
  return {channel, lane, flags, chunk};
}

Bytes whole_block(size_t bytes) {
  wire::EncodedMessage message = wire::encode(block_of(bytes), 1);
  append(message.head, message.body.view());
  return message.head;
}

TEST(ReceiveLanes, JoinsWhatWasCut) {
  for (const size_t size : {100, 16'372, 16'373, 40'000, 300'000}) {
    SendLanes out;
    ASSERT_TRUE(out.push(3, Lane::blocks, block_of(size)));
    ReceiveLanes in;
    std::optional<SharedBytes> whole;
    while (!out.empty()) {
      const Filled filled = fill(out, 65'000);
      for (const wire::Frame& frame : filled.frames) {
        ASSERT_FALSE(whole);
        auto joined = in.on_frame(frame);
        ASSERT_TRUE(joined);
        whole = *joined;
      }
    }
    ASSERT_TRUE(whole) << size;
    EXPECT_EQ(to_hex(whole->view().first(20)), to_hex(ByteView(whole_block(size)).first(20)));
    EXPECT_EQ(whole->size(), size + 12);
    EXPECT_EQ(in.bytes(), 0u);
  }
}

ErrorCode error_of(const Result<std::optional<SharedBytes>>& result) { return result ? none : result.error().code; }

TEST(ReceiveLanes, RulesOfChunks) {
  const Bytes block = whole_block(1000);
  const ByteView head = ByteView(block).first(500);
  const ByteView tail = ByteView(block).subspan(500);
  {
    ReceiveLanes in;
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 0, head))), bad_frame) << "goes on, never began";
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 1, ByteView(block).first(11)))), bad_frame) << "no whole header";
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 3, head))), bad_frame) << "last, but not whole";
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 1, block))), bad_frame) << "whole, but not last";
  }
  {
    ReceiveLanes in;
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 1, head))), none);
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 1, head))), bad_frame) << "begins inside another";
    EXPECT_EQ(error_of(in.on_frame(frame_of(2, Lane::blocks, 1, head))), none) << "another channel";
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 0, tail))), bad_frame) << "whole, but not last";
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 2, tail.first(499)))), bad_frame) << "last, but not whole";
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 2, block))), bad_frame) << "more than said";
    EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 2, tail))), none);
  }
}

Bytes claim(wire::Command command, size_t length, size_t bytes) {
  wire::Writer writer;
  writer.u16(1).u16(static_cast<uint16_t>(command)).u32(static_cast<uint32_t>(length)).u32(0);
  Bytes claimed = writer.take();
  claimed.resize(bytes);
  return claimed;
}

TEST(ReceiveLanes, CommandBoundsTheLengthAtTheFirstChunk) {
  ReceiveLanes in;
  const Bytes over = claim(wire::Command::block, limits::block_bytes_max + 1, 1000);
  EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 1, over))), too_large);
  const Bytes ping = claim(wire::Command::ping, 9, 12);
  EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::control, 1, ping))), too_large);
}

TEST(ReceiveLanes, MemoryGrowsWithWhatCameNotWithWhatIsClaimed) {
  ReceiveLanes in;
  const Bytes begun = claim(wire::Command::block, limits::block_bytes_max, 1000);
  EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 1, begun))), none);
  EXPECT_LE(in.bytes(), 1000u);
  EXPECT_EQ(error_of(in.on_frame(frame_of(1, Lane::blocks, 0, begun))), none);
  EXPECT_LE(in.bytes(), 4 * 2000u);
}

TEST(ReceiveLanes, ManyMessagesBegunAreBounded) {
  ReceiveLanes in;
  const Bytes begun = claim(wire::Command::block, limits::block_bytes_max, limits::chunk_bytes_max);
  ErrorCode code = none;
  size_t most = 0;
  for (wire::ChannelId channel = 1; channel < 1000 && code == none; ++channel) {
    code = error_of(in.on_frame(frame_of(channel, Lane::blocks, 1, begun)));
    most = std::max(most, in.bytes());
  }
  EXPECT_EQ(code, credit_exceeded) << "no credit for so many channels";

  // With fewer of them, each large.
  ReceiveLanes large;
  code = none;
  for (wire::ChannelId channel = 1; channel < 10 && code == none; ++channel) {
    code = error_of(large.on_frame(frame_of(channel, Lane::blocks, 1, begun)));
    for (int i = 0; i < 255 && code == none; ++i) code = error_of(large.on_frame(frame_of(channel, Lane::blocks, 0, begun)));
    most = std::max(most, large.bytes());
  }
  EXPECT_EQ(code, too_large);
  EXPECT_LE(most, limits::reassembly_bytes_max);
}

}  // namespace
}  // namespace lattice
