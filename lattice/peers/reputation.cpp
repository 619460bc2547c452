#include <lattice/peers/reputation.hpp>

#include <algorithm>
#include <charconv>

namespace lattice {
namespace {

constexpr size_t looks_max = 16;  // entries looked at for one to forget

double forgiven(double score, Instant since, Instant now) {
  return std::max(0.0, score - seconds_of(now - since) / seconds_of(Reputation::forgive_time));
}

bool differs_from_zero(const IpAddress& ip, unsigned from_bit) {
  for (unsigned bit = from_bit; bit < 128; ++bit)
    if (ip.bytes[bit / 8] >> (7 - bit % 8) & 1) return true;
  return false;
}

// The least of the next entries from `hand` on, round and round. The map is not empty.
template <class Map, class Worth>
auto least_from(Map& map, typename Map::key_type& hand, Worth worth) {
  auto at = map.lower_bound(hand);
  if (at == map.end()) at = map.begin();
  auto least = at;
  auto least_worth = worth(at->second);
  for (size_t looks = 0; looks < std::min(looks_max, map.size()); ++looks) {
    if (const auto here = worth(at->second); here < least_worth) {
      least = at;
      least_worth = here;
    }
    if (++at == map.end()) at = map.begin();
  }
  hand = at->first;
  return least;
}

}  // namespace

bool Subnet::contains(const IpAddress& other) const {
  for (unsigned bit = 0; bit < bits; bit += 8) {
    const unsigned left = std::min(8u, bits - bit);
    const auto mask = static_cast<uint8_t>(0xff00u >> left);
    if ((ip.bytes[bit / 8] ^ other.bytes[bit / 8]) & mask) return false;
  }
  return true;
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  Subnet out{*ip, 128};
  if (slash == std::string_view::npos) return out;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  const unsigned family = ip->is_v4() ? 32 : 128;
  if (error != std::errc{} || end != digits.data() + digits.size() || bits > family) return std::nullopt;
  out.bits = bits + 128 - family;
  if (differs_from_zero(out.ip, out.bits)) return std::nullopt;
  return out;
}

Reputation::Reputation(BanList banned)
    : operators_(std::move(banned)), operators_nodes_(operators_.nodes.begin(), operators_.nodes.end()) {}

Reputation::Machine Reputation::key_of(const Endpoint& remote) {
  const AddressGroup group = group_of(remote.ip);
  if (remote.ip.is_loopback()) return {group, remote};
  Endpoint key{remote.ip, 0};
  if (!key.ip.is_v4()) std::fill(key.ip.bytes.begin() + 8, key.ip.bytes.end(), uint8_t{0});
  return {group, key};
}

bool Reputation::is_own_fault(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_record:
    case ErrorCode::bad_handshake:
    case ErrorCode::cut_without_close:
    case ErrorCode::connection_lost: return false;
    default: return true;
  }
}

bool Reputation::is_mishap(ErrorCode code) {
  switch (code) {
    case ErrorCode::certificate_expired:
    case ErrorCode::handshake_timeout:
    case ErrorCode::queue_full:
    case ErrorCode::request_timeout:
    case ErrorCode::idle_timeout:
    case ErrorCode::stalled:
    case ErrorCode::not_found:
    case ErrorCode::bad_time: return true;
    default: return false;
  }
}

unsigned Reputation::step_of(const Entry& entry, Instant now) {
  if (entry.step == 0 || now < entry.step_since) return entry.step;
  const auto passed = (now - entry.step_since) / step_time;
  return passed >= entry.step ? 0 : entry.step - static_cast<unsigned>(passed);
}

bool Reputation::is_aged(const Entry& entry, Instant now) {
  return entry.uses >= aged_uses && now - entry.first_use >= aged_time && !banned(entry, now) && step_of(entry, now) == 0 &&
         forgiven(entry.score, entry.updated, now) < throttle_limit;
}

