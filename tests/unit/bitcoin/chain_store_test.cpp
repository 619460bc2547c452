// What lies in the store after each commit, and what a chain makes of a store that is not its own or is damaged.
#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

// Takes the first `commits` batches and then fails for ever, as if the process had been killed there.
class CutStore final : public Store {
 public:
  explicit CutStore(size_t commits) : left_(commits) {}
  Result<void> commit(const Batch& batch) override {
    if (left_ == 0) return fail(ErrorCode::store_failed, "cut");
    --left_;
    return kept.commit(batch);
  }
  Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override { return kept.read(column, key); }
  Result<void> scan(Column column, const std::function<bool(ByteView, ByteView)>& visit) const override {
    return kept.scan(column, visit);
  }
  MemoryStore kept;

 private:
  size_t left_;
};

// Headers and bodies of two branches, the second of which wins, bodies partly out of order.
struct Scenario {
  std::vector<Bytes> first = made(8, 1), second = made(10, 2);

  void play(Driver& driver) const {
    const auto a = headers_of(first, 1), b = headers_of(second, 1);
    driver.headers({a.begin(), a.begin() + 4});
    driver.headers({a.begin() + 4, a.end()});
    for (const size_t i : {1, 3, 2, 5, 4, 8}) driver.block(first[i]);
    driver.headers({b.begin(), b.begin() + 6});
    for (const size_t i : {2, 1}) driver.block(second[i]);
    driver.headers({b.begin() + 6, b.end()});
    for (const size_t i : {10, 4, 3, 5, 6, 7, 9, 8}) driver.block(second[i]);
  }
};

TEST(ChainStore, EveryPrefixOfTheCommitsIsAChainThatGoesOn) {
  const Scenario scenario;
  size_t commits = 0;
  for (bool finished = false; !finished; ++commits) {
    ASSERT_LT(commits, 100u);
    CutStore store(commits);
    uint64_t height = 0;
    {
      Driver driver(options_of(regtest()), store);
      const Outcome loaded = driver.load();
      EXPECT_EQ(loaded.failed.has_value(), commits == 0);
      scenario.play(driver);
      finished = driver.header(scenario.second[1]).code() == ErrorCode::none;
    }
    // The next process, on what was kept.
    Driver driver(options_of(regtest()), store.kept);
    const Outcome loaded = driver.load();
    ASSERT_FALSE(loaded.failed.has_value()) << loaded.failed->where;
    ASSERT_TRUE(loaded.best && loaded.tip);
    height = loaded.tip->tip.block.height;
    EXPECT_LE(height, loaded.best->best.block.height);
    // What is not missing is there, whole.
    size_t bodies = 0;
    const auto scanned = store.kept.scan(Column::bodies, [&](ByteView key, ByteView value) {
      EXPECT_EQ(hash_header(value), BlockHash::from(key));
      ++bodies;
      return true;
    });
    ASSERT_TRUE(scanned.has_value());
    const auto missing = driver.missing().missing;
    EXPECT_GE(bodies + missing.size(), loaded.best->best.block.height);
    for (const BlockRef& block : missing) {
      EXPECT_FALSE(store.kept.read(Column::bodies, block.hash.view())->has_value());
    }
    scenario.play(driver);
    const Outcome end = Driver(options_of(regtest()), store.kept).load();
    EXPECT_EQ(end.tip->tip.block, (BlockRef{hash_of_block(scenario.second[10]), 10}));
    EXPECT_EQ(end.best->best.block, end.tip->tip.block);
  }
  EXPECT_GT(commits, 15u);
}

TEST(ChainStore, AFailingStoreStopsTheChain) {
  CutStore store(2);
  Driver driver(options_of(regtest()), store);
  driver.load();
  const auto blocks = made(3);
  EXPECT_EQ(driver.block(blocks[1]).code(), ErrorCode::none);
  const Outcome out = driver.block(blocks[2]);
  EXPECT_EQ(out.code(), ErrorCode::store_failed);
  EXPECT_EQ(out.failed->code, ErrorCode::store_failed);
  EXPECT_FALSE(out.tip.has_value());
  EXPECT_EQ(driver.block(blocks[1]).code(), ErrorCode::store_failed);
}

TEST(ChainStore, OfEqualBranchesTheTipStaysTheTip) {
  for (const uint64_t seed : {1, 2}) {
    const auto first = made(5, seed), second = made(5, 3 - seed);
    MemoryStore store;
    Driver driver(options_of(regtest()), store);
    driver.load();
    for (size_t i = 1; i <= 5; ++i) driver.block(first[i]);
    for (size_t i = 1; i <= 5; ++i) ASSERT_EQ(driver.block(second[i]).code(), ErrorCode::none);
    const Outcome again = Driver(options_of(regtest()), store).load();
    EXPECT_EQ(again.tip->tip.block.hash, hash_of_block(first[5]));
    EXPECT_EQ(again.best->best.block.hash, hash_of_block(first[5]));
  }
}

