// What a link is made with.
#pragma once

#include <memory>
#include <optional>

#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/link/identity.hpp>
#include <lattice/link/role.hpp>
#include <lattice/link/suite.hpp>

namespace lattice {

struct LinkConfig {
  Role role = Role::initiator;
  ByteArray<4> magic{};
  ByteArray<8> chain8{};                           // the first 8 bytes of the genesis hash in wire order
  std::vector<Suite> suites{Suite::xxhfs_chacha};  // what local policy allows, in no order
  std::shared_ptr<const Identity> identity;
  std::optional<NodeId> expected;  // who must answer, where known
  uint64_t serial_min = 0;         // of `expected`: the greatest serial seen of it
  // The responder's certificate body, where an earlier link left it: the responder may then answer with its hash alone. If it
  // has another certificate by now, the handshake fails as bad_certificate: dial again without.
  std::optional<Bytes> known_certificate;
  Duration handshake_timeout = std::chrono::seconds{30};
};

}  // namespace lattice
