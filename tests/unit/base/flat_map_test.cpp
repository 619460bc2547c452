// Held against std::map.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include <lattice/base/flat_map.hpp>
#include <lattice/base/random.hpp>

namespace lattice {
namespace {

TEST(FlatMap, HoldsWhatAMapHoldsInTheSameOrder) {
  SeededRng rng(1);
  FlatMap<uint64_t, uint64_t> flat;
  std::map<uint64_t, uint64_t> model;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const uint64_t key = rng.below(100);
    switch (rng.below(4)) {
      case 0:
        flat[key] = i;
        model[key] = i;
        break;
      case 1: EXPECT_EQ(flat.try_emplace(key).second, model.try_emplace(key).second); break;
      case 2: EXPECT_EQ(flat.erase(key), model.erase(key)); break;
      default:
        if (const auto found = flat.find(key); found != flat.end() && i % 2 == 0) {
          EXPECT_EQ(found->second, model.at(key));
          flat.erase(found);
          model.erase(key);
        }
    }
    ASSERT_EQ(flat.contains(key), model.contains(key));
    ASSERT_TRUE(std::ranges::equal(flat, model,
                                   [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
  }
}

}  // namespace
}  // namespace lattice