std::pair<int, double> Reputation::worth(const Entry& entry, Instant now) {
  if (banned(entry, now)) return {3, seconds_of(*entry.avoid_until - now)};
  if (const unsigned step = step_of(entry, now); step > 0) return {2, step};
  if (is_aged(entry, now)) return {1, entry.uses};
  return {0, forgiven(std::max(entry.score, entry.mishaps), entry.updated, now) + entry.uses};
}

unsigned Reputation::add_points(Entry& entry, ErrorCode code, Instant now) {
  entry.score = forgiven(entry.score, entry.updated, now);
  entry.mishaps = forgiven(entry.mishaps, entry.updated, now);
  entry.updated = now;
  double& points = is_mishap(code) ? entry.mishaps : entry.score;
  points += error_info(code).penalty;
  return static_cast<unsigned>(points);
}

void Reputation::ban(Entry& entry, ErrorCode reason, Instant now) {
  const auto until_at_least = [&](Instant until) {
    if (entry.avoid_until && *entry.avoid_until >= until) return false;
    entry.avoid_until = until;
    entry.reason = reason;
    return true;
  };
  if (is_mishap(reason)) {
    until_at_least(now + pause_time);
    entry.mishaps = std::min(entry.mishaps, score_limit / 2.0);  // may try again after that
    return;
  }
  if (banned(entry, now) && !is_mishap(entry.reason)) return;
  const unsigned first = error_info(reason).penalty >= score_limit ? 1 : 0;
  const unsigned step = std::min<unsigned>(std::max(step_of(entry, now), first), std::size(ban_times) - 1);
  until_at_least(now + ban_times[step]);
  entry.step = static_cast<uint8_t>(step + 1);
  entry.step_since = now + ban_times[step];
  ++changes_;
}

unsigned Reputation::on_fault(const Endpoint& remote, ErrorCode code, Instant now) {
  if (!is_own_fault(code) || error_info(code).penalty == 0) return 0;
  Entry& entry = entry_of(remote, now);
  const unsigned value = add_points(entry, code, now);
  if (value >= score_limit) ban(entry, code, now);
  add_group_points(remote, code, now);
  return value;
}

unsigned Reputation::on_node_fault(const NodeId& node, ErrorCode code, Instant now) {
  if (!is_own_fault(code) || error_info(code).penalty == 0) return 0;
  Entry& entry = node_entry(node, now);
  const unsigned value = add_points(entry, code, now);
  if (value >= score_limit) ban(entry, code, now);
  return value;
}

void Reputation::avoid(const Endpoint& remote, ErrorCode reason, Instant now) { ban(entry_of(remote, now), reason, now); }
void Reputation::avoid_node(const NodeId& node, ErrorCode reason, Instant now) { ban(node_entry(node, now), reason, now); }

void Reputation::succeed(const NodeId& before, const NodeId& after, Instant now) {
  if (std::ranges::find(for_ever_, before) != for_ever_.end()) ban_for_ever(after);
  const auto found = nodes_.find(before);
  if (found == nodes_.end()) return;
  const Entry from = found->second;  // a copy: it may be the one that has to make room
  Entry& to = node_entry(after, now);
  to.score = std::max(forgiven(to.score, to.updated, now), forgiven(from.score, from.updated, now));
  to.mishaps = std::max(forgiven(to.mishaps, to.updated, now), forgiven(from.mishaps, from.updated, now));
  to.updated = now;
  if (from.avoid_until > to.avoid_until) {
    to.avoid_until = from.avoid_until;
    to.reason = from.reason;
  }
  if (step_of(from, now) > step_of(to, now)) {
    to.step = from.step;
    to.step_since = from.step_since;
    ++changes_;
  }
}

void Reputation::ban_for_ever(const NodeId& node) {
  if (std::ranges::find(for_ever_, node) != for_ever_.end()) return;
  if (for_ever_.size() == for_ever_max) for_ever_.erase(for_ever_.begin());
  for_ever_.push_back(node);
  ++changes_;
}

void Reputation::on_useful(const NodeId& node, Instant now) {
  Entry& entry = node_entry(node, now);
  if (entry.uses == 0) entry.first_use = now;
  if (entry.uses < aged_uses) ++entry.uses;
}

