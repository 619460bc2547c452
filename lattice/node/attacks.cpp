// Patterns of wrongs, named in the log: each once in its interval.
#include <lattice/node/state.hpp>

namespace lattice {

// "203.0.0.0/16"; of loopback the address.
static std::string group_text(const AddressGroup& group) {
  IpAddress ip;
  const size_t kept = group.bytes[0];
  std::copy_n(group.bytes.begin() + 1, kept, ip.bytes.begin());
  if (kept == ip.bytes.size()) return ip.text();
  return ip.text() + "/" + std::to_string(ip.is_v4() ? 8 * (kept - 12) : 8 * kept);
}

void Node::State::watch_attacks(Now now) {
  for (const AttackWatch::Finding& found : attacks.poll(now.mono)) {
    std::vector<LogField> fields{{"count", std::to_string(found.count)},
                                 {"busiest", group_text(found.group)},
                                 {"of_busiest", std::to_string(found.of_group)},
                                 {"groups", std::to_string(found.groups)}};
    if (found.kind == Attack::slowloris) fields.push_back({"half_open", std::to_string(half_open.size())});
    log(LogLevel::warning, attack_kind_name(found.kind), std::move(fields));
  }
}

}  // namespace lattice
