// [security] of a chain spec: which suites its network speaks, and from which height on one is retired.
//
//   [security]
//   suites = ["0x0001", "0x0002", "0x0101"]     # which one two nodes choose follows from strength, not from this order
//   [[security.retire]]
//   suite = "0x0101"
//   height = 900000
#pragma once

#include <string>
#include <vector>

#include <lattice/node/node.hpp>

namespace lattice::app {

struct SecurityPolicy {
  // TLS stands last in strength: it is spoken only where nothing else is shared.
  std::vector<Suite> suites{Suite::xxhfs_aesgcm, Suite::xxhfs_chacha, Suite::tls13};
  std::vector<SuiteRetirement> retired;
  bool operator==(const SecurityPolicy&) const = default;
};

std::string suite_text(Suite suite);  // "0x0001"
std::string security_text(const SecurityPolicy& policy);

// What this machine offers of it: 0x0002 only where the processor has AES instructions, or nothing else is allowed.
std::vector<Suite> suites_here(const SecurityPolicy& policy);
// What the certificate of such a key allows; may be empty.
std::vector<uint16_t> suites_of_key(const SecurityPolicy& policy, SignAlg alg);

}  // namespace lattice::app