TEST(ChainStore, HeadersAreWrittenOnceAndOnceMoreWithTheirBody) {
  class Counting final : public Store {
   public:
    Result<void> commit(const Batch& batch) override {
      ++commits;
      puts += batch.puts.size();
      return kept.commit(batch);
    }
    Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override { return kept.read(column, key); }
    Result<void> scan(Column column, const std::function<bool(ByteView, ByteView)>& visit) const override {
      return kept.scan(column, visit);
    }
    MemoryStore kept;
    size_t commits = 0, puts = 0;
  } store;
  Driver driver(options_of(regtest()), store);
  driver.load();
  const auto blocks = made(20);
  store.commits = store.puts = 0;
  driver.headers(headers_of(blocks, 1));
  driver.headers(headers_of(blocks, 1));
  EXPECT_EQ(store.commits, 1u);
  EXPECT_EQ(store.puts, 20u);
  driver.block(blocks[1]);
  driver.block(blocks[1]);
  EXPECT_EQ(store.commits, 2u);
  EXPECT_EQ(store.puts, 23u) << "the body, its flag and the tip";
}

Error loading(const ChainOptions& options, Store& store) {
  const Outcome out = Driver(options, store).load();
  return out.failed.value_or(Error{});
}

TEST(ChainStore, AnotherChainsStoreIsRefused) {
  const auto blocks = made(3);
  MemoryStore store;
  ChainOptions options = options_of(regtest());
  Driver driver(options, store);
  driver.load();
  driver.headers(headers_of(blocks, 1));
  EXPECT_EQ(loading(options, store).code, ErrorCode::none);
  EXPECT_EQ(loading(options_of(mainnet()), store).code, ErrorCode::wrong_chain);
  options.start = TrustedHeader{2, hash_of_block(blocks[2]), 0x207fffff, {}};
  EXPECT_EQ(loading(options, store).code, ErrorCode::wrong_chain);

  Batch batch;
  batch.puts.push_back({Column::meta, to_bytes(as_bytes("bitcoin/chain")), SharedBytes(Bytes{9})});
  ASSERT_TRUE(store.commit(batch).has_value());
  EXPECT_EQ(loading(options_of(regtest()), store).code, ErrorCode::wrong_version);
}

TEST(ChainStore, DamageIsFound) {
  const auto blocks = made(5);
  MemoryStore good;
  Driver driver(options_of(regtest()), good);
  driver.load();
  for (size_t i = 1; i <= 5; ++i) driver.block(blocks[i]);
  std::vector<std::pair<Bytes, Bytes>> records;
  ASSERT_TRUE(good.scan(Column::headers,
                        [&](ByteView key, ByteView value) {
                          records.emplace_back(to_bytes(key), to_bytes(value));
                          return true;
                        })
                  .has_value());
  ASSERT_EQ(records.size(), 5u);

  const auto damaged = [&](const std::function<void(Batch&)>& change) {
    MemoryStore store = good;
    Batch batch;
    change(batch);
    EXPECT_TRUE(store.commit(batch).has_value());
    return loading(options_of(regtest()), store).code;
  };
  const auto& [key, value] = records[2];
  EXPECT_EQ(damaged([](Batch&) {}), ErrorCode::none);
  EXPECT_EQ(damaged([&, k = key](Batch& b) { b.erases.push_back({Column::headers, k}); }), ErrorCode::store_failed);
  for (size_t i = 0; i <= header_bytes; ++i) {
    Bytes changed = value;
    changed[i] ^= 0x40;
    EXPECT_EQ(damaged([&, k = key](Batch& b) { b.puts.push_back({Column::headers, k, SharedBytes(changed)}); }),
              ErrorCode::store_failed);
  }
  EXPECT_EQ(damaged([&, k = key](Batch& b) { b.puts.push_back({Column::headers, k, SharedBytes(Bytes(80))}); }),
            ErrorCode::store_failed);
  Bytes elsewhere = key;
  elsewhere[7] = 9;
  EXPECT_EQ(damaged([&, v = value](Batch& b) { b.puts.push_back({Column::headers, elsewhere, SharedBytes(v)}); }),
            ErrorCode::store_failed);
  EXPECT_EQ(
      damaged([&](Batch& b) { b.puts.push_back({Column::meta, to_bytes(as_bytes("bitcoin/tip")), SharedBytes(Bytes(32))}); }),
      ErrorCode::store_failed);
}

TEST(MemoryStoreTest, WritesErasesAndScansInOrder) {
  MemoryStore store;
  Batch batch;
  batch.puts.push_back({Column::meta, {2}, SharedBytes(Bytes{20})});
  batch.puts.push_back({Column::meta, {1}, SharedBytes(Bytes{10})});
  batch.puts.push_back({Column::peers, {1}, SharedBytes(Bytes{11})});
  ASSERT_TRUE(store.commit(batch).has_value());
  Bytes seen;
  ASSERT_TRUE(store
                  .scan(Column::meta,
                        [&](ByteView key, ByteView value) {
                          seen.push_back(key[0]);
                          seen.push_back(value[0]);
                          return true;
                        })
                  .has_value());
  EXPECT_EQ(seen, (Bytes{1, 10, 2, 20}));
  seen.clear();
  ASSERT_TRUE(store
                  .scan(Column::meta,
                        [&](ByteView key, ByteView) {
                          seen.push_back(key[0]);
                          return false;
                        })
                  .has_value());
  EXPECT_EQ(seen, (Bytes{1}));
  Batch erase;
  erase.erases.push_back({Column::meta, {1}});
  ASSERT_TRUE(store.commit(erase).has_value());
  EXPECT_FALSE(store.read(Column::meta, Bytes{1})->has_value());
  EXPECT_TRUE(store.read(Column::peers, Bytes{1})->has_value());
}

}  // namespace
}  // namespace lattice::bitcoin
