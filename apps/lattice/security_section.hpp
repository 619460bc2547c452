// Reads [security] of a chain spec.
#pragma once

#include "security_policy.hpp"
#include "toml_section.hpp"

namespace lattice::app {

// Throws TomlFault for an unknown suite, one twice, or none that stays.
SecurityPolicy read_security(const toml::table& table);

}  // namespace lattice::app
