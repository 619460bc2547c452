// The plan of connections: which kind is opened next, and whether an address may take a slot of a kind.
//
//   named       the operator's own: as many as it names, under no limit, but they count for diversity
//   full_relay  8 that we choose, for everything
//   block_only  2 that we choose, for blocks alone: who listens to addresses and transactions cannot find them. When the node
//               ends they are remembered, and tried first when it starts again: anchors
//   feeler      one every two minutes, to see whether somebody answers there; it ends at once and keeps nobody out
//   inbound     who comes in: 3 of an address, 10 of a subnet, and what the others leave of 125; fewer in a small network
//               (size_estimate.hpp): so many a region, six times as many in all
//
// Of those that we choose, and of the operator's, no two are in one address group, no three under one AS number, and while some
// region has fewer than another, one of it is looked for first: who wants to be all our peers has to be everywhere.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

constexpr size_t region_count = 6;
constexpr size_t anchors_max = 2;

enum class SlotKind : uint8_t { named, full_relay, block_only, feeler, inbound };
constexpr size_t slot_kind_count = 5;
std::string_view slot_kind_name(SlotKind kind);  // snake_case, as logs and reports write it

struct SlotLimits {
  size_t connections_max = 125;  // in all
  size_t full_relay = 8, block_only = 2;
  Duration feeler_interval = std::chrono::minutes{2};
  size_t per_ip = 3, per_subnet = 10;  // inbound
  size_t per_group = 1, per_as = 2;    // of our own choice
};

// What is known of an address before anybody connects.
struct SlotAddress {
  Endpoint endpoint;
  uint32_t asn = 0;               // 0: unknown; no limit then
  std::optional<uint8_t> region;  // below region_count; where unknown it is no reason against it
};

enum class SlotRefusal : uint8_t {
  kind_full,       // as many as there are to be; of inbound ones: somebody would have to go
  all_full,        // connections_max
  ip_full,         // per_ip
  subnet_full,     // per_subnet
  group_taken,     // per_group
  as_full,         // per_as
  region_crowded,  // another region has fewer: only where the regions are asked for
  region_full      // as many as the network's size allows a region; of inbound ones: one of that region would have to go
};
std::string_view slot_refusal_name(SlotRefusal refusal);  // snake_case, as logs and metrics write it

// Whether the regions count. First one looks with them, then, where nobody is found, without.
enum class Spread : uint8_t { regions, any };

class SlotPlan {
 public:
  struct Opening {
    SlotKind kind = SlotKind::full_relay;
    std::optional<Endpoint> anchor;  // this address and no other
  };

  // `anchors`: what anchors() said before the node ended; those above anchors_max are left out.
  explicit SlotPlan(const SlotLimits& limits, std::span<const Endpoint> anchors = {});

  // What to open next: anchors, full_relay, block_only, feeler. Empty: nothing is missing now. An anchor is named until it is
  // given back with anchor_tried, whatever came of it.
  std::optional<Opening> next(Instant now) const;
  void anchor_tried(const Endpoint& anchor);
  // When next() will want a feeler that it does not want yet. Empty: it wants one, or one is under way.
  std::optional<Instant> feeler_due(Instant now) const;

  // Empty: it may. A newcomer that is refused with kind_full or all_full may come where another inbound one goes (eviction.hpp).
  std::optional<SlotRefusal> refusal(SlotKind kind, const SlotAddress& address, Spread spread = Spread::any) const;

  // The slot is taken from the dial on; of inbound ones from when they have shown who they are. Each ConnId once. Not held
  // against the limits: the operator's peers, and who comes before another goes, are above them for a while.
  void add(ConnId conn, SlotKind kind, const SlotAddress& address, Instant now);
  void remove(ConnId conn);  // also of one that is not there

  // The block_only peers that have been here longest, for the next start: those whom `open` is true for.
  template <class Open>
  std::vector<Endpoint> anchors(Open open) const {
    std::vector<Endpoint> out;
    for (const auto& [conn, taken] : taken_)
      if (taken.kind == SlotKind::block_only && out.size() < anchors_max && open(conn)) out.push_back(taken.address.endpoint);
    return out;
  }

  // How many may come in from a region, known or not; six times as many in all. As long as nothing is said there is no such
  // limit.
  void set_inbound_per_region(size_t limit) { inbound_per_region_ = limit; }
  // So many full_relay peers beside those of the limits, for a while. Those above it stay until somebody closes them.
  void set_extra(size_t extra) { extra_ = extra; }

  // The youngest full_relay peer that the limits would keep out beside the others: since then one of its group came by itself, or
  // there was nobody better; or its region has two more than another. Where somebody better is found it can go.
  std::optional<ConnId> redundant() const;
  std::optional<uint8_t> region_of(ConnId conn) const;

  size_t count(SlotKind kind) const { return counts_[static_cast<size_t>(kind)]; }
  size_t size() const { return taken_.size(); }
  // What is left of connections_max beside our own, at least half of it; and not more than the regions may have together.
  size_t inbound_max() const;
  const SlotLimits& limits() const { return limits_; }

 private:
  struct Taken {
    SlotKind kind;
    SlotAddress address;
  };
  // A machine has one IPv4 address, or a whole IPv6 /64 (RFC 6177, RFC 4941); a subnet is an IPv4 /24 or an IPv6 /48.
  static IpAddress machine_of(const IpAddress& ip);
  static IpAddress subnet_of(const IpAddress& ip);
  static bool is_diverse(SlotKind kind) { return kind != SlotKind::inbound && kind != SlotKind::feeler; }
  std::optional<SlotRefusal> inbound_refusal(const SlotAddress& address) const;
  std::optional<SlotRefusal> diversity_refusal(const SlotAddress& address, Spread spread) const;
  size_t wanted(SlotKind kind) const;
  void count_in(const Taken& taken, bool in);

  SlotLimits limits_;
  std::map<ConnId, Taken> taken_;
  std::array<size_t, slot_kind_count> counts_{};
  std::map<IpAddress, size_t> machines_, subnets_;  // of inbound ones
  std::map<AddressGroup, size_t> groups_;           // of the others, but feelers
  std::map<uint32_t, size_t> systems_;
  std::array<size_t, region_count> regions_{}, inbound_regions_{};
  size_t inbound_per_region_ = SIZE_MAX / region_count, extra_ = 0;
  std::vector<Endpoint> anchors_;
  std::optional<Instant> last_feeler_;
};

}  // namespace lattice
