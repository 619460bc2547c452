// Lanes: messages out as chunks by urgency, chunks in as messages.
//
// Control goes before consensus, and both before everything else; headers, transactions and blocks share what is left by
// weight, and none starves. A message goes in chunks of at most 16 KiB, so a ping waits for one chunk of a block and not for
// the block. On one lane the channels take turns, whole message by whole message; one without credit (link/credit.hpp) is
// passed over.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <lattice/base/fifo.hpp>
#include <lattice/link/credit.hpp>
#include <lattice/wire/frame.hpp>

namespace lattice {

constexpr uint16_t message_version = 1;  // of what this program writes

using LaneBytes = std::array<uint64_t, wire::lane_count>;
constexpr LaneBytes all_lanes_free = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

class SendLanes {
 public:
  // queue_full where send_queue_bytes_max or send_queue_messages_max of this channel would be passed, limit_reached for one
  // channel more than channels_max.
  Result<void> push(wire::ChannelId channel, wire::Lane lane, const wire::Message& message);
  // The receiver gives credit back. credit_exceeded where it never had so much to give.
  Result<void> on_grant(const CreditGrant& grant);
  bool empty() const { return messages_ == 0; }
  // From now on each lane may have so many bytes more, the last chunk whole; then what waits there stays, a message that has begun
  // too. Control and consensus always go.
  void allow(const LaneBytes& bytes) { allowed_ = bytes; }
  const LaneBytes& filled_bytes() const { return filled_; }  // frames and all, since it was made
  // False where nothing waits, or only for credit, or on a lane that may have no more.
  bool can_fill() const;
  size_t bytes() const { return bytes_; }
  // What it would write at most, frames and all.
  size_t framed_bytes_max() const;
  // Writes whole frames, most urgent first, as many as fit; gives how many bytes. 0 only where can_fill is false or not even a
  // small frame fits.
  size_t fill(ByteSpan to);
  // For a link that closes: what it has to say of itself still goes out, the rest does not.
  void drop_all_but_control();

 private:
  struct Waiting {
    size_t head_bytes = 0;
    SharedBytes body;
    size_t size() const { return head_bytes + body.size(); }
  };
  // The heads of all its messages, one behind the other: a small message takes no memory of its own.
  struct ChannelQueue {
    wire::ChannelId channel = 0;
    uint64_t served = 0;  // what it has had on this lane, beside the others: the least served is next
    Fifo<Waiting> waiting;
    size_t sent = 0;  // of the first
    Bytes heads;
    size_t heads_begin = 0;

    void copy_part(size_t offset, ByteSpan to) const;  // of the first
    void pop_front();
  };
  // Channels that have something to send. A message that has begun ends before another begins: a receiver then holds one of
  // each lane from an honest sender.
  struct LaneQueue {
    std::vector<ChannelQueue> channels;
    std::optional<size_t> begun;  // whose first message is under way
  };
  struct Queued {
    size_t bytes = 0, messages = 0;
  };
  struct Channel {
    SendCredit credit;
    Queued urgent, shared;  // on lanes without and with credit
    Queued& queued(wire::Lane lane) { return needs_credit(lane) ? shared : urgent; }
  };

  ChannelQueue& queue_of(wire::ChannelId channel, wire::Lane lane);
  std::optional<size_t> next_channel(size_t lane) const;
  std::optional<size_t> next_lane();
  void begin_message(size_t lane, size_t channel);
  size_t write_chunk(size_t lane, ByteSpan to);
  void end_message(size_t lane);

  FlatMap<wire::ChannelId, Channel> channels_;
  std::array<LaneQueue, wire::lane_count> lanes_;
  std::array<int64_t, wire::lane_count> deficit_{};  // deficit round robin, for the lanes that share
  size_t turn_ = static_cast<size_t>(wire::Lane::headers);
  LaneBytes allowed_ = all_lanes_free;
  LaneBytes filled_{};
  size_t bytes_ = 0;
  size_t messages_ = 0;
};

// Joins chunks to messages. Memory grows with what has come, not with what is claimed, and is bounded over all lanes.
class ReceiveLanes {
 public:
  // A whole message where this frame ends one. The frame is not one of the link's own.
  Result<std::optional<SharedBytes>> on_frame(const wire::Frame& frame);
  // The frame is first and last: its chunk is the message, and nothing of it is kept here.
  Result<void> on_whole(const wire::Frame& frame);
  // The consumer has a message that came on this lane: its credit goes back to the sender, by poll_grant in steps.
  void on_taken(wire::ChannelId channel, wire::Lane lane, size_t message_bytes);
  bool grant_due() const { return credit_.grant_due(); }
  std::optional<CreditGrant> poll_grant() { return credit_.poll_grant(); }
  size_t bytes() const { return bytes_; }
  void drop_begun();  // a link that closes

 private:
  struct Part {
    wire::ChannelId channel = 0;
    wire::Lane lane = wire::Lane::control;
    size_t total = 0;  // by its header
    Bytes bytes;
  };

  Result<size_t> check_first(const wire::Frame& frame);
  Result<std::optional<SharedBytes>> begin(const wire::Frame& frame);
  Result<std::optional<SharedBytes>> go_on(const wire::Frame& frame);
  Result<void> grow(Part& part, size_t more);

  ReceiveCredit credit_;
  std::vector<Part> parts_;
  size_t bytes_ = 0;  // capacity of all parts
};

}  // namespace lattice
