// --chain of every subcommand.
#pragma once

#include <string>

#include <CLI/CLI.hpp>
#include <lattice/host/host_error.hpp>

#include "chain_spec.hpp"

namespace lattice::app {

CLI::Option* add_chain_option(CLI::App& command, std::string& chain);
HostResult<ChainSpec> load_spec(const std::string& chain);

}  // namespace lattice::app
