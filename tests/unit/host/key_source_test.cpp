#include <lattice/host/key_source.hpp>

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

namespace lattice {
namespace {

using namespace std::chrono_literals;

NodeId node(uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  return id;
}

// Answers when it is let, with what it is told.
class SlowSource final : public KeySource {
 public:
  KeyResult<OutsideKey> fetch(const NodeId&, const std::optional<KeyId>& id) override {
    std::unique_lock lock(mutex_);
    ++asked_;
    wake_.notify_all();
    wake_.wait(lock, [this] { return free_ || interrupted_; });
    if (interrupted_) return std::unexpected(KeyError{KeyFault::stopped, "the node ends"});
    if (!id) return std::unexpected(KeyError{KeyFault::used_up, "none left"});
    return OutsideKey{*id, Secret<32>(Bytes(32, (*id)[0]))};
  }
  std::vector<KeyStock> stock() override {
    return {{node(1), 7}, {NodeId{}, std::unexpected(KeyError{KeyFault::timeout, "late"})}};
  }
  void interrupt() override {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    wake_.notify_all();
  }
  void let() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    wake_.notify_all();
  }
  void wait_asked(int times) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return asked_ >= times; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool free_ = false, interrupted_ = false;
  int asked_ = 0;
};

class Lines final : public LogSink {
 public:
  bool wants(LogLevel) const override { return true; }
  void log(const LogEvent& event) override {
    std::string line(event.name);
    for (const auto& [key, value] : event.fields) line += " " + std::string(key) + "=" + value;
    lines.push_back(line);
  }
  std::vector<std::string> lines;
};

// The reactor's queue: posted jobs run when the test says so.
class Queue {
 public:
  Post post() {
    return [this](Job job) {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      wake_.notify_all();
    };
  }
  void run(size_t count) {
    for (; count > 0; --count) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
};

struct Desk {
  Lines log;
  Queue queue;
  SlowSource* source = new SlowSource;
  KeyThread thread{std::unique_ptr<KeySource>(source), queue.post(), log};
  std::vector<std::optional<KeyId>> answers;

  void ask(const std::optional<KeyId>& id) {
    thread.fetch({node(1), id}, [this](const std::optional<OutsideKey>& key) {
      answers.push_back(key ? std::optional(key->id) : std::nullopt);
    });
  }
  uint64_t failed(KeyFault fault) const { return thread.counts().failed[static_cast<size_t>(fault)]; }
};

TEST(KeyThread, AnswersOnTheOtherThreadAndCounts) {
  Desk desk;
  desk.source->let();
  desk.ask(KeyId{1});
  desk.ask(std::nullopt);
  desk.ask(KeyId{0, 2});  // its key is all zero
  EXPECT_TRUE(desk.answers.empty());
  desk.queue.run(3);
  EXPECT_EQ(desk.answers, (std::vector<std::optional<KeyId>>{KeyId{1}, {}, {}}));
  EXPECT_EQ(desk.thread.counts().fetched, 1u);
  EXPECT_EQ(desk.failed(KeyFault::used_up), 1u);
  EXPECT_EQ(desk.failed(KeyFault::zero_key), 1u);
  ASSERT_EQ(desk.log.lines.size(), 2u);
  EXPECT_TRUE(desk.log.lines[0].starts_with("outside_key_failed fault=used_up peer=lat1")) << desk.log.lines[0];
  EXPECT_TRUE(desk.log.lines[0].ends_with("why=none left"));
}

TEST(KeyThread, AFullQueueIsAnEmptyAnswerSoon) {
  Desk desk;
  constexpr size_t most = key_thread_limits::requests_max;
  for (size_t i = 0; i < most; ++i) desk.ask(KeyId{1});
  desk.source->wait_asked(1);
  for (int i = 0; i < 1000; ++i) desk.ask(KeyId{2});
  desk.queue.run(1000);  // though the source has not answered anybody
  EXPECT_EQ(desk.failed(KeyFault::queue_full), 1000u);
  EXPECT_EQ(desk.log.lines.size(), 1u) << "a flood of requests is no flood of lines";
  desk.source->let();
  desk.queue.run(most);
  EXPECT_EQ(desk.thread.counts().fetched, most);
  desk.ask(KeyId{3});
  desk.queue.run(1);
  EXPECT_EQ(desk.answers.back(), KeyId{3});
}

TEST(KeyThread, EndsThoughItsSourceWaits) {
  Queue queue;
  Lines log;
  auto* source = new SlowSource;
  std::optional<KeyThread> thread(std::in_place, std::unique_ptr<KeySource>(source), queue.post(), log);
  bool answered = false;
  for (int i = 0; i < 5; ++i) thread->fetch({node(1), std::nullopt}, [&](const auto&) { answered = true; });
  source->wait_asked(1);
  thread.reset();  // would wait for ever if the source did
  EXPECT_FALSE(answered);
}

TEST(KeyThread, SaysWhatThereIs) {
  Desk desk;
  desk.thread.log_stock();
  desk.queue.run(1);
  ASSERT_EQ(desk.log.lines.size(), 2u);
  EXPECT_TRUE(desk.log.lines[0].ends_with(" unused=7"));
  EXPECT_EQ(desk.log.lines[1], "outside_keys peer=any fault=timeout why=late");
}

TEST(KeyFault, EachHasAName) {
  for (size_t i = 0; i < key_fault_count; ++i) EXPECT_NE(key_fault_name(static_cast<KeyFault>(i)), "unknown");
}

}  // namespace
}  // namespace lattice
