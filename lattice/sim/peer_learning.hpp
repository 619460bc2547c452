// What learned selection of peers gains: many nodes' Perigee cores on one graph with measured delays, without links or bytes. Thousands
// of blocks a second instead of one; a real Node does the same in tests/sim/perigee_test.cpp.
#pragma once

#include <memory>
#include <vector>

#include <lattice/peers/perigee.hpp>
#include <lattice/sim/latency.hpp>

namespace lattice::sim {

struct LearningOptions {
  uint64_t seed = 1;
  size_t nodes = 500;
  std::shared_ptr<const CityDelays> cities;  // empty: a random delay for each pair
  PerigeeLimits limits;                      // slots: how many each node dials; learned 0: random for ever
  size_t inbound_max = 115;
  size_t rounds = 60;
  size_t blocks = 50;                                // in each round
  Duration judging = std::chrono::milliseconds{50};  // of a block, before it is announced
  int legs = 5;                                      // announcement, question, headers, question, block: ways between two nodes
  bool all_announce = true;                          // who came in is told of a block that it has told of itself
  bool whole = true;  // the announcement counts from when the block could be here: with the ways of the questions
  // This share of the nodes judges nothing, has `hostile_pace` of everybody's delays, and does what wins places. None mines.
  double hostile = 0;
  double hostile_pace = 0.5;
};

struct LearningRound {
  double t50 = 0, t90 = 0;  // seconds, mean over the blocks of the round
  size_t exchanges = 0;
  // Of the dialled places of honest nodes, the hostile part: of the learned ones and of the others.
  double hostile_learned = 0, hostile_random = 0;
};
std::vector<LearningRound> learn(const LearningOptions& options);

}  // namespace lattice::sim
