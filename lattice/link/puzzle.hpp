// The price of a handshake under load: a number that makes a hash begin with zero bits. Checked with one hash, found with
// 2^difficulty of them; bound to a cookie, so that nothing can be prepared.
#pragma once

#include <lattice/link/retry.hpp>

namespace lattice {

// What an initiator is willing to solve: about a million hashes, a second at the worst.
constexpr uint8_t puzzle_difficulty_max = 20;

// BLAKE2s-256("lattice/1/puzzle" || cookie || solution) begins with `difficulty` zero bits.
bool puzzle_solved(const RetryCookie& cookie, uint8_t difficulty, const PuzzleSolution& solution);
// Tries one after the other from `start`. Slow: on a worker. `difficulty` is at most puzzle_difficulty_max.
PuzzleSolution solve_puzzle(const RetryCookie& cookie, uint8_t difficulty, const PuzzleSolution& start);

}  // namespace lattice
