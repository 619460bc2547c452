// The honest nodes of a run, each with a service manager and an operator: whatever went down comes up again, a process that
// stopped by itself too, and a store that is refused as damaged is thrown away, once, for the node to sync again.
#pragma once

#include <optional>
#include <vector>

#include <lattice/sim/checker.hpp>

namespace lattice::sim {

class Fleet {
 public:
  static constexpr Duration restart_pause = std::chrono::seconds{2};

  Fleet(World& world, Checker& checker, size_t size) : world_(world), checker_(checker), machines_(size) {}

  // Starts it. `told`: others may hear of its address.
  HostId add(size_t index, SimNodeConfig config, bool told);
  size_t size() const { return machines_.size(); }
  std::optional<HostId> host(size_t index) const { return machines_[index].host; }  // none: not added yet
  std::optional<size_t> index_of(HostId host) const;
  bool running(size_t index) const;
  bool loaded(size_t index) const { return machines_[index].loaded && !machines_[index].failing; }  // takes part
  bool all_up() const { return up_ == machines_.size(); }

  // One reason more for the node to be down; release takes one away, and with the last one it starts.
  void hold(size_t index, Crash crash);
  void release(size_t index);
  // Its disk takes nothing more, or does again.
  void set_full(size_t index, bool full);
  void on_chain_event(HostId host, const ChainEvent& event);
  // Called as each process ends, before it is gone.
  void on_stop(std::function<void(size_t index, const NodeReport&)> observer) { observer_ = std::move(observer); }

  uint64_t restarts() const { return restarts_; }
  uint64_t wiped() const { return wiped_; }

 private:
  struct Machine {
    std::optional<HostId> host;
    size_t holds = 0;
    size_t full = 0;  // faults that fill its disk
    bool waits_for_disk = false;
    bool loaded = false, failing = false;  // of this process
  };
  void stop(Machine& machine, Crash crash);
  void on_failed(size_t index);

  World& world_;
  Checker& checker_;
  std::vector<Machine> machines_;
  std::vector<size_t> index_of_;  // by host
  std::function<void(size_t, const NodeReport&)> observer_;
  size_t up_ = 0;
  uint64_t restarts_ = 0, wiped_ = 0;
};

}  // namespace lattice::sim
