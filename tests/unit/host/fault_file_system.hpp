// RocksDB's files on a disk that fails when it is told to: at the n-th call the process is killed, the call fails, or the power is
// cut. Everything else goes to the machine's own file system.
//
// What a power cut takes is kept in mind for each file and folder: bytes that no sync of their file has followed, and names that
// were made, changed or removed since the last sync of their folder. sync itself does not wait for the machine's disk.
#pragma once

#include <array>
#include <bitset>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <lattice/base/random.hpp>

namespace lattice::test {

enum class FileOp : uint8_t {
  create,
  append,
  truncate,
  range_sync,
  sync,
  close,
  rename,
  remove,
  link,
  make_folder,
  sync_folder,  // change the disk
  open,
  open_folder,
  read,
  look  // do not
};
constexpr size_t file_ops = 15;
const char* file_op_name(FileOp op);
using FileOps = std::bitset<file_ops>;
FileOps changing_ops();
FileOps opening_ops();
FileOps all_ops();

enum class Fault : uint8_t { none, kill, power_cut, no_space, io_error, no_descriptor };

struct FaultPlan {
  Fault fault = Fault::none;
  uint64_t at = 0;  // at this call of those in `ops`, counted from 1
  FileOps ops = all_ops();
  bool lasting = false;  // and at all later ones, until lifted
  bool torn = false;     // where the call is an append, half of its bytes get there
};

// What a power cut does to the bytes that were not synced.
enum class Loss : uint8_t {
  all,    // they are gone
  torn,   // each file keeps some, at random: none, all, or a beginning that ends anywhere
  holes,  // as torn, and pages of what is kept are zeroes
};

class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  // `aside`: a folder for what has been removed but would come back after a power cut.
  FaultFileSystem(const FaultPlan& plan, std::string aside);
  const char* Name() const override { return "lattice.FaultFileSystem"; }

  void plan(const FaultPlan& next);    // counts from 0 again
  void lift();                         // no call fails from now on
  uint64_t calls() const;              // of those in the plan's `ops`
  std::string hit() const;             // "append log": where the fault struck first; empty where it has not
  std::set<std::string> seen() const;  // kinds of calls so far, as `hit` gives them
  // After a power cut, when the database is closed: takes from the disk what was not synced.
  void lose(Loss loss, uint64_t seed);

  using IOStatus = rocksdb::IOStatus;
  using FileOptions = rocksdb::FileOptions;
  using IOOptions = rocksdb::IOOptions;
  using Context = rocksdb::IODebugContext;
  IOStatus NewSequentialFile(const std::string& name, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out, Context* context) override;
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out, Context* context) override;
  IOStatus NewWritableFile(const std::string& name, const FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* out,
                           Context* context) override;
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* out, Context* context) override;
  IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* out, Context* context) override;
  IOStatus NewDirectory(const std::string& name, const IOOptions& options, std::unique_ptr<rocksdb::FSDirectory>* out,
                        Context* context) override;
  IOStatus FileExists(const std::string& name, const IOOptions& options, Context* context) override;
  IOStatus GetChildren(const std::string& folder, const IOOptions& options, std::vector<std::string>* out,
                       Context* context) override;
  IOStatus GetFileSize(const std::string& name, const IOOptions& options, uint64_t* out, Context* context) override;
  IOStatus DeleteFile(const std::string& name, const IOOptions& options, Context* context) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options, Context* context) override;
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options, Context* context) override;
  IOStatus Truncate(const std::string& name, size_t size, const IOOptions& options, Context* context) override;
  IOStatus CreateDirIfMissing(const std::string& name, const IOOptions& options, Context* context) override;

 private:
  friend class FaultWritableFile;
  friend class FaultFolder;
  friend class FaultRandomFile;
  friend class FaultSequentialFile;

  struct FileState {
    uint64_t size = 0, synced = 0;
  };
  struct NameChange {                   // undone in reverse order
    std::string name, moved_to, aside;  // aside: what lay under `name` (removed) or under `moved_to` (replaced)
    enum { made, removed, moved } kind = made;
  };

  // Counts a call. Not ok: it must fail so; then `torn_bytes` of an append's `bytes` are to be written first.
  IOStatus before(FileOp op, const std::string& name, size_t bytes = 0, size_t* torn_bytes = nullptr);
  IOStatus error_of(Fault fault) const;
  void after_append(const std::shared_ptr<FileState>& state, size_t bytes);
  void after_sync(const std::shared_ptr<FileState>& state);
  void after_folder_sync();
  void after_made(const std::string& name, std::shared_ptr<FileState> state);
  std::string put_aside(const std::string& name);
  void undo(const NameChange& change);

  mutable std::mutex mutex_;
  FaultPlan plan_;
  std::string aside_;
  uint64_t calls_ = 0, aside_count_ = 0;
  bool dead_ = false, lifted_ = false;
  std::string hit_;
  std::set<std::string> seen_;
  std::map<std::string, std::shared_ptr<FileState>> files_;  // written since the start
  std::deque<NameChange> changes_;                           // since the last sync of the folder (there is one)
};

// What RocksDB is given: `files`, and a clock whose sleeps are short (it sleeps a second after each failed flush).
std::unique_ptr<rocksdb::Env> fault_env(const std::shared_ptr<FaultFileSystem>& files);

}  // namespace lattice::test
