// What peers did wrong, per address, address group and identity, for as long as it matters. A link's own score lives with the link.
//
// Only what an established peer did counts for its address: bytes before that can be anybody's on the way, and so can a record
// that does not open.
//
// The response grows with the points, which fade by one each 30 seconds:
//
//   throttle    25 points: what it sends unasked is charged twice
//   discourage  50 points, or banned not long ago, or of an address group of which much came: not dialled while others are there,
//               taken in only where there is room, and the first to go
//   ban         100 points: neither dialled nor taken in, for 10 minutes, an hour, six hours, a day, a week; what no honest peer
//               can do begins with the hour. For each day without a new ban the next one is a step shorter
//   for ever    whom the operator names, and who signed two things of which an honest one signs one
//
// An identity costs nothing, so a new one has the standing of its address group; one that has been useful for a day or more has
// its own. A group is never banned, as many live in it: it is discouraged.
//
// Bans outlive the process, and so does how long the next one will be (ban_memory.hpp). Points do not: they fade within the hour.
//
// Memory: entries_max addresses, entries_max identities, entries_max groups. An address group has at most group_entries_max
// addresses in it, and where all is full the most crowded group loses the least: whoever wants to have a ban of another group
// forgotten needs faults from as many groups as there are entries.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/error.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/peers/ban_memory.hpp>

namespace lattice {

constexpr unsigned score_limit = 100;  // enough to lose the link and to be avoided

// 203.0.113.0/24 is ::ffff:203.0.113.0/120.
struct Subnet {
  IpAddress ip;
  unsigned bits = 128;
  bool contains(const IpAddress& other) const;
  // "203.0.113.0/24", "2001:db8::/32", or an address alone. Bits behind the prefix must be zero.
  static std::optional<Subnet> parse(std::string_view text);
  bool operator==(const Subnet&) const = default;
};

// By the operator: for as long as the node runs.
struct BanList {
  std::vector<Subnet> subnets;
  std::vector<NodeId> nodes;
};

enum class Response : uint8_t { none, throttle, discourage, ban };

class Reputation {
 public:
  static constexpr size_t entries_max = 16'384;
  static constexpr size_t group_entries_max = 64;
  static constexpr size_t for_ever_max = bans_for_ever_max;
  static constexpr Duration ban_times[] = {std::chrono::minutes{10}, std::chrono::hours{1}, std::chrono::hours{6},
                                           std::chrono::hours{24}, std::chrono::hours{24 * 7}};
  static constexpr Duration pause_time = std::chrono::minutes{2};
  static constexpr Duration forgive_time = std::chrono::seconds{30};  // one point less each
  static constexpr Duration step_time = std::chrono::hours{24};       // one step of ban_times less each
  static constexpr unsigned throttle_limit = 25, discourage_limit = 50;
  static constexpr unsigned group_limit = 300, group_points_max = 3000;
  static constexpr Duration aged_time = std::chrono::hours{24};
  static constexpr unsigned aged_uses = 16;

  explicit Reputation(BanList banned = {});

  // The address's score after this fault; banned with enough.
  unsigned on_fault(const Endpoint& remote, ErrorCode code, Instant now);
  // Banned for the next of ban_times; where mishaps alone added up, for pause_time. Not a step further while it is banned.
  void avoid(const Endpoint& remote, ErrorCode reason, Instant now);
  std::optional<ErrorCode> avoided(const Endpoint& remote, Instant now) const;  // no_slot: by the operator
  // The same for who was behind it, wherever it comes from next. A fresh identity costs little: the address counts too.
  void avoid_node(const NodeId& node, ErrorCode reason, Instant now);
  bool node_avoided(const NodeId& node, Instant now) const;
  // The identity's score after this fault, from whichever address it came.
  unsigned on_node_fault(const NodeId& node, ErrorCode code, Instant now);
  // Equivocation was proved. The newest for_ever_max.
  void ban_for_ever(const NodeId& node);
  // It brought something new and valid.
  void on_useful(const NodeId& node, Instant now);
  bool aged(const NodeId& node, Instant now) const;
  // `before` has become `after`: what was held against the one is held against the other, at least as much and as long. Twice
  // is once.
  void succeed(const NodeId& before, const NodeId& after, Instant now);

