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

namespace rocksdb {
class Env;
}

namespace lattice {

struct RocksStoreOptions {
  rocksdb::Env* env = nullptr;       // what files lie on; none: the machine's. Must outlive the store and what was read from it
  size_t memtable_bytes = 64 << 20;  // how much is held in memory before it is written as a table
  size_t tables_before_compaction = 4;
};

class RocksStore final : public Store {
 public:
  // Makes the folder where it is missing. What it finds is a prefix of what was committed: all of it after kill -9, all that was
  // synced or flushed after a power cut. Damage that its checksums show in the log ends that prefix, elsewhere it is an error of
  // this, read or scan. One process at a time. Errors: locked by another process, no space, no permission,
  // not a store of ours, damaged.
  static HostResult<std::unique_ptr<RocksStore>> open(const std::filesystem::path& folder,
                                                      const RocksStoreOptions& options = {});
  ~RocksStore() override;

  // Where the disk fails, opens the database anew and tries once more: a fault that passes is not noticed. After store_failed the
  // next commit does so again; whether the batch has reached the log is then known only to the next start.
  Result<void> commit(const Batch& batch) override;
  // The value stays where RocksDB put it: SharedBytes keeps that alive, also after the store has gone.
  Result<std::optional<SharedBytes>> read(Column column, ByteView key) const override;
  // `visit` must not use the store: it runs under a lock.
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
