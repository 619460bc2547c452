#include <lattice/host/key_file_source.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lattice/host/key_id.hpp>

namespace lattice {

namespace {

constexpr size_t used_line_bytes = key_id_text_bytes + 1;

auto list_error(const std::filesystem::path& path, const char* verb, std::string why, std::string advice) {
  return std::unexpected(
      HostError{"the outside keys " + path.string() + " could not be " + verb, std::move(why), std::move(advice)});
}

std::string used_name(const std::filesystem::path& path) { return path.string() + ".used"; }

// At most `bytes_max`, from the beginning; errno where it fails.
std::optional<WipedBytes> read_from_start(int fd, size_t bytes_max) {
  WipedBytes bytes(bytes_max);
  size_t filled = 0;
  while (filled < bytes_max) {
    const ssize_t done = ::pread(fd, bytes.data() + filled, bytes_max - filled, static_cast<off_t>(filled));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return std::nullopt;
    if (done == 0) break;
    filled += static_cast<size_t>(done);
  }
  bytes.resize(filled);
  return bytes;
}

bool sync_folder(const std::filesystem::path& file) {
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const int folder = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  const bool done = ::fsync(folder) == 0;
  ::close(folder);
  return done;
}

}  // namespace

KeyFileSource::~KeyFileSource() {
  if (used_fd_ >= 0) ::close(used_fd_);
}

HostResult<std::unique_ptr<KeyFileSource>> KeyFileSource::open(const std::filesystem::path& path, const NodeId& own) {
  std::unique_ptr<KeyFileSource> source(new KeyFileSource(path, own));
  if (auto loaded = source->load(); !loaded) return std::unexpected(loaded.error());
  if (auto opened = source->open_used(); !opened) return std::unexpected(opened.error());
  for (auto& key : source->keys_) key.used = source->used_.contains(key.id);
  return source;
}

HostResult<void> KeyFileSource::load() {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return list_error(path_, "read", std::strerror(errno), "check the path and its owner");
  struct stat info{};
  const bool plain = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const bool open_to_others = (info.st_mode & 077) != 0;
  std::optional<WipedBytes> text;
  if (plain && !open_to_others) text = read_from_start(fd, key_list_limits::file_bytes_max + 1);
  const int error = errno;
  ::close(fd);
  if (!plain) return list_error(path_, "read", "it is not a plain file", "give a file");
  if (open_to_others) {
    return list_error(path_, "used", "others than its owner can read or write it",
                      "make new keys if somebody may have read them, else: chmod 600 " + path_.string());
  }
  if (!text) return list_error(path_, "read", std::strerror(error), "check the disk");
  auto keys = parse_key_list(*text);
  if (!keys) {
    const auto& wrong = keys.error();
    return list_error(path_, "used", wrong.line == 0 ? wrong.why : "line " + std::to_string(wrong.line) + ": " + wrong.why,
                      "mend it on both sides");
  }
  keys_ = std::move(*keys);
  return {};
}

// A crash may have cut the last line: its key was not handed out, so the line goes.
HostResult<void> KeyFileSource::open_used() {
  const std::filesystem::path name = used_name(path_);
  used_fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (used_fd_ < 0) return list_error(name, "opened", std::strerror(errno), "check that the folder may be written");
  if (::flock(used_fd_, LOCK_EX | LOCK_NB) != 0)
    return list_error(name, "locked", std::strerror(errno), "stop the other node that uses these keys");
  constexpr size_t bytes_max = key_list_limits::used_ids_max * used_line_bytes;
  const auto text = read_from_start(used_fd_, bytes_max + 1);
  if (!text) return list_error(name, "read", std::strerror(errno), "check the disk");
  if (text->size() > bytes_max) return list_error(name, "used", "it is too large", "begin a new list of keys in a new file");
  used_bytes_ = text->size() - text->size() % used_line_bytes;
  for (size_t at = 0; at < used_bytes_; at += used_line_bytes) {
    const auto line = as_text(ByteView(*text).subspan(at, used_line_bytes));
    const auto id = parse_key_id(line.substr(0, key_id_text_bytes));
    if (!id || line.back() != '\n')
      return list_error(name, "used", "it does not hold ids of used keys",
                        "restore it from a copy, or begin a new list of keys");
    used_.insert(*id);
  }
  if (!sync_folder(name)) return list_error(name, "made", std::strerror(errno), "check the disk");
  return {};
}

bool KeyFileSource::write_used(const KeyId& id) {
  if (used_.size() >= key_list_limits::used_ids_max) return false;
  const std::string line = key_id_text(id) + "\n";
  // Over what a failed write may have left there.
  if (::pwrite(used_fd_, line.data(), line.size(), static_cast<off_t>(used_bytes_)) != static_cast<ssize_t>(line.size()))
    return false;
  if (::ftruncate(used_fd_, static_cast<off_t>(used_bytes_ + line.size())) != 0 || ::fsync(used_fd_) != 0) return false;
  used_bytes_ += line.size();
  used_.insert(id);
  return true;
}

KeyResult<ListedKey*> KeyFileSource::find(const NodeId& peer, const KeyId& id) {
  if (used_.contains(id)) return std::unexpected(KeyError{KeyFault::used_id, "a key is used once"});
  for (auto& key : keys_) {
    if (key.id != id) continue;
    if (peer.is_zero() || key.peer.is_zero() || key.peer == peer) return &key;
  }
  return std::unexpected(KeyError{KeyFault::unknown_id, "the list has no key of this id for this peer"});
}

ListedKey* KeyFileSource::next(const NodeId& peer) {
  const auto fits = [&](const ListedKey& key) { return !key.used && (key.peer == peer || key.peer.is_zero()); };
  ListedKey* found = nullptr;
  for (auto& key : keys_) {
    if (!fits(key)) continue;
    found = &key;
    if (own_ < peer) break;
  }
  return found;
}

KeyResult<OutsideKey> KeyFileSource::fetch(const NodeId& peer, const std::optional<KeyId>& id) {
  ListedKey* key = nullptr;
  if (id) {
    const auto found = find(peer, *id);
    if (!found) return std::unexpected(found.error());
    key = *found;
  } else {
    key = next(peer);
    if (!key) return std::unexpected(KeyError{KeyFault::used_up, "the list has no unused key for this peer"});
  }
  if (!write_used(key->id))
    return std::unexpected(KeyError{KeyFault::not_written, "the id could not be written to " + used_name(path_)});
  key->used = true;
  OutsideKey out{key->id, key->key};
  key->key = Secret<32>();
  return out;
}

std::vector<KeyStock> KeyFileSource::stock() {
  std::map<NodeId, uint64_t> unused;
  for (const auto& key : keys_) unused[key.peer] += !key.used;
  std::vector<KeyStock> stock;
  for (const auto& [peer, keys] : unused) stock.push_back({peer, keys});
  return stock;
}

}  // namespace lattice
