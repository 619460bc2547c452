#include <lattice/link/noise.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice {

using enum ErrorCode;
using enum NoiseToken;

static bool contains(const NoiseTokens& tokens, NoiseToken token) { return std::ranges::find(tokens, token) != tokens.end(); }

const char* noise_missing(const NoiseProtocol& protocol, Role role, const NoiseSecrets& secrets) {
  const bool initiator = role == Role::initiator;
  const NoiseTokens& own_pre = initiator ? protocol.pre_initiator : protocol.pre_responder;
  const NoiseTokens& remote_pre = initiator ? protocol.pre_responder : protocol.pre_initiator;
  if (contains(own_pre, s) && !secrets.static_key) return "static key";
  if (contains(remote_pre, s) && !secrets.remote_static) return "remote static key";
  for (size_t i = 0; i < protocol.messages.size(); ++i) {
    if ((i % 2 == 0) != initiator) continue;
    const NoiseTokens& tokens = protocol.messages[i];
    if (contains(tokens, s) && !secrets.static_key) return "static key";
    if (contains(tokens, e) && !secrets.ephemeral) return "ephemeral key";
    if (contains(tokens, e1) && !secrets.kem_seed) return "KEM seed";
    if (contains(tokens, ekem1) && !secrets.encapsulation) return "encapsulation randomness";
    if (contains(tokens, skem) && !(secrets.static_kem && secrets.static_encapsulation)) return "static KEM key";
  }
  if (secrets.psks.size() != (protocol.names_psk ? 0 : protocol.psks)) return "number of pre-shared keys";
  return nullptr;
}

NoiseHandshake::NoiseHandshake(NoiseProtocol protocol, Role role, ByteView prologue, NoiseSecrets secrets, Provider& provider)
    : protocol_(std::move(protocol)),
      role_(role),
      secrets_(std::move(secrets)),
      provider_(&provider),
      symmetric_(as_bytes(protocol_.name), protocol_.hash, protocol_.aead, provider) {
  ASSERT(noise_missing(protocol_, role_, secrets_) == nullptr);
  if (secrets_.static_key) static_public_ = provider.dh_public(*secrets_.static_key);
  symmetric_.mix_hash(prologue);
  mix_pre_messages();
  // A key that no pre-message announced has to come by `s`.
  const NoiseTokens& remote_pre = role_ == Role::initiator ? protocol_.pre_responder : protocol_.pre_initiator;
  if (!contains(remote_pre, s)) secrets_.remote_static.reset();
}

// Section 5.3, Initialize: the initiator's public keys first. In these patterns only static keys are known before.
void NoiseHandshake::mix_pre_messages() {
  const bool initiator = role_ == Role::initiator;
  if (contains(protocol_.pre_initiator, s)) symmetric_.mix_hash(initiator ? static_public_ : *secrets_.remote_static);
  if (contains(protocol_.pre_responder, s)) symmetric_.mix_hash(initiator ? *secrets_.remote_static : static_public_);
}

std::unexpected<Error> NoiseHandshake::die(ErrorCode code, const char* where) {
  step_ = Step::dead;
  return fail(code, where);
}

Result<Bytes> NoiseHandshake::write_message(ByteView payload) {
  TRY(message, write_tokens());
  TRY(rest, write_payload(payload));
  append(message, rest);
  return message;
}

Result<Bytes> NoiseHandshake::read_message(ByteView message) {
  TRY(sealed, read_tokens(message));
  return read_payload(sealed);
}

Result<Bytes> NoiseHandshake::write_tokens() {
  if (step_ == Step::dead) return fail(bad_handshake, "noise after a failure");
  ASSERT(my_turn() && step_ == Step::tokens);
  Bytes message;
  for (NoiseToken token : protocol_.messages[next_]) {
    if (auto done = write_token(token, message); !done) return die(bad_handshake, done.error().where);
  }
  written_ = message.size();
  step_ = Step::payload;
  return message;
}

