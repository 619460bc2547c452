#include <lattice/link/payload.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/wire/tlv.hpp>

namespace lattice {

using enum ErrorCode;

static constexpr uint16_t extension_offers = 1;

ByteArray<payload_head_bytes> encode_payload_head(const PayloadHead& head) {
  ByteArray<payload_head_bytes> bytes;
  bytes[0] = head.flags;
  wire::store_be(&bytes[1], head.certificate);
  wire::store_be(&bytes[3], head.signature);
  wire::store_be(&bytes[5], head.extensions);
  return bytes;
}

Result<HandshakePayload> read_payload(ByteView bytes, const SuiteTraits& suite) {
  wire::Reader reader(bytes);
  TRY(flags, reader.u8());
  TRY(certificate_length, reader.u16());
  TRY(signature_length, reader.u16());
  TRY(extensions_length, reader.u16());
  if (flags & ~PayloadHead::hash_only) return fail(bad_handshake, "payload flags");
  const bool hash_only = flags & PayloadHead::hash_only;
  if (hash_only ? certificate_length != 32 : certificate_length > limits::certificate_bytes_max) {
    return fail(bad_handshake, "certificate length");
  }
  const bool signed_here = suite.live_signature || !hash_only;
  if (signature_length != (signed_here ? sign_sizes(suite.sign).signature : 0)) return fail(bad_handshake, "signature length");
  if (extensions_length > limits::extensions_bytes_max) return fail(too_large, "handshake extensions");
  TRY(certificate, reader.bytes(certificate_length));
  TRY(signature, reader.bytes(signature_length));
  TRY(extensions, reader.bytes(extensions_length));
  TRY_VOID(reader.end());
  return HandshakePayload{hash_only, bytes.first(payload_head_bytes), certificate, signature, extensions};
}

Bytes encode_offers_extension(const SuiteIds& offers) {
  wire::Writer ids;
  for (const uint16_t id : offers) ids.u16(id);
  wire::Writer writer;
  wire::write_tlv(writer, extension_offers, ids.view());
  return writer.take();
}

static Result<SuiteIds> read_offers(ByteView value) {
  if (value.empty() || value.size() % 2 != 0 || value.size() > 2 * limits::offers_max)
    return fail(bad_handshake, "responder's offers");
  wire::Reader reader(value);
  SuiteIds offers;
  while (!reader.empty()) {
    TRY(id, reader.u16());
    if (std::ranges::count(offers, id) != 0) return fail(bad_handshake, "an offer twice");
    offers.push_back(id);
  }
  return offers;
}

Result<SuiteIds> read_offers_extension(ByteView extensions) {
  SuiteIds offers;
  wire::Reader reader(extensions);
  TRY_VOID(wire::read_tlv(reader, limits::extensions_bytes_max, [&](const wire::TlvField& field) -> Result<void> {
    if (field.type != extension_offers) return {};
    TRY(ids, read_offers(field.value));
    offers = std::move(ids);
    return {};
  }));
  if (offers.empty()) return fail(bad_handshake, "no offers of the responder");
  return offers;
}

Result<void> check_extensions(ByteView extensions) {
  wire::Reader reader(extensions);
  return wire::read_tlv(reader, limits::extensions_bytes_max, [](const wire::TlvField&) { return Result<void>{}; });
}

Bytes encode_signed(const SignedContent& content) {
  ASSERT(content.responder.has_value() == (content.role == Role::initiator));
  const Digest described = hash(HashAlg::blake2s, {content.head, content.extensions});
  wire::Writer writer;
  writer.u8(content.role == Role::initiator ? 0x49 : 0x52).u16(content.suite).bytes(content.handshake_hash);
  writer.bytes(content.certificate.view()).bytes(described);
  if (content.responder) writer.bytes(content.responder->view());
  return writer.take();
}

std::string_view handshake_context(Suite suite, Role role) {
  if (suite == Suite::tls13) return role == Role::initiator ? "lattice/1/tls/init" : "lattice/1/tls/resp";
  return role == Role::initiator ? "lattice/1/hs/init" : "lattice/1/hs/resp";
}

}  // namespace lattice
