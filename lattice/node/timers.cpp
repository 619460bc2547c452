// Time: when the next thing is due, and what is done then.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::on_timeout(Now now) {
  if (!started || stopping) return;
  if (tick_due <= now.mono) tick(now);
  if (const auto due = header_sync.next_timeout(); due && *due <= now.mono) check_header_timeouts(now);
  if (const auto due = block_deadline(); due && *due <= now.mono) check_block_timeouts(now);
  Instant next = tick_due;
  for (auto& [conn, peer] : peers) {
    auto due = peer_deadline(peer);
    if (due && *due <= now.mono) {
      check_peer(peer, now);
      due = peer_deadline(peer);
    }
    if (due) next = std::min(next, *due);
  }
  wake = next;
  watch_requests();
}

// Something of the peer's may be due earlier than anything before.
void Node::State::watch(const Peer& peer) {
  if (const auto at = peer_deadline(peer)) wake = std::min(wake, *at);
}

// The same of what was asked for.
void Node::State::watch_requests() {
  if (const auto at = header_sync.next_timeout()) wake = std::min(wake, *at);
  if (const auto at = block_deadline()) wake = std::min(wake, *at);
}

// A node that runs for months must not end up with an expired certificate. Links that are open keep the one they were made
// with.
void Node::State::renew_certificate(Now now) {
  const Certificate& certificate = config.identity->certificate;
  const auto half = (certificate.not_after - certificate.not_before) / 2;
  if (certificate.not_before <= now.wall && now.wall < certificate.not_before + half) return;
  config.identity = renew_identity(provider, *config.identity, now.wall);
  log(LogLevel::info, "certificate_renewed", {{"serial", std::to_string(config.identity->certificate.serial)}});
}

void Node::State::tick(Now now) {
  tick_due = now.mono + tick_interval;
  renew_certificate(now);
  log_security(now);
  watch_attacks(now);
  recheck(now);
  if (!loaded()) return;
  tell_chain(ChainTick{});
  check_dns(now);
  if (crawl) {
    check_visits(now);
  } else {
    announcements.expire(now.wall);
    learn_own_endpoint(now);
    renew_announcement(now);
    check_claims(now);
    watch_tip(now);
    follow_size(now);
    rebalance(now);
  }
  if (save_due <= now.mono || (synced && !saved_sum)) save_addresses(now);
  if (bans_due <= now.mono) save_bans(now);
  dial_dirty = true;
}

// Not more often than each step: a peer's silence may be looked at again and again.
std::optional<Instant> Node::State::block_deadline() const {
  const auto due = blocks.next_timeout();
  return due ? std::optional{std::max(*due, blocks_checked + block_timer_step)} : std::nullopt;
}

std::optional<Instant> Node::State::peer_deadline(const Peer& peer) const {
  std::optional<Instant> due = peer.link && peer.alive() ? peer.link->next_timeout() : std::nullopt;
  const auto consider = [&](Instant at) { due = due ? std::min(*due, at) : at; };
  switch (peer.stage) {
    case Stage::dialing: consider(peer.since + config.connection_timeout); break;
    case Stage::handshake:  // beside the link's own
      if (const auto at = half_open_deadline(peer)) consider(*at);
      break;
    case Stage::opening: consider(peer.since + config.handshake_timeout); break;
    case Stage::open:
      consider(peer.ping_due);
      consider(peer.read_after.value_or(peer.received + 2 * config.ping_interval));
      if (peer.lanes_wait)
        consider(*peer.lanes_wait);
      else if (peer.link->queued_bytes() > 0)
        consider(peer.written + unread_patience);
      break;
    case Stage::closing: break;
  }
  return due;
}

void Node::State::check_peer(Peer& peer, Now now) {
  if (peer.link && peer.alive()) {
    if (const auto due = peer.link->next_timeout(); due && *due <= now.mono) {
      peer.link->on_timeout(now);
      pump(peer.conn, now);
    }
  }
  switch (peer.stage) {
    case Stage::dialing:
      if (now.mono < peer.since + config.connection_timeout) return;
      on_dial_ended(peer, now);
      effects.push_back(CloseConn{peer.conn, false});
      return;
    case Stage::handshake: return check_half_open(peer, now);
    case Stage::opening:
      if (now.mono >= peer.since + config.handshake_timeout) close(peer, ErrorCode::handshake_timeout, "opening", now);
      return;
    case Stage::open:
      if (peer.read_after && now.mono >= *peer.read_after) read_again(peer, now);
      if (!peer.read_after && now.mono >= peer.received + 2 * config.ping_interval)
        return close(peer, ErrorCode::idle_timeout, "peer", now);
      if (peer.lanes_wait && now.mono >= *peer.lanes_wait) allow_lanes(peer, now);
      if (!peer.lanes_wait && peer.link->queued_bytes() > 0 && now.mono >= peer.written + unread_patience) {
        return close(peer, ErrorCode::queue_full, "does not read", now);
      }
      if (now.mono < peer.ping_due) return;
      peer.ping_due = now.mono + config.ping_interval;
      if (peer.ping) return;  // one at a time
      peer.ping = provider.rng().next();
      peer.ping_sent = now.mono;
      send(peer, wire::Ping{*peer.ping}, now);
      return;
    default: return;
  }
}

}  // namespace lattice
