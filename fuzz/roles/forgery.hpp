// What an adversary on the line writes who knows the protocol, and no keys.
#pragma once

#include <lattice/link/config.hpp>

namespace lattice::roles {

// A retry that nobody sent, with its length.
Bytes forged_retry(const LinkConfig& config, uint16_t suite, uint8_t how);
// `unit`, with its length, as another says it: fewer offers, another suite, flag, ticket or suite of a retry. The same where it is
// neither a hello nor a retry.
Bytes forged_unit(const LinkConfig& config, ByteView unit, uint8_t how);

}  // namespace lattice::roles
