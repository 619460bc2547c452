#include "files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace lattice::app {

DraftFile::DraftFile(const std::filesystem::path& path) : path_(path) {
  std::error_code error;
  if (std::filesystem::is_symlink(path_, error)) path_ = std::filesystem::weakly_canonical(path_, error);
  if (error) path_ = path;
  const bool special = std::filesystem::exists(path_, error) && !std::filesystem::is_regular_file(path_, error);
  if (!special) draft_ = path_.string() + "." + std::to_string(::getpid()) + ".tmp";
  file_ = std::fopen((special ? path_ : draft_).c_str(), "wb");
}

DraftFile::~DraftFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  if (!draft_.empty()) ::unlink(draft_.c_str());
}

bool DraftFile::write(std::string_view bytes) {
  written_ += bytes.size();
  return std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size();
}

bool DraftFile::finish() {
  bool good = std::fflush(file_) == 0 && (draft_.empty() || ::fsync(::fileno(file_)) == 0);
  good = std::fclose(std::exchange(file_, nullptr)) == 0 && good;
  if (draft_.empty()) return good;
  good = good && std::rename(draft_.c_str(), path_.c_str()) == 0;
  const int error = errno;
  if (!good) ::unlink(draft_.c_str());
  errno = error;
  return good;
}

HostResult<void> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  DraftFile file(path);
  if (file.is_open() && file.write(content) && file.finish()) return {};
  return std::unexpected(HostError{"the file " + path.string() + " could not be written", std::strerror(errno),
                                   "check that its folder exists, may be written and has room"});
}

HostResult<std::string> read_small_file(const std::filesystem::path& path, size_t bytes_max) {
  const auto failed = [&](std::string why) {
    return std::unexpected(HostError{"the file " + path.string() + " could not be read", std::move(why), "check the path"});
  };
  const bool is_input = path == "-";
  OpenFile file(is_input ? ::fdopen(::dup(STDIN_FILENO), "rb") : std::fopen(path.c_str(), "rb"));
  if (!file) return failed(std::strerror(errno));
  std::string content(bytes_max + 1, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file.get()));
  if (std::ferror(file.get())) return failed(std::strerror(errno));
  if (content.size() > bytes_max) return failed("it is larger than " + std::to_string(bytes_max) + " bytes");
  return content;
}

HostResult<void> make_private_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (!error) return {};
  return std::unexpected(
      HostError{"the folder " + folder.string() + " could not be made", error.message(), "give another one by --data"});
}

}  // namespace lattice::app
