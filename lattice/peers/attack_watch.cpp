#include <lattice/peers/attack_watch.hpp>

#include <algorithm>

namespace lattice {

using std::chrono::minutes;
using std::chrono::seconds;

std::string_view attack_kind_name(Attack kind) {
  switch (kind) {
    case Attack::flood: return "flood";
    case Attack::scan: return "scan";
    case Attack::slowloris: return "slowloris";
    case Attack::withholding: return "withholding";
    case Attack::address_spam: return "address_spam";
    case Attack::eclipse_attempt: return "eclipse_attempt";
    case Attack::book_filling: return "book_filling";
  }
  return "unknown";
}

// Honest bad luck must not reach them: a few peers on bad lines, a household behind one address that comes back after a cut.
AttackWatch::Rule AttackWatch::rule_of(Attack kind) {
  switch (kind) {
    case Attack::flood: return {20, false, seconds{60}};
    case Attack::scan: return {32, true, seconds{60}};
    case Attack::slowloris: return {32, false, seconds{10}};
    case Attack::withholding: return {8, false, seconds{60}};
    case Attack::address_spam: return {20, false, seconds{60}};
    case Attack::eclipse_attempt: return {24, true, minutes{10}};
    case Attack::book_filling: return {5000, true, minutes{10}};
  }
  return {};
}

void AttackWatch::on(Attack attack, const IpAddress& from, uint64_t count) {
  Kind& kind = kinds_[static_cast<size_t>(attack)];
  kind.count += count;
  const AddressGroup group = group_of(from);
  const auto found = std::ranges::find(kind.groups, group, &Busy::group);
  if (found != kind.groups.end()) {
    found->count += count;
  } else if (kind.groups.size() < groups_max) {
    kind.groups.push_back({group, count});
  } else {
    const auto least = std::ranges::min_element(kind.groups, {}, &Busy::count);
    *least = {group, least->count + count};
  }
}

std::vector<AttackWatch::Finding> AttackWatch::poll(Instant now) {
  std::vector<Finding> out;
  for (size_t i = 0; i < attack_kinds; ++i) {
    Kind& kind = kinds_[i];
    const Rule rule = rule_of(static_cast<Attack>(i));
    if (!kind.begun) kind.due = now + rule.interval;
    kind.begun = true;
    if (now < kind.due) continue;
    Finding found{static_cast<Attack>(i), kind.count, 0, {}, kind.groups.size()};
    for (const Busy& busy : kind.groups) {
      if (busy.count <= found.of_group) continue;
      found.of_group = busy.count;
      found.group = busy.group;
    }
    if ((rule.of_group ? found.of_group : found.count) >= rule.least) {
      ++kind.times;
      out.push_back(found);
    }
    kind.count = 0;
    kind.groups.clear();
    kind.due = now + rule.interval;
  }
  return out;
}

}  // namespace lattice
