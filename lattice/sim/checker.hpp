// What must always hold in a simulated network, looked at while it runs. Safety first: an event that breaks it is never made
// good by what follows.
//
//   tips        no node ever calls a block its tip, or a body good, that the chain does not allow
//   finality    two nodes never hold two final tips of one height (where the chain knows finality)
//   bans        no honest node leaves or avoids another honest one for a fault that only an attacker can commit, whatever
//               attackers send and the weather does
//   limits      connections, sealed and queued bytes, known addresses and open questions of every node stay below their bounds
//   addresses   nobody is told where a node is that takes no connections or that only its own network reaches
//   failures    a node stops only where its disk failed or was damaged
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include <lattice/discovery/address_book.hpp>
#include <lattice/node/half_open.hpp>
#include <lattice/sim/plan.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

struct CheckedLimits {
  size_t connections_max = 125;
  size_t half_open_max = HalfOpenLimits{}.in_all;           // inbound handshakes under way: they have places of their own
  size_t sealed_bytes_max = limits::send_buffer_bytes_max;  // of a link
  size_t queued_bytes_max = limits::send_queue_bytes_max;   // of a link
  size_t addresses_max = AddressBook::capacity_default;
  size_t questions_max = 4096;
  size_t held_bytes_max = 80 * 1024 * 1024;  // of messages begun and not ended, over all links
  size_t sockets_max = 500;                  // beside those of inbound handshakes; those that are being closed too
};

class Checker {
 public:
  static constexpr size_t broken_max = 32;

  Checker(World& world, const ChainKit& kit, const CheckedLimits& bounds);

  // `told`: others may hear of it.
  void add_honest(HostId host, const IpAddress& address, bool told = true);
  void add_hostile(HostId host);
  bool honest(HostId host) const { return honest_.contains(host); }

  // Each event of a chain, before its node is told.
  void on_chain_event(HostId host, const ChainEvent& event);
  // Its disk may make the node stop from now on; never again an unexpected failure.
  void excuse(HostId host) { excused_.insert(host); }
  // An address that an honest node named to whom asked.
  void on_told(const Endpoint& endpoint);
  // What a running node says of itself. Before each kill too: the report goes with the process.
  void look_at(HostId host);
  void look_at_all();
  void say_broken(std::string what);

  const std::vector<std::string>& broken() const { return broken_; }
  const std::map<std::string, size_t>& hostile_left() const { return hostile_left_; }
  const std::map<std::string, size_t>& honest_left() const { return honest_left_; }

 private:
  struct Seen {
    uint64_t left_total = 0;
    size_t avoided = 0;
  };
  void check_tip(HostId host, const Tip& tip);
  bool is_valid(HostId host, const BlockHash& block);
  bool was_made_anew(HostId host, const BlockHash& block) const;
  void check_left(HostId host, const NodeReport& report);
  void check_limits(HostId host, const NodeReport& report);
  std::string name_of(HostId host) const;

  World& world_;
  const ChainKit& kit_;
  CheckedLimits bounds_;
  std::unordered_set<BlockHash> valid_;  // looked up only
  std::map<uint64_t, BlockHash> finals_;
  std::map<HostId, Seen> honest_;
  std::set<HostId> hostile_, excused_;
  std::map<IpAddress, HostId> addresses_;  // of the honest
  std::set<IpAddress> secret_;             // of them: nobody may be told
  std::vector<std::string> broken_;
  std::map<std::string, size_t> hostile_left_, honest_left_;
};

}  // namespace lattice::sim
