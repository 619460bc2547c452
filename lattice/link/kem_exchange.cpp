// Noise XXhfskem: each side proves its static KEM key by opening what the other has sealed to it. ML-DSA signs the certificate
// once, not each handshake; so a handshake between nodes that know each other's certificates needs no signature at all.
//
//   initiator   (message 1 at once) -> AwaitMessage2 -> VerifyPeer -> (message 3) AwaitMessage4 -> Done
//   responder   AwaitMessage1 -> (message 2) AwaitMessage3 -> VerifyPeer -> (message 4) Done
//
// The initiator is proven by its first record alone: it says `ready`.
#include <lattice/base/assert.hpp>
#include <lattice/link/exchange.hpp>

namespace lattice {
namespace {

using enum ErrorCode;

class KemExchange final : public Exchange {
 public:
  explicit KemExchange(ExchangeStart start);

  Result<void> on_message(ByteView message, Now now) override;
  Result<void> on_work_done(WorkResult result) override;
  bool awaits_message() const override {
    return step_ == Step::await_first || step_ == Step::await_peer || step_ == Step::await_last;
  }
  bool done() const override { return step_ == Step::done; }
  HandshakeResult finish() override;

 private:
  // await_peer: message 2 or 3, in which the other side introduces itself.
  enum class Step : uint8_t { await_first, await_peer, verify_peer, await_last, done, dead };

  bool responds() const { return config_.role == Role::responder; }
  Result<void> write_own();
  Result<void> read_peer(ByteView message, WallTime now);
  Result<void> on_verified();

  const LinkConfig& config_;
  Provider& provider_;
  Introduction introduction_;
  NoiseHandshake noise_;
  Step step_ = Step::dead;
};

NoiseSecrets secrets_of(const LinkConfig& config, const Identity& identity, Provider& provider) {
  NoiseSecrets secrets = draw_secrets(config.role, provider);
  secrets.static_key = identity.dh;
  secrets.static_kem = identity.kem;
  provider.rng().fill(secrets.static_encapsulation.emplace().span());
  return secrets;
}

KemExchange::KemExchange(ExchangeStart start)
    : config_(*start.config),
      provider_(*start.provider),
      introduction_(*start.config, *start.provider, std::move(start.hello), std::move(start.offers)),
      noise_(noise_protocol(traits_of(introduction_.suite()).name), config_.role, start.prologue,
             secrets_of(config_, introduction_.own(), provider_), provider_) {
  if (responds()) {
    step_ = Step::await_first;
    return;
  }
  message_ = first_message(std::move(start.message1_head), noise_);
  step_ = Step::await_peer;
}

Result<void> KemExchange::on_message(ByteView message, Now now) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::await_peer) return read_peer(message, now.wall);
  ASSERT(step == Step::await_first || step == Step::await_last);
  TRY(payload, noise_.read_message(message));
  if (!payload.empty()) return fail(bad_handshake, "payload in message 1 or 4");
  if (step == Step::await_first) return write_own();
  introduction_.remember();  // message 4 has opened: the responder is alive
  step_ = Step::done;
  return {};
}

// Message 2 or 3.
Result<void> KemExchange::write_own() {
  TRY(message, noise_.write_message(introduction_.payload_without_signature()));
  message_ = std::move(message);
  step_ = responds() ? Step::await_peer : Step::await_last;
  return {};
}

Result<void> KemExchange::read_peer(ByteView message, WallTime now) {
  TRY(opened, noise_.read_message(message));
  TRY_VOID(introduction_.read(opened, &*noise_.remote_static(), now));
  auto work = introduction_.verify_certificate();
  if (!work) return on_verified();
  work_ = std::move(*work);
  step_ = Step::verify_peer;
  return {};
}

Result<void> KemExchange::on_verified() {
  noise_.set_remote_kem(introduction_.peer().certificate.kem_public);
  if (!responds()) return write_own();
  introduction_.remember();
  TRY(message, noise_.write_message({}));
  message_ = std::move(message);
  step_ = Step::done;
  return {};
}

Result<void> KemExchange::on_work_done(WorkResult result) {
  const Step step = std::exchange(step_, Step::dead);
  ASSERT(step == Step::verify_peer);
  if (!std::get<VerifyDone>(result).valid) return fail(bad_handshake, "signature of the certificate");
  return on_verified();
}

HandshakeResult KemExchange::finish() {
  ASSERT(done());
  return introduced(introduction_, std::move(noise_).finish(), !responds());
}

}  // namespace

std::unique_ptr<Exchange> kem_exchange(ExchangeStart start) { return std::make_unique<KemExchange>(std::move(start)); }

}  // namespace lattice
