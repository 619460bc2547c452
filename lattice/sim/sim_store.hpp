// A node's disk in the simulated world: memory that survives the process, and loses what was not synced when the power is cut.
// It can be full, slow, a liar or damaged.
//
// A batch is there whole or not at all, also after a power cut in the middle of it: as RocksDB's log has it.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include <lattice/base/random.hpp>
#include <lattice/base/time.hpp>
#include <lattice/node/memory_store.hpp>

namespace lattice::sim {

class SimStore final : public Store {
 public:
  SimStore() = default;
  // Begins with what `filled` holds, all of it on the medium. Disks that begin alike share it.
  explicit SimStore(std::shared_ptr<const MemoryStore> filled) : base_(std::move(filled)) {}
  explicit SimStore(const MemoryStore& filled) : base_(std::make_shared<const MemoryStore>(filled)) {}

  Result<void> commit(const Batch& batch) override;
  Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override;
  Result<void> scan(Column column, const std::function<bool(ByteView, ByteView)>& visit) const override;

  // The newest batches after the last synced one are gone; older ones were written out in between.
  void cut_power();
  // A full disk: commits fail, until it is told otherwise.
  void fail_commits(bool fail) { failing_ = fail; }
  bool failing() const { return failing_; }
  // It says that it has synced and has not.
  void lie(bool lying) { lying_ = lying; }
  // Each command and each read of a body takes so much longer.
  void slow_down(Duration by) { slowness_ = by; }
  Duration slowness() const { return slowness_; }
  // Flips a bit in that share of the values that are there now; gives how many. CRC-32C catches every single flipped bit, so a
  // damaged value is one that cannot be read (store_failed), until it is written anew.
  size_t flip_bits(double share, Rng& rng);
  bool damaged() const;

  uint64_t commits() const { return commits_; }

 private:
  static constexpr size_t unsynced_batches_max = 64;

  using Value = std::optional<SharedBytes>;  // empty: erased
  using Changes = std::map<Bytes, Value, std::less<>>;
  // What a batch covered up: no value where the base showed through.
  struct Before {
    Column column;
    Bytes key;
    std::optional<Value> value;
  };

  void change(Column column, const Bytes& key, Value value, std::vector<Before>& undo);

  std::shared_ptr<const MemoryStore> base_;
  std::array<Changes, column_count> changes_;
  std::deque<std::vector<Before>> unsynced_;
  std::array<std::set<Bytes>, column_count> damaged_;
  bool failing_ = false, lying_ = false;
  Duration slowness_{};
  uint64_t commits_ = 0;
};

}  // namespace lattice::sim
