// Secrets: wiped when they go, compared in constant time, never printed, never copied by accident.
#pragma once

#include <algorithm>

#include <lattice/base/bytes.hpp>

namespace lattice {

// Overwrites in a way the compiler keeps.
void wipe(ByteSpan bytes);
// Constant in time for equal lengths; false for different ones.
bool equal_secret(ByteView a, ByteView b);

template <size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(const ByteArray<N>& bytes) : bytes_(bytes) {}
  // `view` must hold exactly N bytes.
  explicit Secret(ByteView view) { std::copy_n(view.begin(), N, bytes_.begin()); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  ~Secret() { wipe(bytes_); }

  bool operator==(const Secret& other) const { return equal_secret(bytes_, other.bytes_); }
  ByteView view() const { return bytes_; }
  ByteSpan span() { return bytes_; }

 private:
  ByteArray<N> bytes_{};
};

}  // namespace lattice
