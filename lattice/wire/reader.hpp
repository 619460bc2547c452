// Reads bytes from outside: nothing is read past the end, nothing is allocated, integers are big-endian.
#pragma once

#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>

namespace lattice::wire {

// Each read takes bytes off the front, or is `truncated` and takes none.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  size_t remaining() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }
  ByteView rest() const { return rest_; }

  Result<ByteView> bytes(size_t count) {
    if (rest_.size() < count) return fail(ErrorCode::truncated, "bytes");
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  Result<uint8_t> u8() { return number<uint8_t>(); }
  Result<uint16_t> u16() { return number<uint16_t>(); }
  Result<uint32_t> u32() { return number<uint32_t>(); }
  Result<uint64_t> u64() { return number<uint64_t>(); }

  template <size_t N>
  Result<ByteArray<N>> array() {
    TRY(view, bytes(N));
    ByteArray<N> out;
    std::memcpy(out.data(), view.data(), N);
    return out;
  }
  template <class Id>
  Result<Id> id() {
    TRY(view, bytes(32));
    return Id::from(view);
  }
  // trailing_bytes where something is left.
  Result<void> end() const {
    if (!rest_.empty()) return fail(ErrorCode::trailing_bytes, "end");
    return {};
  }

 private:
  template <class Number>
  Result<Number> number() {
    if (rest_.size() < sizeof(Number)) return fail(ErrorCode::truncated, "number");
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(Number); ++i) value = value << 8 | rest_[i];
    rest_ = rest_.subspan(sizeof(Number));
    return static_cast<Number>(value);
  }

  ByteView rest_;
};

}  // namespace lattice::wire
