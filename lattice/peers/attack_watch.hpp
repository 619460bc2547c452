// Single wrongs add up to patterns that have names: an event for each, once in an interval, with how often and from where most.
//
//   flood            messages beyond their allowance: throttled, or a fault
//   scan             connections that came in and ended before they had shown who they are
//   slowloris        handshakes that took a place and came no further
//   withholding      announced or owed, and not given
//   address_spam     addresses that nobody asked for, beyond what is taken
//   eclipse_attempt  links that come in from one address group, one after the other: they crowd out others
//   book_filling     addresses told by one address group
//
// Counted in all for those that many do together, and of the busiest address group for those that only mean something where one
// does them. Bounded: groups_max groups of each kind; when all are taken the count of the least one passes to the newcomer, so that
// who does more than 1/groups_max of all is among them (the "space saving" counters of Metwally et al. 2005).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

enum class Attack : uint8_t { flood, scan, slowloris, withholding, address_spam, eclipse_attempt, book_filling };
constexpr size_t attack_kinds = 7;
std::string_view attack_kind_name(Attack kind);  // snake_case: the event's name

class AttackWatch {
 public:
  static constexpr size_t groups_max = 32;
  struct Rule {
    uint64_t least = 1;     // in one interval: the name of an attack
    bool of_group = false;  // by one address group; else by all
    Duration interval{};
  };
  static Rule rule_of(Attack kind);

  void on(Attack kind, const IpAddress& from, uint64_t count = 1);

  struct Finding {
    Attack kind = Attack::flood;
    uint64_t count = 0;     // in the interval
    uint64_t of_group = 0;  // of the busiest group, at most so many
    AddressGroup group;
    size_t groups = 0;  // seen, at most groups_max
  };
  // Of intervals that have ended: what was an attack. Each is counted anew from here.
  std::vector<Finding> poll(Instant now);

  // Intervals that were attacks, since the beginning.
  uint64_t times(Attack kind) const { return kinds_[static_cast<size_t>(kind)].times; }

 private:
  struct Busy {
    AddressGroup group;
    uint64_t count = 0;
  };
  struct Kind {
    uint64_t count = 0, times = 0;
    std::vector<Busy> groups;
    Instant due{};
    bool begun = false;
  };
  std::array<Kind, attack_kinds> kinds_;
};

}  // namespace lattice
