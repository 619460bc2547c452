// Bytes as they travel: owned, viewed, shared. No parsing here; that is wire/.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lattice {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;
using ByteSpan = std::span<uint8_t>;
template <size_t N>
using ByteArray = std::array<uint8_t, N>;

// Immutable bytes with several readers (a block on its way to eight peers, a value read from the store). May view a part of
// what it keeps alive.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(Bytes bytes)
      : owner_(std::make_shared<const Bytes>(std::move(bytes))),
        view_(static_cast<const Bytes*>(owner_.get())->data(), static_cast<const Bytes*>(owner_.get())->size()) {}
  // `view` must lie in what `owner` keeps alive.
  SharedBytes(std::shared_ptr<const void> owner, ByteView view) : owner_(std::move(owner)), view_(view) {}
  // In one piece of memory.
  static SharedBytes copy_of(ByteView bytes);

  ByteView view() const { return view_; }
  const uint8_t* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  SharedBytes part(size_t offset, size_t length) const { return {owner_, view_.subspan(offset, length)}; }

 private:
  std::shared_ptr<const void> owner_;
  ByteView view_;
};

inline ByteView as_bytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void append(Bytes& to, ByteView bytes);
inline Bytes to_bytes(ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); }

// True where both hold the same bytes. Not constant in time: for secrets use crypto/secret.hpp.
bool equal(ByteView a, ByteView b);

// Lower-case hexadecimal, two digits a byte, first byte first.
std::string to_hex(ByteView bytes);
// Empty where a character is no hex digit or the count is odd.
std::optional<Bytes> from_hex(std::string_view text);

}  // namespace lattice
