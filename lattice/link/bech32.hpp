// bech32m (BIP 350) over 32 bytes: how people read and write ids.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <lattice/base/bytes.hpp>

namespace lattice {

// prefix, "1", 52 digits, 6 check digits; lower case. `prefix`: lower-case letters.
std::string bech32m_encode(std::string_view prefix, const ByteArray<32>& bytes);
// Empty for another prefix or length, mixed case, a wrong check digit or padding that is not zero.
std::optional<ByteArray<32>> bech32m_decode(std::string_view prefix, std::string_view text);

}  // namespace lattice
