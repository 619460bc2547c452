// One secured connection as a value: bytes and time in; bytes, events and wishes out. No socket, no clock, no thread.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/link/config.hpp>
#include <lattice/link/identity.hpp>
#include <lattice/link/session.hpp>
#include <lattice/link/work.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

struct LinkEstablished {
  NodeId peer;
  Suite suite = Suite::xxhfs_chacha;
  Certificate certificate;
  Digest handshake_hash{};
  Duration handshake_time{};
  NodeId own;            // who we were to it: a node with two identities is two
  bool resumed = false;  // from a ticket of an earlier link
};
// The last event. `by_peer`: the peer closed, `error` is its reason. Else `error` is what the peer did wrong, or why we close.
struct LinkClosed {
  Error error;
  bool by_peer = false;
};
using LinkEvent = std::variant<LinkEstablished, LinkMessage, LinkClosed>;

// Handshake -> Open -> Closed
//
// Handshake: one message at a time, each within its limit; until handshake_timeout. A failure here closes without a word.
// Open: established on both sides. A failure here closes with an authenticated reason.
// Closed: nothing more comes in; pending_output may still hold control messages and the close frame.
class Link {
 public:
  Link(LinkConfig config, Provider& provider, Now now);
  ~Link();
  Link(Link&&) noexcept;
  Link& operator=(Link&&) noexcept;

  // Whatever comes first when the time of a handshake is over ends it: bytes or a worker's result too.
  void on_bytes(ByteView bytes, Now now);
  void on_timeout(Now now);
  void on_work_done(WorkResult result, Now now);
  // The socket ended. Without an authenticated close before it: cut_without_close.
  void on_end(Now now);

  // queue_full where the peer does not take what is sent: the caller decides whether that is a fault. Only when established.
  Result<void> send(wire::ChannelId channel, const wire::Message& message);
  // Sends an authenticated close with the reason where the link is open; goes without a word where it is not.
  void close(ErrorCode reason);

  // How much of each lane may be sealed from now on (SendLanes::allow). Only when established.
  void allow(const LaneBytes& bytes);
  LaneBytes sealed_bytes() const;  // of messages, by lane, since it was established

  std::optional<Work> poll_work();
  // Taking messages gives their credit back to the peer: pending_output may then hold a grant.
  std::optional<LinkEvent> poll_event();
  // Sealed bytes for the socket, sealed as late as possible: at most send_buffer_bytes_max of them wait here. The view stays
  // good until on_sent, whatever else is called.
  ByteView pending_output();
  void on_sent(size_t bytes);
  std::optional<Instant> next_timeout() const;

  bool established() const;  // and not closed since
  // False while input would only be kept until a worker has verified the peer, or until somebody takes what came: stop reading. What comes nevertheless is kept up
  // to early_bytes_max.
  bool wants_bytes() const;
  bool closed() const;                // nothing more will come in; pending_output may still hold the close frame
  size_t queued_bytes() const;        // accepted by send and not yet sealed
  size_t held_bytes() const;          // of what came and is not whole yet: handshake messages, records, messages
  uint64_t unknown_messages() const;  // skipped and counted

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lattice
