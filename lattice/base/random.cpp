#include <lattice/base/random.hpp>

#include <bit>
#include <cstring>

#include <lattice/base/assert.hpp>

namespace lattice {

uint64_t Rng::next() {
  ByteArray<8> bytes;
  fill(bytes);
  uint64_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

uint64_t Rng::below(uint64_t bound) {
  ASSERT(bound > 0);
  // Values under 2^64 mod bound would favour the small results: draw again.
  const uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const uint64_t value = next();
    if (value >= threshold) return value % bound;
  }
}

double Rng::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

SeededRng::SeededRng(uint64_t seed) {
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t SeededRng::step() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRng::fill(ByteSpan out) {
  while (!out.empty()) {
    const uint64_t word = step();
    const size_t count = std::min(out.size(), sizeof word);
    std::memcpy(out.data(), &word, count);
    out = out.subspan(count);
  }
}

}  // namespace lattice
