#include <lattice/host/workers.hpp>

#include <algorithm>
#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include <lattice/host/locked_memory_store.hpp>

namespace lattice {
namespace {

void nothing() {}

TEST(WorkerPool, RunsEveryJobAndOneThreadKeepsTheirOrder) {
  std::vector<int> order;
  std::promise<void> last;
  {
    WorkerPool pool(1, 10, nothing);
    for (int i = 0; i < 100; ++i) pool.submit(1, [&order, i] { order.push_back(i); });
    pool.submit(1, [&] { last.set_value(); });
    last.get_future().wait();
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(WorkerPool, RunsJobsSideBySide) {
  WorkerPool pool(2, 10, nothing);
  // Each waits for the other: with one thread this would never end.
  std::promise<void> first, second, done;
  pool.submit(1, [&] {
    first.set_value();
    second.get_future().wait();
    done.set_value();
  });
  pool.submit(1, [&] {
    first.get_future().wait();
    second.set_value();
  });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(WorkerPool, IsBusyFromItsMarkUntilHalfOfIt) {
  std::promise<void> relieved;
  std::promise<void> gates[5];
  WorkerPool pool(1, 4, [&] { relieved.set_value(); });
  for (auto& gate : gates) pool.submit(1, [opened = gate.get_future().share()] { opened.wait(); });
  EXPECT_TRUE(pool.busy());  // five wait or run, four are the mark
  auto relief = relieved.get_future();
  gates[0].set_value();
  gates[1].set_value();
  EXPECT_EQ(relief.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);  // three: still above the half
  EXPECT_TRUE(pool.busy());
  gates[2].set_value();
  ASSERT_EQ(relief.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_FALSE(pool.busy());
  gates[3].set_value();
  gates[4].set_value();
}

TEST(WorkerPool, CountsCostNotJobs) {
  std::promise<void> gate;
  const auto opened = gate.get_future().share();
  WorkerPool pool(1, 1000, nothing);
  pool.submit(400, [opened] { opened.wait(); });
  EXPECT_FALSE(pool.busy());
  pool.submit(600, [] {});
  EXPECT_TRUE(pool.busy());
  gate.set_value();
}

TEST(WorkerPool, EndsWithTheRunningJobAndDropsTheOthers) {
  std::atomic<int> ran = 0;
  const auto owned = std::make_shared<int>(1);
  {
    std::promise<void> started;
    WorkerPool pool(1, 10, nothing);
    pool.submit(1, [&] {
      started.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      ++ran;
    });
    started.get_future().wait();
    for (int i = 0; i < 5; ++i) pool.submit(1, [&ran, owned] { ++ran; });
  }
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(owned.use_count(), 1);
}

// A chain that answers FindMissing with as many blocks as it was asked for, and nothing else.
class CountingChain final : public Chain {
 public:
  const ChainIdentity& identity() const override { return identity_; }
  ChainEvents apply(const ChainCommand& command, Store& store, Now) override {
    const auto* find = std::get_if<FindMissing>(&command);
    if (!find) return {};
    EXPECT_TRUE(store.commit({{{Column::meta, Bytes{1}, SharedBytes(Bytes{static_cast<uint8_t>(find->above)})}}, {}}));
    return {MissingFound{find->request, {BlockRef{{}, find->above}}}};
  }

 private:
  ChainIdentity identity_;
};

TEST(ChainWorker, AnswersInOrderAndSeveralAtOnceWhereTheReactorIsBehind) {
  CountingChain chain;
  LockedMemoryStore store;
  std::mutex mutex;
  std::vector<Job> posted;  // what the reactor has not yet come to
  std::vector<uint64_t> seen;
  size_t batches = 0;
  const auto post = [&](Job job) {
    const std::lock_guard lock(mutex);
    posted.push_back(std::move(job));
  };
  const auto on_events = [&](ChainEvents events) {
    ++batches;
    for (const auto& event : events) seen.push_back(std::get<MissingFound>(event).request.value);
  };
  ChainWorker worker(chain, store, [] { return Now{}; }, post, on_events, nothing);
  const auto react = [&] {
    std::vector<Job> jobs;
    {
      const std::lock_guard lock(mutex);
      jobs.swap(posted);
    }
    for (auto& job : jobs) job();
  };
  for (uint64_t i = 0; i < 200; ++i) {
    worker.submit(FindMissing{{i}, i, 1});
    worker.submit(ChainTick{});
  }
  // The reactor sleeps until the last command has been applied.
  while (true) {
    const auto value = store.read(Column::meta, Bytes{1});
    if (*value && (**value).data()[0] == 199) break;
    std::this_thread::yield();
  }
  while (seen.size() < 200) react();
  for (uint64_t i = 0; i < 200; ++i) EXPECT_EQ(seen[i], i);
  EXPECT_LE(batches, 3u);
}

TEST(ChainWorker, IsBusyWithMoreBlocksThanItMayHold) {
  class SlowChain final : public Chain {
   public:
    explicit SlowChain(std::shared_future<void> gate) : gate_(std::move(gate)) {}
    const ChainIdentity& identity() const override { return identity_; }
    ChainEvents apply(const ChainCommand&, Store&, Now) override {
      gate_.wait();
      return {};
    }

   private:
    std::shared_future<void> gate_;
    ChainIdentity identity_;
  };
  std::promise<void> gate, relieved;
  SlowChain chain(gate.get_future().share());
  LockedMemoryStore store;
  ChainWorker worker(chain, store, [] { return Now{}; }, [](Job) {}, [](ChainEvents) {}, [&] { relieved.set_value(); });
  const SharedBytes block(Bytes(4 << 20));
  for (int i = 0; i < 15; ++i) worker.submit(SubmitBlock{{1}, block});
  EXPECT_FALSE(worker.busy());
  worker.submit(SubmitBlock{{1}, block});
  EXPECT_TRUE(worker.busy());
  gate.set_value();
  EXPECT_EQ(relieved.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_FALSE(worker.busy());
}

}  // namespace
}  // namespace lattice
