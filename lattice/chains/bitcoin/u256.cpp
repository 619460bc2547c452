#include <lattice/chains/bitcoin/u256.hpp>

#include <bit>

#include <lattice/base/assert.hpp>

namespace lattice::bitcoin {

__extension__ using Wide = unsigned __int128;

U256 U256::from_little_endian(const ByteArray<32>& bytes) {
  U256 out;
  for (size_t i = 0; i < 32; ++i) out.words[i / 8] |= uint64_t{bytes[i]} << (8 * (i % 8));
  return out;
}

U256 U256::from_big_endian(const ByteArray<32>& bytes) {
  U256 out;
  for (size_t i = 0; i < 32; ++i) out.words[3 - i / 8] |= uint64_t{bytes[i]} << (56 - 8 * (i % 8));
  return out;
}

ByteArray<32> U256::big_endian() const {
  ByteArray<32> out{};
  for (size_t i = 0; i < 32; ++i) out[i] = static_cast<uint8_t>(words[3 - i / 8] >> (56 - 8 * (i % 8)));
  return out;
}

size_t U256::bit_length() const {
  for (size_t i = 4; i-- > 0;) {
    if (words[i] != 0) return 64 * i + static_cast<size_t>(std::bit_width(words[i]));
  }
  return 0;
}

U256 operator+(const U256& a, const U256& b) {
  U256 sum;
  Wide carry = 0;
  for (size_t i = 0; i < 4; ++i) {
    carry += Wide{a.words[i]} + b.words[i];
    sum.words[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return sum;
}

U256 operator-(const U256& a, const U256& b) { return a + ~b + U256::of(1); }

U256 operator~(const U256& a) { return U256{{~a.words[0], ~a.words[1], ~a.words[2], ~a.words[3]}}; }

U256 operator<<(const U256& a, size_t bits) {
  ASSERT(bits < 256);
  U256 out;
  const size_t whole = bits / 64, part = bits % 64;
  for (size_t i = whole; i < 4; ++i) {
    out.words[i] = a.words[i - whole] << part;
    if (part != 0 && i > whole) out.words[i] |= a.words[i - whole - 1] >> (64 - part);
  }
  return out;
}

U256 operator>>(const U256& a, size_t bits) {
  ASSERT(bits < 256);
  U256 out;
  const size_t whole = bits / 64, part = bits % 64;
  for (size_t i = 0; i + whole < 4; ++i) {
    out.words[i] = a.words[i + whole] >> part;
    if (part != 0 && i + whole + 1 < 4) out.words[i] |= a.words[i + whole + 1] << (64 - part);
  }
  return out;
}

// Schoolbook, a bit at a time: a quotient is needed once for each distinct `bits`, not for each header.
U256 divide(const U256& dividend, const U256& divisor) {
  ASSERT(!divisor.is_zero());
  U256 quotient, rest = dividend;
  if (rest < divisor) return quotient;
  for (size_t shift = rest.bit_length() - divisor.bit_length() + 1; shift-- > 0;) {
    const U256 part = divisor << shift;
    if (rest < part) continue;
    rest = rest - part;
    quotient.words[shift / 64] |= uint64_t{1} << (shift % 64);
  }
  return quotient;
}

U256 multiply_divide(const U256& a, uint64_t factor, uint64_t divisor) {
  ASSERT(divisor != 0);
  std::array<uint64_t, 5> product{};
  Wide carry = 0;
  for (size_t i = 0; i < 4; ++i) {
    carry += Wide{a.words[i]} * factor;
    product[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  product[4] = static_cast<uint64_t>(carry);

  Wide rest = 0;
  for (size_t i = 5; i-- > 0;) {
    rest = rest << 64 | product[i];
    product[i] = static_cast<uint64_t>(rest / divisor);
    rest %= divisor;
  }
  if (product[4] != 0) return ~U256{};
  return U256{{product[0], product[1], product[2], product[3]}};
}

}  // namespace lattice::bitcoin
