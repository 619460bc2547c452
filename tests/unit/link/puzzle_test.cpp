// The price of a handshake, and the message that names it.
#include <gtest/gtest.h>

#include <lattice/base/random.hpp>
#include <lattice/link/puzzle.hpp>

namespace lattice {
namespace {

using enum ErrorCode;

constexpr ByteArray<4> magic{1, 2, 3, 4};

RetryCookie counting_cookie() {
  RetryCookie cookie;
  for (size_t i = 0; i < cookie.size(); ++i) cookie[i] = static_cast<uint8_t>(i);
  return cookie;
}

PuzzleSolution solution_of(uint64_t number) {
  PuzzleSolution solution;
  for (size_t i = 0; i < solution.size(); ++i) solution[i] = static_cast<uint8_t>(number >> (8 * (7 - i)));
  return solution;
}

// The numbers come from Python's hashlib.
TEST(Puzzle, FindsTheFirstSolutionFromItsStart) {
  const std::pair<int, uint64_t> known[] = {{0, 0}, {1, 0},   {2, 2},    {3, 4},     {4, 5},
                                            {7, 5}, {8, 536}, {10, 536}, {11, 1002}, {16, 1002}};
  for (const auto& [difficulty, number] : known) {
    EXPECT_EQ(solve_puzzle(counting_cookie(), static_cast<uint8_t>(difficulty), {}), solution_of(number)) << difficulty;
  }
}

TEST(Puzzle, ASolutionIsGoodForItsCookieAndNoHarderOne) {
  EXPECT_TRUE(puzzle_solved(counting_cookie(), 16, solution_of(1002)));
  EXPECT_FALSE(puzzle_solved(counting_cookie(), 17, solution_of(1002)));
  EXPECT_FALSE(puzzle_solved(counting_cookie(), 12, solution_of(1003)));
  RetryCookie other = counting_cookie();
  other[31] ^= 1;
  EXPECT_FALSE(puzzle_solved(other, 12, solution_of(1002)));
}

TEST(Puzzle, NoDifficultyIsAlwaysSolvedAndAnImpossibleOneNever) {
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(puzzle_solved(counting_cookie(), 0, solution_of(i)));
    EXPECT_FALSE(puzzle_solved(counting_cookie(), 255, solution_of(i)));
  }
}

TEST(Puzzle, TheSearchGoesOnPastTheLastNumber) {
  PuzzleSolution last;
  last.fill(0xff);
  EXPECT_EQ(solve_puzzle(counting_cookie(), 16, last), solution_of(1002));
}

TEST(Puzzle, EachBitDoublesThePrice) {
  SeededRng rng(5);
  for (const uint8_t difficulty : {uint8_t{4}, uint8_t{8}}) {
    double tries = 0;
    for (int i = 0; i < 400; ++i) {
      RetryCookie cookie;
      rng.fill(cookie);
      const PuzzleSolution found = solve_puzzle(cookie, difficulty, {});
      tries += 1.0 + found[6] * 256.0 + found[7];
    }
    EXPECT_NEAR(tries / 400, 1 << difficulty, (1 << difficulty) * 0.25);
  }
}

TEST(Retry, ComesBackAsItWas) {
  const Retry retry{Retry::no_resumption, 0x0002, 17, counting_cookie()};
  const auto bytes = encode_retry(magic, retry);
  EXPECT_EQ(to_hex(bytes),
            "01020304"
            "01"
            "02"
            "0001"
            "0002"
            "11"
            "00"
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const auto back = read_retry(bytes, magic);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, retry);
}

TEST(Retry, IsRefusedWhereItsFixedPartsDiffer) {
  const auto good = encode_retry(magic, {0, 1, 0, counting_cookie()});
  const std::pair<size_t, ErrorCode> fixed[] = {
      {0, wrong_magic}, {3, wrong_magic}, {4, wrong_version}, {5, bad_handshake}, {11, bad_handshake}};
  for (const auto& [at, error] : fixed) {
    auto changed = good;
    changed[at] ^= 0x40;
    const auto read = read_retry(changed, magic);
    ASSERT_FALSE(read) << at;
    EXPECT_EQ(read.error().code, error) << at;
  }
  EXPECT_FALSE(read_retry(ByteView(good).first(43), magic));
  Bytes longer = to_bytes(good);
  longer.push_back(0);
  EXPECT_FALSE(read_retry(longer, magic));
  EXPECT_FALSE(read_retry({}, magic));
}

}  // namespace
}  // namespace lattice
