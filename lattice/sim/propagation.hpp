// How fast and how dear a message reaches every node of one world: Lattice's production Nodes beside two baselines, on the same
// delays and lines, with the bound that no protocol can beat.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lattice/sim/latency.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

enum class Protocol : uint8_t { flood, mesh, lattice };
std::string_view protocol_name(Protocol protocol);

// Bytes a second of a host's line.
struct LineRates {
  uint64_t down = 12'500'000, up = 12'500'000;
};

struct PropagationOptions {
  Protocol protocol = Protocol::lattice;
  uint64_t seed = 1;
  size_t nodes = 1000;
  double silent = 0;               // share of the nodes that take everything and pass nothing on
  std::vector<size_t> sizes{300};  // of messages, one size after the other in the same world
  bool blocks = false;             // what travels is a block (Lattice: announced, asked for, sent), not a consensus message
  size_t messages = 10;            // of each size
  std::shared_ptr<const CityDelays> cities;  // empty: a random delay for each pair
  std::vector<LineRates> lines{{}};          // dealt out by turns
  Duration warm_up = std::chrono::seconds{30};
  Duration limit = std::chrono::seconds{60};  // for one message; who lacks it then counts with so much
  Duration rest = std::chrono::seconds{4};    // after each: what is still told of it belongs to it
};

// Times in seconds, from the source's publishing to the node's having judged it; over the nodes that are neither silent nor the
// source.
struct Spread {
  double t50 = 0, t90 = 0, t99 = 0;
};
struct MessageSpread {
  uint32_t source = 0;
  size_t reached = 0;
  std::vector<double> times;  // sorted; `limit` where it never came
  Spread spread;
  Spread bound;  // the same quantiles of the shortest way there is, and for blocks of the lines
  // How much later than its own bound the luckiest node had it: never below zero.
  double least_slack = 0;
};
// Of the messages of one size.
struct Propagation {
  size_t bytes = 0;
  std::vector<MessageSpread> messages;
  double bytes_a_node = 0;       // received, of everything that travelled, for one message
  double duplicates_a_node = 0;  // whole copies beyond the first, for one message, of an honest node
};
struct PropagationResult {
  size_t honest = 0;              // nodes that are not silent
  std::vector<Propagation> each;  // by size, as asked for
  uint64_t events = 0;
  std::string trace_hash;
};
PropagationResult measure_propagation(const PropagationOptions& options);

// The bound. B1: the shortest way over any hosts. B2: and what the lines must carry.
std::vector<Duration> shortest_ways(const Delays& delays, uint32_t hosts, uint32_t source);
// Sorted: the smallest value that at least that share of them does not exceed.
double quantile_of(const std::vector<double>& sorted, double share);

// Of every measured world: each host in a /16 of its own, as far as those go; and whom each dials: `count` others at random, no
// two that dial each other.
Endpoint propagation_endpoint(uint32_t host);
std::vector<std::vector<uint32_t>> random_links(uint32_t hosts, size_t count, Rng& rng);

}  // namespace lattice::sim
