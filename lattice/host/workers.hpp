// Threads for what is slow: handshake signatures, the chain's checks, reading bodies. Jobs own what they touch; their results
// go back to the reactor by `Post`, the only door between the two sides.
//
// Bounded without ever blocking the reactor: a pool takes every job, but says `busy` from its high-water mark on until half of
// it has been worked off, and while any pool is busy the host reads no socket. Since all work comes out of what sockets
// brought, a queue holds at most its mark and what one read of each connection had started.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <lattice/node/effect.hpp>

namespace lattice {

using Job = std::move_only_function<void()>;
// Runs a job on the reactor's thread, soon. Any thread.
using Post = std::function<void(Job)>;

class WorkerPool {
 public:
  // `cost_max`: the high-water mark, in the unit of submit's cost. `on_relief`: called by a worker when the pool stops being
  // busy.
  WorkerPool(size_t threads, size_t cost_max, std::function<void()> on_relief);
  // Ends after the jobs that run now; those that wait are dropped.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // In order; with one thread also finished in order.
  void submit(size_t cost, Job job);
  bool busy() const;

 private:
  struct Waiting {
    size_t cost;
    Job job;
  };
  void run();

  const size_t cost_max_;
  const std::function<void()> on_relief_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  size_t cost_ = 0;  // of waiting and running jobs
  bool busy_ = false;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// The chain's thread: commands in the order given, events back in that order. While the reactor is behind, several commands'
// events arrive as one batch.
class ChainWorker {
 public:
  using OnEvents = std::function<void(ChainEvents)>;  // on the reactor's thread
  ChainWorker(Chain& chain, Store& store, std::function<Now()> clock, Post post, OnEvents on_events,
              std::function<void()> on_relief);

  void submit(ChainCommand command);
  bool busy() const { return pool_.busy(); }

 private:
  void apply(const ChainCommand& command);
  void deliver();

  Chain& chain_;
  Store& store_;
  const std::function<Now()> clock_;
  const Post post_;
  const OnEvents on_events_;
  std::mutex mutex_;
  ChainEvents ready_;  // not yet taken by the reactor; not empty: a delivery is on its way
  WorkerPool pool_;    // last: its thread uses all of the above
};

}  // namespace lattice
