#include "operator_key.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lattice::app {

namespace {

constexpr std::string_view first_line = "lattice-operator-key-1\n";
constexpr size_t seed_bytes = 32;
constexpr size_t file_bytes = first_line.size() + 2 * seed_bytes + 1;
using FileText = Secret<file_bytes + 1>;  // one more, so that a longer file is seen

auto key_error(const std::filesystem::path& path, const char* verb, std::string why, std::string advice) {
  return std::unexpected(
      HostError{"the operator key " + path.string() + " could not be " + verb, std::move(why), std::move(advice)});
}

int hex_digit(uint8_t character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

bool parse_seed(ByteView text, Secret<seed_bytes>& seed) {
  if (text.size() != file_bytes || !equal(text.first(first_line.size()), as_bytes(first_line)) || text.back() != '\n')
    return false;
  for (size_t i = 0; i < seed_bytes; ++i) {
    const int high = hex_digit(text[first_line.size() + 2 * i]), low = hex_digit(text[first_line.size() + 2 * i + 1]);
    if (high < 0 || low < 0) return false;
    seed.span()[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

void print_seed(const Secret<seed_bytes>& seed, ByteSpan text) {
  std::memcpy(text.data(), first_line.data(), first_line.size());
  size_t at = first_line.size();
  for (const uint8_t byte : seed.view()) {
    text[at++] = static_cast<uint8_t>("0123456789abcdef"[byte >> 4]);
    text[at++] = static_cast<uint8_t>("0123456789abcdef"[byte & 15]);
  }
  text[at] = '\n';
}

}  // namespace

HostResult<std::shared_ptr<const SigningKey>> create_operator_key(const std::filesystem::path& path, Provider& provider) {
  Secret<seed_bytes> seed;
  provider.rng().fill(seed.span());
  FileText text;
  print_seed(seed, text.span());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return key_error(path, "made", std::strerror(errno), "give the name of a file that does not exist, in a folder that does");
  const bool written = ::write(fd, text.view().data(), file_bytes) == static_cast<ssize_t>(file_bytes) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!written) {
    ::unlink(path.c_str());
    return key_error(path, "made", std::strerror(error), "check that the disk has room");
  }
  return provider.signing_key(SignAlg::mldsa65, seed);
}

HostResult<std::shared_ptr<const SigningKey>> load_operator_key(const std::filesystem::path& path, Provider& provider) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return key_error(path, "read", std::strerror(errno), "make one with: lattice seeds keygen --out " + path.string());
  struct stat info{};
  FileText text;
  const bool plain = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const ssize_t size = plain ? ::read(fd, text.span().data(), file_bytes + 1) : -1;
  ::close(fd);
  if (!plain || size < 0)
    return key_error(path, "read", "it is not a plain file", "give a file made by `lattice seeds keygen`");
  if ((info.st_mode & 077) != 0) {
    return key_error(path, "used", "others than its owner can read or write it",
                     "make a new one if somebody may have read it, else: chmod 600 " + path.string());
  }
  Secret<seed_bytes> seed;
  if (!parse_seed(text.view().first(static_cast<size_t>(size)), seed)) {
    return key_error(path, "read", "it does not hold an operator key", "give a file made by `lattice seeds keygen`");
  }
  return provider.signing_key(SignAlg::mldsa65, seed);
}

}  // namespace lattice::app
