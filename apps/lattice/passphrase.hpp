// The passphrase of a key file: from a file or the environment, never from the command line, which every user of the machine sees.
#pragma once

#include <optional>
#include <string>

#include <lattice/host/host_error.hpp>
#include <lattice/host/key_text.hpp>

namespace lattice::app {

constexpr const char* passphrase_variable = "LATTICE_PASSPHRASE";

// The file's content without the end of its last line. A plain file that others than its owner can read is refused; a pipe or a
// socket is nobody else's to read.
HostResult<Passphrase> read_passphrase_file(const std::string& path);
// Of `file` where one is given, else of the environment variable, which is then wiped out of this process: children, and who
// reads /proc/PID/environ, do not get it. Before any thread is started.
HostResult<std::optional<Passphrase>> find_passphrase(const std::string& file);

}  // namespace lattice::app