bool Reputation::aged(const NodeId& node, Instant now) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && is_aged(found->second, now);
}

std::optional<ErrorCode> Reputation::avoided(const Endpoint& remote, Instant now) const {
  if (std::ranges::any_of(operators_.subnets, [&](const Subnet& s) { return s.contains(remote.ip); }))
    return ErrorCode::no_slot;
  const auto found = entries_.find(key_of(remote));
  if (found == entries_.end() || !banned(found->second, now)) return std::nullopt;
  return found->second.reason;
}

std::vector<std::pair<IpAddress, ErrorCode>> Reputation::avoided(Instant now) const {
  std::vector<std::pair<IpAddress, ErrorCode>> out;
  for (const auto& [machine, entry] : entries_)
    if (banned(entry, now)) out.emplace_back(machine.second.ip, entry.reason);
  return out;
}

bool Reputation::node_avoided(const NodeId& node, Instant now) const {
  if (operators_nodes_.contains(node) || std::ranges::find(for_ever_, node) != for_ever_.end()) return true;
  const auto found = nodes_.find(node);
  return found != nodes_.end() && banned(found->second, now);
}

Response Reputation::response_to(const Entry& entry, Instant now) {
  if (banned(entry, now)) return Response::ban;
  const double score = forgiven(entry.score, entry.updated, now);
  if (score >= discourage_limit || step_of(entry, now) > 0) return Response::discourage;
  return score >= throttle_limit ? Response::throttle : Response::none;
}

Response Reputation::response(const Endpoint& remote, const std::optional<NodeId>& node, Instant now) const {
  if (avoided(remote, now) || (node && node_avoided(*node, now))) return Response::ban;
  Response out = Response::none;
  if (const auto found = entries_.find(key_of(remote)); found != entries_.end()) out = response_to(found->second, now);
  if (node) {
    if (const auto found = nodes_.find(*node); found != nodes_.end()) out = std::max(out, response_to(found->second, now));
  }
  const bool own_standing = node && aged(*node, now);
  if (!own_standing && group_points(remote, now) >= group_limit) out = std::max(out, Response::discourage);
  return out;
}

bool Score::add(ErrorCode code, Instant now) {
  score_ = forgiven(score_, updated_, now) + error_info(code).penalty;
  updated_ = now;
  return score_ >= score_limit;
}

unsigned Score::value(Instant now) const { return static_cast<unsigned>(forgiven(score_, updated_, now)); }

// --- over a restart ---

static_assert(ban_records_max == 2 * Reputation::entries_max && ban_steps == std::size(Reputation::ban_times));

// Pauses are too short to be kept.
std::optional<BanRecord> Reputation::record_of(std::variant<Endpoint, NodeId> who, const Entry& entry, Now now) {
  if (step_of(entry, now.mono) == 0) return std::nullopt;
  Instant until = entry.step_since;
  if (entry.avoid_until && !is_mishap(entry.reason)) until = std::max(until, *entry.avoid_until);
  const auto left = std::chrono::ceil<std::chrono::seconds>(until - now.mono);
  return BanRecord{who, entry.step, entry.reason, now.wall + left};
}

BanMemory Reputation::memory(Now now) const {
  BanMemory out;
  for (const auto& [machine, entry] : entries_)
    if (const auto record = record_of(machine.second, entry, now)) out.bans.push_back(*record);
  for (const auto& [node, entry] : nodes_)
    if (const auto record = record_of(node, entry, now)) out.bans.push_back(*record);
  out.for_ever = for_ever_;
  return out;
}

