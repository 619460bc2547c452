// What peers did wrong, per address and per identity, for as long as it matters. A link's own score lives with the link.
//
// Only what an established peer did counts for its address: bytes before that can be anybody's on the way, and so can a record
// that does not open.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/error.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

constexpr unsigned score_limit = 100;  // enough to lose the link and to be avoided

class Reputation {
 public:
  static constexpr size_t entries_max = 10'000;
  static constexpr Duration avoid_time = std::chrono::hours{24};
  static constexpr Duration pause_time = std::chrono::minutes{2};
  static constexpr Duration forgive_time = std::chrono::seconds{30};  // one point less each

  // The address's score after this fault.
  unsigned on_fault(const Endpoint& remote, ErrorCode code, Instant now);
  // Not dialled and not accepted for a day; where mishaps alone added up, for pause_time.
  void avoid(const Endpoint& remote, ErrorCode reason, Instant now);
  std::optional<ErrorCode> avoided(const Endpoint& remote, Instant now) const;
  // The same for who was behind it, wherever it comes from next. A fresh identity costs little: the address counts too.
  void avoid_node(const NodeId& node, Instant now, Duration how_long = avoid_time);
  bool node_avoided(const NodeId& node, Instant now) const;
  // The identity's score after this fault, from whichever address it came.
  unsigned on_node_fault(const NodeId& node, ErrorCode code, Instant now);
  // `before` has become `after`: what was held against the one is held against the other, at least as much and as long. Twice
  // is once.
  void succeed(const NodeId& before, const NodeId& after, Instant now);
  std::vector<std::pair<IpAddress, ErrorCode>> avoided(Instant now) const;  // all of them
  size_t size() const { return entries_.size(); }

  // Whether the fault can only be the authenticated peer's own.
  static bool is_own_fault(ErrorCode code);
  // Whether a bad line, a damaged disk or a wrong clock, here or there, can make an honest peer look like that. Such points are
  // counted apart: they never add up to a day.
  static bool is_mishap(ErrorCode code);
  static Duration time_for(ErrorCode reason) { return is_mishap(reason) ? pause_time : avoid_time; }

 private:
  struct Entry {
    double score = 0, mishaps = 0;
    Instant updated{};
    std::optional<Instant> avoid_until;
    ErrorCode reason = ErrorCode::none;
  };
  // An address without its port; on loopback, where many nodes share one address, with it.
  static Endpoint key_of(const Endpoint& remote);
  template <class Key>
  static Entry& entry_in(std::map<Key, Entry>& entries, const Key& key, Instant now);
  static unsigned add_points(Entry& entry, ErrorCode code, Instant now);
  Entry& entry_of(const Endpoint& remote, Instant now);

  std::map<Endpoint, Entry> entries_;
  std::map<NodeId, Entry> nodes_;
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
