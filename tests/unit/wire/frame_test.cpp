#include <gtest/gtest.h>

#include <lattice/wire/frame.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::wire {
namespace {

using enum ErrorCode;

Bytes frame_bytes(ChannelId channel, uint8_t lane, uint8_t flags, ByteView chunk) {
  Writer writer;
  writer.u16(channel).u8(lane).u8(flags).u16(static_cast<uint16_t>(chunk.size())).bytes(chunk);
  return writer.take();
}

ErrorCode frame_error(ChannelId channel, uint8_t lane, uint8_t flags, ByteView chunk) {
  const Bytes bytes = frame_bytes(channel, lane, flags, chunk);
  Reader reader(bytes);
  const Result<Frame> frame = read_frame(reader);
  return frame ? none : frame.error().code;
}

TEST(Frame, ComesBackAsItWas) {
  Bytes bytes(limits::frame_header_bytes);
  write_frame_header(bytes.data(), 0x0102, Lane::blocks, FrameFlags::first, 3);
  append(bytes, Bytes{7, 8, 9, 0xff});
  EXPECT_EQ(to_hex(bytes), "010204010003070809ff");
  Reader reader(bytes);
  const Result<Frame> frame = read_frame(reader);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->channel, 0x0102);
  EXPECT_EQ(frame->lane, Lane::blocks);
  EXPECT_TRUE(frame->is_first());
  EXPECT_FALSE(frame->is_last());
  EXPECT_EQ(to_hex(frame->chunk), "070809");
  EXPECT_EQ(reader.remaining(), 1u);
}

TEST(Frame, EachTruncationIsRefused) {
  const Bytes whole = frame_bytes(1, 0, 3, Bytes(10, 1));
  for (size_t length = 0; length < whole.size(); ++length) {
    Reader reader(ByteView(whole).first(length));
    const Result<Frame> frame = read_frame(reader);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().code, truncated);
  }
}

TEST(Frame, ChunkLimit) {
  EXPECT_EQ(frame_error(1, 4, 1, Bytes(limits::chunk_bytes_max)), none);
  EXPECT_EQ(frame_error(1, 4, 1, Bytes(limits::chunk_bytes_max + 1)), too_large);
}

TEST(Frame, RulesOfFlagsAndLanes) {
  const Bytes chunk(2, 0);
  EXPECT_EQ(frame_error(1, lane_count, 3, chunk), bad_frame);
  EXPECT_EQ(frame_error(1, 0, 0x20, chunk), bad_frame);
  EXPECT_EQ(frame_error(1, 0, 3, {}), bad_frame);     // empty
  EXPECT_EQ(frame_error(0, 0, 3, chunk), bad_frame);  // a message on the link's own channel
  EXPECT_EQ(frame_error(0, 0, 7, chunk), none);       // close
  EXPECT_EQ(frame_error(0, 0, 7, Bytes(3)), bad_frame);
  EXPECT_EQ(frame_error(0, 0, 5, chunk), bad_frame);  // not whole
  EXPECT_EQ(frame_error(1, 0, 7, chunk), bad_frame);
  EXPECT_EQ(frame_error(0, 1, 7, chunk), bad_frame);
  EXPECT_EQ(frame_error(0, 0, 0x0b, {}), none);  // ready
  EXPECT_EQ(frame_error(0, 0, 0x0b, chunk), bad_frame);
  EXPECT_EQ(frame_error(0, 0, 0x13, {}), none);       // rekey
  EXPECT_EQ(frame_error(0, 0, 0x1b, {}), bad_frame);  // two at once
  const Bytes grant(6, 0);
  EXPECT_EQ(frame_error(0, 0, 0x43, grant), none);  // credit
  EXPECT_EQ(frame_error(0, 0, 0x43, Bytes(5)), bad_frame);
  EXPECT_EQ(frame_error(0, 0, 0x43, Bytes(7)), bad_frame);
  EXPECT_EQ(frame_error(0, 0, 0x43, {}), bad_frame);
  EXPECT_EQ(frame_error(1, 0, 0x43, grant), bad_frame);
  EXPECT_EQ(frame_error(0, 4, 0x43, grant), bad_frame);
}

// What each of the 256 values of the flags means with each length that some frame of the link has.
TEST(Frame, EveryFlagCombination) {
  for (int flags = 0; flags < 256; ++flags) {
    for (const size_t length : {0, 2, 6}) {
      const bool close = flags == 0x07 && length == 2, credit = flags == 0x43 && length == 6;
      const bool bare = (flags == 0x0b || flags == 0x13) && length == 0;
      const bool ratchet = flags == 0x23;  // of any length here: link/ratchet.cpp knows them
      const ErrorCode code = close || credit || bare || ratchet ? none : bad_frame;
      EXPECT_EQ(frame_error(0, 0, static_cast<uint8_t>(flags), Bytes(length)), code) << flags << " " << length;
      const bool message = flags <= 3 && length > 0;
      EXPECT_EQ(frame_error(1, 0, static_cast<uint8_t>(flags), Bytes(length)), message ? none : bad_frame) << flags;
    }
  }
}

}  // namespace
}  // namespace lattice::wire
