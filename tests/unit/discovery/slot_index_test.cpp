#include <lattice/discovery/slot_index.hpp>

#include <map>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

namespace lattice {
namespace {

// Keys are numbers here, and `keys[slot]` is the key of a slot.
struct Keys {
  std::map<uint32_t, uint64_t> keys;
  auto same(uint64_t key) const {
    return [this, key](uint32_t slot) { return keys.at(slot) == key; };
  }
};

// Full to the last slot, with few hashes for many keys, against a map.
TEST(slot_index, as_a_map_has_it) {
  for (const uint64_t hashes : {uint64_t{1}, uint64_t{7}, uint64_t{100}, uint64_t{1} << 62}) {
    SeededRng rng(hashes);
    constexpr size_t count = 120;
    SlotIndex index(count);
    Keys known;
    std::map<uint64_t, uint32_t> slots;
    const auto hash = [&](uint64_t key) { return key % hashes * 0x9e3779b97f4a7c15; };
    for (int i = 0; i < 50'000; ++i) {
      const uint64_t key = rng.below(300);
      const auto wanted = slots.find(key);
      const uint32_t found = index.find(hash(key), known.same(key));
      ASSERT_EQ(found, wanted == slots.end() ? SlotIndex::none : wanted->second);
      if (wanted != slots.end() && rng.below(2) == 0) {
        index.erase(hash(key), found);
        known.keys.erase(found);
        slots.erase(wanted);
      } else if (wanted == slots.end() && slots.size() < count) {
        uint32_t slot = SlotIndex::slot_max;  // the greatest numbers there are
        while (known.keys.contains(slot)) --slot;
        ASSERT_TRUE(index.insert(hash(key), slot));
        known.keys[slot] = key;
        slots[key] = slot;
      }
      ASSERT_EQ(index.size(), slots.size());
    }
    ASSERT_GT(slots.size(), 50u);
  }
}

// Who could choose hashes could bring 255 keys to one place; the next is refused, and the others stay.
TEST(slot_index, what_stands_too_badly_is_refused) {
  SlotIndex index(1000);
  Keys known;
  uint32_t slot = 0;
  for (; slot < 1000; ++slot) {
    known.keys[slot] = slot;
    if (!index.insert(0, slot)) break;
  }
  EXPECT_EQ(slot, 255u);
  for (uint32_t i = 0; i < slot; ++i) EXPECT_EQ(index.find(0, known.same(i)), i);
  EXPECT_EQ(index.find(0, known.same(slot)), SlotIndex::none);
  index.erase(0, 0);
  EXPECT_TRUE(index.insert(0, slot));
}

}  // namespace
}  // namespace lattice
