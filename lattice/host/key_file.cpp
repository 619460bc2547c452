#include <lattice/host/key_file.hpp>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lattice {

namespace {

namespace fs = std::filesystem;

constexpr unsigned kept_files_max = 1000;
constexpr std::string_view draft_ending = ".tmp";

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::unexpected<KeyFileError> key_error(KeyFileFault fault, const fs::path& path, const char* verb, std::string why,
                                        std::string advice) {
  return std::unexpected(
      KeyFileError{{"the key file " + path.string() + " could not be " + verb, std::move(why), std::move(advice)}, fault});
}

std::unexpected<KeyFileError> text_error(KeyFileFault fault, const fs::path& path) {
  switch (fault) {
    case KeyFileFault::bad_cost:
      return key_error(fault, path, "used", "it asks for more work or memory than a passphrase may cost here",
                       "restore it from a copy: this program does not write such files");
    case KeyFileFault::needs_passphrase:
      return key_error(fault, path, "opened", "it is sealed with a passphrase",
                       "give it by --passphrase-file FILE or in LATTICE_PASSPHRASE");
    case KeyFileFault::wrong_passphrase:
      return key_error(fault, path, "opened", "the passphrase is not the one it was sealed with",
                       "give the right one; without it only a copy of the key helps");
    case KeyFileFault::no_memory:
      return key_error(fault, path, "used", "there is not enough memory for its passphrase",
                       "free some: it needs up to 256 MiB");
    default:
      return key_error(fault, path, "read", "it does not hold a key of this program",
                       "restore it from a copy, or remove it to get a new identity");
  }
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return true;
}

// Reads at most out.size() bytes; how many there were.
std::optional<size_t> read_all(int fd, ByteSpan out) {
  size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t done = ::read(fd, out.data() + filled, out.size() - filled);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return std::nullopt;
    if (done == 0) break;
    filled += static_cast<size_t>(done);
  }
  return filled;
}

KeyFileResult<KeyText> read_text(const fs::path& path) {
  // A pipe would wait for whoever is at its other end.
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) {
    const auto fault = errno == ENOENT ? KeyFileFault::missing : KeyFileFault::unreadable;
    return key_error(fault, path, "read", std::strerror(errno), "check the path and its owner");
  }
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return key_error(KeyFileFault::unreadable, path, "read", "it is not a plain file", "give another --data folder");
  }
  if ((info.st_mode & 077) != 0) {
    return key_error(KeyFileFault::too_open, path, "used", "others than its owner can read or write it",
                     "make a new one if somebody may have read it, else: chmod 600 " + path.string());
  }
  KeyText text;
  const auto size = read_all(file.fd(), text.bytes.span());  // it is smaller: a longer file fills it and is damaged
  if (!size) return key_error(KeyFileFault::unreadable, path, "read", std::strerror(errno), "check the disk");
  text.size = *size;
  return text;
}

bool sync_folder_of(const fs::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const File folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.is_open() && ::fsync(folder.fd()) == 0;
}

std::unexpected<KeyFileError> write_error(KeyFileFault fault, const fs::path& path, int error) {
  return key_error(fault, path, "made", std::strerror(error), "check that the folder exists, may be written and has room");
}

// Under a name of its own until it is whole. link() refuses to replace what is there, rename() replaces it.
KeyFileResult<void> write_key(const fs::path& path, const NodeSecret& secret, const KeySeal& seal, Rng& rng, bool replaces) {
  const auto text = write_key_text(secret, seal.passphrase, seal.cost, rng);
  if (!text) return text_error(text.error(), path);
  const fs::path draft = path.string() + "." + std::to_string(::getpid()) + std::string(draft_ending);
  ::unlink(draft.c_str());
  const File file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return write_error(KeyFileFault::unwritable, path, errno);
  const bool written = ::fchmod(file.fd(), 0600) == 0 && write_all(file.fd(), text->view()) && ::fsync(file.fd()) == 0;
  const bool named = written && (replaces ? ::rename(draft.c_str(), path.c_str()) : ::link(draft.c_str(), path.c_str())) == 0;
  const int error = errno;
  if (!named || !replaces) ::unlink(draft.c_str());
  if (!named) return write_error(error == EEXIST ? KeyFileFault::exists : KeyFileFault::unwritable, path, error);
  if (!sync_folder_of(path)) return write_error(KeyFileFault::unwritable, path, errno);
  return {};
}

}  // namespace

KeyFileResult<NodeSecret> load_key_file(const fs::path& path, const Passphrase* passphrase) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  const auto secret = read_key_text(text->view(), passphrase);
  if (!secret) return text_error(secret.error(), path);
  return *secret;
}

KeyFileResult<bool> key_file_is_sealed(const fs::path& path) {
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  return is_sealed_key(text->view());
}

KeyFileResult<void> create_key_file(const fs::path& path, const NodeSecret& secret, const KeySeal& seal, Rng& rng) {
  return write_key(path, secret, seal, rng, false);
}

KeyFileResult<void> replace_key_file(const fs::path& path, const NodeSecret& secret, const KeySeal& seal, Rng& rng) {
  return write_key(path, secret, seal, rng, true);
}

KeyFileResult<NodeSecret> load_or_create_key_file(const fs::path& path, Rng& rng, const KeySeal& seal) {
  auto loaded = load_key_file(path, seal.passphrase);
  if (loaded || loaded.error().fault != KeyFileFault::missing) return loaded;
  NodeSecret secret;
  rng.fill(secret.span());
  const auto created = create_key_file(path, secret, seal, rng);
  if (!created) return std::unexpected(created.error());
  return secret;
}

KeyFileResult<fs::path> keep_key_file(const fs::path& path) {
  for (unsigned number = 1; number <= kept_files_max; ++number) {
    fs::path kept = path.string() + "." + std::to_string(number);
    if (::link(path.c_str(), kept.c_str()) == 0) {
      if (!sync_folder_of(path)) return write_error(KeyFileFault::unwritable, kept, errno);
      return kept;
    }
    if (errno != EEXIST) return write_error(KeyFileFault::unwritable, kept, errno);
  }
  return key_error(KeyFileFault::exists, path, "kept", "a thousand older ones are kept already", "remove some of them");
}

void remove_key_drafts(const fs::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string beginning = path.filename().string() + ".";
  std::error_code error;
  std::vector<fs::path> drafts;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(beginning) || !name.ends_with(draft_ending) || name.size() <= beginning.size() + draft_ending.size())
      continue;
    const std::string_view digits(name.data() + beginning.size(), name.size() - beginning.size() - draft_ending.size());
    pid_t process = 0;
    const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), process);
    if (bad != std::errc{} || end != digits.data() + digits.size() || process <= 0) continue;
    if (::kill(process, 0) != 0 && errno == ESRCH) drafts.push_back(entry.path());  // nobody is at it any more
  }
  for (const auto& draft : drafts) fs::remove(draft, error);
}

}  // namespace lattice
