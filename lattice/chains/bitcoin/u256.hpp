// Unsigned 256-bit numbers, as far as targets and work need them. Wraps at 2^256 unless said otherwise.
#pragma once

#include <compare>

#include <lattice/base/bytes.hpp>

namespace lattice::bitcoin {

struct U256 {
  std::array<uint64_t, 4> words{};  // least significant first

  static constexpr U256 of(uint64_t value) { return U256{{value, 0, 0, 0}}; }
  static U256 from_little_endian(const ByteArray<32>& bytes);
  static U256 from_big_endian(const ByteArray<32>& bytes);
  ByteArray<32> big_endian() const;

  constexpr bool operator==(const U256&) const = default;
  constexpr std::strong_ordering operator<=>(const U256& other) const {
    for (size_t i = 4; i-- > 0;) {
      if (words[i] != other.words[i]) return words[i] <=> other.words[i];
    }
    return std::strong_ordering::equal;
  }
  bool is_zero() const { return *this == U256{}; }
  size_t bit_length() const;  // 0 for zero
};

U256 operator+(const U256& a, const U256& b);
U256 operator-(const U256& a, const U256& b);
U256 operator~(const U256& a);
U256 operator<<(const U256& a, size_t bits);  // bits below 256
U256 operator>>(const U256& a, size_t bits);  // bits below 256
// Quotient; `divisor` is not zero.
U256 divide(const U256& dividend, const U256& divisor);
// a * factor / divisor through 320 bits; the largest number where the quotient does not fit. `divisor` is not zero.
U256 multiply_divide(const U256& a, uint64_t factor, uint64_t divisor);

}  // namespace lattice::bitcoin
