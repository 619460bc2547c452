#include <lattice/link/introduction.hpp>

#include <algorithm>
#include <utility>

#include <lattice/base/assert.hpp>
#include <lattice/link/peer_memory.hpp>

namespace lattice {

using enum ErrorCode;

Introduction::Introduction(const LinkConfig& config, Provider& provider, Hello hello, SuiteIds offers)
    : config_(&config), provider_(&provider), hello_(std::move(hello)), offers_(std::move(offers)) {
  ASSERT(identity_for(config, suite()) != nullptr);
  if (config.role == Role::responder || !(hello_.flags & Hello::knows_certificate)) return;
  const Bytes* known = config.memory->certificate_of(*config.expected);
  ASSERT(known != nullptr);
  known_ = *known;
}

// Lengths, certificate and extensions; the signature covers all three.
static Bytes head_of(bool hash_only, size_t certificate, size_t signature, size_t extensions) {
  PayloadHead head;
  head.flags = hash_only ? PayloadHead::hash_only : 0;
  head.certificate = static_cast<uint16_t>(certificate);
  head.signature = static_cast<uint16_t>(signature);
  head.extensions = static_cast<uint16_t>(extensions);
  return to_bytes(encode_payload_head(head));
}

SignWork Introduction::sign(const Digest& handshake_hash) {
  const bool responds = config_->role == Role::responder;
  const bool hash_only = responds && (hello_.flags & Hello::knows_certificate);
  const CertHash own_hash = certificate_hash(own().body);
  own_certificate_ = hash_only ? to_bytes(own_hash.view()) : own().body;
  own_extensions_ = responds ? encode_offers_extension(offers_) : Bytes{};
  const size_t signature_bytes = sign_sizes(traits_of(suite()).sign).signature;
  own_head_ = head_of(hash_only, own_certificate_.size(), signature_bytes, own_extensions_.size());
  SignedContent content{config_->role, hello_.suite, handshake_hash, own_hash, own_head_, own_extensions_, std::nullopt};
  if (!responds) content.responder = peer_.id;
  SignWork work{own().signing, to_bytes(as_bytes(handshake_context(suite(), config_->role))), encode_signed(content), {}};
  provider_->rng().fill(work.entropy.span());
  return work;
}

Bytes Introduction::payload(const SignDone& done) { return assemble(done.signature); }

// Where the initiator holds the responder's certificate, it has verified the certificate's own signature.
Bytes Introduction::payload_without_signature() {
  const bool responds = config_->role == Role::responder;
  const bool hash_only = responds && (hello_.flags & Hello::knows_certificate);
  const ByteView signature = hash_only ? ByteView{} : ByteView(own().self_signature);
  own_certificate_ = hash_only ? to_bytes(certificate_hash(own().body).view()) : own().body;
  own_extensions_ = responds ? encode_offers_extension(offers_) : Bytes{};
  own_head_ = head_of(hash_only, own_certificate_.size(), signature.size(), own_extensions_.size());
  return assemble(signature);
}

Bytes Introduction::assemble(ByteView signature) {
  Bytes payload = std::exchange(own_head_, {});
  append(payload, std::exchange(own_certificate_, {}));
  append(payload, signature);
  append(payload, std::exchange(own_extensions_, {}));
  return payload;
}

Result<void> Introduction::read(ByteView opened, const DhPublic* proven_key, WallTime now) {
  TRY(payload, read_payload(opened, traits_of(suite())));
  TRY(body, certificate_body(payload));
  TRY(certificate, decode_certificate(body));
  TRY_VOID(check_certificate(certificate, proven_key, now));
  TRY_VOID(check_choice(payload, certificate));
  peer_ = {node_id_of(certificate), std::move(certificate), to_bytes(body)};
  peer_head_ = to_bytes(payload.head);
  peer_extensions_ = to_bytes(payload.extensions);
  peer_signature_ = to_bytes(payload.signature);
  is_known_ = payload.hash_only;
  return {};
}

Result<ByteView> Introduction::certificate_body(const HandshakePayload& payload) const {
  if (!payload.hash_only) return payload.certificate;
  if (!known_) return fail(bad_handshake, "a hash in place of a certificate that is not known");
  if (!equal(certificate_hash(*known_).view(), payload.certificate)) {
    config_->memory->forget_certificate(*config_->expected);
    // An honest node that has renewed its certificate says the same; the next dial asks for the whole one.
    return fail(certificate_expired, "the known certificate has been replaced");
  }
  return ByteView(*known_);
}

Result<void> Introduction::check_certificate(const Certificate& certificate, const DhPublic* proven_key, WallTime now) const {
  if (certificate.sign_alg != traits_of(suite()).sign) return fail(bad_certificate, "signature algorithm of another suite");
  const NodeId id = node_id_of(certificate);
  for (const auto& identity : {config_->identity, config_->identity87}) {
    if (identity && id == identity->id) return fail(self_connection, "handshake");
  }
  // Noise has proven the key that it calls `s`. Were the certificate's another one, a stolen ML-DSA key alone could
  // impersonate.
  if (proven_key != nullptr && certificate.dh != *proven_key)
    return fail(bad_certificate, "static key differs from the certificate's");
  if (config_->expected && id != *config_->expected) return fail(wrong_identity, "handshake");
  if (config_->memory) {
    if (certificate.serial < config_->memory->serial_min(id)) return fail(serial_too_old, "handshake");
    if (config_->memory->revoked(id)) return fail(certificate_revoked, "handshake");
  }
  if (now + clock_difference_max < certificate.not_before || now >= certificate.not_after) {
    return fail(certificate_expired, "handshake");
  }
  if (std::ranges::count(certificate.allowed_suites, hello_.suite) == 0) return fail(no_common_suite, "certificate");
  return {};
}

// A peer with two identities offers suites of both, and shows the certificate of one: that one speaks for its own kind only.
static SuiteIds cut_to_certificate(const SuiteIds& offers, const Certificate& certificate) {
  SuiteIds cut;
  for (const uint16_t id : offers) {
    const SuiteTraits* traits = find_suite(id);
    const bool of_other_kind = traits != nullptr && traits->sign != certificate.sign_alg;
    if (of_other_kind || std::ranges::count(certificate.allowed_suites, id) != 0) cut.push_back(id);
  }
  return cut;
}

// Both sides make the choice again from what both have signed. A difference means that somebody has changed the offers.
Result<void> Introduction::check_choice(const HandshakePayload& payload, const Certificate& certificate) const {
  if (config_->role == Role::responder) {
    TRY_VOID(check_extensions(payload.extensions));
    const SuiteIds theirs = cut_to_certificate(hello_.offers, certificate);
    if (choose_suite(theirs, offers_) != hello_.suite) return fail(downgrade, "initiator's offers");
    return {};
  }
  TRY(offers, read_offers_extension(payload.extensions));
  const SuiteIds theirs = cut_to_certificate(offers, certificate);
  if (choose_suite(offers_, theirs) != hello_.suite) return fail(downgrade, "responder's offers");
  return {};
}

VerifyWork Introduction::verify_live(const Digest& handshake_hash) {
  const Role peer_role = config_->role == Role::initiator ? Role::responder : Role::initiator;
  SignedContent content{peer_role,  hello_.suite,     handshake_hash, certificate_hash(peer_.body),
                        peer_head_, peer_extensions_, std::nullopt};
  if (peer_role == Role::initiator) content.responder = own().id;
  return {peer_.certificate.sign_alg, peer_.certificate.sign_public, to_bytes(as_bytes(handshake_context(suite(), peer_role))),
          encode_signed(content), std::exchange(peer_signature_, {})};
}

std::optional<VerifyWork> Introduction::verify_certificate() {
  if (is_known_) return std::nullopt;
  if (config_->memory && config_->memory->self_signed(peer_.id, certificate_hash(peer_.body))) return std::nullopt;
  return VerifyWork{peer_.certificate.sign_alg, peer_.certificate.sign_public, to_bytes(as_bytes(certificate_context)),
                    peer_.body, std::exchange(peer_signature_, {})};
}

void Introduction::remember() {
  if (config_->memory == nullptr) return;
  config_->memory->on_proven(peer_.id, peer_.certificate, peer_.body, !traits_of(suite()).live_signature);
}

}  // namespace lattice
