#include "fault_file_system.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <rocksdb/system_clock.h>
#include <unistd.h>

namespace lattice::test {

using namespace rocksdb;

namespace {

constexpr uint64_t page_bytes = 4096;

// "000012.log" is a "log": what kind of file it is.
std::string kind_of(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  for (const char* known : {"MANIFEST", "CURRENT", "OPTIONS", "IDENTITY", "LOCK", "LOG"}) {
    if (name.starts_with(known)) return name.ends_with(".dbtmp") ? "dbtmp" : known;
  }
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? "folder" : name.substr(dot + 1);
}

}  // namespace

const char* file_op_name(FileOp op) {
  static constexpr std::array<const char*, file_ops> names{"create",      "append", "truncate",    "range_sync", "sync",
                                                           "close",       "rename", "remove",      "link",       "make_folder",
                                                           "sync_folder", "open",   "open_folder", "read",       "look"};
  return names[static_cast<size_t>(op)];
}

FileOps changing_ops() { return FileOps((1u << (static_cast<unsigned>(FileOp::sync_folder) + 1)) - 1); }
FileOps all_ops() { return FileOps().set(); }
FileOps opening_ops() {
  FileOps ops;
  for (const FileOp op : {FileOp::create, FileOp::open, FileOp::open_folder}) ops.set(static_cast<size_t>(op));
  return ops;
}

// ---- files that tell the file system what is done to them

class FaultWritableFile final : public FSWritableFileOwnerWrapper {
 public:
  FaultWritableFile(FaultFileSystem& system, std::string name, std::unique_ptr<FSWritableFile> file,
                    std::shared_ptr<FaultFileSystem::FileState> state)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system), name_(std::move(name)), state_(std::move(state)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    size_t torn = 0;
    IOStatus status = system_.before(FileOp::append, name_, data.size(), &torn);
    const size_t bytes = status.ok() ? data.size() : torn;
    if (bytes > 0) {
      const IOStatus done = target()->Append(Slice(data.data(), bytes), options, context);
      if (!done.ok()) return done;
      system_.after_append(state_, bytes);
    }
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo&, IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* context) override {
    const IOStatus status = system_.before(FileOp::truncate, name_);
    return status.ok() ? target()->Truncate(size, options, context) : status;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* context) override {
    const IOStatus status = system_.before(FileOp::close, name_);
    const IOStatus done = target()->Close(options, context);  // close(2) frees the descriptor, whatever it says
    return status.ok() ? done : status;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const IOStatus status = system_.before(FileOp::sync, name_);
    if (status.ok()) system_.after_sync(state_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override { return Sync(options, context); }
  // Says to the kernel that it may begin to write; promises nothing.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return system_.before(FileOp::range_sync, name_);
  }

 private:
  FaultFileSystem& system_;
  std::string name_;
  std::shared_ptr<FaultFileSystem::FileState> state_;
};

class FaultFolder final : public FSDirectoryWrapper {
 public:
  FaultFolder(FaultFileSystem& system, std::string name, std::unique_ptr<FSDirectory> folder)
      : FSDirectoryWrapper(std::move(folder)), system_(system), name_(std::move(name)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const IOStatus status = system_.before(FileOp::sync_folder, name_);
    if (status.ok()) system_.after_folder_sync();
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context, const DirFsyncOptions&) override {
    return Fsync(options, context);
  }

 private:
  FaultFileSystem& system_;
  std::string name_;
};

class FaultRandomFile final : public FSRandomAccessFileOwnerWrapper {
 public:
  FaultRandomFile(FaultFileSystem& system, std::string name, std::unique_ptr<FSRandomAccessFile> file)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system), name_(std::move(name)) {}
  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* out, char* scratch,
                IODebugContext* context) const override {
    const IOStatus status = system_.before(FileOp::read, name_);
    return status.ok() ? target()->Read(offset, size, options, out, scratch, context) : status;
  }
  IOStatus MultiRead(FSReadRequest* requests, size_t count, const IOOptions& options, IODebugContext* context) override {
    const IOStatus status = system_.before(FileOp::read, name_);
    return status.ok() ? target()->MultiRead(requests, count, options, context) : status;
  }
  IOStatus Prefetch(uint64_t offset, size_t size, const IOOptions& options, IODebugContext* context) override {
    const IOStatus status = system_.before(FileOp::read, name_);
    return status.ok() ? target()->Prefetch(offset, size, options, context) : status;
  }

 private:
  FaultFileSystem& system_;
  std::string name_;
};

