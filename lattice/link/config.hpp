// What a link is made with.
#pragma once

#include <memory>
#include <optional>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/link/identity.hpp>
#include <lattice/link/role.hpp>
#include <lattice/link/suite.hpp>

namespace lattice {

class Admission;
class PeerMemory;

// Keys from outside (psk3), beside everything else.
enum class OutsideKeys : uint8_t {
  off,      // an initiator that asks for one is refused
  accept,   // dials go without, an initiator may ask for one
  require,  // no link without
};

struct LinkConfig {
  Role role = Role::initiator;
  ByteArray<4> magic{};
  ByteArray<8> chain8{};                           // the first 8 bytes of the genesis hash in wire order
  std::vector<Suite> suites{Suite::xxhfs_chacha};  // what local policy allows, in no order
  std::shared_ptr<const Identity> identity;        // with an ML-DSA-65 key
  std::shared_ptr<const Identity> identity87;      // with an ML-DSA-87 key, for suite 0x0011; may be null, or the only one
  OutsideKeys outside_keys = OutsideKeys::off;
  std::optional<NodeId> expected;  // who must answer, where known
  std::optional<NodeId> likely;    // who answered there before: its ticket is tried, somebody else may answer nevertheless
  Endpoint remote;                 // for admission: where the other side is
  Duration handshake_timeout = std::chrono::seconds{30};
  // Of the node, outlive the link. Null: nothing is remembered, everybody is admitted.
  PeerMemory* memory = nullptr;
  Admission* admission = nullptr;
  bool resumes = true;  // takes and gives tickets, where there is a memory
};

// The identity that a suite is spoken with; null where there is none.
const Identity* identity_for(const LinkConfig& config, Suite suite);
// What this side offers: what policy, and the certificate that each suite is spoken with, allow. Where it dials an expected
// node, only suites of the kind of key that this node is known, or else taken, to have.
SuiteIds offers_of(const LinkConfig& config);

}  // namespace lattice
