#include <lattice/sync/header_sync.hpp>

#include <gtest/gtest.h>

#include <lattice/wire/limits.hpp>

namespace lattice {
namespace {

using std::chrono::seconds;

BlockHash hash_of(uint64_t n) {
  BlockHash hash;
  for (int i = 0; i < 8; ++i) hash.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(n >> (8 * i));
  hash.bytes[31] = 1;
  return hash;
}
BlockRef block(uint64_t height) { return {hash_of(height), height}; }
Instant at(int s) { return Instant{seconds{s}}; }
constexpr ConnId a{1}, b{2}, c{3};

struct HeaderSyncTest : ::testing::Test {
  HeaderSync sync{seconds{20}};
  HeaderSyncTest() { sync.set_best({hash_of(0)}); }

  void answer(ConnId peer, size_t count, uint64_t last_height, Instant now) {
    ASSERT_TRUE(sync.on_headers(peer, count, count * 80, now));
    sync.on_verdict(peer, true, count ? block(last_height) : BlockRef{}, now);
  }
};

TEST_F(HeaderSyncTest, one_peer_gives_the_bulk_and_the_rest_confirm) {
  sync.add(a);
  sync.add(b);
  sync.add(c);
  auto asks = sync.poll(at(0));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, a);
  EXPECT_EQ(asks[0].locator, std::vector{hash_of(0)});
  answer(a, limits::headers_max, 2000, at(1));
  asks = sync.poll(at(1));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, a);
  EXPECT_EQ(asks[0].locator, (std::vector{hash_of(2000), hash_of(0)}));
  EXPECT_EQ(sync.through(), 0u);
  answer(a, 10, 2010, at(2));
  EXPECT_EQ(sync.through(), 1u);
  EXPECT_FALSE(sync.settled());
  EXPECT_EQ(sync.poll(at(2)).size(), 2u);
  answer(b, 0, 0, at(2));
  answer(c, 0, 0, at(2));
  EXPECT_TRUE(sync.settled());
}

TEST_F(HeaderSyncTest, silent_bulk_peer_does_not_hold_up_the_next) {
  sync.add(a);
  sync.add(b);
  EXPECT_EQ(sync.poll(at(0)).size(), 1u);
  EXPECT_EQ(sync.next_timeout(), at(3));
  EXPECT_TRUE(sync.poll(at(2)).empty());
  const auto asks = sync.poll(at(3));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, b);
  EXPECT_TRUE(sync.late(at(19)).empty());
  EXPECT_EQ(sync.late(at(20)), std::vector{a});
  sync.remove(a);
  EXPECT_TRUE(sync.late(at(20)).empty());
}

// Found in the simulator: the first silent peer's time had passed, and was named as the next one for as long as a third peer waited.
TEST_F(HeaderSyncTest, a_silent_bulk_peer_keeps_no_timer_busy) {
  sync.add(a);
  sync.add(b);
  sync.add(c);
  sync.add(ConnId{4});
  EXPECT_EQ(sync.poll(at(0)).size(), 1u);
  EXPECT_EQ(sync.poll(at(3)).size(), 2u);  // the second and third; the fourth waits for them
  EXPECT_EQ(sync.next_timeout(), at(6));
  EXPECT_EQ(sync.poll(at(6)).size(), 1u);
  EXPECT_EQ(sync.next_timeout(), at(20));
}

// So that the silent ones cost a newcomer seconds, however many they are.
TEST_F(HeaderSyncTest, each_silent_bulk_peer_doubles_how_many_are_asked) {
  for (uint32_t peer = 0; peer < 40; ++peer) sync.add(ConnId{peer});
  EXPECT_EQ(sync.poll(at(0)).size(), 1u);
  EXPECT_EQ(sync.poll(at(3)).size(), 2u);
  EXPECT_EQ(sync.poll(at(6)).size(), 8u);
  EXPECT_EQ(sync.poll(at(9)).size(), 8u);  // and no more than that at a time
}

