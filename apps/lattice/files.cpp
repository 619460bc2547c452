#include "files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include <unistd.h>

namespace lattice::app {

namespace {
struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;
}  // namespace

HostResult<void> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  const std::string draft = path.string() + "." + std::to_string(::getpid()) + ".tmp";
  OpenFile file(std::fopen(draft.c_str(), "wb"));
  bool good = file && std::fwrite(content.data(), 1, content.size(), file.get()) == content.size() &&
              std::fflush(file.get()) == 0 && ::fsync(::fileno(file.get())) == 0;
  file.reset();
  good = good && std::rename(draft.c_str(), path.c_str()) == 0;
  if (good) return {};
  const int error = errno;
  ::unlink(draft.c_str());
  return std::unexpected(HostError{"the file " + path.string() + " could not be written", std::strerror(error),
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