class FaultSequentialFile final : public FSSequentialFileOwnerWrapper {
 public:
  FaultSequentialFile(FaultFileSystem& system, std::string name, std::unique_ptr<FSSequentialFile> file)
      : FSSequentialFileOwnerWrapper(std::move(file)), system_(system), name_(std::move(name)) {}
  IOStatus Read(size_t size, const IOOptions& options, Slice* out, char* scratch, IODebugContext* context) override {
    const IOStatus status = system_.before(FileOp::read, name_);
    return status.ok() ? target()->Read(size, options, out, scratch, context) : status;
  }

 private:
  FaultFileSystem& system_;
  std::string name_;
};

// ---- counting and failing

FaultFileSystem::FaultFileSystem(const FaultPlan& plan, std::string aside)
    : FileSystemWrapper(FileSystem::Default()), plan_(plan), aside_(std::move(aside)) {
  std::filesystem::create_directories(aside_);
}

void FaultFileSystem::plan(const FaultPlan& next) {
  const std::lock_guard lock(mutex_);
  plan_ = next;
  calls_ = 0;
  lifted_ = false;
  hit_.clear();
}

void FaultFileSystem::lift() {
  const std::lock_guard lock(mutex_);
  lifted_ = true;
}

uint64_t FaultFileSystem::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::string FaultFileSystem::hit() const {
  const std::lock_guard lock(mutex_);
  return hit_;
}

std::set<std::string> FaultFileSystem::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

// As RocksDB's own file system says it of errno.
IOStatus FaultFileSystem::error_of(Fault fault) const {
  if (fault == Fault::no_space) {
    IOStatus status = IOStatus::NoSpace("injected", "No space left on device");
    status.SetRetryable(true);
    return status;
  }
  if (fault == Fault::no_descriptor) return IOStatus::IOError("injected", "Too many open files");
  return IOStatus::IOError("injected", fault == Fault::power_cut ? "the power is cut" : "Input/output error");
}

IOStatus FaultFileSystem::before(FileOp op, const std::string& name, size_t bytes, size_t* torn_bytes) {
  const std::lock_guard lock(mutex_);
  if (dead_) return error_of(Fault::power_cut);
  const std::string what = std::string(file_op_name(op)) + " " + kind_of(name);
  seen_.insert(what);
  if (!plan_.ops.test(static_cast<size_t>(op))) return IOStatus::OK();
  ++calls_;
  if (plan_.fault == Fault::none || lifted_ || calls_ < plan_.at || (calls_ > plan_.at && !plan_.lasting))
    return IOStatus::OK();
  if (hit_.empty()) hit_ = what;
  if (plan_.torn && torn_bytes != nullptr) *torn_bytes = bytes / 2;
  if (plan_.fault == Fault::power_cut) dead_ = true;
  if (plan_.fault == Fault::kill && (torn_bytes == nullptr || *torn_bytes == 0)) {
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  }
  return error_of(plan_.fault);
}

void FaultFileSystem::after_append(const std::shared_ptr<FileState>& state, size_t bytes) {
  const std::lock_guard lock(mutex_);
  state->size += bytes;
  if (plan_.fault == Fault::kill && !hit_.empty()) {  // half of its last write got there
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  }
}

void FaultFileSystem::after_sync(const std::shared_ptr<FileState>& state) {
  const std::lock_guard lock(mutex_);
  state->synced = state->size;
}

void FaultFileSystem::after_folder_sync() {
  const std::lock_guard lock(mutex_);
  for (const auto& change : changes_) {
    if (!change.aside.empty()) std::filesystem::remove(change.aside);
  }
  changes_.clear();
}

