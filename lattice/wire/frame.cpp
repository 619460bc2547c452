#include <lattice/wire/frame.hpp>

#include <lattice/base/assert.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::wire {

// A ratchet's frames tell by their length which they are; link/ratchet.cpp knows the lengths.
static bool own_chunk_fits(uint8_t kind, size_t bytes) {
  if (kind == FrameFlags::ratchet) return bytes <= limits::ratchet_chunk_bytes_max;
  if (kind == FrameFlags::close) return bytes == 2;
  return bytes == (kind == FrameFlags::credit ? 6 : 0);
}

static Result<void> check_own(const Frame& frame) {
  const uint8_t kind = frame.flags & FrameFlags::own;
  if ((kind & (kind - 1)) != 0) return fail(ErrorCode::bad_frame, "two kinds of link frame in one");
  if (!frame.is_first() || !frame.is_last()) return fail(ErrorCode::bad_frame, "link frame in parts");
  if (frame.channel != link_channel || frame.lane != Lane::control) return fail(ErrorCode::bad_frame, "link frame elsewhere");
  if (!own_chunk_fits(kind, frame.chunk.size())) return fail(ErrorCode::bad_frame, "link frame length");
  return {};
}

Result<Frame> read_frame(Reader& reader) {
  TRY(channel, reader.u16());
  TRY(lane, reader.u8());
  TRY(flags, reader.u8());
  TRY(length, reader.u16());
  if (lane >= lane_count) return fail(ErrorCode::bad_frame, "lane");
  if (flags & ~FrameFlags::all) return fail(ErrorCode::bad_frame, "flags");
  if (length > limits::chunk_bytes_max) return fail(ErrorCode::too_large, "chunk");
  TRY(chunk, reader.bytes(length));
  const Frame frame{channel, static_cast<Lane>(lane), flags, chunk};
  if (frame.is_own()) {
    TRY_VOID(check_own(frame));
    return frame;
  }
  if (channel == link_channel) return fail(ErrorCode::bad_frame, "message on the link's own channel");
  // An empty chunk moves nothing: a peer must not make us work for it.
  if (length == 0) return fail(ErrorCode::bad_frame, "empty chunk");
  return frame;
}

void write_frame_header(uint8_t* to, ChannelId channel, Lane lane, uint8_t flags, size_t length) {
  ASSERT(length <= limits::chunk_bytes_max);
  store_be(to, channel);
  to[2] = static_cast<uint8_t>(lane);
  to[3] = flags;
  store_be(to + 4, static_cast<uint16_t>(length));
}

}  // namespace lattice::wire
