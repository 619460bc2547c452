// A key that two nodes share from elsewhere: an operator's file, or a quantum key distribution network. It goes into the
// handshake beside everything else (psk3), so that a link is at least as strong as without it.
#pragma once

#include <lattice/base/bytes.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice {

using KeyId = ByteArray<16>;  // ETSI GS QKD 014: key_ID, a UUID

struct OutsideKey {
  KeyId id{};
  Secret<32> key;
};

}  // namespace lattice
