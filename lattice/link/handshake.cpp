#include <lattice/link/handshake.hpp>

#include <algorithm>
#include <utility>

#include <lattice/base/assert.hpp>

namespace lattice {

using enum ErrorCode;

static constexpr SignAlg sign_alg = SignAlg::mldsa65;     // of suite 0x0001
static constexpr size_t message1_keys_bytes = 32 + 1184;  // e, e1

static uint16_t id_of(Suite suite) { return static_cast<uint16_t>(suite); }

static NoiseHandshake make_noise(Role role, ByteView hello, const LinkConfig& config, Provider& provider) {
  NoiseSecrets secrets;
  secrets.static_key = config.identity->dh;
  provider.rng().fill(secrets.ephemeral.emplace().span());
  if (role == Role::initiator)
    provider.rng().fill(secrets.kem_seed.emplace().span());
  else
    provider.rng().fill(secrets.encapsulation.emplace().span());
  const auto protocol = parse_noise_protocol(suite_name(Suite::xxhfs_chacha));
  ASSERT(protocol);
  Bytes prologue = to_bytes(as_bytes("LATTICE1"));
  append(prologue, hello);
  return NoiseHandshake(*protocol, role, prologue, std::move(secrets), provider);
}

Handshake::Handshake(LinkConfig config, Provider& provider) : config_(std::move(config)), provider_(&provider) {
  ASSERT(config_.identity);
  SuiteIds policy;
  for (const Suite suite : config_.suites) policy.push_back(id_of(suite));
  offers_ = cut_suites(policy, config_.identity->certificate.allowed_suites);
  ASSERT(!offers_.empty());
  if (config_.role == Role::initiator)
    start();
  else
    step_ = Step::await_message1;
}

void Handshake::start() {
  hello_ = {config_.magic, 0, config_.chain8, *choose_suite(offers_, offers_), offers_};
  if (config_.known_certificate) hello_.flags |= Hello::knows_certificate;
  Bytes message = encode_hello(hello_);
  noise_.emplace(make_noise(Role::initiator, message, config_, *provider_));
  const Result<Bytes> keys = noise_->write_message({});
  ASSERT(keys);
  append(message, *keys);
  message_ = std::move(message);
  step_ = Step::await_message2;
}

size_t Handshake::message_bytes_max() const {
  switch (step_) {
    case Step::await_message1: return hello_bytes_max + message1_keys_bytes;
    case Step::await_message2:
    case Step::await_message3: return limits::handshake_message_bytes_max;
    case Step::verify_peer:
    case Step::sign_own:
    case Step::done:
    case Step::dead: return 0;
  }
  return 0;
}

Result<void> Handshake::on_message(ByteView message, WallTime now) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::await_message1) return read_message1(message);
  if (step == Step::await_message2 || step == Step::await_message3) return read_peer(message, now);
  return fail(bad_handshake, "message out of turn");
}

Result<void> Handshake::read_message1(ByteView message) {
  wire::Reader reader(message);
  TRY(hello, read_hello(reader, config_.magic));
  if (hello.chain8 != config_.chain8) return fail(wrong_chain, "hello");
  const auto chosen = choose_suite(hello.offers, offers_);
  if (!chosen) return fail(no_common_suite, "hello");
  if (*chosen != hello.suite) return fail(no_common_suite, "the initiator began with another suite than the one to choose");
  hello_ = std::move(hello);
  noise_.emplace(make_noise(Role::responder, message.first(message.size() - reader.remaining()), config_, *provider_));
  TRY(payload, noise_->read_message(reader.rest()));
  if (!payload.empty()) return fail(bad_handshake, "payload in message 1");
  return sign_own();
}

// Writes the tokens of our message and orders the signature over the handshake hash that they lead to.
Result<void> Handshake::sign_own() {
  TRY(tokens, noise_->write_tokens());
  tokens_ = std::move(tokens);
  const bool responds = config_.role == Role::responder;
  const Identity& identity = *config_.identity;
  const CertHash own_hash = certificate_hash(identity.body);
  const bool hash_only = responds && (hello_.flags & Hello::knows_certificate);
  own_certificate_ = hash_only ? to_bytes(own_hash.view()) : identity.body;
  own_extensions_ = responds ? encode_offers_extension(offers_) : Bytes{};
  PayloadHead head;
  head.flags = hash_only ? PayloadHead::hash_only : 0;
  head.certificate = static_cast<uint16_t>(own_certificate_.size());
  head.signature = static_cast<uint16_t>(sign_sizes(sign_alg).signature);
  head.extensions = static_cast<uint16_t>(own_extensions_.size());
  own_head_ = to_bytes(encode_payload_head(head));

  SignedContent content{config_.role,    hello_.suite, noise_->handshake_hash(), own_hash, own_head_,
                        own_extensions_, std::nullopt};
  if (!responds) content.responder = peer_;
  SignWork work{identity.signing, to_bytes(as_bytes(handshake_context(config_.role))), encode_signed(content), {}};
  provider_->rng().fill(work.entropy.span());
  work_ = std::move(work);
  step_ = Step::sign_own;
  return {};
}

