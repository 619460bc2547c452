// Who comes in: slots, handshakes that are under way, and what of them is worth a line in the log.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

using Progress = HalfOpen::Progress;

void Node::State::make_room_half_open(const IpAddress& ip, Now now) {
  while (const auto victim = half_open.victim(ip)) {
    ++counts.half_open_dropped;
    attacks.on(Attack::slowloris, find(*victim)->remote.ip);
    close(*find(*victim), ErrorCode::no_slot, "half open", now);
  }
}

void Node::State::note_progress(Peer& peer, Progress progress, Now now) {
  if (!peer.half_open()) return;
  peer.step_since = now.mono;
  if (peer.progress == progress) return;
  peer.progress = progress;
  half_open.put(peer.conn, peer.remote.ip, progress);
}

// A signature of ours for who has come in is what admission measures.
void Node::State::run_work(Peer& peer, Work work, Now now) {
  if (peer.inbound && std::holds_alternative<SignWork>(work)) {
    if (signing.emplace(peer.conn, now.mono).second) admission->on_work_queued(now.mono);
  }
  if (peer.half_open()) {
    note_progress(peer, Progress::admitted, now);
    peer.at_work = true;
    watch(peer);
  }
  effects.push_back(RunWork{peer.conn, std::move(work)});
}

// Also of connections that have gone meanwhile: their work was done too.
void Node::State::on_work_returned(ConnId conn, Now now) {
  const auto signed_for = signing.find(conn);
  if (signed_for == signing.end()) return;
  admission->on_work_done(now.mono - signed_for->second, now.mono);
  signing.erase(signed_for);
}

void Node::State::note_arrival(Peer& peer, Now now) {
  peer.merits.conn = peer.conn;
  peer.merits.group = keyed_group(eviction_key.view(), peer.remote.ip);
  peer.merits.is_v4 = peer.remote.ip.is_v4();
  peer.merits.region = slot_address(peer.remote).region;
  peer.merits.connected = now.mono;
}

// A slot for who has come in and shown who it is; where all are taken another goes. False: it is the newcomer that has to.
bool Node::State::make_room(const Peer& fresh, Now now) {
  if (!fresh.inbound || !fresh.takes_slot()) return true;
  const SlotAddress address = slot_address(fresh.remote);
  for (;;) {
    const auto refusal = slots.refusal(SlotKind::inbound, address);
    const bool crowded = refusal == SlotRefusal::ip_full || refusal == SlotRefusal::subnet_full;
    if (!refusal || (crowded && is_named(*fresh.node))) break;
    const auto region = refusal == SlotRefusal::region_full ? address.region : std::nullopt;
    const bool discouraged = reputation.response(fresh.remote, fresh.node, now.mono) >= Response::discourage;
    const auto victim = crowded || discouraged ? std::nullopt : evictable(fresh, region, now.mono);
    if (!victim) {
      ++counts.refused[*refusal];
      return false;
    }
    ++counts.evicted;
    close(*find(*victim), ErrorCode::no_slot, "evicted", now);
  }
  slots.add(fresh.conn, SlotKind::inbound, address, now.mono);
  return true;
}

// Whom the operator named may have changed keys since.
bool Node::State::is_named(const NodeId& node) const {
  return is_trusted(node) ||
         std::ranges::any_of(successions.ancestors(node), [&](const NodeId& old) { return is_trusted(old); });
}

// Not the newcomer: it has had no time to earn anything. Whoever comes in crowds pushes out its own all the same. `region`: only
// of these.
std::optional<ConnId> Node::State::evictable(const Peer& fresh, std::optional<uint8_t> region, Instant now) const {
  std::vector<EvictionCandidate> candidates;
  for (const auto& [conn, peer] : peers) {
    if (conn == fresh.conn || !peer.alive() || !peer.inbound || !peer.node || !peer.takes_slot()) continue;
    if (region && slots.region_of(conn) != region) continue;
    candidates.push_back(peer.merits);
    candidates.back().named = is_named(*peer.node);
    candidates.back().discouraged = reputation.response(peer.remote, peer.node, now) >= Response::discourage;
  }
  return eviction_victim(candidates, config.eviction);
}

std::optional<Instant> Node::State::half_open_deadline(const Peer& peer) const {
  if (!peer.half_open() || peer.at_work) return std::nullopt;
  return peer.step_since + (peer.progress == Progress::silent ? config.first_message_timeout : config.message_timeout);
}

// A line that loses a third of what it carries needs longer than a step: where places are not wanted, nobody is hurried, and the
// handshake as a whole has its time in the link.
void Node::State::check_half_open(Peer& peer, Now now) {
  const auto due = half_open_deadline(peer);
  if (!due || now.mono < *due) return;
  if (half_open.size() < config.half_open.in_all / 4) {
    peer.step_since = now.mono;
    return;
  }
  const bool silent = peer.progress == Progress::silent;
  counts.first_messages_late += silent;
  if (silent) attacks.on(Attack::slowloris, peer.remote.ip);
  close(peer, ErrorCode::handshake_timeout, silent ? "first message" : "message of the handshake", now);
}

// Once in security_log_pause each, whatever comes.
void Node::State::log_security(Now now) {
  if (now.mono < security_log_due) return;
  const AdmissionCounts& admitted = admission->counts();
  const uint64_t asked = admitted.retried + admitted.dropped;
  const bool flood = asked - logged_asked >= handshake_flood_min;
  if (flood) {
    log(LogLevel::warning, "handshake_flood",
        {{"asked_to_solve", std::to_string(asked - logged_asked)},
         {"solved", std::to_string(admitted.solved)},
         {"refused", std::to_string(admitted.refused)},
         {"over_allowance", std::to_string(admitted.over_allowance)},
         {"wait_ms", std::to_string(admission->expected_wait(now.mono) / std::chrono::milliseconds{1})}});
  }
  logged_asked = asked;
  security_log_due = now.mono + security_log_pause;
}

}  // namespace lattice
