// A certificate with its self-signature as text: how people hand it on (an environment variable, a file).
#pragma once

#include <string>
#include <string_view>

#include <lattice/link/identity.hpp>

namespace lattice {

struct SignedCertificate {
  Certificate certificate;
  Bytes body, self_signature;
  NodeId id;
};

constexpr size_t certificate_text_bytes_max = 2 * (limits::certificate_bytes_max + 4627);

// base64url of body and self-signature, one after the other: 7,111 characters with ML-DSA-65 and three suites.
std::string certificate_text(const Identity& identity);
// base64url or hexadecimal; white space around it does no harm. A body begins with 01 or "AQ", so it is never both. Checks form
// only: what decode_certificate says, bad_certificate for the text, too_large. Not its signature: verify_self_signature.
Result<SignedCertificate> parse_certificate_text(std::string_view text);

}  // namespace lattice
