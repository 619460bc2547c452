#include <lattice/host/workers.hpp>

#include <iterator>

namespace lattice {

namespace {

constexpr size_t chain_bytes_max = 64 << 20;  // of blocks and headers that wait for the chain
constexpr size_t command_bytes = 4 << 10;     // what a command counts for beside its payload: at most 16,384 of them wait

size_t cost_of(const ChainCommand& command) {
  size_t bytes = command_bytes;
  if (const auto* block = std::get_if<SubmitBlock>(&command)) bytes += block->block.size();
  if (const auto* message = std::get_if<SubmitConsensus>(&command)) bytes += message->message.size();
  if (const auto* headers = std::get_if<SubmitHeaders>(&command)) {
    for (const auto& header : headers->headers) bytes += header.size();
  }
  return bytes;
}

}  // namespace

WorkerPool::WorkerPool(size_t threads, size_t cost_max, std::function<void()> on_relief)
    : cost_max_(cost_max), on_relief_(std::move(on_relief)) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void WorkerPool::submit(size_t cost, Job job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({cost, std::move(job)});
    cost_ += cost;
    if (cost_ >= cost_max_) busy_ = true;
  }
  wake_.notify_one();
}

bool WorkerPool::busy() const {
  const std::lock_guard lock(mutex_);
  return busy_;
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    {
      Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      next.job();
      next.job = nullptr;  // what it owned is freed before its cost is
      lock.lock();
      cost_ -= next.cost;
    }
    if (busy_ && cost_ <= cost_max_ / 2) {
      busy_ = false;
      lock.unlock();
      on_relief_();
      lock.lock();
    }
  }
}

ChainWorker::ChainWorker(Chain& chain, Store& store, std::function<Now()> clock, Post post, OnEvents on_events,
                         std::function<void()> on_relief)
    : chain_(chain),
      store_(store),
      clock_(std::move(clock)),
      post_(std::move(post)),
      on_events_(std::move(on_events)),
      pool_(1, chain_bytes_max, std::move(on_relief)) {}

void ChainWorker::submit(ChainCommand command) {
  const size_t cost = cost_of(command);
  pool_.submit(cost, [this, command = std::move(command)] { apply(command); });
}

void ChainWorker::apply(const ChainCommand& command) {
  ChainEvents events = chain_.apply(command, store_, clock_());
  if (events.empty()) return;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = ready_.empty();
    ready_.insert(ready_.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
  }
  if (first) post_([this] { deliver(); });
}

void ChainWorker::deliver() {
  ChainEvents events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(ready_);
  }
  on_events_(std::move(events));
}

}  // namespace lattice