Result<void> Handshake::on_signed(const SignDone& done) {
  Bytes payload = std::move(own_head_);
  append(payload, own_certificate_);
  append(payload, done.signature);
  append(payload, own_extensions_);
  TRY(sealed, noise_->write_payload(payload));
  append(tokens_, sealed);
  message_ = std::move(tokens_);
  step_ = config_.role == Role::responder ? Step::await_message3 : Step::done;
  return {};
}

// Message 2 or 3: who is there? Everything cheap is checked before the signature; nothing of a certificate is kept or acted on
// before the signature holds, except to refuse.
Result<void> Handshake::read_peer(ByteView message, WallTime now) {
  TRY(sealed, noise_->read_tokens(message));
  const Digest handshake_hash = noise_->handshake_hash();
  TRY(opened, noise_->read_payload(sealed));
  TRY(payload, lattice::read_payload(opened, sign_alg));
  TRY(body, certificate_body(payload));
  TRY(certificate, decode_certificate(body));
  TRY_VOID(check_certificate(certificate, now));
  certificate_ = std::move(certificate);
  peer_ = node_id_of(certificate_);
  TRY_VOID(check_choice(payload));
  verify_peer(payload, body, handshake_hash);
  return {};
}

Result<ByteView> Handshake::certificate_body(const HandshakePayload& payload) const {
  if (!payload.hash_only) return payload.certificate;
  if (!config_.known_certificate) return fail(bad_handshake, "a hash in place of a certificate that is not known");
  const CertHash known = certificate_hash(*config_.known_certificate);
  if (!equal(known.view(), payload.certificate)) return fail(bad_certificate, "the known certificate has been replaced");
  return ByteView(*config_.known_certificate);
}

Result<void> Handshake::check_certificate(const Certificate& certificate, WallTime now) const {
  if (certificate.sign_alg != sign_alg) return fail(bad_certificate, "signature algorithm of another suite");
  const NodeId id = node_id_of(certificate);
  if (id == config_.identity->id) return fail(self_connection, "handshake");
  // Noise has proven the key that it calls `s`. Were the certificate's another one, a stolen ML-DSA key alone could
  // impersonate.
  if (!equal(certificate.dh, *noise_->remote_static()))
    return fail(bad_certificate, "static key differs from the certificate's");
  if (config_.expected && id != *config_.expected) return fail(wrong_identity, "handshake");
  if (config_.expected && certificate.serial < config_.serial_min) return fail(serial_too_old, "handshake");
  if (now + clock_difference_max < certificate.not_before || now >= certificate.not_after) {
    return fail(certificate_expired, "handshake");
  }
  if (std::ranges::count(certificate.allowed_suites, hello_.suite) == 0) return fail(no_common_suite, "certificate");
  return {};
}

// Both sides make the choice again from what both have signed. A difference means that somebody has changed the offers.
Result<void> Handshake::check_choice(const HandshakePayload& payload) const {
  if (config_.role == Role::responder) {
    TRY_VOID(check_extensions(payload.extensions));
    const SuiteIds theirs = cut_suites(hello_.offers, certificate_.allowed_suites);
    if (choose_suite(theirs, offers_) != hello_.suite) return fail(downgrade, "initiator's offers");
    return {};
  }
  TRY(offers, read_offers_extension(payload.extensions));
  const SuiteIds theirs = cut_suites(offers, certificate_.allowed_suites);
  if (choose_suite(offers_, theirs) != hello_.suite) return fail(downgrade, "responder's offers");
  return {};
}

void Handshake::verify_peer(const HandshakePayload& payload, ByteView body, const Digest& handshake_hash) {
  const Role peer_role = config_.role == Role::initiator ? Role::responder : Role::initiator;
  SignedContent content{peer_role,    hello_.suite,       handshake_hash, certificate_hash(body),
                        payload.head, payload.extensions, std::nullopt};
  if (peer_role == Role::initiator) content.responder = config_.identity->id;
  work_ = VerifyWork{sign_alg, certificate_.sign_public, to_bytes(as_bytes(handshake_context(peer_role))),
                     encode_signed(content), to_bytes(payload.signature)};
  step_ = Step::verify_peer;
}

Result<void> Handshake::on_verified(const VerifyDone& done) {
  if (!done.valid) return fail(bad_handshake, "signature");
  if (config_.role == Role::initiator) return sign_own();
  step_ = Step::done;
  return {};
}

Result<void> Handshake::on_work_done(WorkResult result) {
  const Step step = std::exchange(step_, Step::dead);
  if (step == Step::verify_peer) {
    const auto* verified = std::get_if<VerifyDone>(&result);
    ASSERT(verified);
    return on_verified(*verified);
  }
  const auto* made = std::get_if<SignDone>(&result);
  ASSERT(step == Step::sign_own && made);
  return on_signed(*made);
}

std::optional<Work> Handshake::poll_work() { return std::exchange(work_, std::nullopt); }
std::optional<Bytes> Handshake::poll_message() { return std::exchange(message_, std::nullopt); }

HandshakeResult Handshake::finish() && {
  ASSERT(done());
  return {std::move(*noise_).finish(), static_cast<Suite>(hello_.suite), peer_, std::move(certificate_)};
}

}  // namespace lattice
