// Randomness comes in as a value too: from OpenSSL in the real world, from the seed in the simulated one.
#pragma once

#include <cstdint>

#include <lattice/base/bytes.hpp>

namespace lattice {

class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(ByteSpan out) = 0;

  uint64_t next();
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [0, 1).
  double unit();
};

// xoshiro256** (Blackman and Vigna 2018), seeded through splitmix64. For simulation and tests, never for keys that must hold.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(uint64_t seed);
  void fill(ByteSpan out) override;

 private:
  uint64_t step();
  uint64_t state_[4];
};

}  // namespace lattice