Result<Bytes> NoiseHandshake::write_payload(ByteView payload) {
  if (step_ == Step::dead) return fail(bad_handshake, "noise after a failure");
  ASSERT(my_turn() && step_ == Step::payload);
  // No sum here: `payload` may be of any size.
  const size_t room = noise_message_bytes_max - written_ - payload_overhead();
  if (payload.size() > room) return die(too_large, "noise message");
  Bytes sealed;
  symmetric_.encrypt_and_hash(payload, sealed);
  step_ = Step::tokens;
  ++next_;
  return sealed;
}

Result<ByteView> NoiseHandshake::read_tokens(ByteView message) {
  if (step_ == Step::dead) return fail(bad_handshake, "noise after a failure");
  ASSERT(!finished() && !my_turn() && step_ == Step::tokens);
  if (message.size() > noise_message_bytes_max) return die(too_large, "noise message");
  const NoiseTokens& tokens = protocol_.messages[next_];
  for (; next_token_ < tokens.size(); ++next_token_) {
    if (auto done = read_token(tokens[next_token_], message); !done) return die(bad_handshake, done.error().where);
  }
  next_token_ = 0;
  step_ = Step::payload;
  return message;
}

void NoiseHandshake::set_outside_key(OutsideKey key) {
  ASSERT(protocol_.names_psk && secrets_.psks.empty());
  key_id_ = key.id;
  secrets_.psks.push_back(std::move(key.key));
}

Result<KeyId> NoiseHandshake::read_key_id(ByteView& message) {
  if (step_ == Step::dead) return fail(bad_handshake, "noise after a failure");
  ASSERT(!finished() && !my_turn() && step_ == Step::tokens && protocol_.messages[next_].front() == key_id);
  if (message.size() > noise_message_bytes_max) return die(too_large, "noise message");
  if (auto done = read_token(key_id, message); !done) return die(bad_handshake, done.error().where);
  next_token_ = 1;
  return key_id_;
}

Result<Bytes> NoiseHandshake::read_payload(ByteView sealed) {
  if (step_ == Step::dead) return fail(bad_handshake, "noise after a failure");
  ASSERT(!finished() && !my_turn() && step_ == Step::payload);
  auto payload = symmetric_.decrypt_and_hash(sealed);
  if (!payload) return die(bad_handshake, payload.error().where);
  step_ = Step::tokens;
  ++next_;
  return payload;
}

Result<void> NoiseHandshake::write_token(NoiseToken token, Bytes& to) {
  switch (token) {
    case e: {
      const DhPublic own = provider_->dh_public(*secrets_.ephemeral);
      append(to, own);
      mix_ephemeral(own);
      return {};
    }
    case s: symmetric_.encrypt_and_hash(static_public_, to); return {};
    case e1:
      kem_key_ = provider_->kem_key(*protocol_.kem, *secrets_.kem_seed);
      symmetric_.encrypt_and_hash(kem_key_->public_key(), to);
      return {};
    case ekem1: {
      TRY(sent, provider_->encapsulate(*protocol_.kem, remote_kem_public_, *secrets_.encapsulation));
      symmetric_.encrypt_and_hash(sent.ciphertext, to);
      symmetric_.mix_key(sent.shared.view());
      return {};
    }
    case skem: {
      TRY(sent, provider_->encapsulate(*protocol_.kem, remote_static_kem_, *secrets_.static_encapsulation));
      symmetric_.encrypt_and_hash(sent.ciphertext, to);
      symmetric_.mix_key(sent.shared.view());
      return {};
    }
    case key_id: symmetric_.encrypt_and_hash(key_id_, to); return {};
    case psk: mix_psk(); return {};
    case ee:
    case es:
    case se:
    case ss: return mix_dh(token);
  }
  ASSERT(false);
}

