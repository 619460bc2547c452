// A key from a passphrase: slow and large in memory on purpose, so that guessing is dear.
#pragma once

#include <lattice/base/result.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice {

// scrypt (RFC 7914) with N = 2^log_n. It takes 128 N r bytes of memory, and time as N r p.
struct ScryptCost {
  uint8_t log_n = 17;  // with r = 8: 128 MiB, half a second
  uint8_t r = 8;
  uint8_t p = 1;

  static constexpr uint8_t log_n_min = 10, log_n_max = 20, r_max = 16, p_max = 16;
  static constexpr uint64_t memory_bytes_max = 256 * 1024 * 1024;
  static constexpr uint64_t work_max = uint64_t{1} << 22;  // of N r p: two seconds

  constexpr uint64_t memory_bytes() const { return (uint64_t{128} << log_n) * r; }
  constexpr uint64_t work() const { return (uint64_t{r} << log_n) * p; }
  // Costs come out of files: what is outside is refused before anything is allocated or reckoned.
  constexpr bool within_bounds() const {
    return log_n >= log_n_min && log_n <= log_n_max && r >= 1 && r <= r_max && p >= 1 && p <= p_max &&
           memory_bytes() <= memory_bytes_max && work() <= work_max;
  }
  bool operator==(const ScryptCost&) const = default;
};
static_assert(ScryptCost{}.within_bounds());

// limit_reached where `cost` is out of bounds or the machine has no such memory.
Result<Secret<32>> scrypt(ByteView passphrase, ByteView salt, const ScryptCost& cost);

}  // namespace lattice
