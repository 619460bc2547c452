// A handshake as a value: hello, retry and the choice of suite here; what follows them in an Exchange of the kind chosen.
// docs/PROTOCOL.md says every byte.
//
//   initiator   [AwaitTls ->] (hello) -> AwaitAnswer [-> SolvePuzzle -> (hello again) AwaitAnswer] -> Exchange -> Done
//   responder   AwaitHello [-> (retry) AwaitHello] -> Exchange -> Done
//   any error -> Dead: nothing more is said
//
// Suite 0x0101 runs inside TLS: an initiator that begins with it, or that a retry asks for it, waits for TLS before it says its
// hello; a responder that awaits a hello may be given TLS first.
//
// A side speaks when its work is done. Meanwhile the other side must be silent, but for an initiator's first records.
#pragma once

#include <memory>
#include <optional>

#include <lattice/link/config.hpp>
#include <lattice/link/exchange.hpp>
#include <lattice/link/hello.hpp>
#include <lattice/link/retry.hpp>
#include <lattice/link/ticket.hpp>
#include <lattice/link/work.hpp>

namespace lattice {

// A hello, and behind it e, e1 and two tags at most.
constexpr size_t message1_bytes_max = hello_bytes_max + 32 + 1568 + 2 * aead_tag_bytes;

class Handshake {
 public:
  // ASSERTs that policy and the own certificates share a suite. `provider` outlives this.
  Handshake(LinkConfig config, Provider& provider, Now now);

  // A whole message without its length. Any error ends the handshake.
  Result<void> on_message(ByteView message, Now now);
  Result<void> on_work_done(WorkResult result, Now now);
  std::optional<Work> poll_work();
  // A message for the other side, without its length.
  std::optional<Bytes> poll_message();

  bool awaits_hello() const { return step_ == Step::await_hello; }
  // Suite 0x0101 is chosen, and TLS is needed before anything more is said.
  bool wants_tls() const { return step_ == Step::await_tls; }
  // The responder: bytes of TLS have come in place of a hello. Any error ends the handshake.
  Result<void> admit_tls(Now now);
  // TLS is established; it outlives this.
  void on_tls(const TlsEndpoint& tls);

  // The longest message that may come now; 0: none may.
  size_t message_bytes_max() const;
  bool done() const { return exchange_ && exchange_->done(); }
  // A worker has the peer's signature: the only moment at which an initiator's early records may come.
  bool takes_early_records() const { return exchange_ && exchange_->takes_early_records(); }
  // Only when done.
  HandshakeResult finish() &&;

 private:
  enum class Step : uint8_t { await_tls, await_hello, await_answer, solve_puzzle, exchange, dead };

  void start(std::optional<RetryAnswer> answer, std::optional<uint16_t> suite, Now now);
  Result<void> on_hello(ByteView message, Now now);
  Result<void> on_tls_hello(Hello hello, uint16_t chosen, ByteView message, size_t head_bytes, Now now);
  Result<void> check_answer(const Hello& hello, Now now);
  Result<void> ask_again(ByteView hello_bytes, uint16_t suite, uint16_t flags, Now now);
  Result<void> on_retry(ByteView message, Now now);
  Result<void> into_exchange(std::unique_ptr<Exchange> exchange, ByteView rest, Now now);
  ExchangeStart exchange_start(Hello hello, Bytes head) const;

  std::unique_ptr<LinkConfig> config_;  // where it is stays: an exchange refers to it
  Provider* provider_;
  Step step_ = Step::dead;
  SuiteIds offers_;                     // our own
  Bytes hello_;                         // as it was sent, until a retry or an answer has come
  std::optional<RetryAnswer> retried_;  // said once: the initiator's answer, or what the responder asked
  Retry retry_;
  const TlsEndpoint* tls_ = nullptr;
  std::optional<ExchangeStart> begin_;  // until TLS is established
  std::unique_ptr<Exchange> exchange_;
  std::optional<Bytes> message_;
  std::optional<Work> work_;
};

}  // namespace lattice
