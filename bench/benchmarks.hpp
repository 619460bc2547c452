// The benchmarks of docs/PERFORMANCE.md that run inside one process. Each measures its limits beside itself.
#pragma once

#include <string>
#include <vector>

#include <bench/report.hpp>

namespace lattice::bench {

struct Options {
  unsigned seed = 1;
  int runs = 30;                                     // of each figure that takes milliseconds
  int runs_large = 5;                                // interleaved, where a run writes hundreds of megabytes
  std::string program;                               // the lattice program, for benchmarks that run real processes
  std::string folder;                                // for data that a benchmark writes; must exist
  std::vector<size_t> sim_nodes{100, 1000, 10'000};  // sizes of B12's worlds
};

std::vector<Row> votes_rows(const Options& options);         // B1: votes to 1,000 nodes, beside two baselines, simulated
std::vector<Row> announcement_rows(const Options& options);  // B1a: records of nodes to 1,000 nodes, beside the flood
std::vector<Row> blocks_rows(const Options& options);        // B2: the same with blocks over slow lines
std::vector<Row> sync_rows(const Options& options);          // B5: download, check and store, against import alone
std::vector<Row> bulk_rows(const Options& options);          // B6: one link against AEAD and plain TCP
std::vector<Row> handshake_rows(const Options& options);     // B7: a handshake against the sum of its operations, and shed_rows
std::vector<Row> shed_rows(const Options& options);          // B7: first messages that a flooded responder turns away
std::vector<Row> message_rows(const Options& options);       // B8: small messages, against plain TCP
std::vector<Row> idle_rows(const Options& options);          // B9: memory of links that do nothing
std::vector<Row> address_rows(const Options& options);       // B10: the address book: bytes an entry, time to choose and to add
std::vector<Row> sim_rows(const Options& options);           // B12: the simulator: messages a second, memory a node

}  // namespace lattice::bench
