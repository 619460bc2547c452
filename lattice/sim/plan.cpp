// Plans' names, and what a run found in words.
#include <lattice/sim/plan.hpp>

#include <cstdio>

#include <lattice/base/assert.hpp>

namespace lattice::sim {

std::string_view fault_name(FaultKind kind) {
  switch (kind) {
    case FaultKind::kill: return "kill";
    case FaultKind::power_cut: return "power_cut";
    case FaultKind::partition: return "partition";
    case FaultKind::stall: return "stall";
    case FaultKind::silent_break: return "silent_break";
    case FaultKind::weather: return "weather";
    case FaultKind::slow_line: return "slow_line";
    case FaultKind::clock_step: return "clock_step";
    case FaultKind::clock_drift: return "clock_drift";
    case FaultKind::disk_full: return "disk_full";
    case FaultKind::disk_slow: return "disk_slow";
    case FaultKind::disk_lying: return "disk_lying";
    case FaultKind::disk_flip: return "disk_flip";
    case FaultKind::dns_dead: return "dns_dead";
    case FaultKind::dns_slow: return "dns_slow";
    case FaultKind::dns_lying: return "dns_lying";
  }
  ASSERT(false);
}

std::string_view attack_name(AttackKind kind) {
  switch (kind) {
    case AttackKind::garbage: return "garbage";
    case AttackKind::silent: return "silent";
    case AttackKind::wrong_magic: return "wrong_magic";
    case AttackKind::withholding: return "withholding";
    case AttackKind::corrupting: return "corrupting";
    case AttackKind::spammer: return "spammer";
    case AttackKind::liar: return "liar";
    case AttackKind::slow_sender: return "slow_sender";
    case AttackKind::eclipse: return "eclipse";
    case AttackKind::sybil: return "sybil";
    case AttackKind::equivocator: return "equivocator";
    case AttackKind::mutator: return "mutator";
  }
  ASSERT(false);
}

std::string described(const PlanResult& result) {
  char head[512];
  std::snprintf(
      head, sizeof head,
      "seed %llu: %s; %zu of %zu nodes at height %llu after %.1f s (%.2f s real, recovery %.1f s); %llu events, "
      "%llu bytes, %llu sent again, %llu messages, %llu handshakes, %llu restarts, %llu stores wiped; T50 %.3f T90 %.3f "
      "T99 %.3f s, %llu duplicates; trace ",
      static_cast<unsigned long long>(result.seed), result.passed ? "passed" : "FAILED", result.nodes_at_tip, result.nodes,
      static_cast<unsigned long long>(result.tip.height), result.simulated_seconds, result.real_seconds,
      result.recovery_seconds, static_cast<unsigned long long>(result.world.events),
      static_cast<unsigned long long>(result.world.bytes), static_cast<unsigned long long>(result.world.sent_again),
      static_cast<unsigned long long>(result.world.messages), static_cast<unsigned long long>(result.world.handshakes),
      static_cast<unsigned long long>(result.restarts), static_cast<unsigned long long>(result.stores_wiped), result.t50,
      result.t90, result.t99, static_cast<unsigned long long>(result.duplicates));
  std::string text = head + result.trace_hash;
  for (const auto& broken : result.broken) text += "\n  broken: " + broken;
  for (const auto& [reason, count] : result.hostile_left) text += "\n  hostile left: " + reason + " x " + std::to_string(count);
  for (const auto& [reason, count] : result.honest_left) text += "\n  honest left: " + reason + " x " + std::to_string(count);
  return text;
}

}  // namespace lattice::sim
