#include <lattice/base/address.hpp>

#include <algorithm>
#include <charconv>

namespace lattice {

static constexpr ByteArray<12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress IpAddress::v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  IpAddress ip;
  std::ranges::copy(v4_prefix, ip.bytes.begin());
  ip.bytes[12] = a;
  ip.bytes[13] = b;
  ip.bytes[14] = c;
  ip.bytes[15] = d;
  return ip;
}

template <class Number>
static std::optional<Number> parse_number(std::string_view text, int base) {
  Number value{};
  if (text.empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

static std::optional<ByteArray<4>> parse_v4(std::string_view text) {
  ByteArray<4> parts{};
  for (size_t i = 0; i < 4; ++i) {
    const size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto part = text.substr(0, dot);
    if (part.size() > 1 && part[0] == '0') return std::nullopt;  // 010 is eight to some and ten to others
    const auto value = parse_number<uint8_t>(part, 10);
    if (!value) return std::nullopt;
    parts[i] = *value;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return parts;
}

// RFC 4291 2.2: groups of four hex digits, one "::" for zeros, perhaps IPv4 at the end.
static std::optional<ByteArray<16>> parse_v6(std::string_view text) {
  ByteArray<16> out{};
  size_t filled = 0;
  std::optional<size_t> gap;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    if (filled == 16) return std::nullopt;
    const size_t colon = text.find(':');
    const auto part = text.substr(0, colon);
    if (part.find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(part);
      if (!v4 || colon != std::string_view::npos || filled > 12) return std::nullopt;
      std::ranges::copy(*v4, out.begin() + static_cast<ptrdiff_t>(filled));
      filled += 4;
      break;
    }
    const auto value = part.size() <= 4 ? parse_number<uint16_t>(part, 16) : std::nullopt;
    if (!value) return std::nullopt;
    out[filled++] = static_cast<uint8_t>(*value >> 8);
    out[filled++] = static_cast<uint8_t>(*value);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.starts_with(":")) {
      if (gap) return std::nullopt;
      gap = filled;
      text.remove_prefix(1);
    } else if (text.empty()) {
      return std::nullopt;
    }
  }
  if (filled == 16) return gap ? std::nullopt : std::optional(out);
  if (!gap) return std::nullopt;
  std::ranges::rotate(out.begin() + static_cast<ptrdiff_t>(*gap), out.begin() + static_cast<ptrdiff_t>(filled), out.end());
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text.find(':') == std::string_view::npos) {
    const auto parts = parse_v4(text);
    if (!parts) return std::nullopt;
    return v4((*parts)[0], (*parts)[1], (*parts)[2], (*parts)[3]);
  }
  const auto bytes = parse_v6(text);
  if (!bytes) return std::nullopt;
  return IpAddress{*bytes};
}

bool IpAddress::is_v4() const { return std::ranges::equal(v4_prefix, ByteView(bytes).first(12)); }

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  return std::ranges::all_of(ByteView(bytes).first(15), [](uint8_t b) { return b == 0; }) && bytes[15] == 1;
}

bool IpAddress::is_unspecified() const { return *this == IpAddress{} || *this == v4(0, 0, 0, 0); }

bool IpAddress::is_routable() const {
  if (is_unspecified() || is_loopback()) return false;
  if (is_v4()) {
    const uint8_t a = bytes[12], b = bytes[13], c = bytes[14];
    const bool special = a == 0 || a == 10 || a >= 224 ||                     // RFC 1122, RFC 1918, multicast and reserved
                         (a == 100 && b >= 64 && b < 128) ||                  // RFC 6598
                         (a == 169 && b == 254) || (a == 192 && b == 168) ||  // RFC 3927, RFC 1918
                         (a == 172 && b >= 16 && b < 32) ||                   // RFC 1918
                         (a == 192 && b == 0 && (c == 0 || c == 2)) ||        // RFC 6890, RFC 5737
                         (a == 198 && (b == 18 || b == 19)) ||                // RFC 2544
                         (a == 198 && b == 51 && c == 100) || (a == 203 && b == 0 && c == 113);  // RFC 5737
    return !special;
  }
  const bool special = (bytes[0] & 0xfe) == 0xfc ||                                                       // RFC 4193
                       (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||                                 // RFC 4291 link-local
                       bytes[0] == 0xff ||                                                                // multicast
                       (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8) ||  // RFC 3849
                       std::ranges::all_of(ByteView(bytes).first(8), [](uint8_t x) { return x == 0; });
  return !special;
}

std::string IpAddress::text() const {
  if (is_v4()) {
    std::string out;
    for (size_t i = 12; i < 16; ++i) {
      if (i > 12) out += '.';
      out += std::to_string(bytes[i]);
    }
    return out;
  }
  // RFC 5952: the longest run of two or more zero groups becomes "::", the first of equals; no leading zeros; lower case.
  uint16_t groups[8];
  for (size_t i = 0; i < 8; ++i) groups[i] = static_cast<uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  size_t best = 8, best_length = 1;
  for (size_t i = 0; i < 8;) {
    size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = std::max(end, i + 1);
  }
  std::string out;
  for (size_t i = 0; i < 8;) {
    if (i == best) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    char digits[4];
    const auto end = std::to_chars(digits, digits + 4, groups[i], 16).ptr;
    out.append(digits, end);
    ++i;
  }
  return out;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos && !(host.starts_with('[') && host.ends_with(']'))) return std::nullopt;
  const auto ip = IpAddress::parse(host);
  const auto port = parse_number<uint16_t>(text.substr(colon + 1), 10);
  if (!ip || !port) return std::nullopt;
  return Endpoint{*ip, *port};
}

std::string Endpoint::text() const { return (ip.is_v4() ? ip.text() : "[" + ip.text() + "]") + ":" + std::to_string(port); }

AddressGroup group_of(const IpAddress& ip) {
  AddressGroup group;
  const size_t kept = ip.is_loopback() ? 16 : ip.is_v4() ? 14 : 4;
  group.bytes[0] = static_cast<uint8_t>(kept);
  std::copy_n(ip.bytes.begin(), kept, group.bytes.begin() + 1);
  return group;
}

}  // namespace lattice
