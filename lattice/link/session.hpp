// A link after its handshake: records, lanes and messages of both directions.
//
// Open -> Closing (control messages and the close frame still go out) -> Ended. The peer's close ends it at once.
#pragma once

#include <memory>
#include <utility>

#include <lattice/base/fifo.hpp>
#include <lattice/link/lanes.hpp>
#include <lattice/link/noise.hpp>
#include <lattice/link/ratchet.hpp>
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
  // Behind what is pending, also where that must be moved: not for what a stranger can make grow.
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
  // `says_ready`: the first frame out is `ready`; else the first that comes in must be.
  Session(NoiseSession keys, bool says_ready, Instant now);
  // From then on keys are made afresh every hour. Before anything is sent or read.
  void set_ratchet(Ratchet ratchet) { ratchet_ = std::move(ratchet); }

  // `sealed`: a whole record without its length. After an error the session is to be closed with its code.
  Result<void> on_record(ByteView sealed, Instant now);
  // Who takes a message gives its credit back: the peer may send as much again.
  std::optional<LinkMessage> poll_message();
  // False while more control and consensus waits to be taken than urgent_bytes_max: nothing else bounds what has no credit.
  bool wants_records() const { return urgent_bytes_ <= limits::urgent_bytes_max; }
  // The other side's first frame has come, so that it is known to have accepted the handshake and to be alive. Always so for
  // the side that says it.
  bool ready() const { return ready_; }
  std::optional<ErrorCode> closed_by_peer() const { return closed_by_peer_; }
  uint64_t unknown_messages() const { return unknown_messages_; }

  Result<void> send(wire::ChannelId channel, const wire::Message& message);
  void close(ErrorCode reason);
  size_t queued_bytes() const { return lanes_.bytes(); }
  void allow(const LaneBytes& bytes) { lanes_.allow(bytes); }
  const LaneBytes& filled_bytes() const { return lanes_.filled_bytes(); }
  size_t held_bytes() const { return parts_.bytes(); }  // of messages begun and not ended
  void drop_begun() { parts_.drop_begun(); }
  // Seals what waits, while a whole record has room.
  void seal_into(OutBuffer& out, Instant now);
  // Nothing more goes out, not even the close frame: it was sealed, or the peer has closed.
  bool ended() const { return ended_; }
  // Inside TLS: our key has had its time since this was last asked. Whoever runs TLS changes it.
  bool take_tls_rekey() { return std::exchange(tls_rekey_due_, false); }

 private:
  Result<void> on_own_frame(const wire::Frame& frame, bool last_of_record, Instant now);
  Result<void> on_ratchet(ByteView chunk, bool last_of_record, Instant now);
  bool seal_ratchet(OutBuffer& out, Instant now);
  size_t write_own_frame(uint8_t* to, uint8_t flag, ByteView chunk) const;
  Result<void> keep(const wire::Frame& last, Result<wire::Message> message, size_t bytes);
  Result<void> on_credit(ByteView chunk);
  size_t write_grants(ByteSpan to);
  size_t write_record(ByteSpan text);

  RecordSealer sealer_;
  RecordOpener opener_;
  SendLanes lanes_;
  ReceiveLanes parts_;
  std::optional<Ratchet> ratchet_;
  Fifo<LinkMessage> messages_;
  size_t urgent_bytes_ = 0;  // of control and consensus in it
  bool ready_ = false;
  bool ready_due_ = false;  // it has yet to be said
  std::optional<ErrorCode> close_due_;
  bool ended_ = false;
  bool tls_rekey_due_ = false;
  std::optional<ErrorCode> closed_by_peer_;
  uint64_t unknown_messages_ = 0;
};

}  // namespace lattice
