// An address where a node was said to be, with what became of it.
#pragma once

#include <optional>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/discovery/peer_source.hpp>

namespace lattice {

struct KnownAddress {
  Endpoint endpoint;
  std::optional<NodeId> node;  // who should answer, or did
  PeerSource source = PeerSource::peer_exchange;
  uint64_t services = 0;
  int64_t last_seen = 0;  // unix seconds, at most now
  bool answered = false;  // a link was established by dialling it
  bool stored = false;    // that it answered, and who, is what a file says: this process has not seen it
  unsigned failures = 0;  // in a row
  Instant last_try{};
  Instant next_try{};
};

}  // namespace lattice
