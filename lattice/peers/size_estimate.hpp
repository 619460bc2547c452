// How many machines the network has, from the addresses that this one has seen, in 4 KiB and a little a group; and how many
// peers are enough for a network of that size.
//
// HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007): of each address a keyed hash; its first bits choose one of m registers,
// which keeps the longest run of zeros seen in the rest. The registers are read with Ertl's improved raw estimator (2017,
// arXiv:1702.01284), which needs no special case for small or large counts. Standard error 1.04 / sqrt(m): 1.6 percent with
// m = 4,096. The key is our own: without it nobody can choose addresses that set registers high.
//
// Who holds an address group can answer from all of it. So a group counts only so many addresses a period: one for every 32
// groups seen so far, between 2 and 32. Ten groups full of Sybils so add at most 20, or a third of the number of groups.
// Whoever has groups without end can still make the network look larger: that is what the limits of slots.hpp are for.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/time.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice {

class Sketch {
 public:
  static constexpr size_t index_bits = 12;
  static constexpr size_t registers = size_t{1} << index_bits;  // m
  static constexpr double standard_error = 1.04 / 64;           // 1.04 / sqrt(m)

  void add(uint64_t hash);  // uniform
  double estimate() const;

 private:
  static constexpr size_t run_bits = 64 - index_bits;
  std::array<uint8_t, registers> longest_{};
};
static_assert(Sketch::registers == 64 * 64);

struct SizeLimits {
  Duration period = std::chrono::hours{24};
  size_t per_group_min = 2, per_group_max = 32;
  size_t groups_per_place = 32;
};

class SizeEstimate {
 public:
  SizeEstimate(const SizeLimits& limits, const Secret<32>& key, Instant now);

  // Somebody answered at this address, or was heard of from a peer that may say so. Its port makes no difference, and of IPv6
  // the second half: one machine has as many as it likes of those.
  void observe(const IpAddress& ip, Instant now);

  // Of the period that is over, or of the present one where that has more already. An address not seen for two periods does not
  // count.
  double machines(Instant now) const;

  size_t groups() const { return counted_.size(); }  // of the present period; at most groups_max
  // IPv4 /16 each have a place; IPv6 /32 share as many, chosen by the key: who shares one shares its limit.
  static constexpr size_t groups_max = 2 * 65'536;

 private:
  using Seen = std::vector<uint16_t>;  // a few bits of each address that counted
  uint32_t place_of(const IpAddress& ip) const;
  uint64_t keyed(ByteView bytes) const;
  size_t group_limit() const;
  void begin_period(Instant now);

  SizeLimits limits_;
  Secret<32> key_;
  Instant began_;
  Sketch present_;
  double before_ = 0;  // the estimate of the period before
  std::unordered_map<uint32_t, Seen> counted_;
};

// How many connections a node keeps in a network of so many machines: up to 100 of them 8, up to 1,000 50, up to 100,000 100,
// above that 500.
size_t adaptive_limit(double machines);

// The same, that does not go to and fro: another step is taken only when the estimate is a tenth beyond its border, six times
// the standard error.
class AdaptiveLimit {
 public:
  static constexpr double margin = 0.1;

  size_t update(double machines);
  size_t value() const { return value_; }

 private:
  size_t value_ = 8;
  bool known_ = false;
};

}  // namespace lattice
