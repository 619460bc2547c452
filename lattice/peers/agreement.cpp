#include <lattice/peers/agreement.hpp>

namespace lattice {

bool carried(const AgreementLimits& limits, const Ballot& ballot) {
  if (ballot.in_favour < std::max<size_t>(1, limits.groups_min)) return false;
  if (ballot.in_favour <= ballot.counted / 2) return false;
  if (ballot.in_favour_ours <= ballot.counted_ours / 2) return false;
  return ballot.in_favour_ours >= (limits.groups_min + 1) / 2;
}

// The difference of two's complement numbers, taken without a sign, is exact.
uint64_t distance_of(int64_t a, int64_t b) {
  const auto [low, high] = std::minmax(a, b);
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
}

}  // namespace lattice
