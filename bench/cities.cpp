#include <bench/cities.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace lattice::bench {

std::shared_ptr<const sim::CityDelays> read_cities() {
  const char* set = std::getenv("LATTICE_DATA");
  std::ifstream in(std::string(set && *set ? set : "../shared/data") + "/latency/rtt-avg-us.csv", std::ios::binary);
  if (!in) return nullptr;
  auto cities = sim::CityDelays::parse(std::string{std::istreambuf_iterator<char>(in), {}});
  return cities ? std::make_shared<const sim::CityDelays>(std::move(*cities)) : nullptr;
}

}  // namespace lattice::bench
