// What every Store promises, asked of RocksDB and of memory alike; then what only the disk can break.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lattice/base/random.hpp>
#include <lattice/host/locked_memory_store.hpp>
#include <lattice/host/rocks_store.hpp>

#include "temp_folder.hpp"

namespace lattice {
namespace {

Bytes key_of(std::string_view text) { return to_bytes(as_bytes(text)); }

Bytes pattern(size_t size, uint64_t seed) {
  Bytes bytes(size);
  SeededRng(seed).fill(bytes);
  return bytes;
}

SharedBytes value_of(std::string_view text) { return SharedBytes(key_of(text)); }

std::string text_in(const Store& store, Column column, std::string_view key) {
  const auto found = store.read(column, as_bytes(key));
  if (!found) return "failed: " + std::string(found.error().where);
  return *found ? std::string(as_text((*found)->view())) : "(none)";
}

std::map<std::string, std::string> all_of(const Store& store, Column column) {
  std::map<std::string, std::string> entries;
  EXPECT_TRUE(store.scan(column, [&](ByteView key, ByteView value) {
    entries.emplace(as_text(key), as_text(value));
    return true;
  }));
  return entries;
}

std::unique_ptr<RocksStore> open_or_fail(const std::filesystem::path& folder) {
  auto store = RocksStore::open(folder);
  EXPECT_TRUE(store) << store.error().text();
  return store ? std::move(*store) : nullptr;
}

enum class Kind { rocks, memory };

class AnyStore : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::rocks) {
      store_ = open_or_fail(folder_ / "store");
    } else {
      store_ = std::make_unique<LockedMemoryStore>();
    }
    ASSERT_TRUE(store_);
  }
  test::TempFolder folder_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, testing::Values(Kind::rocks, Kind::memory),
                         [](const auto& param) { return param.param == Kind::rocks ? "Rocks" : "Memory"; });

TEST_P(AnyStore, KeepsColumnsApart) {
  ASSERT_TRUE(store_->commit({{{Column::meta, key_of("k"), value_of("1")}, {Column::bodies, key_of("k"), value_of("2")}}, {}}));
  EXPECT_EQ(text_in(*store_, Column::meta, "k"), "1");
  EXPECT_EQ(text_in(*store_, Column::bodies, "k"), "2");
  EXPECT_EQ(text_in(*store_, Column::headers, "k"), "(none)");
  EXPECT_EQ(text_in(*store_, Column::peers, "k"), "(none)");
}

TEST_P(AnyStore, EmptyBatchesAndEmptyValuesAreFine) {
  ASSERT_TRUE(store_->commit({}));
  ASSERT_TRUE(store_->commit({{{Column::meta, key_of("empty"), SharedBytes()}}, {}}));
  EXPECT_EQ(text_in(*store_, Column::meta, "empty"), "");
}

TEST_P(AnyStore, TheLaterPutWinsAndErasesComeLast) {
  ASSERT_TRUE(store_->commit({{{Column::meta, key_of("a"), value_of("1")}, {Column::meta, key_of("a"), value_of("2")}}, {}}));
  EXPECT_EQ(text_in(*store_, Column::meta, "a"), "2");
  ASSERT_TRUE(store_->commit({{{Column::meta, key_of("a"), value_of("3")}}, {{Column::meta, key_of("a")}}}));
  EXPECT_EQ(text_in(*store_, Column::meta, "a"), "(none)");
  ASSERT_TRUE(store_->commit({{}, {{Column::meta, key_of("never there")}}}));
}

TEST_P(AnyStore, ScansInKeyOrderUntilToldToStop) {
  Batch batch;
  for (const char* key : {"b", "a", "d", "c", "aa"}) batch.puts.push_back({Column::headers, key_of(key), value_of(key)});
  ASSERT_TRUE(store_->commit(batch));
  std::string seen;
  ASSERT_TRUE(store_->scan(Column::headers, [&](ByteView key, ByteView value) {
    EXPECT_TRUE(equal(key, value));
    seen += std::string(as_text(key)) + " ";
    return seen.size() < 7;
  }));
  EXPECT_EQ(seen, "a aa b ");
  EXPECT_TRUE(all_of(*store_, Column::bodies).empty());
}

