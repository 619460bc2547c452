// What a person, a metric or a test wants to know.
#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::log(LogLevel level, std::string_view name, std::vector<LogField> fields) {
  if (sink.wants(level)) sink.log({level, name, std::move(fields)});
}

// Events that peers cause have an allowance: nobody can fill the log by coming and going.
void Node::State::log_peer_event(LogLevel level, std::string_view name, std::vector<LogField> fields, Now now) {
  if (!sink.wants(level)) return;
  if (level >= LogLevel::info && !log_allowance.take(1, now.mono)) {
    ++log_suppressed;
    return;
  }
  if (log_suppressed > 0)
    log(LogLevel::warning, "log_suppressed", {{"events", std::to_string(std::exchange(log_suppressed, 0))}});
  log(level, name, std::move(fields));
}

NodeReport Node::State::report() const {
  NodeReport out;
  out.tip = tip;
  out.best_header = best;
  out.loaded = loaded();
  out.synced = synced;
  out.discovering = !first_round_over;
  out.headers_received = headers_received;
  out.blocks_received = blocks_received;
  out.block_bytes_received = block_bytes_received;
  out.consensus_received = counts.consensus;
  out.blocks_in_flight = blocks.owed();
  out.known_addresses = addresses.size();
  out.announced_nodes = announcements.size();
  out.announcements_received = counts.announcements;
  out.announcements_relayed = counts.announcements_relayed;
  out.tried_addresses = addresses.tried_size();
  out.network_machines = size ? size->machines(tick_due) : 0;
  out.inbound_max = slots.inbound_max();
  out.feelers = counts.feelers;
  out.feelers_answered = counts.feelers_answered;
  out.anchors_tried = counts.anchors_tried;
  out.exchanged = counts.exchanged;
  out.exchanged_late = counts.exchanged_late;
  out.refused = counts.refused;
  out.handshakes = counts.handshakes;
  out.resumed = counts.resumed;
  out.dials_failed = dials_failed;
  out.sockets = peers.size();
  out.open_questions = pending.size();
  out.held_bytes = held_bytes;
  out.half_open = half_open.size();
  out.admission = admission->counts();
  out.under_load = admission->loaded();
  out.evicted = counts.evicted;
  out.half_open_dropped = counts.half_open_dropped + counts.first_messages_late;
  out.dns = dns.report();
  for (const auto& [conn, peer] : peers) {
    if (peer.link) out.queued_bytes += peer.link->queued_bytes();
    if (!peer.alive()) continue;
    PeerReport row;
    row.conn = conn;
    row.endpoint = peer.remote;
    row.node = peer.node;
    row.inbound = peer.inbound;
    row.established = peer.open();
    row.genesis = peer.genesis;
    row.slot = peer.slot;
    const SlotAddress known = slot_address(peer.remote);
    row.asn = known.asn;
    row.region = known.region;
    row.suite = peer.suite;
    row.resumed = peer.resumed;
    row.source = peer.source;
    row.handshake_seconds = seconds_of(peer.handshake_time);
    row.height = peer.status.height;
    row.bytes_in = peer.bytes_in;
    row.bytes_out = peer.bytes_out;
    row.headers = peer.headers;
    row.blocks = peer.blocks;
    row.unknown_messages = peer.link ? peer.link->unknown_messages() : 0;
    row.arrivals = arrivals.score(conn);
    row.user_agent = peer.status.user_agent;
    out.peers.push_back(std::move(row));
  }
  out.left.assign(left.begin(), left.end());
  out.left_total = left_total;
  for (const auto& [ip, reason] : reputation.avoided(tick_due)) out.avoided.push_back({ip, reason});
  out.network_height = network_height(tick_due);
  out.clock_difference = said_difference;
  if (const auto agreed = own_addresses.exact(tick_due)) out.external_address = agreed->value;
  out.stale_tip = tip_watch.holds(TipDoubt::no_progress);
  out.eclipse_suspected = tip_watch.suspected();
  out.tip_alarms = counts.tip_alarms;
  out.throttled = counts.throttled;
  out.over_budget = counts.over_budget;
  for (size_t i = 0; i < attack_kinds; ++i) out.attacks[i] = attacks.times(static_cast<Attack>(i));
  if (crawl) out.crawl = crawl->report(tick_due);
  out.failed = failed;
  return out;
}

}  // namespace lattice
