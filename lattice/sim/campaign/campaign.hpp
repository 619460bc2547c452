// Eclipse campaigns: an attacker fills the address book of one node, and then the node starts again, many times. How often is
// everybody that it then chooses the attacker's? And how often, without each of the defences?
//
// What chooses is what the node chooses with: AddressBook with its file, SlotPlan with its anchors, AsTable, eviction_victim,
// Allowance, SizeEstimate. What is modelled is everybody else: who answers, who tells whom of whom, who comes in (victim.hpp).
// There are no links and no sockets, and time is virtual; the same seed gives the same figures.
//
// A fill is one life of a node: days among honest peers, then the attack. From its end on it starts again many times, each start
// with other randomness and a copy of the same book. Starts of one fill are not independent of each other: the interval is that
// of the starts, and the worst fill is shown beside it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <lattice/discovery/address_book.hpp>
#include <lattice/sim/campaign/population.hpp>

namespace lattice::sim {

constexpr size_t own_slots = 10;  // full_relay and block_only of SlotLimits

// Each can be taken out.
struct Defences {
  bool buckets = true;     // without: one list, chosen from uniformly
  bool test_first = true;  // before somebody loses a place in `tried`
  bool feelers = true;
  bool anchors = true;
  bool seeds = true;          // a signed list, at each start
  bool operator_keys = true;  // unsigned answers of DNS are not believed
  bool diversity = true;      // per_group, per_as, regions
  bool as_table = true;       // without: diversity knows groups alone
  bool rate_limit = true;     // of addresses that nobody asked for: 10, then 0.1 a second. Without: 20 times as many
  bool merits = true;         // who goes when all inbound slots are taken. Without: a random one
};

struct Siege {
  Resources resources;
  Duration time = std::chrono::hours{3 * 24};
  double trash = 0.5;         // of what it tells, so much are addresses that nobody has
  double gossip = 0;          // the share of the attacker's addresses in what honest peers tell meanwhile
  double knocks = 1;          // connections that it opens to the node, a second
  bool forges_names = false;  // the signed list never comes; unsigned records name 64 of its own
};

struct Scene {
  std::string name;
  Crowd crowd;
  Siege attack;
  Defences defences;
  size_t capacity = AddressBook::capacity_default;
  Duration before = std::chrono::hours{7 * 24};  // of life among honest peers alone
  double names_answer = 0.9;                     // chance a start that the signed list is had
  double anchors_kept = 0.9;                     // the same that anchors are: a process that is killed leaves none
  // Each so many starts the anchors are again those of the end of the attack; between, those of the start before.
  size_t chain = 10;
};

struct Outcome {
  size_t fills = 0, starts = 0, eclipsed = 0;
  size_t worst_fill = 0;                              // eclipsed starts of the fill with the most
  std::array<size_t, own_slots + 1> hostile_slots{};  // how many starts had so many
  double hostile_tried = 0, hostile_heard = 0;        // shares of the book's entries, means of the fills
  double hostile_inbound = 0;                         // of the inbound slots
  double mean_hostile() const;
  double share() const { return starts == 0 ? 0 : static_cast<double>(eclipsed) / static_cast<double>(starts); }
};

struct Interval {
  double low = 0, high = 1;
};
// Wilson's score interval of a share, 95 percent.
Interval wilson(size_t hits, size_t of);

Outcome run_fills(const Scene& scene, size_t fills, size_t starts, uint64_t seed);

}  // namespace lattice::sim
