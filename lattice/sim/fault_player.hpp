// A plan's faults, begun and ended on time. Faults of one kind may overlap: what they touch is whole again when the last has
// ended.
#pragma once

#include <vector>

#include <lattice/sim/fleet.hpp>

namespace lattice::sim {

class FaultPlayer {
 public:
  FaultPlayer(World& world, Fleet& fleet, Checker& checker, const Plan& plan, std::string dns_name, DnsRecord honest_dns,
              DnsRecord lying_dns);
  // Plans them all; times count from now on.
  void play();
  size_t running() const { return running_; }  // not over yet

 private:
  struct Line {
    size_t stalls = 0, slow = 0, slow_disk = 0;
    uint8_t sides = 0;  // a bit for each partition that it is behind
  };
  void begin(size_t fault);
  void end(size_t fault);
  void begin_on(const Fault& fault, size_t index);
  void end_on(const Fault& fault, size_t index);
  void set_side(size_t index, uint8_t bit, bool behind);
  uint8_t take_side_bit();
  void settle_dns();

  World& world_;
  Fleet& fleet_;
  Checker& checker_;
  const Plan& plan_;
  std::string dns_name_;
  DnsRecord honest_dns_, lying_dns_;
  std::vector<Line> lines_;
  std::vector<std::vector<size_t>> hit_;  // by fault: the nodes that were there when it began
  std::vector<uint8_t> bits_;             // by fault: its partition's
  uint8_t bits_used_ = 0;
  size_t running_ = 0, weathers_ = 0, dead_ = 0, lying_ = 0;
  std::vector<Duration> slow_dns_;
};

}  // namespace lattice::sim
