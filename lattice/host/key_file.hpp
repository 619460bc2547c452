// The secret a node is known by, in one small file: 64 bytes from which both of its keys are made.
//
// Two lines: "lattice-node-key-1", then 128 lower-case hex digits. Mode 0600 from the moment it exists; a file that others can
// read is refused, because whoever has read it can be this node.
#pragma once

#include <filesystem>

#include <lattice/base/random.hpp>
#include <lattice/crypto/secret.hpp>
#include <lattice/host/host_error.hpp>

namespace lattice {

constexpr size_t node_secret_bytes = 64;
using NodeSecret = Secret<node_secret_bytes>;

HostResult<NodeSecret> load_key_file(const std::filesystem::path& path);
// Never replaces a file. Whole and on the disk when it returns.
HostResult<void> create_key_file(const std::filesystem::path& path, const NodeSecret& secret);
// Loads the file; where there is none, makes one with 64 bytes of `rng`.
HostResult<NodeSecret> load_or_create_key_file(const std::filesystem::path& path, Rng& rng);

}  // namespace lattice
