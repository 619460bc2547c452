// Small files of the program: written whole or not at all.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <lattice/host/host_error.hpp>

namespace lattice::app {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;

// A file that is written under another name beside it, then renamed: who reads it sees the old content or the new one. A symbolic
// link stays, and what it names is written; what is no regular file (a pipe, /dev/null, a terminal) is written as it is.
class DraftFile {
 public:
  explicit DraftFile(const std::filesystem::path& path);
  ~DraftFile();
  DraftFile(const DraftFile&) = delete;
  DraftFile& operator=(const DraftFile&) = delete;

  bool is_open() const { return file_ != nullptr; }
  // False, with errno, where the bytes could not be written.
  bool write(std::string_view bytes);
  // On the medium and under its name. Without it, nothing of a regular file stays.
  bool finish();
  uint64_t written() const { return written_; }

 private:
  std::filesystem::path path_, draft_;  // draft_ empty: path_ itself is written
  std::FILE* file_ = nullptr;
  uint64_t written_ = 0;
};

HostResult<void> write_file_atomically(const std::filesystem::path& path, std::string_view content);
// Never more than `bytes_max`. "-": standard input.
HostResult<std::string> read_small_file(const std::filesystem::path& path, size_t bytes_max);
// The folder and its parents, for this user alone where it is new.
HostResult<void> make_private_folder(const std::filesystem::path& folder);

}  // namespace lattice::app
