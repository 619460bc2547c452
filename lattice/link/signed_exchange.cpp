// Noise XXhfs where both sides sign the handshake hash: the signature proves a live key, and nothing of it can be used again;
// the initiator shows itself only to a responder that it has verified.
//
//   initiator   (message 1 at once) -> AwaitMessage2 -> VerifyPeer [-> FetchKey] -> SignOwn -> Done
//   responder   AwaitMessage1 -> SignOwn -> AwaitMessage3 [-> FetchKey] -> VerifyPeer -> Done
#include <lattice/base/assert.hpp>
#include <lattice/link/admission.hpp>
#include <lattice/link/exchange.hpp>

namespace lattice {
namespace {

using enum ErrorCode;

class SignedExchange final : public Exchange {
 public:
  explicit SignedExchange(ExchangeStart start);

  Result<void> on_message(ByteView message, Now now) override;
  Result<void> on_work_done(WorkResult result) override;
  bool awaits_message() const override {
    return step_ == Step::await_message1 || step_ == Step::await_message2 || step_ == Step::await_message3;
  }
  bool done() const override { return step_ == Step::done; }
  bool takes_early_records() const override {
    return initiated_over_ && (step_ == Step::verify_peer || step_ == Step::fetch_key);
  }
  HandshakeResult finish() override;

 private:
  enum class Step : uint8_t { await_message1, await_message2, await_message3, fetch_key, verify_peer, sign_own, done, dead };

  bool responds() const { return config_.role == Role::responder; }
  bool outside() const { return outside_; }
  Result<void> read_peer(ByteView message, WallTime now);
  Result<void> read_named_peer(ByteView message, Now now);
  Result<void> on_key(OutsideKeyDone done);
  Result<void> sign_own();
  Result<void> on_signed(const SignDone& done);

  const LinkConfig& config_;
  Provider& provider_;
  bool outside_;
  Introduction introduction_;
  NoiseHandshake noise_;
  Step step_ = Step::dead;
  bool initiated_over_ = false;  // message 3 has been read
  Bytes tokens_;                 // of our message with a payload, while its signature is made
  Bytes held_;                   // of message 3, while the key is fetched that it names
  WallTime held_at_{};
};

NoiseProtocol protocol_of(const SuiteTraits& traits, bool outside) {
  NoiseProtocol protocol = noise_protocol(outside ? traits.outside : traits.name);
  if (outside) name_psk(protocol);
  return protocol;
}

NoiseSecrets secrets_of(const LinkConfig& config, Suite suite, Provider& provider) {
  NoiseSecrets secrets = draw_secrets(config.role, provider);
  secrets.static_key = identity_for(config, suite)->dh;
  return secrets;
}

SignedExchange::SignedExchange(ExchangeStart start)
    : config_(*start.config),
      provider_(*start.provider),
      outside_(start.hello.flags & Hello::outside_key),
      introduction_(*start.config, *start.provider, std::move(start.hello), std::move(start.offers)),
      noise_(protocol_of(traits_of(introduction_.suite()), outside_), config_.role, start.prologue,
             secrets_of(config_, introduction_.suite(), provider_), provider_) {
  if (responds()) {
    step_ = Step::await_message1;
    return;
  }
  message_ = first_message(std::move(start.message1_head), noise_);
  step_ = Step::await_message2;
}

Result<void> SignedExchange::on_message(ByteView message, Now now) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::await_message1) {
    TRY(payload, noise_.read_message(message));
    if (!payload.empty()) return fail(bad_handshake, "payload in message 1");
    return sign_own();
  }
  ASSERT(step == Step::await_message2 || step == Step::await_message3);
  initiated_over_ = responds();
  if (responds() && outside()) return read_named_peer(message, now);
  return read_peer(message, now.wall);
}

// Message 2 or 3: who is there?
Result<void> SignedExchange::read_peer(ByteView message, WallTime now) {
  TRY(sealed, noise_.read_tokens(message));
  const Digest handshake_hash = noise_.handshake_hash();
  TRY(opened, noise_.read_payload(sealed));
  TRY_VOID(introduction_.read(opened, &*noise_.remote_static(), now));
  work_ = introduction_.verify_live(handshake_hash);
  step_ = Step::verify_peer;
  return {};
}

// Whoever has come so far has proven nothing but its address, so how often it makes us ask a key server is bounded.
Result<void> SignedExchange::read_named_peer(ByteView message, Now now) {
  TRY(id, noise_.read_key_id(message));
  if (config_.admission && !config_.admission->may_ask_key_server(config_.remote, now.mono)) {
    return fail(bad_handshake, "key from outside");
  }
  held_ = to_bytes(message);
  held_at_ = now.wall;
  work_ = OutsideKeyWork{{}, id};
  step_ = Step::fetch_key;
  return {};
}

// Unknown, used up, zero: one error.
Result<void> SignedExchange::on_key(OutsideKeyDone done) {
  if (!done.key || done.key->key == Secret<32>{}) return fail(bad_handshake, "key from outside");
  noise_.set_outside_key(std::move(*done.key));
  if (!responds()) return sign_own();
  const Bytes message = std::exchange(held_, {});
  return read_peer(message, held_at_);
}

// Writes the tokens of our message and orders the signature over the handshake hash that they lead to.
Result<void> SignedExchange::sign_own() {
  TRY(tokens, noise_.write_tokens());
  tokens_ = std::move(tokens);
  work_ = introduction_.sign(noise_.handshake_hash());
  step_ = Step::sign_own;
  return {};
}

Result<void> SignedExchange::on_signed(const SignDone& done) {
  TRY(sealed, noise_.write_payload(introduction_.payload(done)));
  append(tokens_, sealed);
  message_ = std::move(tokens_);
  step_ = responds() ? Step::await_message3 : Step::done;
  return {};
}

Result<void> SignedExchange::on_work_done(WorkResult result) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::fetch_key) return on_key(std::move(std::get<OutsideKeyDone>(result)));
  if (step == Step::sign_own) return on_signed(std::get<SignDone>(result));
  ASSERT(step == Step::verify_peer);
  if (!std::get<VerifyDone>(result).valid) return fail(bad_handshake, "signature");
  introduction_.remember();
  if (responds()) {
    step_ = Step::done;
    return {};
  }
  if (!outside()) return sign_own();
  work_ = OutsideKeyWork{introduction_.peer().id, std::nullopt};
  step_ = Step::fetch_key;
  return {};
}

HandshakeResult SignedExchange::finish() {
  ASSERT(done());
  return introduced(introduction_, std::move(noise_).finish(), responds());
}

}  // namespace

std::unique_ptr<Exchange> signed_exchange(ExchangeStart start) { return std::make_unique<SignedExchange>(std::move(start)); }

}  // namespace lattice
