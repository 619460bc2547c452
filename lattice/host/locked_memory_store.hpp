// The memory store for --in-memory: the simulator's one, made safe for the chain worker and the readers at once.
#pragma once

#include <mutex>
#include <shared_mutex>

#include <lattice/node/memory_store.hpp>

namespace lattice {

class LockedMemoryStore final : public Store {
 public:
  Result<void> commit(const Batch& batch) override {
    const std::unique_lock lock(mutex_);
    return store_.commit(batch);
  }
  Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override {
    const std::shared_lock lock(mutex_);
    return store_.read(column, key);
  }
  // `visit` must not commit: it runs under the lock.
  Result<void> scan(Column column, const std::function<bool(ByteView key, ByteView value)>& visit) const override {
    const std::shared_lock lock(mutex_);
    return store_.scan(column, visit);
  }

 private:
  mutable std::shared_mutex mutex_;
  MemoryStore store_;
};

}  // namespace lattice
