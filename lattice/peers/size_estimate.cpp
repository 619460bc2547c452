#include <lattice/peers/size_estimate.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include <lattice/crypto/hash.hpp>

namespace lattice {
namespace {

// x + sum over k >= 1 of x^(2^k) 2^(k-1): Ertl 2017, equation for registers that are still zero.
double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double power = 1, sum = x;
  for (double before = -1; sum != before; power *= 2) {
    x *= x;
    before = sum;
    sum += x * power;
  }
  return sum;
}

// (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3: of registers that are full.
double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double power = 1, sum = 1 - x;
  for (double before = -1; sum != before;) {
    x = std::sqrt(x);
    before = sum;
    power /= 2;
    sum -= (1 - x) * (1 - x) * power;
  }
  return sum / 3;
}

struct Step {
  double up_to;
  size_t limit;
};
constexpr Step steps[] = {{100, 8}, {1'000, 50}, {100'000, 100}, {std::numeric_limits<double>::infinity(), 500}};

}  // namespace

void Sketch::add(uint64_t hash) {
  uint8_t& longest = longest_[hash >> run_bits];
  const uint64_t rest = hash << index_bits;
  const auto run = static_cast<uint8_t>(1 + std::min<size_t>(static_cast<size_t>(std::countl_zero(rest)), run_bits));
  longest = std::max(longest, run);
}

double Sketch::estimate() const {
  std::array<double, run_bits + 2> count{};
  for (const uint8_t longest : longest_) ++count[longest];
  const double m = registers;
  double z = m * tau(1 - count[run_bits + 1] / m);
  for (size_t k = run_bits; k > 0; --k) z = (z + count[k]) / 2;
  z += m * sigma(count[0] / m);
  return m * m / (2 * std::log(2.0)) / z;
}

SizeEstimate::SizeEstimate(const SizeLimits& limits, const Secret<32>& key, Instant now)
    : limits_(limits), key_(key), began_(now) {}

uint64_t SizeEstimate::keyed(ByteView bytes) const {
  const Digest digest = blake2s_keyed(key_.view(), bytes);
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i) out = out << 8 | digest[i];
  return out;
}

uint32_t SizeEstimate::place_of(const IpAddress& ip) const {
  if (ip.is_v4() && !ip.is_loopback()) return 0x10000u | uint32_t{ip.bytes[12]} << 8 | ip.bytes[13];
  return static_cast<uint32_t>(keyed(group_of(ip).bytes) & 0xffff);
}

size_t SizeEstimate::group_limit() const {
  return std::clamp(counted_.size() / limits_.groups_per_place, limits_.per_group_min, limits_.per_group_max);
}

void SizeEstimate::observe(const IpAddress& ip, Instant now) {
  if (now - began_ >= limits_.period) begin_period(now);
  const ByteView machine = ByteView(ip.bytes).first(ip.is_v4() || ip.is_loopback() ? 16 : 8);
  const uint64_t hash = keyed(machine);
  Seen& seen = counted_[place_of(ip)];
  // Two addresses of a group with the same sixteen bits are taken for one: rare, and what keeps the limit a limit.
  const auto mark = static_cast<uint16_t>(hash);
  if (seen.size() >= group_limit() || std::ranges::find(seen, mark) != seen.end()) return;
  seen.push_back(mark);
  present_.add(hash);
}

double SizeEstimate::machines(Instant now) const {
  const auto age = now - began_;
  const double present = present_.estimate();
  if (age < limits_.period) return std::max(before_, present);
  return age < 2 * limits_.period ? present : 0;
}

void SizeEstimate::begin_period(Instant now) {
  const auto periods = (now - began_) / limits_.period;
  before_ = periods == 1 ? present_.estimate() : 0;
  began_ += periods * limits_.period;
  present_ = Sketch{};
  counted_.clear();
}

size_t adaptive_limit(double machines) {
  return std::ranges::find_if(steps, [&](const Step& step) { return machines <= step.up_to; })->limit;
}

size_t AdaptiveLimit::update(double machines) {
  const size_t low = adaptive_limit(machines / (1 + margin)), high = adaptive_limit(machines / (1 - margin));
  if (!std::exchange(known_, true))
    value_ = adaptive_limit(machines);
  else
    value_ = std::clamp(value_, low, high);
  return value_;
}

}  // namespace lattice