// ---- calls

#define LATTICE_BEFORE(op, name)                                            \
  do {                                                                      \
    if (const IOStatus fault = before(op, name); !fault.ok()) return fault; \
  } while (false)

IOStatus FaultFileSystem::NewSequentialFile(const std::string& name, const FileOptions& options,
                                            std::unique_ptr<FSSequentialFile>* out, IODebugContext* context) {
  LATTICE_BEFORE(FileOp::open, name);
  std::unique_ptr<FSSequentialFile> file;
  const IOStatus status = target()->NewSequentialFile(name, options, &file, context);
  if (status.ok()) *out = std::make_unique<FaultSequentialFile>(*this, name, std::move(file));
  return status;
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& name, const FileOptions& options,
                                              std::unique_ptr<FSRandomAccessFile>* out, IODebugContext* context) {
  LATTICE_BEFORE(FileOp::open, name);
  std::unique_ptr<FSRandomAccessFile> file;
  const IOStatus status = target()->NewRandomAccessFile(name, options, &file, context);
  if (status.ok()) *out = std::make_unique<FaultRandomFile>(*this, name, std::move(file));
  return status;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const FileOptions& options,
                                          std::unique_ptr<FSWritableFile>* out, IODebugContext* context) {
  LATTICE_BEFORE(FileOp::create, name);
  std::string old;
  if (target()->FileExists(name, IOOptions(), context).ok()) old = put_aside(name);
  std::unique_ptr<FSWritableFile> file;
  const IOStatus status = target()->NewWritableFile(name, options, &file, context);
  if (!status.ok()) return status;
  const auto state = std::make_shared<FileState>();
  const std::lock_guard lock(mutex_);
  if (!old.empty()) changes_.push_back({name, "", old, NameChange::removed});
  files_[name] = state;
  changes_.push_back({name, "", "", NameChange::made});
  *out = std::make_unique<FaultWritableFile>(*this, name, std::move(file), state);
  return status;
}

// RocksDB asks for these two only with options that the store does not set.
IOStatus FaultFileSystem::ReopenWritableFile(const std::string&, const FileOptions&, std::unique_ptr<FSWritableFile>*,
                                             IODebugContext*) {
  return IOStatus::NotSupported("ReopenWritableFile is not modelled");
}
IOStatus FaultFileSystem::ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                                            std::unique_ptr<FSWritableFile>*, IODebugContext*) {
  return IOStatus::NotSupported("ReuseWritableFile is not modelled");
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options, std::unique_ptr<FSDirectory>* out,
                                       IODebugContext* context) {
  LATTICE_BEFORE(FileOp::open_folder, name);
  std::unique_ptr<FSDirectory> folder;
  const IOStatus status = target()->NewDirectory(name, options, &folder, context);
  if (status.ok()) *out = std::make_unique<FaultFolder>(*this, name, std::move(folder));
  return status;
}

IOStatus FaultFileSystem::FileExists(const std::string& name, const IOOptions& options, IODebugContext* context) {
  LATTICE_BEFORE(FileOp::look, name);
  return target()->FileExists(name, options, context);
}

IOStatus FaultFileSystem::GetChildren(const std::string& folder, const IOOptions& options, std::vector<std::string>* out,
                                      IODebugContext* context) {
  LATTICE_BEFORE(FileOp::look, folder);
  return target()->GetChildren(folder, options, out, context);
}

