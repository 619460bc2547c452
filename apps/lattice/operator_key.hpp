// An operator's key: it signs seed lists. One small file, mode 0600: "lattice-operator-key-1", then the ML-DSA-65 seed in 64
// hex digits. Public is its hash, which stands in chain specs.
#pragma once

#include <filesystem>

#include <lattice/crypto/provider.hpp>
#include <lattice/host/host_error.hpp>

namespace lattice::app {

// Never replaces a file.
HostResult<std::shared_ptr<const SigningKey>> create_operator_key(const std::filesystem::path& path, Provider& provider);
// Refuses a file that others than its owner can read.
HostResult<std::shared_ptr<const SigningKey>> load_operator_key(const std::filesystem::path& path, Provider& provider);

}  // namespace lattice::app
