// The parts of the simulated world by themselves.
#include <gtest/gtest.h>

#include <lattice/sim/event_queue.hpp>
#include <lattice/sim/latency.hpp>
#include <lattice/sim/sim_store.hpp>
#include <lattice/sim/tcp.hpp>
#include <lattice/sim/trace.hpp>

namespace lattice::sim {
namespace {

using std::chrono::milliseconds;

TEST(EventQueue, TimeThenOrderOfPlanning) {
  EventQueue queue;
  const Instant start{};
  queue.push(start + milliseconds{2}, {.subject = 3});
  queue.push(start + milliseconds{1}, {.subject = 1});
  queue.push(start + milliseconds{1}, {.subject = 2}, Burst{.bytes = {7}});
  EXPECT_EQ(queue.pop().subject, 1u);
  const Event second = queue.pop();
  EXPECT_EQ(second.subject, 2u);
  EXPECT_EQ(std::get<Burst>(queue.claim(second)).bytes, Bytes{7});
  EXPECT_EQ(queue.pop().subject, 3u);
  EXPECT_TRUE(queue.empty());
}

TEST(Trace, EveryPartOfAnEventCounts) {
  const auto hash_of = [](Instant at, uint32_t host, uint8_t kind, uint64_t subject, ByteView payload) {
    Trace trace;
    trace.event(at, host, kind, subject, payload);
    return trace.hash();
  };
  const Instant at{milliseconds{5}};
  const Bytes small(10, 1), large(5000, 1);
  const auto base = hash_of(at, 1, 2, 3, small);
  EXPECT_EQ(base, hash_of(at, 1, 2, 3, small));
  EXPECT_NE(base, hash_of(at + Duration{1}, 1, 2, 3, small));
  EXPECT_NE(base, hash_of(at, 2, 2, 3, small));
  EXPECT_NE(base, hash_of(at, 1, 3, 3, small));
  EXPECT_NE(base, hash_of(at, 1, 2, 4, small));
  EXPECT_NE(base, hash_of(at, 1, 2, 3, large));
  EXPECT_NE(hash_of(at, 1, 2, 3, ByteView(large).first(4999)), hash_of(at, 1, 2, 3, large));
}

TEST(SimStore, APowerCutLosesWhatWasNotSyncedAKillDoesNot) {
  SimStore store;
  const auto put = [&](uint8_t key, bool sync) {
    Batch batch;
    batch.puts.push_back({Column::meta, Bytes{key}, SharedBytes(Bytes{key})});
    batch.sync = sync;
    return store.commit(batch).has_value();
  };
  ASSERT_TRUE(put(1, false) && put(2, true) && put(3, false));
  EXPECT_TRUE(store.read(Column::meta, Bytes{3})->has_value());
  store.cut_power();
  EXPECT_TRUE(store.read(Column::meta, Bytes{1})->has_value());  // older than a synced one: in order
  EXPECT_TRUE(store.read(Column::meta, Bytes{2})->has_value());
  EXPECT_FALSE(store.read(Column::meta, Bytes{3})->has_value());
  store.fail_commits(true);
  EXPECT_FALSE(put(4, true));
  EXPECT_FALSE(store.read(Column::meta, Bytes{4})->has_value());
}

// What a store holds, in the order of a scan.
std::string scanned(const SimStore& store) {
  std::string text;
  const auto read = store.scan(Column::meta, [&](ByteView key, ByteView value) {
    text += std::string(as_text(key)) + std::string(as_text(value)) + " ";
    return true;
  });
  return read ? text : text + std::string(error_name(read.error().code));
}
Batch batch_of(std::string_view puts, std::string_view erases = "", bool sync = false) {
  Batch batch;
  for (const char key : puts) batch.puts.push_back({Column::meta, {static_cast<uint8_t>(key)}, SharedBytes(Bytes{'+'})});
  for (const char key : erases) batch.erases.push_back({Column::meta, {static_cast<uint8_t>(key)}});
  batch.sync = sync;
  return batch;
}

TEST(SimStore, WhatItBeganWithShowsThroughWhatChanged) {
  MemoryStore filled;
  for (const char key : {'b', 'd', 'f'}) {
    Batch batch;
    batch.puts.push_back({Column::meta, {static_cast<uint8_t>(key)}, SharedBytes(Bytes{'0'})});
    ASSERT_TRUE(filled.commit(batch));
  }
  SimStore store(filled), other(filled);
  ASSERT_TRUE(store.commit(batch_of("acg", "f", true)));
  ASSERT_TRUE(store.commit(batch_of("d", "ab")));
  EXPECT_EQ(scanned(store), "c+ d+ g+ ");
  EXPECT_FALSE(store.read(Column::meta, Bytes{'f'})->has_value());
  EXPECT_EQ(scanned(other), "b0 d0 f0 ");
  store.cut_power();
  EXPECT_EQ(scanned(store), "a+ b0 c+ d0 g+ ");
  size_t seen = 0;
  ASSERT_TRUE(store.scan(Column::meta, [&](ByteView, ByteView) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2u);
}

TEST(SimStore, ABatchIsCutWhole) {
  SimStore store;
  ASSERT_TRUE(store.commit(batch_of("ab", "", true)));
  ASSERT_TRUE(store.commit(batch_of("ac", "b")));
  ASSERT_TRUE(store.commit(batch_of("b", "ac")));
  EXPECT_EQ(scanned(store), "b+ ");
  store.cut_power();
  EXPECT_EQ(scanned(store), "a+ b+ ");
}

TEST(SimStore, ALyingOneLosesWhatItSaidItHadSynced) {
  SimStore store;
  ASSERT_TRUE(store.commit(batch_of("a", "", true)));
  store.lie(true);
  ASSERT_TRUE(store.commit(batch_of("b", "", true)));
  ASSERT_TRUE(store.commit(batch_of("c", "", true)));
  store.cut_power();
  EXPECT_EQ(scanned(store), "a+ ");
  ASSERT_TRUE(store.commit(batch_of("b", "", true)));
  store.lie(false);
  ASSERT_TRUE(store.commit(batch_of("c", "", true)));  // in order: with it all before it
  store.cut_power();
  EXPECT_EQ(scanned(store), "a+ b+ c+ ");
}

TEST(SimStore, AFlippedBitIsAnErrorUntilTheValueIsWrittenAnew) {
  SimStore store;
  SeededRng rng(1);
  ASSERT_TRUE(store.commit(batch_of("abc", "", true)));
  EXPECT_EQ(store.flip_bits(0, rng), 0u);
  EXPECT_EQ(store.flip_bits(1, rng), 3u);
  const auto read = store.read(Column::meta, Bytes{'a'});
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::store_failed);
  EXPECT_EQ(scanned(store), "store_failed");
  store.cut_power();
  EXPECT_EQ(scanned(store), "store_failed");  // the medium is what is damaged
  ASSERT_TRUE(store.commit(batch_of("a")));
  EXPECT_EQ(scanned(store), "a+ store_failed");
  ASSERT_TRUE(store.commit(batch_of("c", "b")));
  EXPECT_EQ(scanned(store), "a+ c+ ");
}

TEST(Pipe, SlowStartThenCongestionAvoidance) {
  Pipe pipe;
  EXPECT_EQ(pipe.room(), 10 * segment_bytes);
  pipe.on_sent(10 * segment_bytes, {});
  EXPECT_EQ(pipe.room(), 0u);
  pipe.on_acknowledged(10 * segment_bytes, false);
  EXPECT_EQ(pipe.room(), 20 * segment_bytes);  // doubled
  pipe.on_acknowledged(0, true);
  EXPECT_EQ(pipe.room(), 10 * segment_bytes);  // halved
  pipe.on_sent(10 * segment_bytes, {});
  pipe.on_acknowledged(10 * segment_bytes, false);
  EXPECT_EQ(pipe.room(), 11 * segment_bytes);  // a segment for a window
  pipe.in_flight = pipe.window - 1;
  EXPECT_EQ(pipe.room(), 0u);  // no silly windows
}

TEST(LossModel, CostsARoundTripOrATimeout) {
  SeededRng rng(1);
  uint64_t again = 0;
  const Duration round_trip = milliseconds{100};
  EXPECT_EQ(LossModel{0}.delay(1000, false, round_trip, rng, again), Duration{});
  EXPECT_EQ(again, 0u);
  int late = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto delay = LossModel{0.01}.delay(1000, false, round_trip, rng, again);
    if (delay > Duration{}) ++late;
    EXPECT_TRUE(delay == Duration{} || delay >= milliseconds{200});
  }
  EXPECT_NEAR(late, 100, 50);
  EXPECT_GE(again, static_cast<uint64_t>(late));
}

TEST(CityDelays, ParsesASquareOfNumbers) {
  const auto delays = CityDelays::parse("100,2000\n3000,100\n");
  ASSERT_TRUE(delays);
  EXPECT_EQ(delays->size(), 2u);
  EXPECT_EQ(delays->one_way(0, 1), std::chrono::microseconds{1000});
  EXPECT_EQ(delays->one_way(1, 0), std::chrono::microseconds{1500});
  for (const auto* bad : {"", "1,2\n3\n", "1,2\n3,4\n5,6\n", "1,x\n2,3\n", "1;2\n3;4\n", "1,2\n"})
    EXPECT_FALSE(CityDelays::parse(bad)) << bad;
}

TEST(Delays, TheSameWheneverAsked) {
  const Delays delays(9, nullptr), others(10, nullptr);
  EXPECT_EQ(delays.one_way(3, 4), delays.one_way(3, 4));
  EXPECT_EQ(delays.one_way(3, 4), delays.one_way(4, 3));
  EXPECT_NE(delays.one_way(3, 4), others.one_way(3, 4));
  EXPECT_GE(delays.one_way(3, 4), milliseconds{2});
  EXPECT_LE(delays.one_way(3, 4), milliseconds{120});
}

}  // namespace
}  // namespace lattice::sim
