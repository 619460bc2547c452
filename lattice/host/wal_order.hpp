// Ends the replay of a store's log where records are missing, so that what comes back is a prefix of what was committed.
//
// Why: after a power cut a log can end at the boundary of two records, or hold zeroes for pages that never reached the medium.
// RocksDB 7.8 takes both for the log's natural end or for padding, and goes on with what follows: newer batches without the
// older ones that they stand on (github.com/facebook/rocksdb/issues/12488). Records count up, so a gap shows. What does not show
// is the loss of the oldest log's beginning alone, up to where a record begins with a block of 32 KiB.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <rocksdb/wal_filter.h>

namespace lattice {

class WalOrder final : public rocksdb::WalFilter {
 public:
  // Before the database is opened.
  explicit WalOrder(const std::filesystem::path& folder);

  const char* Name() const override { return "lattice.WalOrder"; }
  // RocksDB's own: which log holds the oldest batch that is in no table yet, for each column family. There is one family.
  void ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>& log_of_family,
                                const std::map<std::string, uint32_t>& family_of_name) override;
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& name, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch, bool* batch_changed) override;

 private:
  bool is_first(uint64_t log, uint64_t number) const;

  std::set<uint64_t> logs_;  // that lie in the folder
  uint64_t oldest_log_ = 0;
  uint64_t next_ = 0;  // number that the next record must have; 0 before the first
  bool gap_ = false;
};

}  // namespace lattice