TEST_F(HeaderSyncTest, unasked_headers_are_a_fault) {
  sync.add(a);
  EXPECT_EQ(sync.on_headers(a, 1, 80, at(0)).error().code, ErrorCode::unrequested);
  (void)sync.poll(at(0));
  EXPECT_TRUE(sync.on_headers(a, 1, 80, at(0)));
  EXPECT_FALSE(sync.on_headers(a, 1, 80, at(0)));  // one answer a question
  EXPECT_FALSE(sync.on_headers(c, 1, 80, at(0)));  // nobody we know
}

// CVE-2024-52920: a question that never leads further.
TEST_F(HeaderSyncTest, full_answers_that_lead_nowhere_end) {
  sync.add(a);
  (void)sync.poll(at(0));
  answer(a, limits::headers_max, 2000, at(1));
  EXPECT_EQ(sync.poll(at(1)).size(), 1u);
  answer(a, limits::headers_max, 2000, at(2));
  EXPECT_TRUE(sync.poll(at(2)).empty());
  EXPECT_TRUE(sync.settled());
}

// The chain has seen that what the peer shows counts, and wants to see it once more: from the best header on, at once, and by
// the same peer.
TEST_F(HeaderSyncTest, a_chain_that_counts_is_asked_for_again) {
  sync.add(a);
  sync.add(b);
  (void)sync.poll(at(0));
  answer(a, limits::headers_max, 2000, at(0));
  (void)sync.poll(at(0));
  ASSERT_TRUE(sync.on_headers(a, 10, 800, at(1)));
  sync.on_verdict(a, true, block(2010), at(1), true);
  EXPECT_FALSE(sync.settled());
  const auto asks = sync.poll(at(1));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, a);
  EXPECT_EQ(asks[0].locator, std::vector{hash_of(0)});
  answer(a, limits::headers_max, 2000, at(2));
  EXPECT_EQ(sync.poll(at(2)).at(0).locator.front(), hash_of(2000));
}

TEST_F(HeaderSyncTest, announcement_asks_again_even_while_a_question_is_open) {
  sync.add(a);
  (void)sync.poll(at(0));
  sync.on_announced(a);
  answer(a, 0, 0, at(1));
  EXPECT_EQ(sync.poll(at(1)).size(), 1u);
  answer(a, 1, 1, at(1));
  EXPECT_TRUE(sync.poll(at(1)).empty());
  sync.on_announced(a);
  EXPECT_EQ(sync.poll(at(1)).size(), 1u);
  EXPECT_TRUE(sync.settled());  // it was through once: a later question does not make us behind
}

TEST_F(HeaderSyncTest, who_came_by_itself_is_not_waited_for) {
  sync.add(a);
  sync.add(b, false);
  (void)sync.poll(at(0));
  answer(a, 0, 0, at(1));
  EXPECT_EQ(sync.poll(at(1)).size(), 1u);
  EXPECT_TRUE(sync.settled());
}

TEST_F(HeaderSyncTest, invalid_headers_end_the_peers_turn) {
  sync.add(a);
  sync.add(b);
  (void)sync.poll(at(0));
  ASSERT_TRUE(sync.on_headers(a, limits::headers_max, 160'000, at(1)));
  sync.on_verdict(a, false, BlockRef{}, at(1));
  const auto asks = sync.poll(at(1));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, b);
}

TEST_F(HeaderSyncTest, bulk_turn_moves_on) {
  sync.add(a);
  sync.add(b);
  (void)sync.poll(at(0));
  answer(a, limits::headers_max, 2000, at(61));
  const auto asks = sync.poll(at(61));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].peer, b);
}

TEST_F(HeaderSyncTest, asks_again_after_a_while) {
  sync.add(a);
  (void)sync.poll(at(0));
  answer(a, 0, 0, at(0));
  EXPECT_TRUE(sync.poll(at(59)).empty());
  EXPECT_EQ(sync.next_timeout(), at(60));
  EXPECT_EQ(sync.poll(at(60)).size(), 1u);
}

TEST_F(HeaderSyncTest, long_locators_keep_their_root) {
  std::vector<BlockHash> best;
  for (uint64_t n = 300; n > 0; --n) best.push_back(hash_of(n));
  sync.set_best(best);
  sync.add(a);
  const auto asks = sync.poll(at(0));
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].locator.size(), limits::locator_hashes_max);
  EXPECT_EQ(asks[0].locator.back(), hash_of(1));
}

}  // namespace
}  // namespace lattice