void Reputation::restore(const BanMemory& memory, Now now) {
  using std::chrono::duration_cast, std::chrono::seconds;
  constexpr auto longest = duration_cast<seconds>(ban_times[ban_steps - 1]),
                 oldest = duration_cast<seconds>(step_time * ban_steps);
  for (const auto& record : memory.bans) {
    const Instant until = now.mono + std::clamp(record.until - now.wall, -oldest, longest);
    Entry kept;
    kept.step = record.step;
    kept.step_since = until;
    kept.reason = record.reason;
    if (until > now.mono) kept.avoid_until = until;
    if (step_of(kept, now.mono) == 0) continue;
    const auto* address = std::get_if<Endpoint>(&record.who);
    (address ? entry_of(*address, now.mono) : node_entry(std::get<NodeId>(record.who), now.mono)) = kept;
  }
  for (const NodeId& node : memory.for_ever) ban_for_ever(node);
}

// --- memory ---

Reputation::Entry& Reputation::entry_of(const Endpoint& remote, Instant now) {
  const Machine key = key_of(remote);
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second;
  sweep(now);
  make_room(key.first, now);
  count_in(key.first, true);
  return entries_[key];
}

// In a group that is full it loses one itself; where all is full the most crowded group does. Where no group has two, nobody is
// crowded, and the least of those looked at goes.
void Reputation::make_room(const AddressGroup& group, Instant now) {
  const auto crowd = crowds_.find(group);
  if (crowd != crowds_.end() && crowd->second >= group_entries_max) return erase(least_of(group, now));
  if (entries_.size() < entries_max) return;
  if (by_crowd_.rbegin()->first > 1) return erase(least_of(by_crowd_.rbegin()->second, now));
  erase(least_from(entries_, entry_hand_, [&](const Entry& entry) { return worth(entry, now); }));
}

auto Reputation::least_of(const AddressGroup& group, Instant now) -> std::map<Machine, Entry>::iterator {
  const auto first = entries_.lower_bound({group, Endpoint{}});
  auto least = first;
  auto least_worth = worth(first->second, now);
  for (auto at = first; at != entries_.end() && at->first.first == group; ++at) {
    const auto here = worth(at->second, now);
    if (here >= least_worth) continue;
    least = at;
    least_worth = here;
  }
  return least;
}

void Reputation::erase(std::map<Machine, Entry>::iterator entry) {
  count_in(entry->first.first, false);
  entries_.erase(entry);
}

void Reputation::count_in(const AddressGroup& group, bool in) {
  size_t& count = crowds_[group];
  by_crowd_.erase({count, group});
  count = in ? count + 1 : count - 1;
  if (count > 0) {
    by_crowd_.insert({count, group});
  } else {
    crowds_.erase(group);
  }
}

// Each newcomer has two others looked at, and those forgotten of whom nothing matters any more.
void Reputation::sweep(Instant now) {
  for (int looks = 0; looks < 2 && !entries_.empty(); ++looks) {
    auto at = entries_.upper_bound(entry_hand_);
    if (at == entries_.end()) at = entries_.begin();
    entry_hand_ = at->first;
    if (worth(at->second, now) <= std::pair(0, 0.0)) erase(at);
  }
}

Reputation::Entry& Reputation::node_entry(const NodeId& node, Instant now) {
  const auto worth_now = [&](const Entry& entry) { return worth(entry, now); };
  if (!nodes_.contains(node) && nodes_.size() >= entries_max) nodes_.erase(least_from(nodes_, node_hand_, worth_now));
  return nodes_[node];
}

// On loopback many nodes that have nothing to do with one another share an address.
void Reputation::add_group_points(const Endpoint& remote, ErrorCode code, Instant now) {
  if (is_mishap(code) || remote.ip.is_loopback()) return;
  const AddressGroup key = group_of(remote.ip);
  const auto points_now = [&](const Group& group) { return forgiven(group.points, group.updated, now); };
  if (!groups_.contains(key) && groups_.size() >= entries_max) groups_.erase(least_from(groups_, group_hand_, points_now));
  Group& group = groups_[key];
  group.points = std::min<double>(group_points_max, points_now(group) + error_info(code).penalty);
  group.updated = now;
}

double Reputation::group_points(const Endpoint& remote, Instant now) const {
  const auto found = groups_.find(group_of(remote.ip));
  return found == groups_.end() ? 0 : forgiven(found->second.points, found->second.updated, now);
}

}  // namespace lattice
