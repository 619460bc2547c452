// Who is where, as each says it of itself: of every node that was heard of the newest signed record, bounded.
//
//   look -> fresh -> (its signature is good) -> take -> kept until it expires -> forgotten
//
// Before any cryptography `look` says whether a record is worth it: one that is known, older, expired, ahead of our clock or
// sooner than its node may speak again is not. None of these is a fault of whoever passed it on: clocks differ, records cross.
//
// Bounded: entries_max in all, per_group_max of one address group (of the first endpoint). Who is too many pushes out the
// longest unheard of the most crowded group, so that a flood of records pushes out itself first; of one whose records name any
// group at random memory still stays flat, and what it pushes out is told again.
#pragma once

#include <map>
#include <optional>
#include <set>

#include <lattice/discovery/announcement.hpp>

namespace lattice {

struct AnnouncementLimits {
  size_t entries = 16'384;
  size_t per_group = 512;
};

class Announcements {
 public:
  // So often a node's newer record counts; nodes themselves wait for spacing_own.
  static constexpr Duration spacing = std::chrono::minutes{5}, spacing_own = std::chrono::minutes{10};

  enum class Look : uint8_t {
    fresh,
    known,    // this one, or a newer one
    expired,  // by our clock
    early,    // issued further ahead of our clock than clocks differ
    soon,     // newer, but its node has spoken just now
  };

  struct Entry {
    AnnouncementHead head;
    uint64_t services = 0;
    std::vector<Endpoint> endpoints;
    Instant taken{};
    // When nothing is left to be remembered: no record of this node that was ever taken is good any more.
    WallTime forget;
  };

  explicit Announcements(const AnnouncementLimits& limits = {}) : limits_(limits) {}

  Look look(const AnnouncementHead& head, Now now) const;
  // Of a record whose signature is good. False: another was faster, it is worth nothing by now.
  // `news`: nothing was known of this node, or it has moved.
  struct Taken {
    bool fresh = false, news = false;
  };
  Taken take(const Announcement& announcement, Now now);
  // Those that have expired. A few steps of log n for each.
  void expire(WallTime now);

  const Entry* find(const NodeId& node) const;
  size_t size() const { return entries_.size(); }
  size_t groups() const { return groups_.size(); }
  // Of an entry with four endpoints and a group of its own, with its places in the indices.
  static constexpr size_t entry_bytes_max = 720;

 private:
  using Member = std::pair<uint64_t, NodeId>;  // by when it was last heard of
  struct Slot {
    Entry entry;
    AddressGroup group;
    uint64_t age = 0;
  };
  struct Crowd {
    size_t members = 0;
    Member first;
    bool operator<(const Crowd& other) const {
      return members != other.members ? members > other.members : first < other.first;
    }
  };
  void put(const NodeId& node, Entry entry);
  void erase(const NodeId& node);
  void make_room(const AddressGroup& group);
  template <class Change>
  void change_group(const AddressGroup& group, Change change);

  AnnouncementLimits limits_;
  std::map<NodeId, Slot> entries_;
  std::map<AddressGroup, std::set<Member>> groups_;
  std::map<Crowd, AddressGroup> crowds_;  // the most crowded first, of equal ones that with the longest unheard of
  std::set<std::pair<WallTime, NodeId>> ends_;
  uint64_t next_age_ = 0;
};

}  // namespace lattice
