#include <lattice/peers/as_table.hpp>

#include <algorithm>
#include <charconv>

#include <lattice/base/assert.hpp>

namespace lattice {

// As bits of the sixteen bytes: IPv4 lengths count from 96.
struct AsTable::Prefix {
  IpAddress first;
  uint8_t bits = 0;
  uint8_t region = region_none;
  uint32_t asn = 0;
};

namespace {

constexpr size_t v4_bits_from = 96;

// The number that the whole text is, written in the only way.
std::optional<uint32_t> number(std::string_view text, uint32_t max) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

// The text up to the next space, which is taken too.
std::string_view next_field(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

uint8_t byte_mask(size_t bits, size_t byte) {
  if (bits >= 8 * (byte + 1)) return 0xff;
  if (bits <= 8 * byte) return 0;
  return static_cast<uint8_t>(0xff << (8 * (byte + 1) - bits));
}

bool ends_in_zeros(const IpAddress& ip, size_t bits) {
  for (size_t i = 0; i < 16; ++i)
    if ((ip.bytes[i] & ~byte_mask(bits, i) & 0xff) != 0) return false;
  return true;
}

bool holds(const IpAddress& first, size_t bits, const IpAddress& ip) {
  for (size_t i = 0; i < 16; ++i)
    if ((ip.bytes[i] & byte_mask(bits, i)) != first.bytes[i]) return false;
  return true;
}

// The first address behind the prefix. Empty: there is none.
std::optional<IpAddress> behind(const IpAddress& first, size_t bits) {
  IpAddress out = first;
  for (size_t i = 0; i < 16; ++i) out.bytes[i] = static_cast<uint8_t>(out.bytes[i] | ~byte_mask(bits, i));
  for (size_t i = 16; i-- > 0;)
    if (++out.bytes[i] != 0) return out;
  return std::nullopt;
}

}  // namespace

// One line of the text to one prefix.
struct AsTableParser {
  using Prefix = AsTable::Prefix;

  static Result<Prefix> prefix(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return fail(ErrorCode::bad_value, "no prefix length");
    const std::string_view address = text.substr(0, slash);
    const auto ip = IpAddress::parse(address);
    if (!ip || address.front() == '[') return fail(ErrorCode::bad_value, "prefix address");
    const bool v4 = address.find(':') == std::string_view::npos;
    const auto length = number(text.substr(slash + 1), v4 ? 32 : 128);
    if (!length) return fail(ErrorCode::bad_value, "prefix length");
    Prefix out{*ip, static_cast<uint8_t>(v4 ? v4_bits_from + *length : *length), AsTable::region_none, 0};
    if (!ends_in_zeros(out.first, out.bits)) return fail(ErrorCode::not_canonical, "bits behind the prefix");
    const bool holds_v4 = ip->is_v4() || holds(out.first, out.bits, IpAddress::v4(0, 0, 0, 0));
    if (!v4 && holds_v4) return fail(ErrorCode::bad_value, "IPv4 as IPv6");
    return out;
  }

  static Result<Prefix> line(std::string_view rest) {
    if (rest.size() > AsTable::line_bytes_max) return fail(ErrorCode::too_large, "line");
    const size_t fields = 1 + static_cast<size_t>(std::ranges::count(rest, ' '));
    if (fields != 2 && fields != 3) return fail(ErrorCode::bad_value, "fields");
    TRY(out, prefix(next_field(rest)));
    const auto asn = number(next_field(rest), UINT32_MAX);
    if (!asn || *asn == 0) return fail(ErrorCode::bad_value, "AS number");
    out.asn = *asn;
    if (fields == 2) return out;
    const auto region = number(rest, region_count - 1);
    if (!region) return fail(ErrorCode::bad_value, "region");
    out.region = static_cast<uint8_t>(*region);
    return out;
  }
};

std::expected<AsTable, AsTableError> AsTable::parse(std::string_view text) {
  const auto refuse = [](ErrorCode code, const char* where, size_t line) {
    return std::unexpected(AsTableError{{code, where}, line});
  };
  if (text.size() > file_bytes_max) return refuse(ErrorCode::too_large, "file", 0);
  if (!text.empty() && text.back() != '\n') return refuse(ErrorCode::truncated, "last line", 0);
  std::vector<Prefix> prefixes;
  prefixes.reserve(std::min(prefixes_max, static_cast<size_t>(std::ranges::count(text, '\n'))));
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    ++line_number;
    if (line.empty() || line.front() == '#') continue;
    if (prefixes.size() == prefixes_max) return refuse(ErrorCode::too_large, "prefixes", line_number);
    const auto prefix = AsTableParser::line(line);
    if (!prefix) return refuse(prefix.error().code, prefix.error().where, line_number);
    prefixes.push_back(*prefix);
  }
  const auto key = [](const Prefix& p) { return std::pair(p.first, p.bits); };
  std::ranges::sort(prefixes, {}, key);
  if (std::ranges::adjacent_find(prefixes, {}, key) != prefixes.end())
    return refuse(ErrorCode::contradiction, "prefix twice", 0);
  AsTable out;
  out.build(prefixes);
  return out;
}

// Prefixes are nested or apart, and sorted an outer one comes before its inner ones: a stack of those that hold the place where
// we are gives the innermost.
void AsTable::build(std::vector<Prefix>& prefixes) {
  prefixes_ = prefixes.size();
  std::vector<const Prefix*> open;
  const auto end_innermost = [&] {
    const auto end = behind(open.back()->first, open.back()->bits);
    open.pop_back();
    if (!end) return;
    const Prefix* outer = open.empty() ? nullptr : open.back();
    begin_range(*end, outer ? outer->asn : 0, outer ? outer->region : region_none);
  };
  for (const Prefix& prefix : prefixes) {
    while (!open.empty() && !holds(open.back()->first, open.back()->bits, prefix.first)) end_innermost();
    begin_range(prefix.first, prefix.asn, prefix.region);
    open.push_back(&prefix);
  }
  while (!open.empty()) end_innermost();
  ranges_.shrink_to_fit();
}

// What begins where the last one did replaces it; what says the same as the one before is no range of its own.
void AsTable::begin_range(const IpAddress& first, uint32_t asn, uint8_t region) {
  ASSERT(ranges_.empty() || ranges_.back().first <= first);
  if (!ranges_.empty() && ranges_.back().first == first) ranges_.pop_back();
  if (!ranges_.empty() && ranges_.back().asn == asn && ranges_.back().region == region) return;
  ranges_.push_back({first, asn, region});
}

std::optional<AsInfo> AsTable::find(const IpAddress& ip) const {
  const auto after = std::ranges::upper_bound(ranges_, ip, {}, &Range::first);
  if (after == ranges_.begin()) return std::nullopt;
  const Range& range = *std::prev(after);
  if (range.asn == 0) return std::nullopt;
  return AsInfo{range.asn, range.region == region_none ? std::nullopt : std::optional(range.region)};
}

}  // namespace lattice
