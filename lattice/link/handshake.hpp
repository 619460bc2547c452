// The handshake of suite 0x0001 as a value: messages and verdicts of workers in; messages, work and at the end two keys out.
// docs/PROTOCOL.md says every byte. Why it has this shape: the signature covers the handshake hash, so that it proves a live
// key and nothing of it can be used again; the initiator shows itself only to a responder that it has verified.
//
//   initiator   (msg1 at once) -> AwaitMessage2 -> VerifyPeer -> SignOwn -> Done
//   responder   AwaitMessage1 -> SignOwn -> AwaitMessage3 -> VerifyPeer -> Done
//   any error -> Dead: nothing more is said
//
// A side speaks when it leaves SignOwn. While it works, the other side must be silent, but for an initiator's first records
// after message 3.
#pragma once

#include <optional>

#include <lattice/link/config.hpp>
#include <lattice/link/hello.hpp>
#include <lattice/link/noise.hpp>
#include <lattice/link/payload.hpp>
#include <lattice/link/work.hpp>

namespace lattice {

// A certificate of the near future is taken: clocks differ.
constexpr std::chrono::seconds clock_difference_max{600};

struct HandshakeResult {
  NoiseSession session;
  Suite suite = Suite::xxhfs_chacha;
  NodeId peer;
  Certificate certificate;
};

class Handshake {
 public:
  // ASSERTs that policy and the own certificate share a suite. `provider` outlives this.
  Handshake(LinkConfig config, Provider& provider);

  // A whole message without its length. Any error ends the handshake.
  Result<void> on_message(ByteView message, WallTime now);
  Result<void> on_work_done(WorkResult result);
  std::optional<Work> poll_work();
  // A message for the other side, without its length.
  std::optional<Bytes> poll_message();

  // The longest message that may come now; 0: none may.
  size_t message_bytes_max() const;
  bool done() const { return step_ == Step::done; }
  // A worker has the peer's signature: the only moment at which an initiator's early records may come.
  bool verifying() const { return step_ == Step::verify_peer; }
  // Only when done.
  HandshakeResult finish() &&;

 private:
  enum class Step : uint8_t { await_message1, await_message2, await_message3, verify_peer, sign_own, done, dead };

  void start();
  Result<void> read_message1(ByteView message);
  Result<void> read_peer(ByteView message, WallTime now);
  Result<ByteView> certificate_body(const HandshakePayload& payload) const;
  Result<void> check_certificate(const Certificate& certificate, WallTime now) const;
  Result<void> check_choice(const HandshakePayload& payload) const;
  void verify_peer(const HandshakePayload& payload, ByteView body, const Digest& handshake_hash);
  Result<void> sign_own();
  Result<void> on_verified(const VerifyDone& done);
  Result<void> on_signed(const SignDone& done);

  LinkConfig config_;
  Provider* provider_;
  Step step_ = Step::dead;
  Hello hello_;
  SuiteIds offers_;  // our own
  std::optional<NoiseHandshake> noise_;
  Bytes tokens_;  // of our message with a payload, while its signature is made
  Bytes own_head_, own_certificate_, own_extensions_;
  NodeId peer_;
  Certificate certificate_;
  std::optional<Work> work_;
  std::optional<Bytes> message_;
};

}  // namespace lattice
