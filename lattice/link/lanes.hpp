// Lanes: messages out as chunks by urgency, chunks in as messages.
//
// Control goes before consensus, and both before everything else; headers, transactions and blocks share what is left by
// weight, and none starves. A message goes in chunks of at most 16 KiB, so a ping waits for one chunk of a block and not for
// the block.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include <lattice/base/fifo.hpp>
#include <lattice/wire/frame.hpp>

namespace lattice {

class SendLanes {
 public:
  // queue_full where send_queue_bytes_max or send_queue_messages_max would be passed.
  Result<void> push(wire::ChannelId channel, wire::Lane lane, wire::EncodedMessage message);
  bool empty() const { return messages_ == 0; }
  size_t bytes() const { return bytes_; }
  // What it would write at most, frames and all.
  size_t framed_bytes_max() const;
  // Writes whole frames, most urgent first, as many as fit; gives how many bytes. 0 only where nothing waits or not even a
  // small frame fits.
  size_t fill(ByteSpan to);
  // For a link that closes: what it has to say of itself still goes out, the rest does not.
  void drop_all_but_control();

 private:
  struct Waiting {
    wire::EncodedMessage message;
    size_t sent = 0;
  };
  struct ChannelQueue {
    wire::ChannelId channel = 0;
    Fifo<Waiting> waiting;
  };
  // Channels take turns, message by message. Those in the list have something to send; the first is at its turn.
  using LaneQueue = Fifo<ChannelQueue>;

  std::optional<size_t> next_lane();
  size_t write_chunk(size_t lane, ByteSpan to);
  void end_message(LaneQueue& queue);

  std::array<LaneQueue, wire::lane_count> lanes_;
  std::array<int64_t, wire::lane_count> credit_{};  // deficit round robin, for the lanes that share
  size_t turn_ = static_cast<size_t>(wire::Lane::headers);
  size_t bytes_ = 0;
  size_t messages_ = 0;
};

// Joins chunks to messages. Memory grows with what has come, not with what is claimed, and is bounded over all lanes.
class ReceiveLanes {
 public:
  // A whole message where this frame ends one. The frame is not one of the link's own.
  Result<std::optional<SharedBytes>> on_frame(const wire::Frame& frame);
  size_t bytes() const { return bytes_; }

 private:
  struct Part {
    wire::ChannelId channel = 0;
    wire::Lane lane = wire::Lane::control;
    size_t total = 0;  // by its header
    Bytes bytes;
  };

  Result<std::optional<SharedBytes>> begin(const wire::Frame& frame);
  Result<std::optional<SharedBytes>> go_on(const wire::Frame& frame);
  Result<void> grow(Part& part, size_t more);

  std::vector<Part> parts_;
  size_t bytes_ = 0;  // capacity of all parts
};

}  // namespace lattice
