// How far apart hosts are: round-trip times measured between cities, or drawn from the seed.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <lattice/base/result.hpp>
#include <lattice/base/time.hpp>

namespace lattice::sim {

// Mean round-trip times, microseconds, from each city to each other.
class CityDelays {
 public:
  // Lines of comma-separated integers, as many lines as columns, at most 1,024.
  static Result<CityDelays> parse(std::string_view csv);

  size_t size() const { return size_; }
  Duration one_way(size_t from, size_t to) const;

 private:
  size_t size_ = 0;
  std::vector<uint32_t> rtt_us_;
};

// One-way delays between hosts, the same whenever asked. Without cities: 2 to 120 ms, the same both ways.
class Delays {
 public:
  Delays(uint64_t seed, std::shared_ptr<const CityDelays> cities) : seed_(seed), cities_(std::move(cities)) {}
  Duration one_way(uint32_t from, uint32_t to) const;

 private:
  uint64_t seed_;
  std::shared_ptr<const CityDelays> cities_;
};

}  // namespace lattice::sim
