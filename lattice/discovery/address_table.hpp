// Every address where a node was said to be, bounded, with what became of it. Who is dialled next, and whom others are told of.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <lattice/base/random.hpp>
#include <lattice/discovery/known_address.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

class AddressTable {
 public:
  static constexpr size_t entries_max = 20'000;  // where nobody says otherwise
  static constexpr size_t own_max = 32;
  // Then an address that never answered is forgotten. At pause_max that is most of a day: after a partition of hours each side
  // still knows whom to look for on the other.
  static constexpr unsigned failures_max = 100;
  static constexpr Duration pause_first = std::chrono::seconds{10}, pause_max = std::chrono::minutes{10};
  // What pauses are cut to with no peer at all, and with too few: then the others may be back after a partition.
  static constexpr Duration pause_alone = std::chrono::seconds{15}, pause_short = std::chrono::minutes{1};

  explicit AddressTable(size_t size_max = entries_max) : size_max_(size_max) {}

  // Whether an address that came from `from` is worth keeping: routable, or loopback that was told over loopback, and a port.
  static bool acceptable(const Endpoint& endpoint, const IpAddress& from);

  // A better source replaces a worse one; a NodeID is kept once known, but for a stored one that a better source contradicts. Where the table is full, a random address that never
  // answered makes room. False: not taken.
  bool add(KnownAddress address, Rng& rng);
  void mark_own(const Endpoint& endpoint);
  bool is_own(const Endpoint& endpoint) const { return own_.contains(endpoint); }
  void on_dialing(const Endpoint& endpoint, Instant now);
  void on_answered(const Endpoint& endpoint, const NodeId& node, uint64_t services, Now now);
  void on_failed(const Endpoint& endpoint, Instant now, Rng& rng);

  // The best candidate now, at random among equals: trusted sources first, then those that answered once, then the rest.
  // `usable` says whether it may be dialled at all; after failures nobody is waited for longer than `pause_limit`.
  using Usable = std::function<bool(const KnownAddress&)>;
  std::optional<KnownAddress> choose(Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const;

  // For a peer at `to`: a random choice of those that serve or have answered, which that peer can use.
  std::vector<wire::PeerAddress> sample(const IpAddress& to, size_t count_max, Rng& rng) const;
  size_t size() const { return entries_.size(); }
  const std::map<Endpoint, KnownAddress>& entries() const { return entries_; }
  const KnownAddress* find(const Endpoint& endpoint) const;

 private:
  bool make_room(Rng& rng);

  size_t size_max_;
  std::map<Endpoint, KnownAddress> entries_;
  std::set<Endpoint> own_;
};

}  // namespace lattice
