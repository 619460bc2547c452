#include <lattice/host/key_file.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lattice {

namespace {

constexpr std::string_view first_line = "lattice-node-key-1\n";
constexpr size_t file_bytes = first_line.size() + 2 * node_secret_bytes + 1;

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

HostError key_error(const std::filesystem::path& path, const char* verb, std::string why, std::string advice) {
  return {"the key file " + path.string() + " could not be " + verb, std::move(why), std::move(advice)};
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

int hex_digit(uint8_t character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

// Straight into secret memory: from_hex would leave a copy behind.
std::optional<NodeSecret> parse(ByteView text) {
  if (text.size() != file_bytes || !equal(text.first(first_line.size()), as_bytes(first_line))) return std::nullopt;
  if (text.back() != '\n') return std::nullopt;
  NodeSecret secret;
  for (size_t i = 0; i < node_secret_bytes; ++i) {
    const int high = hex_digit(text[first_line.size() + 2 * i]), low = hex_digit(text[first_line.size() + 2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    secret.span()[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return secret;
}

void print(const NodeSecret& secret, ByteSpan text) {
  std::memcpy(text.data(), first_line.data(), first_line.size());
  uint8_t* out = text.data() + first_line.size();
  for (const uint8_t byte : secret.view()) {
    *out++ = static_cast<uint8_t>("0123456789abcdef"[byte >> 4]);
    *out++ = static_cast<uint8_t>("0123456789abcdef"[byte & 15]);
  }
  *out = '\n';
}

}  // namespace

HostResult<NodeSecret> load_key_file(const std::filesystem::path& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) {
    return std::unexpected(key_error(path, "read", std::strerror(errno), "check the path and its owner"));
  }
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::unexpected(key_error(path, "read", "it is not a plain file", "give another --data folder"));
  }
  if ((info.st_mode & 077) != 0) {
    return std::unexpected(key_error(path, "used", "others than its owner can read or write it",
                                     "make a new one if somebody may have read it, else: chmod 600 " + path.string()));
  }
  Secret<file_bytes + 1> text;  // one more, so that a longer file is seen
  const auto size = read_all(file.fd(), text.span());
  if (!size) return std::unexpected(key_error(path, "read", std::strerror(errno), "check the disk"));
  const auto secret = parse(text.view().first(*size));
  if (!secret) {
    return std::unexpected(key_error(path, "read", "it does not hold a key of this program",
                                     "restore it from a copy, or remove it to get a new identity"));
  }
  return *secret;
}

HostResult<void> create_key_file(const std::filesystem::path& path, const NodeSecret& secret) {
  const auto failed = [&](const std::string& why) {
    return std::unexpected(key_error(path, "made", why, "check that the folder exists, may be written and has room"));
  };
  // Under a name of its own until it is whole; link() then refuses to replace what is there, where rename() would not.
  const std::filesystem::path draft = path.string() + "." + std::to_string(::getpid()) + ".tmp";
  ::unlink(draft.c_str());
  const File file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return failed(std::strerror(errno));
  Secret<file_bytes> text;
  print(secret, text.span());
  const bool written = ::fchmod(file.fd(), 0600) == 0 && write_all(file.fd(), text.view()) && ::fsync(file.fd()) == 0;
  const bool named = written && ::link(draft.c_str(), path.c_str()) == 0;
  const int error = errno;
  ::unlink(draft.c_str());
  if (!named) return failed(std::strerror(error));
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const File folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.fd()) != 0) return failed(std::strerror(errno));
  return {};
}

HostResult<NodeSecret> load_or_create_key_file(const std::filesystem::path& path, Rng& rng) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) return load_key_file(path);
  if (errno != ENOENT) return std::unexpected(key_error(path, "read", std::strerror(errno), "check the path and its owner"));
  NodeSecret secret;
  rng.fill(secret.span());
  const auto created = create_key_file(path, secret);
  if (!created) return std::unexpected(created.error());
  return secret;
}

}  // namespace lattice
