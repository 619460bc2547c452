// How a peer became known: said in reports, and in which order candidates are dialled.
#pragma once

#include <cstdint>
#include <string_view>

namespace lattice {

// Most trusted first.
enum class PeerSource : uint8_t { operator_given, dns_signed, dns_unsigned, bootstrap, peer_exchange, inbound };
std::string_view source_name(PeerSource source);

}  // namespace lattice
