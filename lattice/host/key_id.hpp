// Key ids as people and JSON write them: UUIDs (RFC 9562), 8-4-4-4-12 hex digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <lattice/link/outside_key.hpp>

namespace lattice {

constexpr size_t key_id_text_bytes = 36;

std::string key_id_text(const KeyId& id);  // lower case
// Either case; nothing before or after.
std::optional<KeyId> parse_key_id(std::string_view text);

}  // namespace lattice
