#include <lattice/sync/block_download.hpp>

#include <gtest/gtest.h>

#include <algorithm>

#include <lattice/base/random.hpp>
#include <lattice/wire/limits.hpp>

namespace lattice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

BlockHash hash_of(uint64_t n, uint8_t fork = 1) {
  BlockHash hash;
  for (int i = 0; i < 8; ++i) hash.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(n >> (8 * i));
  hash.bytes[31] = fork;
  return hash;
}
std::vector<BlockRef> blocks(uint64_t first, uint64_t last, uint8_t fork = 1) {
  std::vector<BlockRef> out;
  for (uint64_t h = first; h <= last; ++h) out.push_back({hash_of(h, fork), h});
  return out;
}
Instant at(int ms) { return Instant{milliseconds{ms}}; }
constexpr ConnId a{1}, b{2};

size_t count_of(const std::vector<BlockAsk>& asks) {
  size_t count = 0;
  for (const auto& ask : asks) count += ask.hashes.size();
  return count;
}
void add(BlockDownload& d, ConnId peer, uint64_t have) {
  d.add(peer);
  d.raise_have(peer, have);
}
void deliver(BlockDownload& d, ConnId peer, Instant now, size_t bytes = 1000) {
  const auto block = d.on_block(peer, bytes, now);
  ASSERT_TRUE(block);
  if (*block) d.on_verdict(peer, **block, bytes, true, now);
}

TEST(block_download, lowest_first_and_shared_out) {
  BlockDownload d;
  add(d, a, 100);
  add(d, b, 100);
  d.add_missing(blocks(1, 100));
  const auto asks = d.poll(at(0));
  ASSERT_EQ(asks.size(), 2u);
  EXPECT_EQ(asks[0].hashes.size(), BlockDownload::owed_first);
  EXPECT_EQ(asks[0].hashes.front(), hash_of(1));
  EXPECT_EQ(asks[1].hashes.front(), hash_of(17));
  EXPECT_TRUE(d.poll(at(0)).empty());
  EXPECT_EQ(d.owed(), 32u);
}

TEST(block_download, only_asks_who_has_it) {
  BlockDownload d;
  add(d, a, 5);
  d.add_missing(blocks(1, 10));
  auto asks = d.poll(at(0));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].hashes.size(), 5u);
  add(d, b, 10);
  asks = d.poll(at(0));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, b);
  EXPECT_EQ(asks[0].hashes.front(), hash_of(6));
}

TEST(block_download, headers_count_where_nobody_claims_the_block) {
  BlockDownload d;
  add(d, a, 0);
  d.add_missing(blocks(1, 4));
  EXPECT_TRUE(d.poll(at(0)).empty());
  d.raise_headers(a, 3);
  EXPECT_EQ(count_of(d.poll(at(0))), 3u);
}

TEST(block_download, unrequested_is_a_fault_and_late_is_not) {
  BlockDownload d;
  add(d, a, 1);
  add(d, b, 1);
  EXPECT_EQ(d.on_block(a, 10, at(0)).error().code, ErrorCode::unrequested);
  d.add_missing(blocks(1, 1));
  EXPECT_EQ(count_of(d.poll(at(0))), 1u);
  EXPECT_FALSE(d.on_block(b, 10, at(0)));
  // a is silent; b is asked too and pays; a's late answer is dropped without a fault.
  EXPECT_EQ(d.on_timeout(at(2000)).slow, std::vector{a});
  const auto asks = d.poll(at(2000));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, b);
  deliver(d, b, at(2100));
  const auto late = d.on_block(a, 10, at(2200));
  ASSERT_TRUE(late);
  EXPECT_FALSE(late->has_value());
  EXPECT_FALSE(d.on_block(a, 10, at(2300)));
}

TEST(block_download, one_slow_peer_alone_is_left_only_after_long_silence) {
  BlockDownload d;
  add(d, a, 10);
  d.add_missing(blocks(1, 10));
  (void)d.poll(at(0));
  EXPECT_TRUE(d.on_timeout(at(5000)).slow.empty());
  EXPECT_TRUE(d.on_timeout(at(9999)).useless.empty());
  EXPECT_EQ(d.on_timeout(at(10000)).useless, std::vector{a});
}

TEST(block_download, who_gave_blocks_is_asked_before_who_announced_first) {
  BlockDownload d;
  add(d, a, 1);  // never gives anything
  add(d, b, 1);
  d.add_missing(blocks(1, 1));
  (void)d.poll(at(0));
  (void)d.on_timeout(at(2000));
  (void)d.poll(at(2000));
  deliver(d, b, at(2100));
  d.raise_have(a, 2);
  d.raise_have(b, 2);
  d.add_missing(blocks(2, 2));
  const auto asks = d.poll(at(2200));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, b);
}

