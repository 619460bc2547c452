#include <lattice/link/certificate_text.hpp>

#include <lattice/base/base64.hpp>
#include <lattice/wire/reader.hpp>

namespace lattice {

using enum ErrorCode;

static_assert(sign_sizes(SignAlg::mldsa87).signature == 4627);

std::string certificate_text(const Identity& identity) {
  Bytes bytes = identity.body;
  append(bytes, identity.self_signature);
  return to_base64url(bytes);
}

static std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

// The third field of the body says how long the signature behind it is.
static Result<SignAlg> sign_alg_of(ByteView bytes) {
  wire::Reader reader(bytes);
  TRY_VOID(reader.bytes(3));
  TRY(id, reader.u16());
  const auto alg = static_cast<SignAlg>(id);
  if (alg != SignAlg::mldsa65 && alg != SignAlg::mldsa87) return fail(bad_certificate, "signature algorithm");
  return alg;
}

Result<SignedCertificate> parse_certificate_text(std::string_view text) {
  text = trimmed(text);
  if (text.size() > certificate_text_bytes_max) return fail(too_large, "certificate text");
  auto bytes = from_hex(text);
  if (!bytes) bytes = from_base64url(text);
  if (!bytes) return fail(bad_certificate, "neither base64url nor hexadecimal");
  TRY(alg, sign_alg_of(*bytes));
  const size_t signature = sign_sizes(alg).signature;
  if (bytes->size() <= signature) return fail(truncated, "certificate text");
  const ByteView whole(*bytes), body = whole.first(whole.size() - signature);
  TRY(certificate, decode_certificate(body));
  const NodeId id = node_id_of(certificate);
  return SignedCertificate{std::move(certificate), to_bytes(body), to_bytes(whole.last(signature)), id};
}

}  // namespace lattice
