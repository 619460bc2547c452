// Held against std::deque.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

#include <lattice/base/fifo.hpp>
#include <lattice/base/random.hpp>

namespace lattice {
namespace {

TEST(Fifo, GivesBackWhatADequeGives) {
  SeededRng rng(1);
  Fifo<uint64_t> fifo;
  std::deque<uint64_t> model;
  for (uint64_t i = 0; i < 50'000; ++i) {
    const uint64_t act = rng.below(i / 5000 % 2 == 0 ? 12 : 22);  // grows, then shrinks
    if (act < 10) {
      fifo.push_back(i);
      model.push_back(i);
    } else if (act == 10 && !model.empty()) {
      const auto place = static_cast<ptrdiff_t>(rng.below(model.size()));
      fifo.erase(fifo.begin() + place);
      model.erase(model.begin() + place);
    } else if (!model.empty()) {
      EXPECT_EQ(fifo.front(), model.front());
      fifo.pop_front();
      model.pop_front();
    }
    ASSERT_EQ(fifo.size(), model.size());
    ASSERT_EQ(fifo.empty(), model.empty());
    ASSERT_TRUE(i % 1000 != 0 || std::ranges::equal(fifo, model));
  }
  fifo.clear();
  EXPECT_TRUE(fifo.empty());
}

TEST(Fifo, WhatIsTakenOutIsLetGoAtOnce) {
  const auto held = std::make_shared<int>(1);
  Fifo<std::shared_ptr<int>> fifo;
  for (int i = 0; i < 3; ++i) fifo.push_back(held);
  EXPECT_EQ(held.use_count(), 4);
  fifo.pop_front();
  EXPECT_EQ(held.use_count(), 3);
  fifo.clear();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace lattice
