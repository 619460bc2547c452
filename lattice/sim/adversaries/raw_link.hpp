// A secured connection without manners: the production handshake, records and reassembly, but it says whatever it is told:
// frames on any channel, messages of any bytes, commands that nobody knows. Its owner is an attacker that has valid keys.
//
// It has no timers and no limits of its own towards its owner: who floods looks at what the socket has not sent yet.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <lattice/link/handshake.hpp>
#include <lattice/link/lanes.hpp>
#include <lattice/link/record.hpp>

namespace lattice::sim {

// A message as it came: parsed, and its bytes with the header, to be passed on changed.
struct Heard {
  wire::Message message;
  SharedBytes bytes;
};

class RawLink {
 public:
  RawLink(LinkConfig config, Provider& provider, Now now);

  void on_bytes(ByteView bytes, Now now);
  std::optional<Work> poll_work();
  void on_work_done(WorkResult result, Now now);

  bool established() const { return ready_ && opener_.has_value(); }
  bool dead() const { return dead_; }  // the other side broke the protocol, or closed
  std::optional<ErrorCode> closed_by_peer() const { return closed_by_peer_; }
  const NodeId& peer() const { return peer_; }  // once established
  std::vector<Heard> take_messages() { return std::exchange(heard_, {}); }

  // Each of them only once established.
  void send(wire::ChannelId channel, const wire::Message& message);
  // A message of these bytes, header and all, in frames as a real one goes.
  void send_bytes(wire::ChannelId channel, wire::Lane lane, ByteView message);
  void send_frame(wire::ChannelId channel, wire::Lane lane, uint8_t flags, ByteView chunk);
  void close(ErrorCode reason);

  // What there is for the socket: whole handshake messages and records, each with its length.
  Bytes take_output(Instant now);

 private:
  void consume(Now now);
  void on_unit(ByteView unit, Now now);
  void on_progress(Now now);
  Result<void> on_record(ByteView sealed);
  Result<void> on_own_frame(const wire::Frame& frame);
  void seal(Instant now);

  std::optional<Handshake> handshake_;
  std::optional<RecordSealer> sealer_;
  std::optional<RecordOpener> opener_;
  ReceiveLanes parts_;
  NodeId peer_;
  bool ready_ = false, dead_ = false;
  std::optional<ErrorCode> closed_by_peer_;
  Bytes opened_;   // the record that is being read
  Bytes partial_;  // what came and is no whole unit yet
  Bytes text_;     // frames that are not sealed yet: one record at most
  Bytes out_;
  Instant latest_{};
  std::vector<Heard> heard_;
};

// A message's bytes with the header, for commands and payloads that no wire::Message can be. The checksum is right.
Bytes message_bytes(uint16_t command, ByteView payload, uint16_t version = 1);
// The same, where `bytes` is a whole message that was changed: length and checksum fit again.
void mend_message(Bytes& bytes);
Bytes flat(const wire::EncodedMessage& message);

}  // namespace lattice::sim
