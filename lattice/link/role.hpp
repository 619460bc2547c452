// Who began a connection.
#pragma once

#include <cstdint>

namespace lattice {

enum class Role : uint8_t { initiator, responder };

}  // namespace lattice