IOStatus FaultFileSystem::GetFileSize(const std::string& name, const IOOptions& options, uint64_t* out,
                                      IODebugContext* context) {
  LATTICE_BEFORE(FileOp::look, name);
  return target()->GetFileSize(name, options, out, context);
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* context) {
  LATTICE_BEFORE(FileOp::remove, name);
  IOStatus there = target()->FileExists(name, options, context);
  if (!there.ok()) return there;
  const std::string aside = put_aside(name);
  const std::lock_guard lock(mutex_);
  changes_.push_back({name, "", aside, NameChange::removed});
  return IOStatus::OK();
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* context) {
  LATTICE_BEFORE(FileOp::rename, to);
  std::string replaced;
  if (target()->FileExists(to, options, context).ok()) replaced = put_aside(to);
  const IOStatus status = target()->RenameFile(from, to, options, context);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (const auto found = files_.extract(from); !found.empty()) files_[to] = found.mapped();
  changes_.push_back({from, to, replaced, NameChange::moved});
  return status;
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                                   IODebugContext* context) {
  LATTICE_BEFORE(FileOp::link, to);
  const IOStatus status = target()->LinkFile(from, to, options, context);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  changes_.push_back({to, "", "", NameChange::made});
  return status;
}

IOStatus FaultFileSystem::Truncate(const std::string& name, size_t size, const IOOptions& options, IODebugContext* context) {
  LATTICE_BEFORE(FileOp::truncate, name);
  return target()->Truncate(name, size, options, context);
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& name, const IOOptions& options, IODebugContext* context) {
  LATTICE_BEFORE(FileOp::make_folder, name);
  return target()->CreateDirIfMissing(name, options, context);
}

// ---- the environment

namespace {

class QuickClock final : public SystemClockWrapper {
 public:
  QuickClock() : SystemClockWrapper(SystemClock::Default()) {}
  const char* Name() const override { return "lattice.QuickClock"; }
  void SleepForMicroseconds(int micros) override { SystemClockWrapper::SleepForMicroseconds(std::min(micros, 1000)); }
};

class QuickEnv final : public EnvWrapper {
 public:
  explicit QuickEnv(std::unique_ptr<Env> env) : EnvWrapper(std::move(env)) { system_clock_ = std::make_shared<QuickClock>(); }
  const char* Name() const override { return "lattice.QuickEnv"; }
};

}  // namespace

std::unique_ptr<Env> fault_env(const std::shared_ptr<FaultFileSystem>& files) {
  return std::make_unique<QuickEnv>(NewCompositeEnv(files));
}

// ---- the power cut

std::string FaultFileSystem::put_aside(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::string aside = aside_ + "/" + std::to_string(++aside_count_);
  std::filesystem::rename(name, aside);
  return aside;
}

void FaultFileSystem::undo(const NameChange& change) {
  switch (change.kind) {
    case NameChange::made: std::filesystem::remove(change.name); break;
    case NameChange::removed: std::filesystem::rename(change.aside, change.name); break;
    case NameChange::moved:
      std::filesystem::rename(change.moved_to, change.name);
      if (const auto found = files_.extract(change.moved_to); !found.empty()) files_[change.name] = found.mapped();
      if (!change.aside.empty()) std::filesystem::rename(change.aside, change.moved_to);
      break;
  }
}

// Names first, in reverse, as a journal would have kept them: all that came before one that stays stay too.
void FaultFileSystem::lose(Loss loss, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  SeededRng rng(seed);
  size_t keep = loss == Loss::all ? 0 : rng.below(changes_.size() + 1);
  for (; changes_.size() > keep; changes_.pop_back()) undo(changes_.back());
  for (const auto& [name, state] : files_) {
    std::error_code gone;
    const uint64_t size = std::filesystem::file_size(name, gone);
    if (gone || size <= state->synced) continue;
    const uint64_t unsynced = size - state->synced;
    uint64_t kept = 0;
    if (loss != Loss::all) {
      const uint64_t draw = rng.below(4);
      kept = draw == 0 ? 0 : draw == 1 ? unsynced : rng.below(unsynced + 1);
    }
    std::filesystem::resize_file(name, state->synced + kept);
    if (loss != Loss::holes) continue;
    std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
    for (uint64_t at = state->synced; at < state->synced + kept;) {
      const uint64_t end = std::min((at / page_bytes + 1) * page_bytes, state->synced + kept);
      if (rng.below(3) == 0) {
        file.seekp(static_cast<std::streamoff>(at));
        file << std::string(end - at, '\0');
      }
      at = end;
    }
  }
  files_.clear();
  changes_.clear();
}

}  // namespace lattice::test
