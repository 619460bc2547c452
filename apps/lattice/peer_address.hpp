// A peer as an operator writes it: [NodeID@]host:port, where host is an address or a name.
#pragma once

#include <lattice/host/host_error.hpp>
#include <lattice/node/node.hpp>

namespace lattice::app {

// A name is looked up by the system, once, before the node starts: all of its addresses are given.
HostResult<std::vector<KnownPeer>> resolve_peer(const std::string& text);
// "192.0.2.1" or "192.0.2.1:8333".
std::optional<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port);

}  // namespace lattice::app
