// A small network of production nodes with attackers of one kind beside it, and what is looked at all the time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <lattice/sim/adversaries/adversaries.hpp>
#include <lattice/sim/plan.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

// `blocks` in the seeds' stores, five more to be made, and two rivals of the first of them.
std::shared_ptr<const ChainKit> attack_kit(uint32_t blocks, size_t block_bytes);

struct AttackWorldOptions {
  uint64_t seed = 1;
  size_t nodes = 6, seeds = 2;
  Cryptography cryptography = Cryptography::modelled;
  std::shared_ptr<const ChainKit> kit;
  size_t connections_max = 125;
  bool attackers_in_dns = true;  // named there before the seeds
};

// The most that any honest node held at one of the looks, once a second.
struct Peaks {
  size_t connections = 0, sockets = 0, pending = 0, queued_bytes = 0, held_bytes = 0, addresses = 0;
};

class AttackWorld {
 public:
  explicit AttackWorld(AttackWorldOptions options);

  // Its machines, each with `attack.addresses` addresses, one a /16.
  void add(AttackKind kind, const Attack& attack);
  void add_nodes();
  // The next of the kit's future blocks, at the honest node `at`.
  void make_block(size_t at);
  void run_for(Duration duration);
  // Every honest node has the newest block that was made; false: not within the time.
  bool run_to_tip(Duration limit);

  // What is wrong with the honest nodes; empty where nothing is.
  std::vector<std::string> broken() const;
  bool has_newest(size_t node) const;  // the newest block that was made
  std::string described() const;

  World world;
  std::shared_ptr<AttackCount> did = std::make_shared<AttackCount>();
  std::vector<HostId> honest;
  std::map<std::string, size_t> left;  // why honest nodes left attackers
  Peaks peaks;

 private:
  void look();
  bool at_tip() const;
  NodeConfig node_config() const;
  std::string name_of(HostId host) const;

  AttackWorldOptions options_;
  DnsRecord dns_;
  std::vector<Endpoint> honest_endpoints_;
  std::set<IpAddress> honest_ips_;
  std::map<std::string, size_t> honest_left_;  // honest nodes one another, by reason
  std::vector<std::string> honest_faults_;
  size_t machines_ = 0, attack_addresses_ = 0, made_ = 0;
};

}  // namespace lattice::sim
