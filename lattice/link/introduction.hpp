// How the two sides of a handshake introduce themselves, whatever protects their words: payload P, its signature, and every
// check of who the other one is.
#pragma once

#include <lattice/link/config.hpp>
#include <lattice/link/hello.hpp>
#include <lattice/link/payload.hpp>
#include <lattice/link/work.hpp>

namespace lattice {

// A certificate of the near future is taken: clocks differ.
constexpr std::chrono::seconds clock_difference_max{600};

struct ProvenPeer {
  NodeId id;
  Certificate certificate;
  Bytes body;
};

class Introduction {
 public:
  // `config` and `provider` outlive this. `hello`: the one that this handshake runs under; `offers`: our own.
  Introduction(const LinkConfig& config, Provider& provider, Hello hello, SuiteIds offers);

  Suite suite() const { return static_cast<Suite>(hello_.suite); }
  const Identity& own() const { return *identity_for(*config_, suite()); }

  // Our own payload with a live signature over `handshake_hash`: work first, then what it gave. The initiator has met the
  // responder before: its signature names whom it speaks to.
  SignWork sign(const Digest& handshake_hash);
  Bytes payload(const SignDone& done);
  // Our own payload under the certificate's own signature: suite 0x0021.
  Bytes payload_without_signature();

  // The other side's payload: everything cheap is checked here. Nothing of a certificate is kept or acted on before its
  // signature holds, except to refuse. `proven_key`: the X25519 key that Noise has proven; null in TLS.
  Result<void> read(ByteView opened, const DhPublic* proven_key, WallTime now);
  // Then the signature that is to be verified: the live one over `handshake_hash`, or the certificate's own; none where that
  // has been verified before.
  VerifyWork verify_live(const Digest& handshake_hash);
  std::optional<VerifyWork> verify_certificate();
  // After it has proven itself: remembers what may be remembered.
  void remember();
  const ProvenPeer& peer() const { return peer_; }

 private:
  Result<ByteView> certificate_body(const HandshakePayload& payload) const;
  Result<void> check_certificate(const Certificate& certificate, const DhPublic* proven_key, WallTime now) const;
  Result<void> check_choice(const HandshakePayload& payload, const Certificate& certificate) const;
  Bytes assemble(ByteView signature);

  const LinkConfig* config_;
  Provider* provider_;
  Hello hello_;
  SuiteIds offers_;
  // The body that our hello said we have, its own signature verified where the suite leans on it. Kept, because another link
  // may forget it meanwhile: for that an answer of anybody is enough.
  std::optional<Bytes> known_;
  bool is_known_ = false;  // the peer leaned on it
  Bytes own_head_, own_certificate_, own_extensions_;
  ProvenPeer peer_;
  Bytes peer_head_, peer_extensions_, peer_signature_;
};

}  // namespace lattice
