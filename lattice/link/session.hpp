// A link after its handshake: records, lanes and messages of both directions.
//
// Open -> Closing (control messages and the close frame still go out) -> Ended. The peer's close ends it at once.
#pragma once

#include <memory>

#include <lattice/base/fifo.hpp>
#include <lattice/link/lanes.hpp>
#include <lattice/link/noise.hpp>
#include <lattice/link/record.hpp>

namespace lattice {

struct LinkMessage {
  wire::ChannelId channel = 0;
  wire::Message message;
  size_t wire_bytes = 0;  // with its header
};

// Bytes for the socket. Nothing in it moves while something is pending, so that a view stays good while a write is under way
// and more is sealed behind it. An idle one holds no memory, and one for a small message little.
class OutBuffer {
 public:
  ByteView pending() const { return {memory_.get() + begin_, end_ - begin_}; }
  size_t room() const { return capacity_ - end_; }
  // So much room, or false where that must wait until what is pending was sent. At most send_buffer_bytes_max.
  bool reserve(size_t bytes);
  bool is_small() const { return capacity_ < limits::send_buffer_bytes_max; }
  // `room()` bytes to write to; add() says how many were.
  uint8_t* tail() { return memory_.get() + end_; }
  void add(size_t bytes) { end_ += bytes; }
  void append(ByteView bytes);
  void sent(size_t bytes);
  // Its memory goes, where nothing is pending.
  void release();

 private:
  std::unique_ptr<uint8_t[]> memory_;
  size_t capacity_ = 0;
  size_t begin_ = 0, end_ = 0;
};

class Session {
 public:
  Session(NoiseSession keys, Role role, Instant now);

  // `sealed`: a whole record without its length. After an error the session is to be closed with its code.
  Result<void> on_record(ByteView sealed);
  // Who takes a message gives its credit back: the peer may send as much again.
  std::optional<LinkMessage> poll_message();
  // False while more control and consensus waits to be taken than urgent_bytes_max: nothing else bounds what has no credit.
  bool wants_records() const { return urgent_bytes_ <= limits::urgent_bytes_max; }
  // The responder's first frame has come: it accepted message 3. Always so for the responder itself.
  bool ready() const { return ready_; }
  std::optional<ErrorCode> closed_by_peer() const { return closed_by_peer_; }
  uint64_t unknown_messages() const { return unknown_messages_; }

  Result<void> send(wire::ChannelId channel, const wire::Message& message);
  void close(ErrorCode reason);
  size_t queued_bytes() const { return lanes_.bytes(); }
  size_t held_bytes() const { return parts_.bytes(); }  // of messages begun and not ended
  void drop_begun() { parts_.drop_begun(); }
  // Seals what waits, while a whole record has room.
  void seal_into(OutBuffer& out, Instant now);

 private:
  Result<void> on_own_frame(const wire::Frame& frame, bool last_of_record);
  size_t write_own_frame(uint8_t* to, uint8_t flag, ByteView chunk) const;
  Result<void> keep(const wire::Frame& last, Result<wire::Message> message, size_t bytes);
  Result<void> on_credit(ByteView chunk);
  size_t write_grants(ByteSpan to);
  size_t write_record(ByteSpan text);

  RecordSealer sealer_;
  RecordOpener opener_;
  SendLanes lanes_;
  ReceiveLanes parts_;
  Fifo<LinkMessage> messages_;
  size_t urgent_bytes_ = 0;  // of control and consensus in it
  bool ready_ = false;
  bool ready_due_ = false;  // the responder has yet to say it
  std::optional<ErrorCode> close_due_;
  bool ended_ = false;
  std::optional<ErrorCode> closed_by_peer_;
  uint64_t unknown_messages_ = 0;
};

}  // namespace lattice
