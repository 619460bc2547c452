// Where a chain keeps what it must not lose: RocksDB in the real world, memory with faults in the simulated one.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <lattice/base/bytes.hpp>
#include <lattice/base/result.hpp>

namespace lattice {

// Bodies are large and written once (BlobDB); headers are small and read all at start; peers holds what the node itself learns.
enum class Column : uint8_t { meta, headers, bodies, peers };
constexpr size_t column_count = 4;

// Written whole or not at all.
struct Batch {
  struct Put {
    Column column;
    Bytes key;
    SharedBytes value;
  };
  struct Erase {
    Column column;
    Bytes key;
  };
  std::vector<Put> puts;
  std::vector<Erase> erases;
  bool sync =
      false;  // on the medium before commit returns; else a power cut (never a kill) may lose the newest batches, in order

  bool empty() const { return puts.empty() && erases.empty(); }
  size_t bytes() const;
};

class Store {
 public:
  virtual ~Store() = default;
  // One writer at a time. store_failed: nothing of the batch is visible.
  virtual Result<void> commit(const Batch& batch) = 0;
  // Empty where the key is not there. Any thread, also while another commits. `read` and `scan` see whole batches only.
  virtual Result<std::optional<SharedBytes>> read(Column column, ByteView key) const = 0;
  // Every entry of a column in key order, until `visit` returns false.
  virtual Result<void> scan(Column column, const std::function<bool(ByteView key, ByteView value)>& visit) const = 0;
};

}  // namespace lattice
