#include <lattice/node/half_open.hpp>

namespace lattice {

std::optional<ConnId> HalfOpen::victim(const IpAddress& ip) const {
  if (const auto same = ips_.find(ip); same != ips_.end() && same->second.size() >= limits_.per_ip) {
    return same->second.begin()->second;
  }
  if (const auto near = groups_.find(group_of(ip)); near != groups_.end() && near->second.size() >= limits_.per_group) {
    return near->second.begin()->second;
  }
  if (entries_.size() < limits_.in_all || entries_.empty()) return std::nullopt;
  return crowds_.begin()->first.second;
}

template <class Change>
void HalfOpen::change_group(const AddressGroup& group, Change change) {
  Members& members = groups_[group];
  if (!members.empty()) crowds_.erase(crowd_of(members));
  change(members);
  if (members.empty())
    groups_.erase(group);
  else
    crowds_.insert(crowd_of(members));
}

void HalfOpen::put(ConnId conn, const IpAddress& ip, Progress progress) {
  remove(conn);
  const AddressGroup group = group_of(ip);
  entries_.emplace(conn, Entry{ip, group, progress});
  ips_[ip].insert(member(progress, conn));
  change_group(group, [&](Members& members) { members.insert(member(progress, conn)); });
}

void HalfOpen::remove(ConnId conn) {
  const auto found = entries_.find(conn);
  if (found == entries_.end()) return;
  const Entry entry = found->second;
  entries_.erase(found);
  const auto same = ips_.find(entry.ip);
  same->second.erase(member(entry.progress, conn));
  if (same->second.empty()) ips_.erase(same);
  change_group(entry.group, [&](Members& members) { members.erase(member(entry.progress, conn)); });
}

}  // namespace lattice