  // All bans and what ended ones left, but the operator's; and how often there was a new one.
  BanMemory memory(Now now) const;
  uint64_t changes() const { return changes_; }
  // What an earlier run remembered, before anything else. No ban lasts longer than the longest from now on, whatever became of
  // the clock.
  void restore(const BanMemory& memory, Now now);

  // Of an address, and of who is there where that is known.
  Response response(const Endpoint& remote, const std::optional<NodeId>& node, Instant now) const;

  std::vector<std::pair<IpAddress, ErrorCode>> avoided(Instant now) const;  // all of them, but the operator's
  size_t size() const { return entries_.size(); }
  size_t nodes() const { return nodes_.size(); }
  size_t groups() const { return groups_.size(); }

  // Whether the fault can only be the authenticated peer's own.
  static bool is_own_fault(ErrorCode code);
  // Whether a bad line, a damaged disk or a wrong clock, here or there, can make an honest peer look like that. Such points are
  // counted apart: they never add up to a ban, and count for no group.
  static bool is_mishap(ErrorCode code);

 private:
  struct Entry {
    double score = 0, mishaps = 0;
    Instant updated{};
    std::optional<Instant> avoid_until;
    ErrorCode reason = ErrorCode::none;
    uint8_t step = 0;      // of ban_times, for the next ban
    Instant step_since{};  // the end of the last ban
    uint16_t uses = 0;     // of identities
    Instant first_use{};
  };
  struct Group {
    double points = 0;
    Instant updated{};
  };
  // How much is lost with an entry; nothing below zero matters.
  static std::pair<int, double> worth(const Entry& entry, Instant now);
  static unsigned step_of(const Entry& entry, Instant now);
  static bool banned(const Entry& entry, Instant now) { return entry.avoid_until && *entry.avoid_until > now; }
  static bool is_aged(const Entry& entry, Instant now);
  static unsigned add_points(Entry& entry, ErrorCode code, Instant now);
  void ban(Entry& entry, ErrorCode reason, Instant now);
  static Response response_to(const Entry& entry, Instant now);

  // A machine: an IPv4 address without its port, an IPv6 /64; on loopback, where many nodes share one address, with the port.
  using Machine = std::pair<AddressGroup, Endpoint>;
  static Machine key_of(const Endpoint& remote);
  Entry& entry_of(const Endpoint& remote, Instant now);
  Entry& node_entry(const NodeId& node, Instant now);
  void make_room(const AddressGroup& group, Instant now);
  void erase(std::map<Machine, Entry>::iterator entry);
  void sweep(Instant now);
  void count_in(const AddressGroup& group, bool in);
  void add_group_points(const Endpoint& remote, ErrorCode code, Instant now);
  double group_points(const Endpoint& remote, Instant now) const;
  std::map<Machine, Entry>::iterator least_of(const AddressGroup& group, Instant now);

  static std::optional<BanRecord> record_of(std::variant<Endpoint, NodeId> who, const Entry& entry, Now now);

  BanList operators_;
  std::set<NodeId> operators_nodes_;
  std::vector<NodeId> for_ever_;
  std::map<Machine, Entry> entries_;  // those of one group side by side
  std::map<AddressGroup, size_t> crowds_;
  std::set<std::pair<size_t, AddressGroup>> by_crowd_;
  std::map<NodeId, Entry> nodes_;
  std::map<AddressGroup, Group> groups_;
  Machine entry_hand_;  // where the next look for somebody to forget begins
  NodeId node_hand_;
  AddressGroup group_hand_;
  uint64_t changes_ = 0;
};

// What one link may have done wrong so far.
class Score {
 public:
  // True: enough.
  bool add(ErrorCode code, Instant now);
  unsigned value(Instant now) const;

 private:
  double score_ = 0;
  Instant updated_{};
};

}  // namespace lattice
