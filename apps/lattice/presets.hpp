// The chain specs that are built in.
#pragma once

#include <span>

#include "chain_spec.hpp"

namespace lattice::app {

std::span<const ChainSpec> presets();
const ChainSpec* find_preset(std::string_view name);
std::string preset_names();  // "bitcoin, bitcoin-regtest, ..."

}  // namespace lattice::app
