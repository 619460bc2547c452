#include <lattice/host/key_text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/crypto/aead.hpp>

namespace lattice {

namespace {

constexpr std::string_view old_line = "lattice-node-key-1\n", first_line = "lattice-node-key-2\n";
constexpr std::string_view plain_line = "plain\n", scrypt_word = "scrypt ", sum_word = "crc32c ";
constexpr size_t salt_bytes = 32, sealed_bytes = node_secret_bytes + aead_tag_bytes;
constexpr size_t sum_line_bytes = sum_word.size() + 8 + 1;

int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

// Straight into secret memory: from_hex would leave a copy behind.
bool read_hex(std::string_view text, ByteSpan out) {
  if (text.size() != 2 * out.size()) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

class KeyWriter {
 public:
  KeyWriter& text(std::string_view part) {
    ASSERT(text_.size + part.size() <= KeyText::bytes_max);
    std::memcpy(text_.bytes.span().data() + text_.size, part.data(), part.size());
    text_.size += part.size();
    return *this;
  }
  KeyWriter& hex(ByteView bytes) {
    for (const uint8_t byte : bytes) {
      const std::array digits{"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
      text({digits.data(), digits.size()});
    }
    return *this;
  }
  KeyWriter& number(unsigned value) {
    std::array<char, 10> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return text({digits.data(), static_cast<size_t>(end - digits.data())});
  }
  ByteView view() const { return text_.view(); }
  KeyText finish() {
    ByteArray<4> sum{};
    const uint32_t crc = crc32c(view());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
    text(sum_word).hex(sum).text("\n");
    return std::move(text_);
  }

 private:
  KeyText text_;
};

// Takes a line with its end off the front. Empty where there is no whole line.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// A decimal number of at most 255 and the space behind it.
std::optional<uint8_t> take_number(std::string_view& text) {
  const auto end = text.find(' ');
  const auto digits = text.substr(0, end);
  if (end == std::string_view::npos || digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0'))
    return {};
  uint8_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || stop != digits.data() + digits.size()) return std::nullopt;
  text.remove_prefix(end + 1);
  return value;
}

struct Seal {
  ScryptCost cost;
  ByteArray<salt_bytes> salt{};
};

// What stands between "scrypt " and the end of the line.
std::optional<Seal> read_seal(std::string_view text) {
  Seal seal;
  for (uint8_t* field : {&seal.cost.log_n, &seal.cost.r, &seal.cost.p}) {
    const auto value = take_number(text);
    if (!value) return std::nullopt;
    *field = *value;
  }
  if (!read_hex(text, seal.salt)) return std::nullopt;
  return seal;
}

std::expected<NodeSecret, KeyFileFault> open_sealed(const Seal& seal, ByteView ad, std::string_view hex,
                                                    const Passphrase* passphrase) {
  if (!seal.cost.within_bounds()) return std::unexpected(KeyFileFault::bad_cost);
  ByteArray<sealed_bytes> sealed{};
  if (!read_hex(hex, sealed)) return std::unexpected(KeyFileFault::damaged);
  if (passphrase == nullptr) return std::unexpected(KeyFileFault::needs_passphrase);
  const auto key = scrypt(passphrase->view(), seal.salt, seal.cost);
  if (!key) return std::unexpected(KeyFileFault::no_memory);
  NodeSecret secret;
  if (!OpensslAead(AeadAlg::chacha20_poly1305, *key).open(0, ad, sealed, secret.span())) {
    return std::unexpected(KeyFileFault::wrong_passphrase);
  }
  return secret;
}

std::expected<NodeSecret, KeyFileFault> read_plain(std::string_view hex) {
  NodeSecret secret;
  if (!read_hex(hex, secret.span())) return std::unexpected(KeyFileFault::damaged);
  return secret;
}

bool has_right_sum(std::string_view text) {
  if (text.size() < sum_line_bytes) return false;
  const auto body = text.substr(0, text.size() - sum_line_bytes), line = text.substr(body.size());
  ByteArray<4> sum{};
  if (!line.starts_with(sum_word) || line.back() != '\n' || !read_hex(line.substr(sum_word.size(), 8), sum)) return false;
  const uint32_t said = uint32_t{sum[0]} << 24 | uint32_t{sum[1]} << 16 | uint32_t{sum[2]} << 8 | sum[3];
  return crc32c(as_bytes(body)) == said;
}

}  // namespace

std::optional<Passphrase> Passphrase::from(ByteView text) {
  if (text.empty() || text.size() > bytes_max) return std::nullopt;
  Passphrase out;
  std::ranges::copy(text, out.bytes_.span().begin());
  out.size_ = text.size();
  return out;
}

bool is_sealed_key(ByteView text) {
  auto rest = as_text(text);
  if (!rest.starts_with(first_line)) return false;
  rest.remove_prefix(first_line.size());
  return rest.starts_with(scrypt_word);
}

std::expected<NodeSecret, KeyFileFault> read_key_text(ByteView text, const Passphrase* passphrase) {
  constexpr auto damaged = KeyFileFault::damaged;
  auto rest = as_text(text);
  if (rest.starts_with(old_line)) {
    rest.remove_prefix(old_line.size());
    const auto hex = take_line(rest);
    if (!hex || !rest.empty()) return std::unexpected(damaged);
    return read_plain(*hex);
  }
  if (text.size() > KeyText::bytes_max || !rest.starts_with(first_line) || !has_right_sum(rest))
    return std::unexpected(damaged);
  rest.remove_suffix(sum_line_bytes);
  rest.remove_prefix(first_line.size());
  const auto how = take_line(rest);
  const ByteView ad = text.first(text.size() - sum_line_bytes - rest.size());
  const auto hex = take_line(rest);
  if (!how || !hex || !rest.empty()) return std::unexpected(damaged);
  if (*how == plain_line.substr(0, plain_line.size() - 1)) return read_plain(*hex);
  if (!how->starts_with(scrypt_word)) return std::unexpected(damaged);
  const auto seal = read_seal(how->substr(scrypt_word.size()));
  if (!seal) return std::unexpected(damaged);
  return open_sealed(*seal, ad, *hex, passphrase);
}

std::expected<KeyText, KeyFileFault> write_key_text(const NodeSecret& secret, const Passphrase* passphrase,
                                                    const ScryptCost& cost, Rng& rng) {
  KeyWriter writer;
  writer.text(first_line);
  if (passphrase == nullptr) {
    writer.text(plain_line).hex(secret.view()).text("\n");
    return writer.finish();
  }
  if (!cost.within_bounds()) return std::unexpected(KeyFileFault::bad_cost);
  ByteArray<salt_bytes> salt{};
  rng.fill(salt);
  const auto key = scrypt(passphrase->view(), salt, cost);
  if (!key) return std::unexpected(KeyFileFault::no_memory);
  writer.text(scrypt_word).number(cost.log_n).text(" ").number(cost.r).text(" ").number(cost.p).text(" ").hex(salt).text("\n");
  ByteArray<sealed_bytes> sealed{};
  OpensslAead(AeadAlg::chacha20_poly1305, *key).seal(0, writer.view(), secret.view(), sealed);
  writer.hex(sealed).text("\n");
  return writer.finish();
}

}  // namespace lattice
