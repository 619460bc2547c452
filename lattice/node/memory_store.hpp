// A store that forgets: for the simulator, for tests, and under a lock for nodes that keep no files.
//
// No locks and no threads of its own: whoever shares one between threads puts a lock around it. Values are kept as they come,
// so a body that views a larger buffer keeps that buffer alive.
#pragma once

#include <array>
#include <map>

#include <lattice/node/store.hpp>

namespace lattice {

class MemoryStore final : public Store {
 public:
  // Puts first, then erases; a key that is put twice holds the later value. Never fails.
  Result<void> commit(const Batch& batch) override;
  Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override;
  Result<void> scan(Column column, const std::function<bool(ByteView key, ByteView value)>& visit) const override;

  size_t entries(Column column) const { return columns_[static_cast<size_t>(column)].size(); }

 private:
  std::array<std::map<Bytes, SharedBytes>, column_count> columns_;
};

}  // namespace lattice
