#include <lattice/host/rocks_store.hpp>

#include <mutex>
#include <shared_mutex>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <lattice/host/wal_order.hpp>

namespace lattice {

namespace {

constexpr size_t block_cache_bytes = 32 << 20;
// Three memtables: one fills, one is flushed, one waits while the disk is slow. More would only hide a slow disk for longer.
constexpr int memtables_max = 3;
constexpr size_t blob_bytes_min = 1024;  // a smaller value lives beside its key
constexpr size_t blob_file_bytes = 256 << 20;
constexpr int open_files_max = 256;

// First bytes of keys; on disk, so never given another meaning.
constexpr char column_letters[column_count] = {'m', 'h', 'b', 'p'};
constexpr const char* format_key = "format";  // no column's: 'f'
constexpr const char* format_value = "lattice-store-1";

rocksdb::Slice slice(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
ByteView view(const rocksdb::Slice& bytes) { return as_bytes({bytes.data(), bytes.size()}); }

// A column's key as RocksDB sees it: its letter, then the key.
class StoreKey {
 public:
  StoreKey(Column column, ByteView key) {
    text_.reserve(key.size() + 1);
    text_ += column_letters[static_cast<size_t>(column)];
    text_ += as_text(key);
  }
  rocksdb::Slice slice() const { return text_; }

 private:
  std::string text_;
};

// RocksDB's own log file would end the program where the disk is full: with assertions, as Debian builds it, it writes to a file
// that has failed. What goes wrong comes back as a status, which is told.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// After a fault the next commit opens the database anew. RocksDB would mend itself beside that when the disk is full, and a database
// that is closed just then may wait for ever (RocksDB issue 11440).
class NoOwnRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

void set_tables(rocksdb::Options& options, const RocksStoreOptions& given, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // most questions for a body are "do we have it": no
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;  // hashes and signatures do not shrink
  options.write_buffer_size = given.memtable_bytes;
  options.level0_file_num_compaction_trigger = static_cast<int>(given.tables_before_compaction);
  options.max_write_buffer_number = memtables_max;
  options.enable_blob_files = true;
  options.min_blob_size = blob_bytes_min;
  options.blob_file_size = blob_file_bytes;
  options.blob_compression_type = rocksdb::kNoCompression;
  options.enable_blob_garbage_collection = true;
}

rocksdb::Options store_options(const RocksStoreOptions& given, const std::shared_ptr<rocksdb::Cache>& cache, WalOrder& order) {
  rocksdb::Options options;
  if (given.env != nullptr) options.env = given.env;
  options.create_if_missing = true;
  options.max_open_files = open_files_max;
  options.max_background_jobs = 2;
  // After kill -9 the log ends in half a record: everything before it is taken, nothing after it.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.wal_filter = &order;
  options.manual_wal_flush = false;  // each batch reaches the kernel before commit returns
  options.bytes_per_sync = 4 << 20;  // blob files are written back evenly, not in one burst when they are closed
  options.wal_bytes_per_sync = 0;    // the log only where it must be
  options.info_log = std::make_shared<NoLog>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;
  options.listeners.push_back(std::make_shared<NoOwnRecovery>());
  set_tables(options, given, cache);
  return options;
}

HostError open_error(const std::filesystem::path& folder, const rocksdb::Status& status) {
  HostError error{"the store in " + folder.string() + " could not be opened", status.ToString(), ""};
  const std::string text = error.why;
  if (text.find("Too many open files") != std::string::npos || text.find("Direct I/O") != std::string::npos) {
    // RocksDB 7.8 speaks of direct I/O, which nobody asked for, where it could not open the file CURRENT.
    error.why = "its files could not be opened";
    error.advice = "raise the limit of open files (ulimit -n), and check the folder and its disk";
  } else if (status.IsNoSpace() || text.find("No space left") != std::string::npos) {
    error.why = "the disk is full";
    error.advice = "make room or give another --data folder";
  } else if (text.find("lock hold by current process") != std::string::npos ||
             text.find("Resource temporarily unavailable") != std::string::npos) {
    error.why = "another process uses it";
    error.advice = "stop the other node or give another --data folder";
  } else if (text.find("Permission denied") != std::string::npos || text.find("Read-only file system") != std::string::npos) {
    error.advice = "give a --data folder that this user may write";
  } else if (status.IsCorruption()) {
    error.advice = "its files are damaged: check the disk, then move the folder away and start again, which syncs anew";
  } else if (status.IsInvalidArgument() && text.find("IO error") == std::string::npos) {
    // A fault of the disk while CURRENT is read comes as "options incompatible", with the fault in its words.
    error.advice = "it was made by another program or a newer version: give another --data folder";
  } else {
    error.advice = "check the folder and its disk; where its files are gone, move it away and start again, which syncs anew";
  }
  return error;
}

// CURRENT names the root of all. Where it is gone RocksDB would begin an empty database and remove the files of the old one.
bool has_lost_its_root(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / "CURRENT", error)) return false;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    if (file->path().extension() == ".sst" || file->path().extension() == ".blob") return true;
  }
  return false;
}

// What a batch takes in the log, at most: reserved at once, since a body is large.
size_t record_bytes(const Batch& batch) {
  constexpr size_t entry_bytes = 16;  // type, column letter and two lengths
  size_t bytes = 64;
  for (const auto& put : batch.puts) bytes += entry_bytes + put.key.size() + put.value.size();
  for (const auto& erase : batch.erases) bytes += entry_bytes + erase.key.size();
  return bytes;
}

// What a SharedBytes of ours keeps alive: the pinned value and the cache that it may be pinned in.
struct PinnedValue {
  std::shared_ptr<rocksdb::Cache> cache;  // destroyed after the slice
  rocksdb::PinnableSlice slice;
};

}  // namespace

