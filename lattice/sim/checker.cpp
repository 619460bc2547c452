#include <lattice/sim/checker.hpp>

#include <algorithm>

#include <lattice/peers/reputation.hpp>

namespace lattice::sim {

constexpr uint8_t penalty_whole = 100;

Checker::Checker(World& world, const ChainKit& kit, const CheckedLimits& bounds)
    : world_(world), kit_(kit), bounds_(bounds), valid_(kit.valid.begin(), kit.valid.end()) {}

void Checker::add_honest(HostId host, const IpAddress& address, bool told) {
  honest_.try_emplace(host);
  addresses_.emplace(address, host);
  if (!told) secret_.insert(address);
}

void Checker::add_hostile(HostId host) { hostile_.insert(host); }

std::string Checker::name_of(HostId host) const {
  return "host " + std::to_string(host) + " at " + std::to_string(seconds_of(world_.now().time_since_epoch())) + " s";
}

void Checker::say_broken(std::string what) {
  if (broken_.size() < broken_max) broken_.push_back(std::move(what));
}

void Checker::on_chain_event(HostId host, const ChainEvent& event) {
  if (!honest(host)) return;
  if (const auto* changed = std::get_if<TipChanged>(&event)) {
    check_tip(host, changed->tip);
  } else if (const auto* verdict = std::get_if<BlockVerdict>(&event)) {
    if (verdict->error.code == ErrorCode::none && !is_valid(host, verdict->block))
      say_broken(name_of(host) + " took an invalid block: " + to_hex(verdict->block.view()));
  } else if (const auto* failed = std::get_if<ChainFailed>(&event)) {
    if (!excused_.contains(host))
      say_broken(name_of(host) + " failed with a sound disk: " + std::string(error_name(failed->error.code)) + " (" +
                 failed->error.where + ")");
  }
}

bool Checker::is_valid(HostId host, const BlockHash& block) {
  if (valid_.empty() || valid_.contains(block)) return true;
  if (!was_made_anew(host, block)) return false;
  valid_.insert(block);
  return true;
}

// The host has stored the body that it took.
bool Checker::was_made_anew(HostId host, const BlockHash& block) const {
  if (!kit_.made_anew) return false;
  const auto body = world_.store(host).read(Column::bodies, block.view());
  if (!body || !*body) return false;
  const auto is_of = [&](const SharedBytes& known) { return kit_.made_anew((*body)->view(), known.view()); };
  for (const auto* list : {&kit_.future, &kit_.branch}) {
    if (std::ranges::any_of(*list, [&](const FutureBlock& one) { return valid_.contains(one.ref.hash) && is_of(one.block); }))
      return true;
  }
  return std::ranges::any_of(kit_.valid, [&](const BlockHash& hash) {
    const auto known = kit_.filled->read(Column::bodies, hash.view());
    return known && *known && is_of(**known);
  });
}

void Checker::check_tip(HostId host, const Tip& tip) {
  if (!is_valid(host, tip.block.hash)) say_broken(name_of(host) + " has an invalid tip: " + to_hex(tip.block.hash.view()));
  if (!kit_.is_final || !kit_.is_final(tip)) return;
  const auto [known, fresh] = finals_.try_emplace(tip.block.height, tip.block.hash);
  if (!fresh && known->second != tip.block.hash)
    say_broken(name_of(host) + " has another final block at height " + std::to_string(tip.block.height));
}

void Checker::on_told(const Endpoint& endpoint) {
  if (secret_.contains(endpoint.ip)) say_broken("an address that must stay unknown was told: " + endpoint.text());
}

void Checker::look_at(HostId host) {
  if (!honest(host) || !world_.running(host)) return;
  const NodeReport report = world_.report(host);
  check_left(host, report);
  check_limits(host, report);
}

void Checker::look_at_all() {
  for (const auto& [host, seen] : honest_) look_at(host);
  const auto& stats = world_.stats();
  if (stats.connections_peak > bounds_.connections_max + bounds_.half_open_max)
    say_broken("a node had " + std::to_string(stats.connections_peak) +
               " connections, more than connections_max and half_open_max");
  if (stats.output_peak > bounds_.sealed_bytes_max)
    say_broken("a link held " + std::to_string(stats.output_peak) + " sealed bytes");
}

// The report tells the newest peers that were left, each once.
void Checker::check_left(HostId host, const NodeReport& report) {
  Seen& seen = honest_.at(host);
  if (report.left_total < seen.left_total) seen = {};  // another process
  const uint64_t fresh = std::min<uint64_t>(report.left_total - seen.left_total, report.left.size());
  seen.left_total = report.left_total;
  for (auto left = report.left.end() - static_cast<ptrdiff_t>(fresh); left != report.left.end(); ++left) {
    const std::string reason(error_name(left->reason));
    if (!addresses_.contains(left->endpoint.ip)) {
      ++hostile_left_[reason];
      continue;
    }
    ++honest_left_[reason];
    if (!left->by_peer && error_info(left->reason).penalty >= penalty_whole)
      say_broken(name_of(host) + " left the honest " + left->endpoint.text() + ": " + reason + " (" + left->where + ")");
  }
  if (report.avoided.size() == seen.avoided) return;
  seen.avoided = report.avoided.size();
  for (const auto& avoided : report.avoided)
    if (addresses_.contains(avoided.ip) && !Reputation::is_mishap(avoided.reason))
      say_broken(name_of(host) + " avoids the honest " + avoided.ip.text() + ": " + std::string(error_name(avoided.reason)));
}

void Checker::check_limits(HostId host, const NodeReport& report) {
  const auto bound = [&](size_t value, size_t max, const char* of) {
    if (value > max) say_broken(name_of(host) + " has " + std::to_string(value) + " " + of);
  };
  bound(report.peers.size() - report.half_open, bounds_.connections_max, "peers");
  bound(report.half_open, bounds_.half_open_max, "handshakes of others");
  bound(report.known_addresses, bounds_.addresses_max, "known addresses");
  bound(report.open_questions, bounds_.questions_max, "open questions");
  bound(report.held_bytes, bounds_.held_bytes_max, "bytes of messages begun");
  bound(report.sockets - std::min(report.sockets, report.half_open), bounds_.sockets_max, "sockets");
  bound(report.queued_bytes, bounds_.queued_bytes_max * std::max<size_t>(report.peers.size(), 1), "queued bytes");
}

}  // namespace lattice::sim
