// Small files of the program: written whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <lattice/host/host_error.hpp>

namespace lattice::app {

// Under another name beside it, then renamed: who reads `path` sees the old content or the new one.
HostResult<void> write_file_atomically(const std::filesystem::path& path, std::string_view content);
// Never more than `bytes_max`. "-": standard input.
HostResult<std::string> read_small_file(const std::filesystem::path& path, size_t bytes_max);
// The folder and its parents, for this user alone where it is new.
HostResult<void> make_private_folder(const std::filesystem::path& folder);

}  // namespace lattice::app
