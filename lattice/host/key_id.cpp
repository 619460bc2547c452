#include <lattice/host/key_id.hpp>

#include <algorithm>

namespace lattice {

static bool is_dash(size_t place) { return place == 8 || place == 13 || place == 18 || place == 23; }

std::string key_id_text(const KeyId& id) {
  std::string text = to_hex(id);
  for (const size_t place : {8, 13, 18, 23}) text.insert(place, 1, '-');
  return text;
}

std::optional<KeyId> parse_key_id(std::string_view text) {
  if (text.size() != key_id_text_bytes) return std::nullopt;
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_dash(i) != (text[i] == '-')) return std::nullopt;
    if (!is_dash(i)) digits += text[i];
  }
  const auto bytes = from_hex(digits);
  if (!bytes) return std::nullopt;
  KeyId id;
  std::ranges::copy(*bytes, id.begin());
  return id;
}

}  // namespace lattice
