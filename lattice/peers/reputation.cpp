#include <lattice/peers/reputation.hpp>

#include <algorithm>

namespace lattice {
namespace {

double forgiven(double score, Instant since, Instant now) {
  return std::max(0.0, score - seconds_of(now - since) / seconds_of(Reputation::forgive_time));
}

}  // namespace

Endpoint Reputation::key_of(const Endpoint& remote) { return remote.ip.is_loopback() ? remote : Endpoint{remote.ip, 0}; }

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

// Where there is no room, the least missed goes: whose score has faded most, never one that is avoided while another is there.
template <class Key>
Reputation::Entry& Reputation::entry_in(std::map<Key, Entry>& entries, const Key& key, Instant now) {
  if (!entries.contains(key) && entries.size() >= entries_max) {
    const auto worth = [&](const auto& entry) {
      const Instant until = entry.second.avoid_until.value_or(Instant{});
      return std::pair(std::max(until, now),
                       forgiven(std::max(entry.second.score, entry.second.mishaps), entry.second.updated, now));
    };
    entries.erase(std::ranges::min_element(entries, {}, worth));
  }
  return entries[key];
}

Reputation::Entry& Reputation::entry_of(const Endpoint& remote, Instant now) { return entry_in(entries_, key_of(remote), now); }

unsigned Reputation::add_points(Entry& entry, ErrorCode code, Instant now) {
  entry.score = forgiven(entry.score, entry.updated, now);
  entry.mishaps = forgiven(entry.mishaps, entry.updated, now);
  entry.updated = now;
  double& points = is_mishap(code) ? entry.mishaps : entry.score;
  points += error_info(code).penalty;
  return static_cast<unsigned>(points);
}

unsigned Reputation::on_fault(const Endpoint& remote, ErrorCode code, Instant now) {
  if (!is_own_fault(code) || error_info(code).penalty == 0) return 0;
  const unsigned value = add_points(entry_of(remote, now), code, now);
  if (value >= score_limit) avoid(remote, code, now);
  return value;
}

unsigned Reputation::on_node_fault(const NodeId& node, ErrorCode code, Instant now) {
  if (!is_own_fault(code) || error_info(code).penalty == 0) return 0;
  Entry& entry = entry_in(nodes_, node, now);
  const unsigned value = add_points(entry, code, now);
  if (value < score_limit) return value;
  if (is_mishap(code)) entry.mishaps = std::min(entry.mishaps, score_limit / 2.0);  // may try again after the pause
  avoid_node(node, now, time_for(code));
  return value;
}

void Reputation::succeed(const NodeId& before, const NodeId& after, Instant now) {
  const auto found = nodes_.find(before);
  if (found == nodes_.end()) return;
  const Entry from = found->second;  // a copy: it may be the one that has to make room
  Entry& to = entry_in(nodes_, after, now);
  to.score = std::max(forgiven(to.score, to.updated, now), forgiven(from.score, from.updated, now));
  to.mishaps = std::max(forgiven(to.mishaps, to.updated, now), forgiven(from.mishaps, from.updated, now));
  to.updated = now;
  to.avoid_until = std::max(to.avoid_until, from.avoid_until);
}

void Reputation::avoid(const Endpoint& remote, ErrorCode reason, Instant now) {
  Entry& entry = entry_of(remote, now);
  const Instant until = now + time_for(reason);
  if (entry.avoid_until && *entry.avoid_until >= until) return;
  entry.avoid_until = until;
  entry.reason = reason;
  if (is_mishap(reason)) entry.mishaps = std::min(entry.mishaps, score_limit / 2.0);  // may try again after that
}

std::optional<ErrorCode> Reputation::avoided(const Endpoint& remote, Instant now) const {
  const auto found = entries_.find(key_of(remote));
  if (found == entries_.end() || !found->second.avoid_until || *found->second.avoid_until <= now) return std::nullopt;
  return found->second.reason;
}

std::vector<std::pair<IpAddress, ErrorCode>> Reputation::avoided(Instant now) const {
  std::vector<std::pair<IpAddress, ErrorCode>> out;
  for (const auto& [remote, entry] : entries_)
    if (entry.avoid_until && *entry.avoid_until > now) out.emplace_back(remote.ip, entry.reason);
  return out;
}

void Reputation::avoid_node(const NodeId& node, Instant now, Duration how_long) {
  Entry& entry = entry_in(nodes_, node, now);
  entry.avoid_until = std::max(entry.avoid_until.value_or(now), now + how_long);
}

bool Reputation::node_avoided(const NodeId& node, Instant now) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second.avoid_until && *found->second.avoid_until > now;
}

bool Score::add(ErrorCode code, Instant now) {
  score_ = forgiven(score_, updated_, now) + error_info(code).penalty;
  updated_ = now;
  return score_ >= score_limit;
}

unsigned Score::value(Instant now) const { return static_cast<unsigned>(forgiven(score_, updated_, now)); }

}  // namespace lattice
