// The mixing that the modelled cryptography is made of: fast, the same with every compiler (of a little-endian machine), and no
// hash to lean on.
//
// A word pair goes into a lane by one 64 x 64 -> 128 bit multiplication whose halves are folded together; two lanes run side
// by side, so that a processor has something to do while it multiplies.
#pragma once

#include <algorithm>
#include <cstring>

#include <lattice/base/bytes.hpp>

namespace lattice::sim {

constexpr uint64_t mix_odd[] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xc2b2ae3d27d4eb4f};

inline uint64_t fold_product(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load_word(const uint8_t* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// What went in so far. Two Mixes that were given the same parts in the same order are equal, others are not.
class Mix {
 public:
  explicit Mix(uint64_t domain) : a_(domain ^ mix_odd[0]), b_(fold_product(domain ^ mix_odd[1], mix_odd[2])) {}
  Mix(uint64_t a, uint64_t b) : a_(a), b_(b) {}

  // 32 bytes.
  void block(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3) {
    a_ = fold_product(w0 ^ mix_odd[2], w1 ^ a_);
    b_ = fold_product(w2 ^ mix_odd[3], w3 ^ b_);
  }
  // A part of any length; where it ends counts.
  Mix& part(ByteView bytes) {
    const uint8_t* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 32; left -= 32, at += 32) block(load_word(at), load_word(at + 8), load_word(at + 16), load_word(at + 24));
    if (left > 0) {
      uint64_t last[4] = {};
      std::memcpy(last, at, left);
      block(last[0], last[1], last[2], last[3]);
    }
    return word(bytes.size());
  }
  Mix& word(uint64_t value) {
    const uint64_t a = fold_product(a_ ^ value, b_ ^ mix_odd[1]);
    b_ = fold_product(b_ ^ mix_odd[0], (a_ + value) ^ mix_odd[3]) + a;
    a_ = a;
    return *this;
  }
  // The two words that stand for everything that went in; `which` gives others of the same.
  uint64_t first(uint64_t which = 0) const { return fold_product(a_ ^ mix_odd[3], b_ ^ (mix_odd[2] + which)); }
  uint64_t second(uint64_t which = 0) const { return fold_product(b_ ^ mix_odd[1], a_ + (mix_odd[0] ^ which)); }
  // As many bytes as are asked for.
  void fill(ByteSpan out) const {
    uint64_t x = first();
    const uint64_t step = second() | 1;
    for (size_t i = 0; i < out.size(); i += 8) {
      x += step;
      const uint64_t word = fold_product(x ^ mix_odd[0], step ^ (x >> 7));
      std::memcpy(out.data() + i, &word, std::min<size_t>(8, out.size() - i));
    }
  }

 private:
  uint64_t a_, b_;
};

}  // namespace lattice::sim
