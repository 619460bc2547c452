// Crashes and failing disks against the store that nodes use: the process killed, the power cut and the call failed at every call
// that RocksDB makes. LATTICE_EVERY_FAULT=1: at each of them; else evenly spread ones, beginning elsewhere each time, of which
// LATTICE_SEED repeats the choice.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_play.hpp"
#include "temp_folder.hpp"

namespace lattice::test {
namespace {

const Play& play() {
  static const Play made;
  return made;
}

// Small memtables, so that this small chain is written to tables, compacted, and has more than one log at a time.
RocksStoreOptions small_options(rocksdb::Env* env = nullptr) { return {env, 64 << 10, 3}; }

// A disk that fails, and the environment that RocksDB sees it through.
struct FaultDisk {
  explicit FaultDisk(const TempFolder& folder, const FaultPlan& plan = {})
      : files(std::make_shared<FaultFileSystem>(plan, folder / "aside")), env(fault_env(files)) {}
  std::shared_ptr<FaultFileSystem> files;
  std::unique_ptr<rocksdb::Env> env;
};

uint64_t test_seed() {
  const char* set = std::getenv("LATTICE_SEED");
  static const uint64_t seed = set ? std::strtoull(set, nullptr, 10) : static_cast<uint64_t>(::getpid());
  return seed;
}

// Builds with sanitizers are slow, and try fewer places.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
constexpr bool is_sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool is_sanitized = false;
#endif

// Which of 1..total are tried.
std::vector<uint64_t> places(uint64_t total, uint64_t count) {
  if (is_sanitized) count /= 4;
  const bool every = std::getenv("LATTICE_EVERY_FAULT") != nullptr;
  std::vector<uint64_t> out;
  if (every || total <= count) {
    for (uint64_t i = 1; i <= total; ++i) out.push_back(i);
    return out;
  }
  SeededRng rng(test_seed());
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t from = total * i / count + 1, to = total * (i + 1) / count;
    out.push_back(from + rng.below(to - from + 1));
  }
  return out;
}

// How many calls of `ops` a whole play makes, and which.
uint64_t calls_of_play(FileOps ops, std::set<std::string>* seen = nullptr) {
  const TempFolder folder;
  FaultDisk disk(folder, {Fault::none, 0, ops});
  {
    auto store = RocksStore::open(folder / "store", small_options(disk.env.get()));
    EXPECT_TRUE(store) << store.error().text();
    if (!store) return 0;
    EXPECT_EQ(play().run(**store), play().steps());
  }
  if (seen) *seen = disk.files->seen();
  return disk.files->calls();
}

// The chain goes on in this store and ends at the tip, with every body of the winning branch in it and no wrong one.
void expect_goes_on(Store& store) {
  ASSERT_EQ(play().run(store), play().steps());
  const auto loaded = Driver(Play::chain_options(), store).load();
  ASSERT_FALSE(loaded.failed) << loaded.failed->where;
  EXPECT_EQ(loaded.tip->tip.block, play().tip());
  for (size_t height = 1; height < play().winning().size(); ++height) {
    const Bytes& block = play().winning()[height];
    const auto body = store.read(Column::bodies, bitcoin::test::hash_of_block(block).view());
    ASSERT_TRUE(body && *body) << height;
    ASSERT_TRUE(equal((*body)->view(), block)) << height;
  }
}

// What a later process finds: just what was committed up to a step in [least, most], from which the chain goes on.
void expect_prefix(const TempFolder& all, size_t least, size_t most) {
  const FaultDisk disk(all);  // that has no faults, and does not wait for the machine's disk
  const auto folder = all / "store";
  auto store = RocksStore::open(folder, small_options(disk.env.get()));
  ASSERT_TRUE(store) << store.error().text();
  const auto held = digest_of(**store);
  ASSERT_TRUE(held) << (*store)->failure();
  if (!play().prefix(*held, least, most)) {
    const auto any = play().prefix(*held, 0, play().steps());
    FAIL() << "after " << most << " steps, of which " << least << " must be there, the store holds "
           << (any ? std::to_string(*any) + " steps" : std::string("what no step left behind"));
  }
  ASSERT_NO_FATAL_FAILURE(expect_goes_on(**store));
  const auto end = digest_of(**store);
  ASSERT_TRUE(end);
  store->reset();
  store = RocksStore::open(folder, small_options(disk.env.get()));
  ASSERT_TRUE(store) << store.error().text();
  const auto again = digest_of(**store);
  ASSERT_TRUE(again) << (*store)->failure();
  EXPECT_TRUE(*again == *end) << "the next process finds something else";
}

// What RocksDB's threads do after a compaction may not come before the store is closed: then another play shows it.
TEST(StoreFaults, ThePlayMakesEveryKindOfCall) {
  std::set<std::string> missing = {"create log",     "append log",   "sync log",    "close log",          "remove log",
                                   "create sst",     "append sst",   "sync sst",    "close sst",          "remove sst",
                                   "create blob",    "append blob",  "sync blob",   "append MANIFEST",    "sync MANIFEST",
                                   "rename CURRENT", "append dbtmp", "sync dbtmp",  "sync_folder folder", "open sst",
                                   "read sst",       "open CURRENT", "read CURRENT"};
  for (int play = 0; play < 10 && !missing.empty(); ++play) {
    std::set<std::string> seen;
    EXPECT_GT(calls_of_play(all_ops(), &seen), 200u);
    std::erase_if(missing, [&](const std::string& kind) { return seen.contains(kind); });
  }
  EXPECT_EQ(missing, std::set<std::string>{});
}

// ---- the process is killed

constexpr const char* player_variable = "LATTICE_TEST_PLAYER";  // FOLDER:CALL:TORN

// A program of its own, since the threads of a database do not survive fork.
pid_t start_player(const std::filesystem::path& folder, uint64_t call, bool torn) {
  const std::string task = folder.string() + ":" + std::to_string(call) + ":" + (torn ? "1" : "0");
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv(player_variable, task.c_str(), 1);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::execl("/proc/self/exe", "player", "--gtest_also_run_disabled_tests", "--gtest_filter=StoreFaults.DISABLED_Player",
          static_cast<char*>(nullptr));
  ::_exit(2);
}

// Plays; the file "steps" grows by a byte with each step that was acknowledged.
TEST(StoreFaults, DISABLED_Player) {
  const char* set = std::getenv(player_variable);
  ASSERT_TRUE(set) << "only for the test that starts it";
  const std::string task = set;
  const auto torn_at = task.rfind(':'), call_at = task.rfind(':', torn_at - 1);
  const std::filesystem::path folder = task.substr(0, call_at);
  FaultPlan plan{Fault::kill, std::stoull(task.substr(call_at + 1)), changing_ops()};
  plan.torn = task.ends_with('1');
  const auto files = std::make_shared<FaultFileSystem>(plan, (folder / "aside").string());
  const auto env = fault_env(files);
  const int steps = ::open((folder / "steps").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ASSERT_GE(steps, 0);
  auto store = RocksStore::open(folder / "store", small_options(env.get()));
  ASSERT_TRUE(store) << store.error().text();
  ASSERT_EQ(play().run(**store, [&](size_t) { ASSERT_EQ(::write(steps, "x", 1), 1); }), play().steps());
}

TEST(StoreFaults, KilledAtEveryWriteSyncAndRename) {
  const uint64_t total = calls_of_play(changing_ops());
  size_t killed = 0;
  const auto tried = places(total, 50);
  for (const uint64_t call : tried) {
    const bool torn = call % 2 == 0;
    SCOPED_TRACE("killed at call " + std::to_string(call) + " of " + std::to_string(total) + (torn ? ", torn" : ""));
    const TempFolder folder;
    const pid_t child = start_player(folder.path(), call, torn);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    // The last calls are made or not as the threads of RocksDB have it.
    if (WIFSIGNALED(status)) {
      ASSERT_EQ(WTERMSIG(status), SIGKILL);
      ++killed;
    } else {
      ASSERT_EQ(WEXITSTATUS(status), 0);
    }
    std::error_code none;
    const auto steps = std::filesystem::file_size(folder / "steps", none);
    ASSERT_NO_FATAL_FAILURE(expect_prefix(folder, none ? 0 : steps, (none ? 0 : steps) + 1));
  }
  EXPECT_GT(killed, tried.size() * 9 / 10);
}

// ---- the power is cut

void cut_power_everywhere(Loss loss, uint64_t count) {
  const uint64_t total = calls_of_play(changing_ops());
  for (const uint64_t call : places(total, count)) {
    SCOPED_TRACE("power cut at call " + std::to_string(call) + " of " + std::to_string(total) +
                 ", LATTICE_SEED=" + std::to_string(test_seed()));
    const TempFolder folder;
    FaultPlan plan{Fault::power_cut, call, changing_ops()};
    plan.torn = call % 2 == 0;
    FaultDisk disk(folder, plan);
    size_t steps = 0;
    {
      auto store = RocksStore::open(folder / "store", small_options(disk.env.get()));
      if (store) steps = play().run(**store);
    }
    SCOPED_TRACE(disk.files->hit());
    disk.files->lose(loss, test_seed() + call);
    ASSERT_NO_FATAL_FAILURE(expect_prefix(folder, play().synced(steps), steps + 1));
  }
}

TEST(StoreFaults, PowerCutLosesWhatWasNotSynced) { cut_power_everywhere(Loss::all, 40); }
TEST(StoreFaults, PowerCutTearsWhatWasNotSynced) { cut_power_everywhere(Loss::torn, 60); }
TEST(StoreFaults, PowerCutLeavesHolesInWhatWasNotSynced) { cut_power_everywhere(Loss::holes, 60); }

// ---- calls fail

struct Failing {
  const char* name = nullptr;
  Fault fault{};
  FileOps ops;
  const char* words = nullptr;  // that the operator must be told, where the store cannot be opened
};

// Whatever fails: the chain is told store_failed, and a later process goes on from all that was acknowledged. A fault of one call
// is not even noticed, once the store is open.
void fail_everywhere(const Failing& failing, uint64_t count) {
  const uint64_t total = calls_of_play(failing.ops);
  ASSERT_GT(total, 20u);
  size_t unopened = 0, stopped = 0, unharmed = 0;
  for (const uint64_t call : places(total, count)) {
    for (const bool lasting : {false, true}) {
      const TempFolder folder;
      FaultPlan plan{failing.fault, call, failing.ops, lasting};
      plan.torn = call % 2 == 0;
      FaultDisk disk(folder, plan);
      size_t steps = 0;
      {
        auto store = RocksStore::open(folder / "store", small_options(disk.env.get()));
        SCOPED_TRACE(disk.files->hit());
        if (!store) {
          ++unopened;
          EXPECT_NE(store.error().text().find(failing.words), std::string::npos) << store.error().text();
          EXPECT_FALSE(store.error().advice.empty()) << store.error().text();
        } else {
          steps = play().run(**store);
          ++(steps < play().steps() ? stopped : unharmed);
          if (steps < play().steps()) {
            EXPECT_TRUE(lasting) << disk.files->hit() << ", after " << steps << " steps: " << (*store)->failure();
            EXPECT_NE((*store)->failure(), "");
          }
        }
      }
      SCOPED_TRACE(std::string(failing.name) + (lasting ? " from call " : " at call ") + std::to_string(call) + " of " +
                   std::to_string(total) + " (" + disk.files->hit() + "), LATTICE_SEED=" + std::to_string(test_seed()));
      ASSERT_NO_FATAL_FAILURE(expect_prefix(folder, steps, steps + 1));
    }
  }
  std::printf("%s: %zu not opened, %zu stopped, %zu unharmed\n", failing.name, unopened, stopped, unharmed);
  EXPECT_GT(unopened, 0u);
  EXPECT_GT(stopped, 0u);
  EXPECT_GT(unharmed, 0u);
}

TEST(StoreFaults, NoSpaceAtEveryCall) {
  fail_everywhere({"no space", Fault::no_space, changing_ops(), "the disk is full"}, 30);
}
TEST(StoreFaults, IoErrorAtEveryCall) {
  fail_everywhere({"I/O error", Fault::io_error, all_ops(), "check the folder and its disk"}, 40);
}
// RocksDB words a fault of one of these as if another program had made the store.
TEST(StoreFaults, IoErrorAtEveryOpen) {
  fail_everywhere({"I/O error of an open", Fault::io_error, opening_ops(), "check the folder and its disk"}, 60);
}
TEST(StoreFaults, NoDescriptorAtEveryCall) {
  fail_everywhere({"no descriptor", Fault::no_descriptor, opening_ops(), "ulimit -n"}, 20);
}

// ---- damage at rest

struct Outcomes {
  size_t refused = 0, shortened = 0, harmless = 0;
};

// A copy of `from` with the file `name` changed, or without it. Files are never written in place: links will do for the others.
void copy_with(const std::filesystem::path& from, const std::filesystem::path& to, const std::string& name,
               const std::optional<std::string>& content) {
  std::filesystem::create_directory(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const std::string other = entry.path().filename().string();
    if (other != name && other != "LOCK") std::filesystem::create_hard_link(entry.path(), to / other);
  }
  if (content) std::ofstream(to / name, std::ios::binary) << *content;
}

// Every body is right, or there is an error, or the store is said not to have it and does not (`least` is how much it holds).
void expect_no_lie(const RocksStore& store, bool all_there, Outcomes& outcomes) {
  size_t errors = 0;
  for (const auto* branch : {&play().losing(), &play().winning()}) {
    for (size_t height = 1; height < branch->size(); ++height) {
      const Bytes& block = (*branch)[height];
      const auto body = store.read(Column::bodies, bitcoin::test::hash_of_block(block).view());
      if (!body) {
        EXPECT_EQ(body.error().code, ErrorCode::store_failed);
        ++errors;
      } else if (*body) {
        EXPECT_TRUE(equal((*body)->view(), block)) << height;
      } else {
        EXPECT_FALSE(all_there) << height;
      }
    }
  }
  ++(errors > 0 ? outcomes.refused : all_there ? outcomes.harmless : outcomes.shortened);
}

void open_damaged(const TempFolder& all, Outcomes& outcomes) {
  const FaultDisk disk(all);
  auto store = RocksStore::open(all / "damaged", small_options(disk.env.get()));
  if (!store) {
    ++outcomes.refused;
    EXPECT_NE(store.error().text().find("syncs anew"), std::string::npos) << store.error().text();
    return;
  }
  const auto held = digest_of(**store);
  const auto loaded = Driver(Play::chain_options(), **store).load();
  if (!held) {
    EXPECT_EQ(held.error().code, ErrorCode::store_failed);
    EXPECT_NE((*store)->failure(), "");
    return expect_no_lie(**store, true, outcomes);
  }
  const auto steps = play().prefix(*held, 0, play().steps());
  if (!steps && loaded.failed) {  // a log is gone, and the chain has seen that what follows stands on nothing
    EXPECT_EQ(loaded.failed->code, ErrorCode::store_failed);
    ++outcomes.refused;
    return;
  }
  ASSERT_FALSE(loaded.failed) << loaded.failed->where;
  expect_no_lie(**store, play().same_as_end(*held), outcomes);
  if (!play().same_as_end(*held)) expect_goes_on(**store);
}

TEST(StoreFaults, DamagedAndMissingFilesAreRepairedOrRefused) {
  const TempFolder all;
  {
    const FaultDisk disk(all);
    auto store = RocksStore::open(all / "store", small_options(disk.env.get()));
    ASSERT_TRUE(store) << store.error().text();
    ASSERT_EQ(play().run(**store), play().steps());
  }
  SeededRng rng(test_seed());
  const size_t tries = std::getenv("LATTICE_EVERY_FAULT") ? 400 : is_sanitized ? 4 : 12;
  std::map<std::string, Outcomes> by_kind;
  for (const auto& entry : std::filesystem::directory_iterator(all / "store")) {
    const std::string name = entry.path().filename().string();
    const std::string kind = name.substr(name[0] <= '9' ? name.find('.') : 0, name[0] <= '9' ? std::string::npos : 4);
    if (kind == "LOCK" || kind == "LOG" || kind == "LOG." || kind == "OPTI") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(in)), {});
    for (size_t i = 0; i <= tries; ++i) {
      // A flipped bit, a sector of zeroes, and at last the file gone.
      std::optional<std::string> changed = content;
      const size_t at = content.empty() ? 0 : rng.below(content.size());
      if (i == tries || content.empty()) {
        changed.reset();
      } else if (i % 3 == 2 && content.size() > 4096 && kind != "MANI") {
        const size_t sector = at / 512 * 512;
        changed->replace(sector, std::min<size_t>(512, content.size() - sector), std::min<size_t>(512, content.size() - sector),
                         '\0');
      } else {
        (*changed)[at] = static_cast<char>((*changed)[at] ^ (1 << rng.below(8)));
      }
      SCOPED_TRACE(name + (changed ? " changed at " + std::to_string(at) : " gone") +
                   ", LATTICE_SEED=" + std::to_string(test_seed()));
      copy_with(all / "store", all / "damaged", name, changed);
      ASSERT_NO_FATAL_FAILURE(open_damaged(all, by_kind[kind]));
      std::filesystem::remove_all(all / "damaged");
    }
  }
  for (const auto& [kind, outcomes] : by_kind) {
    std::printf("%s: %zu refused, %zu shortened, %zu harmless\n", kind.c_str(), outcomes.refused, outcomes.shortened,
                outcomes.harmless);
  }
  for (const char* kind : {"CURR", "MANI", ".sst", ".blob"}) EXPECT_GT(by_kind[kind].refused, 0u) << kind;
  EXPECT_GT(by_kind[".log"].shortened, 0u);
}

// RocksDB alone would make an empty database of it, and remove what the old one held.
TEST(StoreFaults, AStoreThatHasLostItsRootIsNotBegunAnew) {
  const TempFolder all;
  const FaultDisk disk(all);
  {
    auto store = RocksStore::open(all / "store", small_options(disk.env.get()));
    ASSERT_TRUE(store) << store.error().text();
    ASSERT_EQ(play().run(**store), play().steps());
  }
  const auto current = all.path() / "store" / "CURRENT";
  std::filesystem::rename(current, all / "current");
  const auto refused = RocksStore::open(all / "store", small_options(disk.env.get()));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("CURRENT is gone"), std::string::npos) << refused.error().text();
  EXPECT_NE(refused.error().text().find("syncs anew"), std::string::npos) << refused.error().text();
  std::filesystem::rename(all / "current", current);  // somebody had a copy
  auto store = RocksStore::open(all / "store", small_options(disk.env.get()));
  ASSERT_TRUE(store) << store.error().text();
  expect_goes_on(**store);
}

}  // namespace
}  // namespace lattice::test
