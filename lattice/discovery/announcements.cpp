#include <lattice/discovery/announcements.hpp>

#include <lattice/base/assert.hpp>

namespace lattice {

Announcements::Look Announcements::look(const AnnouncementHead& head, Now now) const {
  if (head.expires <= now.wall) return Look::expired;
  if (head.issued > now.wall + announcement_clock_tolerance) return Look::early;
  const auto found = entries_.find(head.node);
  if (found == entries_.end()) return Look::fresh;
  const Entry& entry = found->second.entry;
  if (head.sequence <= entry.head.sequence) return Look::known;
  return now.mono - entry.taken < spacing ? Look::soon : Look::fresh;
}

Announcements::Taken Announcements::take(const Announcement& announcement, Now now) {
  const AnnouncementHead& head = announcement.head;
  if (look(head, now) != Look::fresh) return {};
  const auto found = entries_.find(head.node);
  Entry entry{head, announcement.services, announcement.endpoints, now.mono, head.expires};
  bool news = true;
  if (found != entries_.end()) {
    const Entry& before = found->second.entry;
    news = before.endpoints != announcement.endpoints;
    // An older record that outlives the newer one must not come back.
    entry.forget = std::max(entry.forget, before.forget);
    erase(head.node);
  }
  put(head.node, std::move(entry));
  return {true, news};
}

void Announcements::expire(WallTime now) {
  while (!ends_.empty() && ends_.begin()->first <= now) erase(NodeId{ends_.begin()->second});
}

const Announcements::Entry* Announcements::find(const NodeId& node) const {
  const auto found = entries_.find(node);
  return found == entries_.end() ? nullptr : &found->second.entry;
}

// The crowd's place changes with its members.
template <class Change>
void Announcements::change_group(const AddressGroup& group, Change change) {
  auto& members = groups_[group];
  const auto crowd_of = [&] { return Crowd{members.size(), *members.begin()}; };
  if (!members.empty()) crowds_.erase(crowd_of());
  change(members);
  if (members.empty()) {
    groups_.erase(group);
  } else {
    crowds_.emplace(crowd_of(), group);
  }
}

void Announcements::put(const NodeId& node, Entry entry) {
  const AddressGroup group = group_of(entry.endpoints.front().ip);
  make_room(group);
  const uint64_t age = next_age_++;
  ends_.emplace(entry.forget, node);
  entries_.emplace(node, Slot{std::move(entry), group, age});
  change_group(group, [&](auto& members) { members.emplace(age, node); });
}

void Announcements::erase(const NodeId& node) {
  const auto found = entries_.find(node);
  ASSERT(found != entries_.end());
  const Slot& slot = found->second;
  change_group(slot.group, [&](auto& members) { members.erase({slot.age, node}); });
  ends_.erase({slot.entry.forget, node});
  entries_.erase(found);
}

void Announcements::make_room(const AddressGroup& group) {
  const auto found = groups_.find(group);
  if (found != groups_.end() && found->second.size() >= limits_.per_group) erase(NodeId{found->second.begin()->second});
  if (entries_.size() >= limits_.entries) erase(NodeId{crowds_.begin()->first.first.second});
}

}  // namespace lattice
