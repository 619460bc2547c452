// The store on RocksDB: one database in one folder, bodies in blob files.
//
// A batch goes to the write-ahead log before commit returns, all columns of it in one record: after kill -9 the newest record
// is either whole or gone, so a body and its index entry never part. Why the log for bodies too, which writes them twice:
// without it a body would be safe only when its memtable is flushed, long after the index that names it.
//
// All columns are one column family of RocksDB, told apart by the first byte of the key. Why: with several, RocksDB must bring
// the log to the medium before each flush, so that no family gets ahead of another; with one, the log of a bulk download is
// mostly deleted again before the kernel has written it to the disk, and bodies reach the disk once.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <lattice/host/host_error.hpp>
#include <lattice/node/store.hpp>

namespace lattice {

class RocksStore final : public Store {
 public:
  // Makes the folder where it is missing. One process at a time. Errors: locked by another process, no space, no permission,
  // not a store of ours, damaged.
  static HostResult<std::unique_ptr<RocksStore>> open(const std::filesystem::path& folder);
  ~RocksStore() override;

  Result<void> commit(const Batch& batch) override;
  // The value stays where RocksDB put it: SharedBytes keeps that alive, also after the store has gone.
  Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override;
  Result<void> scan(Column column, const std::function<bool(ByteView key, ByteView value)>& visit) const override;

  // Memtables to files, both synced: before a measurement, or so that the next start reads no log.
  Result<void> flush();
  // What the last store_failed was about, in RocksDB's words; empty where nothing failed. Any thread.
  std::string failure() const;

 private:
  struct State;
  explicit RocksStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lattice
