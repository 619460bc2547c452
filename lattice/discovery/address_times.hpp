// Times of the address book in 32 bits: held at their ends, never wrapped.
#pragma once

#include <algorithm>
#include <cstdint>

#include <lattice/base/time.hpp>

namespace lattice {

constexpr int64_t packed_epoch = 1'577'836'800;  // 2020-01-01T00:00:00Z
// 0 for whatever lies before 2020; the last one is in 2156.
constexpr uint32_t packed_seconds(int64_t unix_seconds) {
  if (unix_seconds <= packed_epoch) return 0;
  return static_cast<uint32_t>(std::min<int64_t>(unix_seconds - packed_epoch, UINT32_MAX));
}
// 0 for 0: before 2020 is long enough ago to be never.
constexpr int64_t unpacked_seconds(uint32_t packed) { return packed == 0 ? 0 : packed_epoch + int64_t{packed}; }
// From `then` to `now`: nothing where that is backwards, the longest there is where it is longer.
inline Duration since(Instant then, Instant now) {
  if (now <= then) return {};
  const int64_t from = then.time_since_epoch().count(), to = now.time_since_epoch().count();
  return from < 0 && to > INT64_MAX + from ? Duration::max() : now - then;
}

// What the wall clock says, held to what can be written down.
inline int64_t held_seconds(WallTime time) {
  return std::clamp<int64_t>(unix_seconds(time), 0, packed_epoch + int64_t{UINT32_MAX});
}

}  // namespace lattice
