#include "passphrase.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.hpp"

namespace lattice::app {

static std::unexpected<HostError> refused(const std::string& path, std::string why, std::string advice) {
  return failure("the passphrase file " + path + " could not be used", std::move(why), std::move(advice));
}

static HostResult<size_t> read_up_to(int fd, ByteSpan out, const std::string& path) {
  size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t done = ::read(fd, out.data() + filled, out.size() - filled);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return refused(path, std::strerror(errno), "check the path");
    if (done == 0) break;
    filled += static_cast<size_t>(done);
  }
  return filled;
}

HostResult<Passphrase> read_passphrase_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refused(path, std::strerror(errno), "check the path and its owner");
  struct stat info{};
  const bool known = ::fstat(fd, &info) == 0;
  if (!known || (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0)) {
    ::close(fd);
    return refused(path, "others than its owner can read or write it", "chmod 600 " + path);
  }
  Secret<Passphrase::bytes_max + 3> text;  // its end of line, and one more, so that a longer file is seen
  const auto size = read_up_to(fd, text.span(), path);
  ::close(fd);
  if (!size) return std::unexpected(size.error());
  ByteView content = text.view().first(*size);
  if (!content.empty() && content.back() == '\n') content = content.first(content.size() - 1);
  if (!content.empty() && content.back() == '\r') content = content.first(content.size() - 1);
  const auto passphrase = Passphrase::from(content);
  if (!passphrase) return refused(path, "it is empty or longer than 1024 bytes", "write the passphrase into it, on one line");
  return *passphrase;
}

HostResult<std::optional<Passphrase>> find_passphrase(const std::string& file) {
  std::optional<Passphrase> found;
  if (char* text = std::getenv(passphrase_variable); text != nullptr) {
    const size_t size = std::strlen(text);
    found = Passphrase::from(as_bytes({text, size}));
    wipe({reinterpret_cast<uint8_t*>(text), size});
    ::unsetenv(passphrase_variable);
    if (!found && file.empty()) {
      return failure("the passphrase in LATTICE_PASSPHRASE could not be used", "it is empty or longer than 1024 bytes",
                     "set it to the passphrase of the key file, or unset it");
    }
  }
  if (file.empty()) return found;
  auto read = read_passphrase_file(file);
  if (!read) return std::unexpected(read.error());
  return std::move(*read);
}

}  // namespace lattice::app
