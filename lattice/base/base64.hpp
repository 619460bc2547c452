// base64url without padding (RFC 4648 section 5): how long binary things stand in text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <lattice/base/bytes.hpp>

namespace lattice {

std::string to_base64url(ByteView bytes);
// Empty for any other character, a length that no bytes have, or leftover bits that are not zero: one text for each value.
std::optional<Bytes> from_base64url(std::string_view text);

}  // namespace lattice
