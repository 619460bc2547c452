// Writes what Reader reads: big-endian integers and bytes, appended.
#pragma once

#include <lattice/base/bytes.hpp>

namespace lattice::wire {

template <class Number>
void store_be(uint8_t* to, Number value) {
  for (size_t i = 0; i < sizeof(Number); ++i) to[i] = static_cast<uint8_t>(uint64_t{value} >> (8 * (sizeof(Number) - 1 - i)));
}

class Writer {
 public:
  Writer() = default;
  explicit Writer(Bytes begun) : out_(std::move(begun)) {}
  Writer& u8(uint8_t value) { return number(value); }
  Writer& u16(uint16_t value) { return number(value); }
  Writer& u32(uint32_t value) { return number(value); }
  Writer& u64(uint64_t value) { return number(value); }
  Writer& bytes(ByteView view) {
    append(out_, view);
    return *this;
  }
  void reserve(size_t count) { out_.reserve(count); }
  size_t size() const { return out_.size(); }
  ByteView view() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  template <class Number>
  Writer& number(Number value) {
    ByteArray<sizeof(Number)> encoded;
    store_be(encoded.data(), value);
    append(out_, encoded);
    return *this;
  }

  Bytes out_;
};

}  // namespace lattice::wire
