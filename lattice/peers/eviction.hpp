// Which of the peers that came in goes when all slots are taken and one more wants to come.
//
// Whoever opens connections can open a thousand. So first those are set aside that have what a thousand connections do not
// give: an address group that a secret key drew, a short way to us, new blocks and messages brought first, time. Of who is left
// the most crowded address group loses its youngest: an attack from few groups pushes out itself. (The method is the one that
// Bitcoin Core made known; there it guards against eclipse attacks, Heilman et al. 2015.)
#pragma once

#include <optional>
#include <span>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

// How many each merit protects. With all slots full of peers without merits, half of them can go.
struct EvictionLimits {
  size_t groups = 4;    // one peer, the oldest, of each of the groups that the key drew
  size_t pings = 8;     // shortest round trip ever seen: nobody can answer sooner than light allows
  size_t messages = 4;  // brought a new transaction or consensus message last
  size_t blocks = 4;    // brought a new block last
  // Of those left then, the half that has been here longest; of that half this part is for rare networks, whose peers would else
  // never be the oldest: regions and IPv6 or IPv4, the rarest first, from each the oldest.
  size_t rare_share = 2;  // 2: a half of it. At least 1
};

struct EvictionCandidate {
  ConnId conn;                          // given out in order: a lower one is older
  uint64_t group = 0;                   // keyed_group of its address
  bool inbound = true, named = false;   // who was dialled, or named by the operator, never goes
  bool discouraged = false;             // Response::discourage: goes before any other, whatever its merits
  bool is_v4 = true;                    // the network it comes from
  std::optional<uint8_t> region;        // where known
  Instant connected{};                  // since when
  std::optional<Duration> ping_min;     // empty: none measured yet
  std::optional<Instant> last_block;    // that it brought and nobody had brought before, valid
  std::optional<Instant> last_message;  // the same of a transaction or a consensus message
};

// The group of the address under a key that nobody else knows: which groups are protected cannot be worked out from outside.
// `key`: 1 to 32 bytes, the node's own, as long as it runs.
uint64_t keyed_group(ByteView key, const IpAddress& ip);

// Who goes; empty where all are protected. O(n log n); the order of the candidates makes no difference. Each ConnId once.
std::optional<ConnId> eviction_victim(std::span<const EvictionCandidate> candidates, const EvictionLimits& limits);

}  // namespace lattice
