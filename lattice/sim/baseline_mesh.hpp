// The second baseline: a gossip mesh for one topic, after gossipsub v1.1 (libp2p's specification, and Vyzovitis et al. 2020)
// without peer scores.
//
// Each node keeps a mesh among its neighbours, both ways. New messages go whole to the mesh at once; a node's own go to all
// neighbours (flood publishing). With each heartbeat the mesh is brought back between its bounds, and the ids of the newest
// messages are told to a few neighbours outside it, who ask for what they lack.
#pragma once

#include <lattice/sim/baseline_host.hpp>

namespace lattice::sim {

// The specification's parameters and their names there. It begins with a mesh of 6; 8, 6 and 12 is what Ethereum's consensus
// layer runs with.
struct MeshOptions {
  size_t degree = 8, degree_low = 6, degree_high = 12;  // D, D_lo, D_hi
  size_t degree_out = 2;                                // kept of those that it dialled itself, where the mesh is cut: D_out
  size_t gossip_least = 6;                              // D_lazy ...
  double gossip_share = 0.25;                           // ... and at least that share of those outside the mesh
  Duration heartbeat = std::chrono::seconds{1};
  size_t history_beats = 5, gossip_beats = 3;  // messages are kept so long, and told of so long
  Duration prune_backoff = std::chrono::seconds{60};
  size_t answers_max = 3;  // for one message that one neighbour asks for
};

constexpr size_t mesh_links = 10;  // that each node chooses; about as many others choose it

std::unique_ptr<BaselineHost> mesh_host(BaselineConfig config, MeshOptions options = {});

}  // namespace lattice::sim
