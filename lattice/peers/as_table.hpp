// Which autonomous system an address belongs to, and in which of six regions it is, from a file of the operator.
//
// Text, one range a line: `prefix asn [region]`, one space between, ended by a line feed.
//
//   # from the routing table of 2026-07-01
//   8.8.8.0/24 15169 2
//   2001:4860::/32 15169 2
//
//   prefix  an IPv4 or IPv6 address and a length, all bits behind it zero; each prefix once. Of those that hold an address the
//           longest counts. No IPv6 prefix holds IPv4 addresses (::ffff:0:0/96)
//   asn     1 to 4,294,967,295 (RFC 6793), without leading zeros
//   region  0 to 5, where known
//
// Empty lines and lines that begin with # say nothing. Anything else is an error: half a table would be trusted like a whole.
#pragma once

#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/result.hpp>
#include <lattice/peers/slots.hpp>

namespace lattice {

struct AsInfo {
  uint32_t asn = 0;
  std::optional<uint8_t> region;  // below region_count
  bool operator==(const AsInfo&) const = default;
};

// too_large: a limit; bad_value: no prefix, number or region; not_canonical: another way to write it; contradiction: twice.
struct AsTableError {
  Error error;
  size_t line = 0;  // from 1; 0: the file as a whole
};

class AsTable {
 public:
  static constexpr size_t file_bytes_max = 96 * 1024 * 1024;
  static constexpr size_t line_bytes_max = 80;
  // The whole Internet's routes were 1.2 million in 2025. A prefix becomes two ranges at most, of 24 bytes each.
  static constexpr size_t prefixes_max = 2'000'000;

  static std::expected<AsTable, AsTableError> parse(std::string_view text);

  // By binary search.
  std::optional<AsInfo> find(const IpAddress& ip) const;
  size_t prefixes() const { return prefixes_; }
  size_t ranges() const { return ranges_.size(); }

 private:
  static constexpr uint8_t region_none = 0xff;
  // From here up to where the next one begins. Twenty-four bytes.
  struct Range {
    IpAddress first;
    uint32_t asn = 0;              // 0: nothing is known of these
    uint8_t region = region_none;  // region_none: unknown
  };
  struct Prefix;
  friend struct AsTableParser;
  void build(std::vector<Prefix>& prefixes);
  void begin_range(const IpAddress& first, uint32_t asn, uint8_t region);

  std::vector<Range> ranges_;
  size_t prefixes_ = 0;
};

}  // namespace lattice