Result<void> NoiseHandshake::read_token(NoiseToken token, ByteView& from) {
  switch (token) {
    case e: {
      if (from.size() < sizeof(DhPublic)) return fail(bad_handshake, "noise message too short");
      remote_ephemeral_.emplace();
      std::ranges::copy(from.first(sizeof(DhPublic)), remote_ephemeral_->begin());
      from = from.subspan(sizeof(DhPublic));
      mix_ephemeral(*remote_ephemeral_);
      return {};
    }
    case s: {
      TRY(key, take_sealed(from, sizeof(DhPublic)));
      secrets_.remote_static.emplace();
      std::ranges::copy(key, secrets_.remote_static->begin());
      return {};
    }
    case e1: {
      TRY(key, take_sealed(from, kem_sizes(*protocol_.kem).public_key));
      remote_kem_public_ = std::move(key);  // what is wrong with it shows when it is used
      return {};
    }
    case ekem1: {
      TRY(ciphertext, take_sealed(from, kem_sizes(*protocol_.kem).ciphertext));
      TRY(shared, kem_key_->decapsulate(ciphertext));
      symmetric_.mix_key(shared.view());
      return {};
    }
    case skem: {
      TRY(ciphertext, take_sealed(from, kem_sizes(*protocol_.kem).ciphertext));
      TRY(shared, secrets_.static_kem->decapsulate(ciphertext));
      symmetric_.mix_key(shared.view());
      return {};
    }
    case key_id: {
      TRY(id, take_sealed(from, sizeof(KeyId)));
      std::ranges::copy(id, key_id_.begin());
      return {};
    }
    case psk: mix_psk(); return {};
    case ee:
    case es:
    case se:
    case ss: return mix_dh(token);
  }
  ASSERT(false);
}

// The first letter is the initiator's key, the second the responder's (section 5.3).
Result<void> NoiseHandshake::mix_dh(NoiseToken token) {
  const bool initiator = role_ == Role::initiator;
  const bool initiator_static = token == se || token == ss, responder_static = token == es || token == ss;
  const bool own_static = initiator ? initiator_static : responder_static;
  const bool remote_is_static = initiator ? responder_static : initiator_static;
  const std::optional<DhSecret>& own = own_static ? secrets_.static_key : secrets_.ephemeral;
  const std::optional<DhPublic>& remote = remote_is_static ? secrets_.remote_static : remote_ephemeral_;
  ASSERT(own && remote);
  TRY(shared, provider_->dh(*own, *remote));
  symmetric_.mix_key(shared.view());
  return {};
}

Result<Bytes> NoiseHandshake::take_sealed(ByteView& from, size_t length) {
  const size_t sealed = length + symmetric_.overhead();
  if (from.size() < sealed) return fail(bad_handshake, "noise message too short");
  const ByteView part = from.first(sealed);
  from = from.subspan(sealed);
  return symmetric_.decrypt_and_hash(part);
}

void NoiseHandshake::mix_ephemeral(ByteView public_key) {
  symmetric_.mix_hash(public_key);
  // Section 9.2: in a psk handshake the ephemeral key goes into the chaining key too.
  if (protocol_.psks > 0) symmetric_.mix_key(public_key);
}

void NoiseHandshake::mix_psk() {
  ASSERT(next_psk_ < secrets_.psks.size());
  symmetric_.mix_key_and_hash(secrets_.psks[next_psk_++].view());
}

NoiseSession NoiseHandshake::finish() && {
  ASSERT(finished() && step_ == Step::tokens);
  auto [first, second] = symmetric_.split();
  const bool initiator = role_ == Role::initiator;
  NoiseSession session{NoiseCipher(protocol_.aead, initiator ? first : second, *provider_),
                       NoiseCipher(protocol_.aead, initiator ? second : first, *provider_), symmetric_.chaining_key(),
                       symmetric_.hash()};
  secrets_ = {};
  kem_key_.reset();
  symmetric_ = NoiseSymmetric({}, protocol_.hash, protocol_.aead, *provider_);
  step_ = Step::dead;
  return session;
}

}  // namespace lattice
