// What a node keeps: DATA/node.key (who it is) and DATA/chains/NAME (headers and blocks of one chain).
#pragma once

#include <filesystem>
#include <memory>

#include <lattice/host/host_error.hpp>
#include <lattice/link/identity.hpp>
#include <lattice/node/store.hpp>

#include "chain_spec.hpp"

namespace lattice::app {

// Makes the key where it is missing. Empty folder: a key that nobody keeps, for --in-memory.
HostResult<std::shared_ptr<const Identity>> load_identity(Provider& provider, const std::filesystem::path& data);
HostResult<std::unique_ptr<Store>> open_store(const ChainSpec& spec, const std::filesystem::path& data, bool in_memory);
std::filesystem::path key_path(const std::filesystem::path& data);
Now clock_now();

}  // namespace lattice::app
