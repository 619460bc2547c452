#include <lattice/link/bech32.hpp>

#include <algorithm>

namespace lattice {

static constexpr std::string_view digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
static constexpr uint32_t bech32m_constant = 0x2bc830a3;
static constexpr size_t data_digits = 52;  // 260 bits for 256: the last four are zero
static constexpr size_t check_digits = 6;

// BIP 173's checksum: a BCH code over GF(32).
static uint32_t polymod(uint32_t check, uint8_t value) {
  static constexpr uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const uint32_t top = check >> 25;
  check = (check & 0x1ffffff) << 5 ^ value;
  for (int i = 0; i < 5; ++i) {
    if (top >> i & 1) check ^= generator[i];
  }
  return check;
}

static uint32_t begin_check(std::string_view prefix) {
  uint32_t check = 1;
  for (char c : prefix) check = polymod(check, static_cast<uint8_t>(c) >> 5);
  check = polymod(check, 0);
  for (char c : prefix) check = polymod(check, static_cast<uint8_t>(c) & 31);
  return check;
}

// Five bits at `index`, most significant first; zero beyond the end.
static uint8_t five_bits(const ByteArray<32>& bytes, size_t index) {
  const size_t bit = index * 5;
  const size_t at = bit / 8;
  const uint16_t window = static_cast<uint16_t>(bytes[at] << 8 | (at + 1 < bytes.size() ? bytes[at + 1] : 0));
  return window >> (11 - bit % 8) & 31;
}

std::string bech32m_encode(std::string_view prefix, const ByteArray<32>& bytes) {
  std::string text(prefix);
  text += '1';
  uint32_t check = begin_check(prefix);
  for (size_t i = 0; i < data_digits; ++i) {
    const uint8_t value = five_bits(bytes, i);
    check = polymod(check, value);
    text += digits[value];
  }
  for (size_t i = 0; i < check_digits; ++i) check = polymod(check, 0);
  check ^= bech32m_constant;
  for (size_t i = 0; i < check_digits; ++i) text += digits[check >> (5 * (check_digits - 1 - i)) & 31];
  return text;
}

// BIP 173: upper case alone is allowed (it makes smaller QR codes), a mixture is not.
static std::optional<std::string> one_case(std::string_view text) {
  const bool has_lower = std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
  const bool has_upper = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (has_lower && has_upper) return std::nullopt;
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<ByteArray<32>> bech32m_decode(std::string_view prefix, std::string_view text) {
  if (text.size() != prefix.size() + 1 + data_digits + check_digits) return std::nullopt;
  const auto lower = one_case(text);
  if (!lower || !lower->starts_with(prefix) || (*lower)[prefix.size()] != '1') return std::nullopt;
  ByteArray<32> bytes{};
  uint32_t check = begin_check(prefix);
  const std::string_view body = std::string_view(*lower).substr(prefix.size() + 1);
  for (size_t i = 0; i < body.size(); ++i) {
    const size_t value = digits.find(body[i]);
    if (value == std::string_view::npos) return std::nullopt;
    check = polymod(check, static_cast<uint8_t>(value));
    if (i >= data_digits) continue;
    for (size_t bit = 0; bit < 5; ++bit) {
      const size_t at = i * 5 + bit;
      const bool set = value >> (4 - bit) & 1;
      if (at < 256)
        bytes[at / 8] |= static_cast<uint8_t>(set << (7 - at % 8));
      else if (set)
        return std::nullopt;
    }
  }
  if (check != bech32m_constant) return std::nullopt;
  return bytes;
}

}  // namespace lattice
