#include <lattice/sim/fleet.hpp>

#include <lattice/base/assert.hpp>

namespace lattice::sim {

constexpr size_t no_index = SIZE_MAX;
constexpr Duration exit_time = std::chrono::milliseconds{100};

HostId Fleet::add(size_t index, SimNodeConfig config, bool told) {
  Machine& machine = machines_[index];
  ASSERT(!machine.host);
  const IpAddress address = config.address;
  const HostId host = world_.add_node(std::move(config));
  machine.host = host;
  if (index_of_.size() <= host) index_of_.resize(host + 1, no_index);
  index_of_[host] = index;
  checker_.add_honest(host, address, told);
  ++up_;
  return host;
}

std::optional<size_t> Fleet::index_of(HostId host) const {
  if (host >= index_of_.size() || index_of_[host] == no_index) return std::nullopt;
  return index_of_[host];
}

bool Fleet::running(size_t index) const { return machines_[index].host && world_.running(*machines_[index].host); }

void Fleet::stop(Machine& machine, Crash crash) {
  checker_.look_at(*machine.host);
  if (observer_) observer_(index_of_[*machine.host], world_.report(*machine.host));
  world_.kill(*machine.host, crash);
  machine.loaded = machine.failing = false;
  ++restarts_;
  --up_;
}

void Fleet::hold(size_t index, Crash crash) {
  Machine& machine = machines_[index];
  if (!machine.host) return;
  ++machine.holds;
  if (world_.running(*machine.host)) {
    stop(machine, crash);
  } else if (crash == Crash::power) {
    world_.store(*machine.host).cut_power();
  }
}

void Fleet::release(size_t index) {
  Machine& machine = machines_[index];
  if (!machine.host) return;
  ASSERT(machine.holds > 0);
  if (--machine.holds > 0) return;
  ++up_;
  world_.start(*machine.host);
}

void Fleet::set_full(size_t index, bool full) {
  Machine& machine = machines_[index];
  if (!machine.host) return;
  full ? ++machine.full : --machine.full;
  world_.store(*machine.host).fail_commits(machine.full > 0);
  if (machine.full > 0 || !machine.waits_for_disk) return;
  machine.waits_for_disk = false;
  world_.after(restart_pause, [this, index](World&) { release(index); });
}

void Fleet::on_chain_event(HostId host, const ChainEvent& event) {
  const auto index = index_of(host);
  if (!index) return;
  Machine& machine = machines_[*index];
  if (std::holds_alternative<TipChanged>(event)) machine.loaded = true;
  if (!std::holds_alternative<ChainFailed>(event) || machine.failing) return;
  machine.failing = true;
  world_.after(exit_time, [this, index = *index](World&) { on_failed(index); });
}

// The node said that it cannot go on, and its process ends. What did not even load is damaged: the operator removes it.
void Fleet::on_failed(size_t index) {
  Machine& machine = machines_[index];
  if (!machine.failing || !world_.running(*machine.host)) return;
  const bool damaged = !machine.loaded && machine.full == 0;
  stop(machine, Crash::process);
  ++machine.holds;
  if (machine.full > 0) {
    machine.waits_for_disk = true;
    return;
  }
  if (damaged) {
    world_.store(*machine.host) = SimStore{};
    world_.saved_addresses(*machine.host).clear();
    ++wiped_;
  }
  world_.after(restart_pause, [this, index](World&) { release(index); });
}

}  // namespace lattice::sim
