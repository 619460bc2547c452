// The part of a handshake that is of one kind: who sends what once the suite, and whether a ticket is taken, is settled.
// Messages and verdicts of workers in; a message, work and at the end two keys out. Any error is the last thing.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <lattice/link/introduction.hpp>
#include <lattice/link/noise.hpp>
#include <lattice/link/ticket.hpp>

namespace lattice {

struct HandshakeResult {
  NoiseSession session;
  Suite suite = Suite::xxhfs_chacha;
  NodeId own, peer;
  Certificate certificate;
  bool resumed = false;
  // Who says `ready` first of all: the side that accepts the last message of the handshake, or, where the other one could not
  // yet know that it speaks to a living peer, that one.
  bool says_ready = false;
  std::optional<Instant> signed_at;  // of a resumption: when its chain began
};

class Exchange {
 public:
  virtual ~Exchange() = default;

  // A whole message without its length.
  virtual Result<void> on_message(ByteView message, Now now) = 0;
  virtual Result<void> on_work_done(WorkResult result) = 0;
  // May a message come now?
  virtual bool awaits_message() const = 0;
  virtual bool done() const = 0;
  // The initiator has said all of its part and may go on with records, while this side still works.
  virtual bool takes_early_records() const { return false; }
  // Only when done.
  virtual HandshakeResult finish() = 0;

  std::optional<Work> poll_work() { return std::exchange(work_, std::nullopt); }
  std::optional<Bytes> poll_message() { return std::exchange(message_, std::nullopt); }

 protected:
  std::optional<Work> work_;
  std::optional<Bytes> message_;
};

// What every kind is made with. `prologue`: all that was said before the first Noise byte. `message1_head`: the initiator's
// hello, which its first message begins with; the responder's exchange gets what stands behind it by on_message.
struct ExchangeStart {
  const LinkConfig* config = nullptr;  // outlives the exchange, as does `provider`
  Provider* provider = nullptr;
  Hello hello;
  SuiteIds offers;  // our own
  Bytes prologue, message1_head;
};

// Noise XXhfs with live signatures: suites 0x0001, 0x0002, 0x0011, also with a key from outside.
std::unique_ptr<Exchange> signed_exchange(ExchangeStart start);
// Noise XXhfskem: suite 0x0021.
std::unique_ptr<Exchange> kem_exchange(ExchangeStart start);
// Noise NNhfs+psk0 with a ticket.
std::unique_ptr<Exchange> resume_exchange(ExchangeStart start, Ticket ticket);

// Inside TLS: suite 0x0101. `tls` is established.
std::unique_ptr<Exchange> tls_exchange(ExchangeStart start, const TlsEndpoint& tls);
constexpr std::string_view tls_exporter_label = "EXPORTER-lattice-1";

// Fresh secrets of one handshake in this role.
NoiseSecrets draw_secrets(Role role, Provider& provider);
NoiseProtocol noise_protocol(std::string_view name);
// What the initiator says first: `head`, its hello, then its fresh keys.
Bytes first_message(Bytes head, NoiseHandshake& noise);
// The end of every kind in which both sides have introduced themselves.
HandshakeResult introduced(const Introduction& introduction, NoiseSession session, bool says_ready);

}  // namespace lattice
