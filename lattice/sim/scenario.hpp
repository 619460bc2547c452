// Whole networks as one function each: options in, a result that says what happened and what broke. `lattice sim` and the tests
// run the same ones. The simulator knows no chain: whoever calls brings one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <lattice/base/log.hpp>
#include <lattice/node/chain.hpp>
#include <lattice/sim/latency.hpp>

namespace lattice::sim {

using ChainFactory = std::function<std::unique_ptr<Chain>()>;

struct ScenarioOptions {
  uint64_t seed = 1;
  size_t nodes = 50;     // in all
  size_t seeds = 4;      // of them: these hold the chain at the start, and only these stand in DNS
  size_t restarts = 20;  // processes killed at random times, each back after some seconds; seeds as well
  // Hostile hosts beside the nodes; DNS names them first: senders of garbage, listeners that never say a word, nodes of another
  // network, seeds that never give a body, seeds whose bodies are wrong in the last bit.
  size_t garbage = 0, silent = 0, wrong_magic = 0, withholding = 0, corrupting = 0;
  double loss = 0.01;                        // of packets, below the modelled TCP
  Duration limit = std::chrono::hours{2};    // simulated; the run ends earlier when every node is at the tip
  Duration least{};                          // simulated; the run goes on at least so long
  uint64_t bytes_per_second = 12'500'000;    // up, and down, of each host
  std::shared_ptr<const CityDelays> cities;  // empty: a random delay for each pair

  ChainFactory chain;                // a chain without a store: it will be loaded
  std::function<void(Store&)> fill;  // writes what the seeds hold; called once, each seed gets a copy
  ByteArray<4> magic{'s', 'i', 'm', '1'};
  uint16_t port = 8333;
  int64_t wall_start = 1'750'000'000;  // unix seconds at the start
  LogSink* log = nullptr;              // sees every node's events, with a field `sim` = "12.345678s n7"
};

struct ScenarioResult {
  bool passed = false;              // every node is at the seeds' tip and no invariant broke
  std::vector<std::string> broken;  // what broke, a sentence each; at most 32
  uint64_t seed = 0;
  size_t nodes = 0, nodes_at_tip = 0;
  uint64_t height = 0;  // of the tip
  BlockHash tip;
  double simulated_seconds = 0, real_seconds = 0;
  uint64_t events = 0;  // inputs given to nodes, and the simulator's own
  double events_per_second = 0;
  uint64_t segments = 0, bytes = 0;  // carried by the modelled TCP
  uint64_t losses = 0;               // packets sent again
  uint64_t connections = 0, handshakes = 0, restarts = 0;
  size_t connections_peak = 0;                 // of one node
  std::map<std::string, size_t> hostile_left;  // how often honest nodes left hostile hosts, by the reason's name
  std::string trace_hash;                      // hexadecimal
};

// Fresh nodes that know a DNS name alone reach the seeds' tip, in spite of loss, delays, restarts and hostile hosts.
ScenarioResult run_sync_scenario(const ScenarioOptions& options);

}  // namespace lattice::sim
