// How fast, how far and how dear the word of a node's place travels: production Nodes in one world, with the bound that no
// protocol can beat. The delays, the links and who speaks are those of propagation.hpp with the same seed.
#pragma once

#include <lattice/sim/propagation.hpp>

namespace lattice::sim {

struct AnnouncementSpreadOptions {
  uint64_t seed = 1;
  size_t nodes = 1000;
  size_t announcements = 10;  // by nodes that have been there, of places they have found out, one after the other
  size_t joins = 0;           // after those, by nodes that come new and have no link yet
  std::shared_ptr<const CityDelays> cities;  // empty: a random delay for each pair
  Duration warm_up = std::chrono::seconds{30};
  Duration limit = std::chrono::seconds{30};  // for one; who lacks it then counts with so much
  Duration rest = std::chrono::seconds{4};
};

struct AnnouncementSpread {
  std::vector<MessageSpread>
      announcements;                 // from the speaker's signing to a node's having verified it and put it in its table
  std::vector<MessageSpread> joins;  // from the first link of the new node on: before that it knows nobody
  double bytes_a_node = 0, duplicates_a_node = 0;  // for one of `announcements`: received, and whole copies beyond the first
  size_t record_bytes = 0;
  std::string trace_hash;
};
AnnouncementSpread measure_announcements(const AnnouncementSpreadOptions& options);

}  // namespace lattice::sim
