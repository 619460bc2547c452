// A whole run as a value: who takes part, what goes wrong and when, who attacks. The same plan gives the same trace hash; a plan
// that fails can be made smaller and run again. The simulator knows no chain: whoever calls brings one (ChainKit).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <lattice/sim/latency.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

using ChainFactory = std::function<std::unique_ptr<Chain>()>;

// A block that is not in the seeds' stores yet.
struct FutureBlock {
  BlockRef ref;
  Bytes header;
  SharedBytes block;
};

// What a run needs of a chain. Shared by many runs: made once.
struct ChainKit {
  ChainFactory chain;                         // without a store: it will be loaded
  std::shared_ptr<const MemoryStore> filled;  // what the seeds hold
  std::vector<FutureBlock> future;            // each on top of the one before, the first on top of `filled`; valid ones
  std::vector<FutureBlock> rivals;  // for an equivocator: valid, beside the first of `future`, and none on top; or none
  std::vector<FutureBlock> branch;  // another one on top of `filled`, valid, shorter than `future`; or none
  std::vector<BlockHash> valid;     // every block that a node may ever hold as its tip, genesis first
  // Whether a body is another valid one that anybody can make of a valid one: a mutator sometimes does. None: nobody can.
  std::function<bool(ByteView body, ByteView of)> made_anew;
  // Whether a tip can never be left again; none: the chain knows no finality.
  std::function<bool(const Tip&)> is_final;
};

enum class FaultKind : uint8_t {
  kill,          // processes, back after `lasts`
  power_cut,     // machines: what was not synced is lost; back after `lasts`
  partition,     // `nodes` on one side, the rest on the other
  stall,         // their lines carry nothing
  silent_break,  // their connections carry nothing more; no end is told
  weather,       // of everybody
  slow_line,     // their rates, times 1 - `amount`
  clock_step,    // their wall clocks jump by `amount` seconds; where it lasts, back at its end, else they stay there
  clock_drift,   // by `amount` parts per million
  disk_full,     // commits fail
  disk_slow,     // each command takes `amount` seconds more
  disk_lying,    // what it says is synced is not: a later power cut loses it
  disk_flip,  // bits flip in `amount` of the stored values (as a share); checksums tell at the next read; one in the saved addresses
  dns_dead,
  dns_slow,   // by `amount` seconds
  dns_lying,  // answers name addresses where nobody or the wrong one is
};
std::string_view fault_name(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::kill;
  Duration at{}, lasts{};       // after the start
  std::vector<uint32_t> nodes;  // whom it hits, by index; empty where it hits the world
  double amount = 0;
  Weather weather;
};

enum class AttackKind : uint8_t {
  garbage,      // random bytes in place of everything
  silent,       // takes connections, never says a word
  wrong_magic,  // a production node of another network
  withholding,  // a production node that never gives a body
  corrupting,   // a production node whose bodies are wrong in the last bit
  spammer,      // floods every kind of message
  liar,         // claims heights and tips that are not there
  slow_sender,  // a byte now and then
  eclipse,      // fills address books, takes every slot it can get
  sybil,        // many identities, few machines
  equivocator,  // says different things to different peers
  mutator,      // real messages with something changed
};
std::string_view attack_name(AttackKind kind);

struct Attack {
  AttackKind kind = AttackKind::garbage;
  size_t machines = 1;                    // each with a line of `bytes_per_second`
  size_t addresses = 1;                   // of each machine, one a /16
  size_t connections = 64;                // of each machine, at most
  uint64_t bytes_per_second = 1'250'000;  // of each machine
  Duration from{}, until = std::chrono::hours{24};
};

struct Plan {
  uint64_t seed = 1;
  std::string name = "sync";
  size_t nodes = 30;  // honest ones, in all
  size_t seeds = 4;   // of them: hold the chain at the start, and stand in DNS
  size_t outbound_target = 10, connections_max = 125;
  Cryptography cryptography = Cryptography::modelled;
  uint64_t bytes_per_second = 12'500'000;  // up, and down, of each node
  Weather weather;
  std::shared_ptr<const CityDelays> cities;  // empty: a random delay for each pair
  // Of the kit's: made by random nodes on top of their own tips, evenly spread until faults_end. Where another made the next
  // block before, and the news has not come yet, the node makes a rival one.
  size_t new_blocks = 0;
  std::vector<Fault> faults;
  std::vector<Attack> attacks;
  Duration faults_end = std::chrono::seconds{60};  // no fault lasts longer; then the network must recover ...
  Duration recovery = std::chrono::minutes{10};    // ... within so much: every honest node at the newest tip
  Duration least{};                                // simulated; the run goes on at least so long
  Duration arrive = std::chrono::seconds{5};       // the fresh nodes start within so much, at random
  size_t unreachable = 0;                          // of the fresh nodes: half take no connections, half have a private address
  size_t bootstrap = 2;                            // seeds whose addresses every node knows, for when DNS gives nobody
  size_t hostile_in_dns = 16;                      // addresses of attackers that DNS names before the seeds, at most
  int64_t wall_start = 1'750'000'000;              // unix seconds
  LogSink* log = nullptr;                          // every node's events, with a field `sim` = "12.345678s n7"
};

// What a run found. Broken: an invariant, the first 32, a sentence each.
struct PlanResult {
  bool passed = false;
  std::vector<std::string> broken;
  uint64_t seed = 0;
  size_t nodes = 0, nodes_at_tip = 0;
  BlockRef tip;
  double simulated_seconds = 0, real_seconds = 0, recovery_seconds = 0;
  WorldStats world;
  uint64_t restarts = 0;
  size_t new_blocks = 0, rival_blocks = 0;     // made, of them beside another of their height
  uint64_t stores_wiped = 0;                   // damaged ones that were refused at the start; the node began again without
  std::map<std::string, size_t> hostile_left;  // how often honest nodes left hostile hosts, by the reason's name
  std::map<std::string, size_t> honest_left;   // ... and one another
  // Seconds from a block's making until 50, 90 and 99% of the honest nodes that were up had it; the median over the new blocks.
  double t50 = 0, t90 = 0, t99 = 0;
  uint64_t duplicates = 0;                    // bodies that a node was sent and had
  std::vector<std::vector<double>> arrivals;  // of each new block: seconds until each honest node had it, in order
  std::string trace_hash;
};

// The network of every plan.
constexpr ByteArray<4> plan_magic{'s', 'i', 'm', '1'};
constexpr uint16_t plan_port = 8333;
constexpr std::string_view plan_dns_name = "seeds.sim";

PlanResult run_plan(const Plan& plan, const ChainKit& kit);

// What went wrong and how the network stood, for people.
std::string described(const PlanResult& result);

// Fresh nodes reach the seeds' tip, in spite of loss, delays and restarts.
Plan sync_plan(uint64_t seed, size_t nodes, size_t restarts = 20);
// The same beside hostile hosts, `each` of every kind that needs no victim of its own.
Plan hostile_plan(uint64_t seed, size_t nodes, size_t each = 2);
// A run of everything at once, drawn from the seed: faults of every kind, attackers, new blocks.
Plan mixed_plan(uint64_t seed, size_t nodes);

// The smallest plan it finds that still fails, by leaving out attacks, faults and nodes, at most `runs` runs.
Plan shrink(const Plan& failing, const std::function<bool(const Plan&)>& fails, size_t runs = 200);

}  // namespace lattice::sim