struct RocksStore::State {
  std::filesystem::path folder;
  RocksStoreOptions options;
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<WalOrder> order;    // outlives the database, which keeps its address
  std::unique_ptr<rocksdb::DB> db;    // none where it could not be opened again after a fault
  uint64_t acknowledged = 0;          // number of the newest entry that a commit has been thanked for
  mutable std::shared_mutex opening;  // held alone while the database is opened anew
  mutable std::mutex mutex;           // of `failure`
  mutable std::string failure;

  std::unexpected<Error> failed(const rocksdb::Status& status, const char* where) const {
    const std::lock_guard lock(mutex);
    failure = status.ToString();
    return fail(ErrorCode::store_failed, where);
  }

  rocksdb::Status open() {
    order = std::make_unique<WalOrder>(folder);
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(store_options(options, cache, *order), folder.string(), &opened);
    db.reset(opened);
    return status.ok() ? check_format() : status;
  }

  // A folder of another program may open, since RocksDB cannot know whose it is.
  rocksdb::Status check_format() {
    std::string found;
    auto status = db->Get({}, format_key, &found);
    if (status.IsNotFound()) {
      rocksdb::WriteOptions synced;
      synced.sync = true;
      return db->Put(synced, format_key, format_value);
    }
    if (status.ok() && found != format_value) return rocksdb::Status::InvalidArgument("its format is " + found);
    return status;
  }

  // After a fault RocksDB refuses to write until it is opened again. Nothing that was acknowledged may be missing then: who has
  // committed it goes on as if it were there.
  rocksdb::Status open_again() {
    const std::unique_lock alone(opening);
    db.reset();
    auto status = open();
    if (status.ok() && db->GetLatestSequenceNumber() < acknowledged) {
      status = rocksdb::Status::Corruption("the log has lost what was committed before the fault");
    }
    if (!status.ok()) db.reset();
    return status;
  }

  rocksdb::Status write(bool sync, rocksdb::WriteBatch& batch) {
    const std::shared_lock shared(opening);
    if (!db) return closed();
    rocksdb::WriteOptions how;
    how.sync = sync;
    auto status = db->Write(how, &batch);
    if (status.ok()) acknowledged = db->GetLatestSequenceNumber();
    return status;
  }

  rocksdb::Status flush() {
    const std::shared_lock shared(opening);
    return db ? db->Flush({}) : closed();
  }

  static rocksdb::Status closed() { return rocksdb::Status::IOError("closed after a fault"); }
};

RocksStore::RocksStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
RocksStore::~RocksStore() = default;

HostResult<std::unique_ptr<RocksStore>> RocksStore::open(const std::filesystem::path& folder,
                                                         const RocksStoreOptions& options) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) {
    return std::unexpected(HostError{"the folder " + folder.string() + " could not be made", code.message(),
                                     "give a --data folder that this user may write"});
  }
  if (has_lost_its_root(folder)) {
    return std::unexpected(open_error(folder, rocksdb::Status::Corruption("its file CURRENT is gone")));
  }
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->options = options;
  state->cache = rocksdb::NewLRUCache(block_cache_bytes);
  if (const auto status = state->open(); !status.ok()) return std::unexpected(open_error(folder, status));
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(state)));
}

Result<void> RocksStore::commit(const Batch& batch) {
  rocksdb::WriteBatch out(record_bytes(batch));
  for (const auto& put : batch.puts) out.Put(StoreKey(put.column, put.key).slice(), slice(put.value.view()));
  for (const auto& erase : batch.erases) out.Delete(StoreKey(erase.column, erase.key).slice());
  auto status = state_->write(batch.sync, out);
  if (!status.ok()) {
    status = state_->open_again();
    if (status.ok()) status = state_->write(batch.sync, out);
  }
  if (!status.ok()) return state_->failed(status, "RocksStore::commit");
  return {};
}

Result<std::optional<SharedBytes>> RocksStore::read(Column column, ByteView key) const {
  auto pinned = std::make_shared<PinnedValue>();
  pinned->cache = state_->cache;
  rocksdb::ReadOptions options;
  options.fill_cache = column != Column::bodies;  // large values would push everything else out
  const std::shared_lock shared(state_->opening);
  if (!state_->db) return state_->failed(State::closed(), "RocksStore::read");
  const auto status =
      state_->db->Get(options, state_->db->DefaultColumnFamily(), StoreKey(column, key).slice(), &pinned->slice);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return state_->failed(status, "RocksStore::read");
  const ByteView bytes = view(pinned->slice);
  return SharedBytes(std::move(pinned), bytes);
}

Result<void> RocksStore::scan(Column column, const std::function<bool(ByteView key, ByteView value)>& visit) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2 << 20;
  const StoreKey first(column, {});
  const std::shared_lock shared(state_->opening);
  if (!state_->db) return state_->failed(State::closed(), "RocksStore::scan");
  const std::unique_ptr<rocksdb::Iterator> entry(state_->db->NewIterator(options));
  for (entry->Seek(first.slice()); entry->Valid() && entry->key().starts_with(first.slice()); entry->Next()) {
    if (!visit(view(entry->key()).subspan(1), view(entry->value()))) return {};
  }
  if (!entry->status().ok()) return state_->failed(entry->status(), "RocksStore::scan");
  return {};
}

Result<void> RocksStore::flush() {
  auto status = state_->flush();
  if (!status.ok()) {
    status = state_->open_again();
    if (status.ok()) status = state_->flush();
  }
  if (!status.ok()) return state_->failed(status, "RocksStore::flush");
  return {};
}

std::string RocksStore::failure() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failure;
}

}  // namespace lattice
