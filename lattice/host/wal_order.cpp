#include <lattice/host/wal_order.hpp>

#include <cstdlib>

#include <rocksdb/write_batch.h>

namespace lattice {

namespace {

// RocksDB's format of a batch: sequence number of its first entry 8 little-endian, count of entries 4, entries.
uint64_t first_number(const rocksdb::WriteBatch& batch) {
  const std::string& bytes = batch.Data();
  uint64_t number = 0;
  for (size_t i = 8; i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

}  // namespace

WalOrder::WalOrder(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    if (file->path().extension() == ".log") logs_.insert(std::strtoull(file->path().stem().c_str(), nullptr, 10));
  }
}

void WalOrder::ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>& log_of_family,
                                        const std::map<std::string, uint32_t>&) {
  for (const auto& [family, log] : log_of_family) oldest_log_ = log;
}

// A log is begun only when the one before has a record. A database without a table has no oldest log, and begins with number 1.
bool WalOrder::is_first(uint64_t log, uint64_t number) const {
  const auto oldest = logs_.lower_bound(oldest_log_);
  return oldest != logs_.end() && *oldest == log && (oldest_log_ != 0 || number == 1);
}

rocksdb::WalFilter::WalProcessingOption WalOrder::LogRecordFound(unsigned long long log, const std::string&,
                                                                 const rocksdb::WriteBatch& batch, rocksdb::WriteBatch*,
                                                                 bool*) {
  if (log < oldest_log_) return WalProcessingOption::kContinueProcessing;  // its records are in tables
  const uint64_t number = first_number(batch);
  if (next_ == 0 ? !is_first(log, number) : number != next_) gap_ = true;
  if (gap_) return WalProcessingOption::kStopReplay;
  next_ = number + batch.Count();
  return WalProcessingOption::kContinueProcessing;
}

}  // namespace lattice