TEST_P(AnyStore, GivesLargeBodiesBackWhole) {
  for (const size_t size : {size_t{1023}, size_t{1024}, size_t{1025}, size_t{4} << 20}) {
    const Bytes body = pattern(size, size), key = pattern(32, size + 1);
    ASSERT_TRUE(store_->commit({{{Column::bodies, key, SharedBytes(body)}}, {}, size > 1024}));
    const auto found = store_->read(Column::bodies, key);
    ASSERT_TRUE(found && *found);
    EXPECT_TRUE(equal((*found)->view(), body)) << size;
  }
}

TEST_P(AnyStore, AValueReadOutlivesItsErasureAndItsStore) {
  const Bytes body = pattern(100'000, 5);
  ASSERT_TRUE(store_->commit({{{Column::bodies, key_of("k"), SharedBytes(body)}}, {}}));
  if (auto* rocks = dynamic_cast<RocksStore*>(store_.get())) {
    ASSERT_TRUE(rocks->flush());
  }
  const auto found = store_->read(Column::bodies, as_bytes("k"));
  ASSERT_TRUE(found && *found);
  ASSERT_TRUE(store_->commit({{}, {{Column::bodies, key_of("k")}}}));
  store_.reset();
  EXPECT_TRUE(equal((*found)->view(), body));
}

// The same thousand batches into the store and into a std::map: they agree after each hundred.
TEST_P(AnyStore, AgreesWithAMap) {
  SeededRng rng(42);
  std::map<std::string, std::string> model[column_count];
  for (int round = 1; round <= 1000; ++round) {
    Batch batch;
    for (uint64_t i = rng.below(4); i > 0; --i) {
      const auto column = static_cast<Column>(rng.below(column_count));
      const std::string key = std::to_string(rng.below(50));
      const Bytes value = pattern(rng.below(3000), rng.next());
      model[static_cast<size_t>(column)][key] = std::string(as_text(value));
      batch.puts.push_back({column, key_of(key), SharedBytes(value)});
    }
    for (uint64_t i = rng.below(3); i > 0; --i) {
      const auto column = static_cast<Column>(rng.below(column_count));
      const std::string key = std::to_string(rng.below(50));
      model[static_cast<size_t>(column)].erase(key);
      batch.erases.push_back({column, key_of(key)});
    }
    ASSERT_TRUE(store_->commit(batch));
    if (round % 100 != 0) continue;
    for (size_t column = 0; column < column_count; ++column) {
      ASSERT_EQ(all_of(*store_, static_cast<Column>(column)), model[column]) << "column " << column << " round " << round;
    }
  }
}

// Readers while the one writer writes: a value is always whole, and a scan sees both halves of a batch or none.
TEST_P(AnyStore, ReadersSeeWholeBatches) {
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) {
      const std::string number = std::to_string(i);
      const auto value = SharedBytes(key_of(std::string(2000, static_cast<char>('a' + i % 26))));
      Batch batch{{{Column::meta, key_of("1"), value_of(number)}, {Column::meta, key_of("2"), value_of(number)}}, {}};
      batch.puts.push_back({Column::bodies, key_of("body"), value});
      EXPECT_TRUE(store_->commit(batch));
    }
    done = true;
  });
  size_t scans = 0;
  while (!done || scans == 0) {
    const auto entries = all_of(*store_, Column::meta);
    if (!entries.empty()) {
      EXPECT_EQ(entries.at("1"), entries.at("2"));
    }
    const std::string body = text_in(*store_, Column::bodies, "body");
    if (body != "(none)") {
      EXPECT_EQ(body, std::string(2000, body.front()));
    }
    ++scans;
  }
  writer.join();
  EXPECT_EQ(text_in(*store_, Column::meta, "1"), "499");
}

TEST(RocksStore, KeepsWhatItWasGivenAcrossAReopen) {
  const test::TempFolder folder;
  const Bytes body = pattern(50'000, 1);
  for (int round = 0; round < 3; ++round) {
    const auto store = open_or_fail(folder.path());
    ASSERT_TRUE(store);
    EXPECT_EQ(text_in(*store, Column::meta, "round"), round == 0 ? "(none)" : std::to_string(round - 1));
    if (round > 0) {
      EXPECT_EQ(text_in(*store, Column::bodies, "body"), as_text(body));
    }
    ASSERT_TRUE(store->commit({{{Column::meta, key_of("round"), value_of(std::to_string(round))},
                                {Column::bodies, key_of("body"), SharedBytes(body)}},
                               {}}));
    if (round == 1) {
      ASSERT_TRUE(store->flush());
    }
  }
}

TEST(RocksStore, RefusesAFolderInUseAndSaysSo) {
  const test::TempFolder folder;
  const auto store = open_or_fail(folder.path());
  const auto second = RocksStore::open(folder.path());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("another process uses it"), std::string::npos) << second.error().text();
  EXPECT_NE(second.error().text().find(folder.path().string()), std::string::npos) << second.error().text();
}