// 36: a dozen of those who never give anything, one after the other. Each costs two seconds, the last one too.
TEST(block_download, who_never_gives_anything_makes_nobody_patient) {
  BlockDownload d;
  for (uint64_t i = 1; i <= 30; ++i) add(d, ConnId{i}, 100);
  int64_t now = 0;
  for (uint64_t height = 1; height <= 12; ++height) {
    d.add_missing(blocks(height, height));
    const auto asks = d.poll(at(now));
    ASSERT_EQ(asks.size(), 1u);
    now += 2000;
    EXPECT_EQ(d.on_timeout(at(now)).slow.size(), 1u) << height;
    d.rewind(height - 1);
  }
  EXPECT_EQ(now, 24'000);
}

// Nine of ten: they are left after ten seconds, however many they are.
TEST(block_download, most_who_never_gave_make_nobody_patient_beside_one_who_gives) {
  BlockDownload d;
  for (uint64_t i = 1; i <= 10; ++i) add(d, ConnId{i}, 165);
  d.add_missing(blocks(1, 165));
  std::vector<ConnId> useless;
  for (int now = 0; now <= 11'000; now += 500) {
    (void)d.poll(at(now));
    if (d.owed(a) > 0) deliver(d, a, at(now));
    useless = d.on_timeout(at(now)).useless;
  }
  EXPECT_EQ(useless.size(), 9u);
}

TEST(block_download, bad_block_is_asked_of_another) {
  BlockDownload d;
  add(d, a, 1);
  d.add_missing(blocks(1, 1));
  (void)d.poll(at(0));
  const auto block = d.on_block(a, 10, at(1));
  ASSERT_TRUE(block && *block);
  d.on_verdict(a, **block, 10, false, at(1));
  EXPECT_TRUE(d.poll(at(2)).empty());
  add(d, b, 1);
  const auto asks = d.poll(at(2));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, b);
}

TEST(block_download, a_peers_end_frees_its_blocks) {
  BlockDownload d;
  add(d, a, 10);
  d.add_missing(blocks(1, 10));
  EXPECT_EQ(count_of(d.poll(at(0))), 10u);
  d.remove(a);
  EXPECT_EQ(d.owed(), 0u);
  add(d, b, 10);
  EXPECT_EQ(count_of(d.poll(at(0))), 10u);
}

