#include <lattice/link/puzzle.hpp>

#include <bit>

#include <lattice/base/assert.hpp>

namespace lattice {

static size_t leading_zero_bits(const Digest& digest) {
  size_t bits = 0;
  for (const uint8_t byte : digest) {
    bits += static_cast<size_t>(std::countl_zero(byte));
    if (byte != 0) break;
  }
  return bits;
}

bool puzzle_solved(const RetryCookie& cookie, uint8_t difficulty, const PuzzleSolution& solution) {
  return leading_zero_bits(hash(HashAlg::blake2s, {as_bytes("lattice/1/puzzle"), cookie, solution})) >= difficulty;
}

PuzzleSolution solve_puzzle(const RetryCookie& cookie, uint8_t difficulty, const PuzzleSolution& start) {
  ASSERT(difficulty <= puzzle_difficulty_max);
  PuzzleSolution solution = start;
  for (;;) {
    if (puzzle_solved(cookie, difficulty, solution)) return solution;
    for (size_t i = solution.size(); i-- > 0 && ++solution[i] == 0;) {
    }
  }
}

}  // namespace lattice