TEST(RocksStore, SaysWhatIsWrongWithAFolder) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << "not a folder";
  const auto on_file = RocksStore::open(folder / "file");
  ASSERT_FALSE(on_file);
  EXPECT_FALSE(on_file.error().advice.empty());

  {
    ASSERT_TRUE(open_or_fail(folder / "damaged"));
  }
  std::ofstream(folder / "damaged/CURRENT") << "MANIFEST-999999\n";
  const auto damaged = RocksStore::open(folder / "damaged");
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().text().find("damaged"), std::string::npos);
}

// The writer puts number n under a key in meta and n's own bytes under n in bodies, as fast as it can, until it is killed. What
// is there afterwards is a prefix: every body up to the number is there and right, and nothing above it.
constexpr const char* writer_folder_variable = "LATTICE_TEST_WRITER_FOLDER";

Bytes body_of(uint64_t number) { return pattern(1000 + number * 7919 % 400'000, number); }

// A program of its own, since the threads of a database do not survive fork.
pid_t start_writer(const std::filesystem::path& folder) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv(writer_folder_variable, folder.c_str(), 1);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::execl("/proc/self/exe", "writer", "--gtest_also_run_disabled_tests", "--gtest_filter=RocksStore.DISABLED_WriterToBeKilled",
          static_cast<char*>(nullptr));
  ::_exit(2);
}

TEST(RocksStore, DISABLED_WriterToBeKilled) {
  const char* folder = std::getenv(writer_folder_variable);
  ASSERT_TRUE(folder) << "only for the tests that start it";
  const auto store = open_or_fail(folder);
  ASSERT_TRUE(store);
  const auto last = text_in(*store, Column::meta, "last");
  for (uint64_t number = last == "(none)" ? 0 : std::stoull(last) + 1;; ++number) {
    const std::string text = std::to_string(number);
    ASSERT_TRUE(store->commit(
        {{{Column::meta, key_of("last"), value_of(text)}, {Column::bodies, key_of(text), SharedBytes(body_of(number))}}, {}}));
  }
}

TEST(RocksStore, RefusesAFolderInUseByAnotherProcess) {
  const test::TempFolder folder;
  const pid_t child = start_writer(folder.path());
  // The writer makes CURRENT after it has locked the folder.
  for (int i = 0; i < 3000 && !std::filesystem::exists(folder / "CURRENT"); ++i) ::usleep(10'000);
  const auto second = RocksStore::open(folder.path());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("another process uses it"), std::string::npos) << second.error().text();
  EXPECT_TRUE(RocksStore::open(folder.path()));  // the lock dies with its process
}

TEST(RocksStore, SurvivesKillAtAnyMoment) {
  const test::TempFolder folder;
  SeededRng rng(static_cast<uint64_t>(::getpid()));
  uint64_t before = 0, checked = 0;
  for (int round = 0; round < 10; ++round) {
    const pid_t child = start_writer(folder.path());
    ::usleep(static_cast<useconds_t>(200'000 + rng.below(500'000)));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << WEXITSTATUS(status);

    const auto store = open_or_fail(folder.path());
    ASSERT_TRUE(store);
    const std::string text = text_in(*store, Column::meta, "last");
    if (text == "(none)") continue;  // killed before the first batch
    const uint64_t last = std::stoull(text);
    ASSERT_GE(last, before) << "a batch that was committed before the last start has gone";
    for (uint64_t number = before; number <= last; ++number, ++checked) {
      const auto body = store->read(Column::bodies, as_bytes(std::to_string(number)));
      ASSERT_TRUE(body && *body) << number << " of " << last;
      ASSERT_TRUE(equal((*body)->view(), body_of(number))) << number;
    }
    ASSERT_EQ(text_in(*store, Column::bodies, std::to_string(last + 1)), "(none)");
    before = last;
  }
  EXPECT_GT(checked, 100u);
}

}  // namespace
}  // namespace lattice
