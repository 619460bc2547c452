#include <lattice/node/memory_store.hpp>

namespace lattice {

Result<void> MemoryStore::commit(const Batch& batch) {
  for (const auto& put : batch.puts) columns_[static_cast<size_t>(put.column)].insert_or_assign(put.key, put.value);
  for (const auto& erase : batch.erases) columns_[static_cast<size_t>(erase.column)].erase(erase.key);
  return {};
}

Result<std::optional<SharedBytes>> MemoryStore::read(Column column, ByteView key) const {
  const auto& entries = columns_[static_cast<size_t>(column)];
  const auto found = entries.find(to_bytes(key));
  if (found == entries.end()) return std::optional<SharedBytes>{};
  return std::optional<SharedBytes>{found->second};
}

Result<void> MemoryStore::scan(Column column, const std::function<bool(ByteView key, ByteView value)>& visit) const {
  for (const auto& [key, value] : columns_[static_cast<size_t>(column)]) {
    if (!visit(key, value.view())) break;
  }
  return {};
}

}  // namespace lattice
