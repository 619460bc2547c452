#include "load_spec.hpp"

#include "presets.hpp"

namespace lattice::app {

CLI::Option* add_chain_option(CLI::App& command, std::string& chain) {
  return command.add_option("--chain", chain, "Preset (" + preset_names() + ") or a chain spec file (TOML)")->required();
}

HostResult<ChainSpec> load_spec(const std::string& chain) {
  auto spec = load_chain_spec(chain);
  if (spec) return std::move(*spec);
  return std::unexpected(
      HostError{"the chain spec is not valid", spec.error().text(),
                "`lattice chain-spec show NAME` prints a preset as an example; `lattice chain-spec check FILE` checks"});
}

}  // namespace lattice::app
