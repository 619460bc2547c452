// Genesis peers from the environment, beside the chain spec's bootstrap list:
//
//   QNET_GENESIS_CERT_*   a certificate with its self-signature (base64url or hexadecimal, as `lattice keygen --certificate`
//                         prints it), or @FILE that holds one. It names an identity.
//   QNET_BOOTSTRAP_ID     NodeID@host:port, one or more, divided by commas or white space. Each names an identity and where it is.
//
// What they name skips limits of slots and counts like a peer that this node chose, and proves who it is like anybody. A value
// that is not good keeps the node from starting: half a list of whom to trust is another list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <lattice/host/host_error.hpp>
#include <lattice/link/certificate_text.hpp>
#include <lattice/node/node.hpp>

namespace lattice::app {

constexpr std::string_view genesis_certificate_prefix = "QNET_GENESIS_CERT_";
constexpr std::string_view bootstrap_id_variable = "QNET_BOOTSTRAP_ID";
constexpr size_t genesis_certificates_max = 64;
constexpr size_t bootstrap_ids_max = 64;
constexpr size_t bootstrap_text_bytes_max = 32 * 1024;

struct GenesisPeers {
  std::vector<NodeId> ids;            // all that are named, each once
  std::vector<KnownPeer> bootstrap;   // those with an address
  std::vector<std::string> outdated;  // variables whose certificate has expired or is not valid yet: it still names who it is
};

// `environment`: NAME=VALUE. Verifies each self-signature.
HostResult<GenesisPeers> read_genesis_peers(const std::vector<std::string>& environment, Provider& provider, WallTime now);
// Of this process.
std::vector<std::string> process_environment();
void add_genesis_peers(NodeConfig& node, const GenesisPeers& peers);

}  // namespace lattice::app
