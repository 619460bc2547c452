// Attackers by their kind: hosts that are no node. One host is one machine; whoever makes an attack makes `attack.machines` of
// them with World::add_raw, each with its own endpoints, and gives each a line of `attack.bytes_per_second` (World::set_rate).
//
// Withholding, corrupting and wrong_magic are production nodes (SimNodeConfig): make_adversary is not asked for them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <lattice/sim/plan.hpp>
#include <lattice/sim/raw_host.hpp>

namespace lattice::sim {

// What an attacker did, for tests and reports: how often, by name ("dialled", "sent", "block held back" ...). A test that shows
// that nothing happened to an attacker that did nothing is worth nothing.
struct AttackCount {
  std::map<std::string, uint64_t> did;
  void add(const char* what, uint64_t times = 1) { did[what] += times; }
  uint64_t of(const std::string& what) const {
    const auto found = did.find(what);
    return found == did.end() ? 0 : found->second;
  }
};

struct AttackContext {
  Attack attack;
  ByteArray<4> magic{};
  uint16_t port = 0;              // the network's, where its own endpoints listen
  std::vector<Endpoint> victims;  // dialled, and told about the attacker
  std::vector<Endpoint> own;      // this machine's, as given to add_raw; the first is RawNet::endpoint()
  std::shared_ptr<const ChainKit> kit;
  int64_t wall_start = 0;              // unix seconds; certificates are made around it
  std::shared_ptr<AttackCount> count;  // nothing: nobody counts
};

// ASSERTs that the kind is not one of the three that are production nodes. `from` and `until` count from on_start: before and
// after, it takes no connections and says nothing.
std::unique_ptr<RawHost> make_adversary(AttackKind kind, AttackContext context);

}  // namespace lattice::sim
