// One program while it runs: its nodes' links, what is under way between them, and the oracle beside it.
#pragma once

#include "link_roles.hpp"

namespace lattice::roles {

struct LinkRoles::Run {
  Run(LinkRoles& of, ByteView bytes) : roles(of), program(bytes), oracle(of.network_, ends, of.counts_) {
    ends.reserve(2 * connections_max);
  }

  LinkRoles& roles;
  Program program;
  std::vector<End> ends;
  Oracle oracle;
  Duration passed{};
  uint64_t step = 0;
  std::vector<Unit> history;
  bool nodes_changed = false;  // revoked, renewed, forgotten: what is remembered may not fit any more
  uint64_t pings = 0;

  Provider& provider() { return *roles.provider_; }
  Network& network() { return roles.network_; }
  Now now() const {
    return {Instant{} + passed, wall_from_unix(wall_start) + std::chrono::duration_cast<std::chrono::seconds>(passed)};
  }
  size_t any_end() { return program.below(ends.size()); }
  size_t other_of(size_t end) const { return end ^ 1; }
  void disturb(size_t end) {
    roles.counts_.disturbed += !ends[end].disturbed;
    ends[end].disturbed = true;
  }
  void disturb_both(size_t end) {
    disturb(end);
    disturb(other_of(end));
  }

  void go();
  void operate(Op op);
  bool operate_on_wire(Op op, size_t end);
  void connect();
  void make(size_t node, Role role, const LinkConfig& config);
  void settle(size_t end);
  void take_output(size_t end);
  void split(size_t end);
  void take_events(size_t end);
  void deliver(const Unit& unit, size_t end, size_t piece = 0);
  bool work(size_t end);
  bool end_socket_of(size_t end);
  void pump(size_t connection);
  void pass(Duration time, bool told);
  void send(size_t end);
  void change_node(Op op);
  void close_at_last(size_t end);
  void finish();
};

}  // namespace lattice::roles
