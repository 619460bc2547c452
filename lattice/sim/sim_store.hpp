// A node's disk in the simulated world: memory that survives the process, and loses what was not synced when the power is cut.
#pragma once

#include <deque>

#include <lattice/node/memory_store.hpp>

namespace lattice::sim {

class SimStore final : public Store {
 public:
  SimStore() = default;
  // Begins with what `filled` holds, all of it on the medium.
  explicit SimStore(const MemoryStore& filled) : seen_(filled), medium_(filled) {}

  Result<void> commit(const Batch& batch) override;
  Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override { return seen_.read(column, key); }
  Result<void> scan(Column column, const std::function<bool(ByteView, ByteView)>& visit) const override {
    return seen_.scan(column, visit);
  }

  // The newest batches after the last synced one are gone; older ones were written out in between.
  void cut_power();
  // The next commits fail until it is told otherwise: a full disk.
  void fail_commits(bool fail) { failing_ = fail; }
  uint64_t commits() const { return commits_; }

 private:
  static constexpr size_t unsynced_batches_max = 64;

  MemoryStore seen_, medium_;
  std::deque<Batch> unsynced_;
  bool failing_ = false;
  uint64_t commits_ = 0;
};

}  // namespace lattice::sim
