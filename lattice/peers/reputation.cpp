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

Reputation::Entry& Reputation::entry_of(const Endpoint& remote, Instant now) {
  const Endpoint key = key_of(remote);
  if (!entries_.contains(key) && entries_.size() >= entries_max) {
    // The least missed: whose score has faded most, never one that is avoided while another is there.
    const auto worth = [&](const auto& entry) {
      const bool avoided = entry.second.avoid_until && *entry.second.avoid_until > now;
      return std::pair(avoided, forgiven(entry.second.score, entry.second.updated, now));
    };
    entries_.erase(std::ranges::min_element(entries_, {}, worth));
  }
  return entries_[key];
}

unsigned Reputation::on_fault(const Endpoint& remote, ErrorCode code, Instant now) {
  if (!is_own_fault(code) || error_info(code).penalty == 0) return 0;
  Entry& entry = entry_of(remote, now);
  entry.score = forgiven(entry.score, entry.updated, now) + error_info(code).penalty;
  entry.updated = now;
  if (entry.score >= score_limit) {
    entry.avoid_until = now + avoid_time;
    entry.reason = code;
  }
  return static_cast<unsigned>(entry.score);
}

void Reputation::avoid(const Endpoint& remote, ErrorCode reason, Instant now) {
  Entry& entry = entry_of(remote, now);
  entry.avoid_until = now + avoid_time;
  entry.reason = reason;
}

std::optional<ErrorCode> Reputation::avoided(const Endpoint& remote, Instant now) const {
  const auto found = entries_.find(key_of(remote));
  if (found == entries_.end() || !found->second.avoid_until || *found->second.avoid_until <= now) return std::nullopt;
  return found->second.reason;
}

void Reputation::avoid_node(const NodeId& node, Instant now) {
  if (!nodes_.contains(node) && nodes_.size() >= entries_max) {
    nodes_.erase(std::ranges::min_element(nodes_, {}, [](const auto& entry) { return entry.second; }));
  }
  nodes_[node] = now + avoid_time;
}

bool Reputation::node_avoided(const NodeId& node, Instant now) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second > now;
}

bool Score::add(ErrorCode code, Instant now) {
  score_ = forgiven(score_, updated_, now) + error_info(code).penalty;
  updated_ = now;
  return score_ >= score_limit;
}

unsigned Score::value(Instant now) const { return static_cast<unsigned>(forgiven(score_, updated_, now)); }

}  // namespace lattice
