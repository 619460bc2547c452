#include <lattice/base/base64.hpp>

#include <array>

namespace lattice {

static constexpr std::string_view base64url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static constexpr std::array<int8_t, 256> base64url_values = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < base64url_digits.size(); ++i)
    values[static_cast<uint8_t>(base64url_digits[i])] = static_cast<int8_t>(i);
  return values;
}();

std::string to_base64url(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t held = 0;
  int bits = 0;
  for (const uint8_t byte : bytes) {
    held = (held << 8 | byte) & 0xffff;
    bits += 8;
    for (; bits >= 6; bits -= 6) text += base64url_digits[held >> (bits - 6) & 63];
  }
  if (bits > 0) text += base64url_digits[held << (6 - bits) & 63];
  return text;
}

// RFC 4648 3.5: bits that are left over must be zero, else several texts would say the same.
std::optional<Bytes> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t held = 0;
  int bits = 0;
  for (const char digit : text) {
    const int value = base64url_values[static_cast<uint8_t>(digit)];
    if (value < 0) return std::nullopt;
    held = (held << 6 | static_cast<uint32_t>(value)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<uint8_t>(held >> bits));
  }
  if ((held & ((1u << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace lattice