TEST(block_download, not_found_is_not_asked_again_at_once) {
  BlockDownload d;
  add(d, a, 10);
  d.add_missing(blocks(1, 10));
  (void)d.poll(at(0));
  EXPECT_EQ(d.on_not_found(a, {hash_of(5), hash_of(77)}, at(1)), 1u);
  EXPECT_EQ(d.owed(a), 9u);
  EXPECT_TRUE(d.poll(at(1)).empty());
  for (int i = 0; i < 9; ++i) deliver(d, a, at(2));
  EXPECT_TRUE(d.poll(at(100)).empty());
  EXPECT_EQ(count_of(d.poll(at(30'001))), 1u);
}

TEST(block_download, judging_is_bounded) {
  BlockDownload d;
  add(d, a, 1000);
  d.add_missing(blocks(1, 1000));
  size_t judging = 0;
  for (int round = 0; round < 100 && !d.full(); ++round) {
    (void)d.poll(at(round));
    while (d.owed(a) > 0 && !d.full()) {
      ASSERT_TRUE(d.on_block(a, 1000, at(round)));
      ++judging;
    }
  }
  EXPECT_EQ(judging, BlockDownload::judging_blocks_max);
  EXPECT_TRUE(d.poll(at(200)).empty());
  EXPECT_TRUE(d.on_timeout(at(100'000)).useless.empty());  // we do not read: nobody's fault
}

TEST(block_download, owed_limit_grows_with_speed) {
  BlockDownload d;
  add(d, a, 1000);
  d.add_missing(blocks(1, 1000));
  (void)d.poll(at(0));
  for (int i = 0; i < 400; ++i) {
    deliver(d, a, at(i));
    (void)d.poll(at(i));
  }
  EXPECT_GT(d.owed(a), BlockDownload::owed_max * 3 / 4);
  EXPECT_LE(d.owed(a), BlockDownload::owed_max);
}

TEST(block_download, large_blocks_bound_what_is_asked) {
  BlockDownload d;
  add(d, a, 1000);
  d.add_missing(blocks(1, 1000));
  (void)d.poll(at(0));
  for (int i = 0; i < 400; ++i) {
    deliver(d, a, at(i), 2'000'000);
    (void)d.poll(at(i));
  }
  EXPECT_LE(d.owed(a) * 2'000'000, BlockDownload::window_bytes);
}

TEST(block_download, rewind_forgets_the_old_branch) {
  BlockDownload d;
  add(d, a, 10);
  d.add_missing(blocks(1, 10));
  EXPECT_EQ(count_of(d.poll(at(0))), 10u);
  d.rewind(4);
  EXPECT_EQ(d.above(), 4u);
  d.add_missing(blocks(5, 11, 2));
  d.raise_have(a, 11);
  // What a still owes of the old branch comes first and is of no use.
  for (int i = 0; i < 4; ++i) deliver(d, a, at(1));
  for (int i = 0; i < 6; ++i) {
    const auto old = d.on_block(a, 10, at(1));
    ASSERT_TRUE(old);
    EXPECT_FALSE(old->has_value());
  }
  const auto asks = d.poll(at(1));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].hashes.front(), hash_of(5, 2));
  EXPECT_EQ(asks[0].hashes.size(), 7u);
}

TEST(block_download, window_ends_at_its_limit) {
  BlockDownload d;
  EXPECT_EQ(d.room(), BlockDownload::window_blocks);
  d.add_missing(blocks(1, 1024));
  EXPECT_EQ(d.room(), 0u);
  d.add_missing(blocks(1025, 3000));
  for (uint64_t n = 0; n < 100; ++n) add(d, ConnId{n}, 3000);
  EXPECT_EQ(count_of(d.poll(at(0))), BlockDownload::window_blocks);
}

// Nine of ten peers never pay. Held against a peer that answers 16 blocks every 20 ms.
TEST(block_download, ninety_percent_stalling) {
  BlockDownload d;
  const ConnId good{5};
  std::set<ConnId> gone;
  for (uint64_t n = 0; n < 10; ++n) add(d, ConnId{n}, 4000);
  std::set<uint64_t> done;
  int ms = 0;
  for (; ms < 60'000 && done.size() < 4000; ms += 20) {
    if (d.room() > 0 && d.above() < 4000) d.add_missing(blocks(d.above() + 1, std::min<uint64_t>(4000, d.above() + d.room())));
    (void)d.poll(at(ms));
    for (int i = 0; i < 16 && d.owed(good) > 0; ++i) {
      const auto block = d.on_block(good, 1000, at(ms));
      ASSERT_TRUE(block);
      if (!*block) continue;
      d.on_verdict(good, **block, 1000, true, at(ms));
      done.insert((*block)->height);
    }
    for (const ConnId id : d.on_timeout(at(ms)).useless) {
      EXPECT_NE(id, good);
      d.remove(id);
      gone.insert(id);
    }
  }
  EXPECT_EQ(done.size(), 4000u);
  EXPECT_LE(ms, 10'000);  // alone it would take 5 s
}

// Random peers, answers, losses and removals against a naive account of who owes what.
TEST(block_download, agrees_with_a_naive_model) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRng rng(seed);
    BlockDownload d;
    std::map<ConnId, std::vector<BlockHash>> owed;
    std::set<BlockHash> valid;
    uint64_t next_peer = 1;
    for (int step = 0; step < 3000; ++step) {
      const Instant now = at(step * 10);
      if (owed.size() < 5 && rng.below(4) == 0) {
        const ConnId id{next_peer++};
        add(d, id, 500);
        owed[id];
      }
      if (d.room() > 0 && d.above() < 500) d.add_missing(blocks(d.above() + 1, std::min<uint64_t>(500, d.above() + d.room())));
      for (const auto& ask : d.poll(now)) {
        for (const auto& hash : ask.hashes) {
          EXPECT_FALSE(valid.contains(hash));
          EXPECT_EQ(std::ranges::count(owed[ask.peer], hash), 0);
          owed[ask.peer].push_back(hash);
        }
      }
      for (auto entry = owed.begin(); entry != owed.end();) {
        auto& [id, list] = *entry;
        ASSERT_EQ(d.owed(id), list.size());
        if (rng.below(300) == 0) {
          d.remove(id);
          entry = owed.erase(entry);
          continue;
        }
        if (!list.empty() && rng.below(2) == 0) {
          const BlockHash hash = list.front();
          list.erase(list.begin());
          const auto block = d.on_block(id, 100, now);
          ASSERT_TRUE(block);
          if (*block) {
            EXPECT_EQ((*block)->hash, hash);
            EXPECT_FALSE(valid.contains(hash));
            const bool good = rng.below(10) != 0;
            d.on_verdict(id, **block, 100, good, now);
            if (good) valid.insert(hash);
          }
        }
        ++entry;
      }
      const auto stalls = d.on_timeout(now);
      for (const ConnId id : stalls.useless) {
        d.remove(id);
        owed.erase(id);
      }
    }
    EXPECT_EQ(valid.size(), 500u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace lattice
