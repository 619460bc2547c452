// Frames: what a record carries. A message is cut into chunks, so that a small one overtakes a large one.
#pragma once

#include <lattice/base/result.hpp>
#include <lattice/wire/messages.hpp>
#include <lattice/wire/reader.hpp>

namespace lattice::wire {

// The link's own frames (close, ready, rekey, credit) go on channel 0, lane control, and are whole; messages go on the others.
constexpr ChannelId link_channel = 0;

struct FrameFlags {
  static constexpr uint8_t first = 1;     // begins a message
  static constexpr uint8_t last = 2;      // ends it
  static constexpr uint8_t close = 4;     // the link ends; payload: reason u16
  static constexpr uint8_t ready = 8;     // the sender has accepted the handshake; no payload
  static constexpr uint8_t rekey = 16;    // the sender's key changes after this record; no payload; last frame of its record
  static constexpr uint8_t ratchet = 32;  // fresh keys; payload: link/ratchet.hpp; last frame of its record
  static constexpr uint8_t credit = 64;   // a channel may send so much more; payload: channel u16, bytes u32
  static constexpr uint8_t own = close | ready | rekey | ratchet | credit;
  static constexpr uint8_t all = first | last | own;
};

struct Frame {
  ChannelId channel = 0;
  Lane lane = Lane::control;
  uint8_t flags = 0;
  ByteView chunk;  // into what was read

  bool is_first() const { return flags & FrameFlags::first; }
  bool is_last() const { return flags & FrameFlags::last; }
  bool is_own() const { return flags & FrameFlags::own; }
};

// Takes one frame off the front. bad_frame for everything that the rules above do not allow, too_large for a chunk above 16
// KiB.
Result<Frame> read_frame(Reader& reader);
// Six bytes: channel 2, lane 1, flags 1, length 2.
void write_frame_header(uint8_t* to, ChannelId channel, Lane lane, uint8_t flags, size_t length);

}  // namespace lattice::wire
