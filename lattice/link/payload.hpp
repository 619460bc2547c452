// What both sides say of themselves inside messages 2 and 3: certificate, signature over the handshake, extensions.
#pragma once

#include <lattice/link/identity.hpp>
#include <lattice/link/role.hpp>
#include <lattice/link/suite.hpp>
#include <lattice/wire/limits.hpp>

namespace lattice {

constexpr size_t payload_head_bytes = 7;

// "lengths and flags": flags 1, certificate length 2, signature length 2, extensions length 2.
struct PayloadHead {
  static constexpr uint8_t hash_only = 1;  // H(certificate) stands for the certificate

  uint8_t flags = 0;
  uint16_t certificate = 0, signature = 0, extensions = 0;
};
ByteArray<payload_head_bytes> encode_payload_head(const PayloadHead& head);

// Views into the payload that was read.
struct HandshakePayload {
  bool hash_only = false;
  ByteView head, certificate, signature, extensions;
};
// Form only: the lengths must add up, the signature be of the suite's size (with a hash in place of the certificate a
// certificate's own signature is not there), unknown flags are refused.
Result<HandshakePayload> read_payload(ByteView bytes, const SuiteTraits& suite);

// Extension 1, mandatory in message 2: the responder's own offers.
Bytes encode_offers_extension(const SuiteIds& offers);
Result<SuiteIds> read_offers_extension(ByteView extensions);
// For message 3: nothing is mandatory, everything unknown is skipped.
Result<void> check_extensions(ByteView extensions);

// What a live signature covers. `responder`: by the initiator only, so that its signature names whom it speaks to.
struct SignedContent {
  Role role = Role::initiator;
  uint16_t suite = 0;
  Digest handshake_hash{};
  CertHash certificate;
  ByteView head, extensions;
  std::optional<NodeId> responder;
};
Bytes encode_signed(const SignedContent& content);
// "lattice/1/hs/init", "lattice/1/hs/resp"; in TLS "lattice/1/tls/init", "lattice/1/tls/resp"
std::string_view handshake_context(Suite suite, Role role);

}  // namespace lattice
