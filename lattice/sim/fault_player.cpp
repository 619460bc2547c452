#include <lattice/sim/fault_player.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice::sim {

static Duration seconds_from(double amount) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(amount));
}

static void flip_bit(Bytes& bytes, Rng& rng) {
  if (bytes.empty()) return;
  const uint64_t bit = rng.below(8 * bytes.size());
  bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
}

FaultPlayer::FaultPlayer(World& world, Fleet& fleet, Checker& checker, const Plan& plan, std::string dns_name,
                         DnsRecord honest_dns, DnsRecord lying_dns)
    : world_(world),
      fleet_(fleet),
      checker_(checker),
      plan_(plan),
      dns_name_(std::move(dns_name)),
      honest_dns_(std::move(honest_dns)),
      lying_dns_(std::move(lying_dns)),
      lines_(fleet.size()),
      hit_(plan.faults.size()),
      bits_(plan.faults.size()) {}

void FaultPlayer::play() {
  for (size_t i = 0; i < plan_.faults.size(); ++i) {
    const Fault& fault = plan_.faults[i];
    ++running_;
    world_.after(fault.at, [this, i](World&) { begin(i); });
    world_.after(fault.at + fault.lasts, [this, i](World&) {
      end(i);
      --running_;
    });
  }
}

void FaultPlayer::begin(size_t number) {
  const Fault& fault = plan_.faults[number];
  switch (fault.kind) {
    case FaultKind::weather: ++weathers_; return world_.set_weather(fault.weather);
    case FaultKind::dns_dead: ++dead_; return settle_dns();
    case FaultKind::dns_lying: ++lying_; return settle_dns();
    case FaultKind::dns_slow: slow_dns_.push_back(seconds_from(fault.amount)); return settle_dns();
    case FaultKind::partition: bits_[number] = take_side_bit(); break;
    default: break;
  }
  for (const uint32_t index : fault.nodes) {
    if (index >= fleet_.size() || !fleet_.host(index)) continue;
    hit_[number].push_back(index);
    if (fault.kind == FaultKind::partition)
      set_side(index, bits_[number], true);
    else
      begin_on(fault, index);
  }
}

void FaultPlayer::end(size_t number) {
  const Fault& fault = plan_.faults[number];
  switch (fault.kind) {
    case FaultKind::weather:
      if (--weathers_ == 0) world_.set_weather(plan_.weather);
      return;
    case FaultKind::dns_dead: --dead_; return settle_dns();
    case FaultKind::dns_lying: --lying_; return settle_dns();
    case FaultKind::dns_slow: slow_dns_.erase(std::ranges::find(slow_dns_, seconds_from(fault.amount))); return settle_dns();
    default: break;
  }
  for (const size_t index : hit_[number]) {
    if (fault.kind == FaultKind::partition)
      set_side(index, bits_[number], false);
    else
      end_on(fault, index);
  }
  bits_used_ &= static_cast<uint8_t>(~bits_[number]);
}

void FaultPlayer::begin_on(const Fault& fault, size_t index) {
  const HostId host = *fleet_.host(index);
  Line& line = lines_[index];
  switch (fault.kind) {
    case FaultKind::kill: return fleet_.hold(index, Crash::process);
    case FaultKind::power_cut: return fleet_.hold(index, Crash::power);
    case FaultKind::stall: ++line.stalls; return world_.set_stalled(host, true);
    case FaultKind::silent_break:
      if (world_.running(host)) world_.break_silently(host);
      return;
    case FaultKind::slow_line: {
      ++line.slow;
      const auto rate = static_cast<uint64_t>(static_cast<double>(plan_.bytes_per_second) * (1 - fault.amount));
      return world_.set_rate(host, std::max<uint64_t>(rate, 1000), std::max<uint64_t>(rate, 1000));
    }
    case FaultKind::clock_step: return world_.step_clock(host, static_cast<int64_t>(fault.amount));
    case FaultKind::clock_drift: return world_.set_drift(host, fault.amount);
    case FaultKind::disk_full: checker_.excuse(host); return fleet_.set_full(index, true);
    case FaultKind::disk_slow: ++line.slow_disk; return world_.store(host).slow_down(seconds_from(fault.amount));
    case FaultKind::disk_lying: checker_.excuse(host); return world_.store(host).lie(true);
    case FaultKind::disk_flip:
      checker_.excuse(host);
      world_.store(host).flip_bits(fault.amount, world_.rng());
      return flip_bit(world_.saved_addresses(host), world_.rng());
    default: ASSERT(false);
  }
}

void FaultPlayer::end_on(const Fault& fault, size_t index) {
  const HostId host = *fleet_.host(index);
  Line& line = lines_[index];
  switch (fault.kind) {
    case FaultKind::kill:
    case FaultKind::power_cut: return fleet_.release(index);
    case FaultKind::stall:
      if (--line.stalls == 0) world_.set_stalled(host, false);
      return;
    case FaultKind::slow_line:
      if (--line.slow == 0) world_.set_rate(host, plan_.bytes_per_second, plan_.bytes_per_second);
      return;
    case FaultKind::clock_step:
      if (fault.lasts > Duration{}) world_.step_clock(host, -static_cast<int64_t>(fault.amount));
      return;
    case FaultKind::clock_drift: return world_.set_drift(host, 0);
    case FaultKind::disk_full: return fleet_.set_full(index, false);
    case FaultKind::disk_slow:
      if (--line.slow_disk == 0) world_.store(host).slow_down({});
      return;
    case FaultKind::disk_lying: return world_.store(host).lie(false);
    default: return;  // silent_break is over at once; disk_flip stays
  }
}

// Hosts reach each other where they are behind the same partitions.
void FaultPlayer::set_side(size_t index, uint8_t bit, bool behind) {
  uint8_t& sides = lines_[index].sides;
  sides = static_cast<uint8_t>(behind ? sides | bit : sides & ~bit);
  world_.set_side(*fleet_.host(index), sides);
}

// 0: eight partitions at a time are enough, one more does nothing.
uint8_t FaultPlayer::take_side_bit() {
  for (uint8_t bit = 1; bit != 0; bit = static_cast<uint8_t>(bit << 1)) {
    if (bits_used_ & bit) continue;
    bits_used_ |= bit;
    return bit;
  }
  return 0;
}

void FaultPlayer::settle_dns() {
  DnsRecord record = lying_ > 0 ? lying_dns_ : honest_dns_;
  record.fails = dead_ > 0;
  if (!slow_dns_.empty()) record.late = *std::ranges::max_element(slow_dns_);
  world_.set_dns(dns_name_, std::move(record));
}

}  // namespace lattice::sim
