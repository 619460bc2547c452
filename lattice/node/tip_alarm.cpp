// While our chain is in doubt: the alarm, two more peers than usual, DNS once more; and what is kept of them when it is over.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

constexpr Duration rescue_time = std::chrono::seconds{60};       // in which one of them is to bring something better
constexpr Duration rescue_dns_pause = std::chrono::minutes{10};  // between two rounds of DNS

TipView Node::State::tip_view(Instant now) const {
  TipView view;
  view.height = best.block.height;
  view.agreed = network_height(now);
  std::vector<AddressGroup> groups;
  for (const auto& [conn, peer] : peers) {
    if (!peer.open() || peer.inbound) continue;
    ++view.outbound;
    groups.push_back(group_of(peer.remote.ip));
  }
  std::ranges::sort(groups);
  const auto repeated = std::ranges::unique(groups);
  view.outbound_groups = groups.size() - repeated.size();
  view.wants_outbound = !kept.empty() || (config.discovery && config.outbound_target > 0 && addresses.size() > 0);
  return view;
}

// Each second. A suspicion is also what an operator wants to read: each once when it begins.
void Node::State::watch_tip(Now now) {
  for (const TipWatch::Change& change : tip_watch.check(tip_view(now.mono), now.mono)) log_doubt(change, now);
  if (tip_watch.alarmed()) {
    if (!doubted_since) {
      doubted_since = now.mono;
      rescue_from = ConnId{next_conn};
      ++counts.tip_alarms;
    }
    rescue(now);
  } else if (doubted_since) {
    end_rescue(now);
  }
}

void Node::State::log_doubt(const TipWatch::Change& change, Now now) {
  if (!change.begins) return;
  const auto text = [](Duration time) { return std::to_string(time / std::chrono::seconds{1}); };
  if (change.doubt == TipDoubt::no_progress) {
    return log(LogLevel::warning, "stale_tip",
               {{"height", std::to_string(best.block.height)},
                {"quiet_s", text(tip_watch.quiet(now.mono))},
                {"limit_s", text(tip_watch.limit())}});
  }
  const auto agreed = network_height(now.mono);
  log(LogLevel::warning, "eclipse_suspected",
      {{"reason", std::string(tip_doubt_name(change.doubt))},
       {"height", std::to_string(best.block.height)},
       {"agreed", agreed ? std::to_string(*agreed) : "unknown"},
       {"outbound", std::to_string(outbound_open_count())}});
}

// Whoever brings nothing makes place for the next: all that the book knows come by, a few at a time.
void Node::State::rescue(Now now) {
  if (!config.discovery) return;
  if (dns.size() > 0 && !dns.busy() && rescue_dns_due <= now.mono) {
    rescue_dns_due = now.mono + rescue_dns_pause;
    ask_dns(now);
  }
  slots.set_extra(config.rescue_outbound);
  dial_dirty = true;
  if (beyond_target() == 0) return;
  if (Peer* peer = idle_rescuer(now.mono - rescue_time)) close(*peer, ErrorCode::not_needed, "rescue", now);
}

size_t Node::State::beyond_target() const {
  const size_t there = slots.count(SlotKind::full_relay), wanted = slots.limits().full_relay;
  return there - std::min(there, wanted);
}

// One of those that were dialled since the doubt began and have brought nothing new; open for as long as that, where that is said.
Peer* Node::State::idle_rescuer(std::optional<Instant> since) {
  for (auto& [conn, peer] : peers) {
    const bool newcomer = conn >= rescue_from && peer.alive() && peer.slot == SlotKind::full_relay;
    if (newcomer && peer.headers == 0 && (!since || (peer.open() && peer.since <= *since))) return &peer;
  }
  return nullptr;
}

// Of those that were there before whoever has got least far, and of those the youngest.
Peer* Node::State::worst_outbound() {
  Peer* worst = nullptr;
  const auto worth = [](const Peer& peer) {
    return std::pair(std::max(peer.status.height, peer.shown_height), -peer.since.time_since_epoch());
  };
  for (auto& [conn, peer] : peers) {
    if (conn >= rescue_from || !peer.open() || peer.slot != SlotKind::full_relay || !peer.takes_slot()) continue;
    if (worst == nullptr || worth(peer) < worth(*worst)) worst = &peer;
  }
  return worst;
}

// Who brought headers that nobody else had shown stays, and one of those that had not goes for it.
void Node::State::end_rescue(Now now) {
  slots.set_extra(0);
  while (beyond_target() > 0) {
    Peer* peer = idle_rescuer(std::nullopt);
    if (peer == nullptr) peer = worst_outbound();
    if (peer == nullptr) break;
    close(*peer, ErrorCode::not_needed, "rescue", now);
  }
  log(LogLevel::info, "tip_recovered",
      {{"height", std::to_string(best.block.height)},
       {"after_s", std::to_string((now.mono - *doubted_since) / std::chrono::seconds{1})}});
  doubted_since.reset();
}

}  // namespace lattice
