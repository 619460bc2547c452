// Who is on the network of a campaign (campaign.hpp), without nodes: honest addresses, most of a day there and some long gone,
// and an attacker's, which always answer; with an AS table (as_table.hpp) that knows all of them.
#pragma once

#include <vector>

#include <lattice/base/random.hpp>
#include <lattice/peers/as_table.hpp>
#include <lattice/peers/slots.hpp>

namespace lattice::sim {

struct Crowd {
  size_t addresses = 10'000;
  size_t groups = 2'000;                        // IPv4 /16
  size_t systems = 400;                         // AS numbers; a group belongs to one
  double stale = 0.5;                           // at any time so many of the addresses have nobody behind them ...
  Duration turn = std::chrono::hours{20 * 24};  // ... and each once in so long
  double up = 0.9;                              // of the others, that one answers when it is asked
  size_t seeds = 12;                            // always there, in a signed list
};

// What an attacker has.
struct Resources {
  size_t addresses = 0;
  size_t groups = 32, systems = 32, regions = region_count;
  bool among_honest = false;  // spread over the honest groups and AS numbers, as a botnet is; then the three above say nothing
};

class Population {
 public:
  Population(const Crowd& crowd, const Resources& attacker, uint64_t seed);

  const std::vector<Endpoint>& honest() const { return honest_; }
  const std::vector<Endpoint>& hostile() const { return hostile_; }
  const std::vector<Endpoint>& seeds() const { return seeds_; }
  const Endpoint& any(const std::vector<Endpoint>& of, Rng& rng) const { return of[rng.below(of.size())]; }

  // An address that nobody has, to be told of for the room that it takes from others.
  static Endpoint trash(Rng& rng);
  static bool is_hostile(const Endpoint& endpoint) { return endpoint.port == hostile_port; }
  // Somebody is behind it these days.
  bool is_there(const Endpoint& endpoint, Instant now) const;
  // When somebody was last there; now, where somebody is, and of trash, as its teller says.
  Instant last_there(const Endpoint& endpoint, Instant now) const;
  bool answers(const Endpoint& endpoint, Instant now, Rng& rng) const;
  // `systems`: whether the node has the AS table.
  SlotAddress slot_address(const Endpoint& endpoint, bool systems) const;

 private:
  static constexpr uint16_t honest_port = 9000, seed_port = 9001, hostile_port = 9002, trash_port = 9003;
  double phase(const Endpoint& endpoint, Instant now) const;

  Crowd crowd_;
  uint64_t seed_;
  std::vector<Endpoint> honest_, hostile_, seeds_;
  AsTable table_;
};

}  // namespace lattice::sim
