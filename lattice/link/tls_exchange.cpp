// Suite 0x0101: the introduction inside TLS, as signed_exchange.cpp has it inside Noise. TLS has made the key and shows no more
// than a throw-away certificate; who is there is said by signatures over its exporter, and so by ML-DSA alone.
//
//   initiator   (hello at once) -> AwaitResponder -> VerifyPeer -> SignOwn -> Done
//   responder   AwaitHello -> SignOwn -> AwaitInitiator -> VerifyPeer -> Done
#include <lattice/base/assert.hpp>
#include <lattice/link/exchange.hpp>

namespace lattice {
namespace {

using enum ErrorCode;

class TlsExchange final : public Exchange {
 public:
  TlsExchange(ExchangeStart start, const TlsEndpoint& tls);

  Result<void> on_message(ByteView message, Now now) override;
  Result<void> on_work_done(WorkResult result) override;
  bool awaits_message() const override { return step_ == Step::await_hello || step_ == Step::await_peer; }
  bool done() const override { return step_ == Step::done; }
  bool takes_early_records() const override { return responds() && step_ == Step::verify_peer; }
  HandshakeResult finish() override;

 private:
  enum class Step : uint8_t { await_hello, await_peer, verify_peer, sign_own, done, dead };

  bool responds() const { return role_ == Role::responder; }
  void sign_own();

  Role role_;
  Introduction introduction_;
  Digest handshake_hash_;
  Step step_ = Step::dead;
};

// RFC 8446 section 7.5 over everything that was said before the first payload. Whoever sits between two TLS connections has two
// exporters, and no signature over either that fits the other.
Digest exported(const TlsEndpoint& tls, ByteView prologue) {
  const Secret<32> secret = tls.exporter(tls_exporter_label, prologue);
  Digest digest;
  std::ranges::copy(secret.view(), digest.begin());
  return digest;
}

TlsExchange::TlsExchange(ExchangeStart start, const TlsEndpoint& tls)
    : role_(start.config->role),
      introduction_(*start.config, *start.provider, std::move(start.hello), std::move(start.offers)),
      handshake_hash_(exported(tls, start.prologue)) {
  if (!responds()) message_ = std::move(start.message1_head);
  step_ = responds() ? Step::await_hello : Step::await_peer;
}

Result<void> TlsExchange::on_message(ByteView message, Now now) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::await_hello) {
    if (!message.empty()) return fail(bad_handshake, "bytes behind the hello");
    sign_own();
    return {};
  }
  ASSERT(step == Step::await_peer);
  TRY_VOID(introduction_.read(message, nullptr, now.wall));
  work_ = introduction_.verify_live(handshake_hash_);
  step_ = Step::verify_peer;
  return {};
}

void TlsExchange::sign_own() {
  work_ = introduction_.sign(handshake_hash_);
  step_ = Step::sign_own;
}

Result<void> TlsExchange::on_work_done(WorkResult result) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::sign_own) {
    message_ = introduction_.payload(std::get<SignDone>(result));
    step_ = responds() ? Step::await_peer : Step::done;
    return {};
  }
  ASSERT(step == Step::verify_peer);
  if (!std::get<VerifyDone>(result).valid) return fail(bad_handshake, "signature");
  introduction_.remember();
  if (responds())
    step_ = Step::done;
  else
    sign_own();
  return {};
}

// No keys: the records inside TLS are plain, and there is nothing that a later handshake could resume.
HandshakeResult TlsExchange::finish() {
  ASSERT(done());
  return introduced(introduction_, {NoiseCipher(), NoiseCipher(), {}, handshake_hash_}, responds());
}

}  // namespace

std::unique_ptr<Exchange> tls_exchange(ExchangeStart start, const TlsEndpoint& tls) {
  return std::make_unique<TlsExchange>(std::move(start), tls);
}

}  // namespace lattice
