#include <lattice/discovery/peer_source.hpp>

namespace lattice {

std::string_view source_name(PeerSource source) {
  switch (source) {
    case PeerSource::operator_given: return "operator";
    case PeerSource::dns_signed: return "dns_signed";
    case PeerSource::dns_unsigned: return "dns_unsigned";
    case PeerSource::bootstrap: return "bootstrap";
    case PeerSource::peer_exchange: return "peer_exchange";
    case PeerSource::inbound: return "inbound";
  }
  return "unknown";
}

}  // namespace lattice
