// Links: made, pumped, judged and left.
#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/node/state.hpp>

namespace lattice {

static constexpr Duration silent_link = std::chrono::seconds{5};

Peer* Node::State::find(ConnId conn) {
  const auto found = peers.find(conn);
  return found == peers.end() ? nullptr : &found->second;
}

Peer* Node::State::find_alive(ConnId conn) {
  Peer* peer = find(conn);
  return peer != nullptr && peer->alive() ? peer : nullptr;
}

void Node::State::enter(Peer& peer, Stage stage, Now now) {
  peer.stage = stage;
  if (peer.half_open())
    half_open.put(peer.conn, peer.remote.ip, peer.progress);
  else
    half_open.remove(peer.conn);
  if (!peer.alive()) slots.remove(peer.conn);
  peer.since = now.mono;
  watch(peer);
}

Peer& Node::State::add_peer(const Endpoint& remote, bool inbound, PeerSource source, Instant now) {
  const ConnId conn{next_conn++};
  Peer& peer = peers[conn];
  peer.conn = conn;
  peer.remote = remote;
  peer.inbound = inbound;
  peer.source = source;
  peer.since = peer.received = peer.written = now;
  watch(peer);
  return peer;
}

// Of the same kind and under the same suites as `model`; null where there is none.
static std::shared_ptr<const Identity> throw_away_identity(Provider& provider, const Identity* model, WallTime now) {
  if (model == nullptr) return nullptr;
  Secret<64> secret;
  provider.rng().fill(secret.span());
  IdentityOptions options;
  options.sign_alg = model->certificate.sign_alg;
  options.allowed_suites = model->certificate.allowed_suites;
  options.not_before = now - std::chrono::hours{24};
  options.not_after = now + std::chrono::hours{24};
  return make_identity(provider, secret, options);
}

void Node::State::begin_link(Peer& peer, Role role, Now now) {
  LinkConfig link;
  link.role = role;
  link.magic = config.magic;
  std::copy_n(config.chain.genesis.bytes.begin(), link.chain8.size(), link.chain8.begin());
  link.suites = allowed_suites();
  // Whom we only ask who it is does not learn who we are.
  const auto shown = [&](const std::shared_ptr<const Identity>& own) {
    return peer.asks_after ? throw_away_identity(provider, own.get(), now.wall) : own;
  };
  link.identity = shown(config.identity);
  link.identity87 = shown(config.identity87);
  link.resumes = !peer.asks_after;
  link.outside_keys = config.outside_keys;
  link.expected = peer.expected;
  link.likely = peer.likely;
  link.remote = peer.remote;
  link.memory = &memory;
  link.admission = role == Role::responder ? admission.get() : nullptr;
  link.handshake_timeout = config.handshake_timeout;
  peer.link.emplace(std::move(link), provider, now);
  peer.received = peer.written = peer.step_since = now.mono;
  enter(peer, Stage::handshake, now);
  pump(peer.conn, now);
}

// Takes everything that the link has to say.
void Node::State::pump(ConnId conn, Now now) {
  Peer& peer = *find(conn);
  while (peer.alive()) {
    if (auto work = peer.link->poll_work()) {
      run_work(peer, std::move(*work), now);
      continue;
    }
    auto event = peer.link->poll_event();
    if (!event) break;
    std::visit([&](auto& e) { on_link_event(peer, std::move(e), now); }, *event);
  }
  const bool answered = peer.half_open() && peer.progress == HalfOpen::Progress::silent && !peer.link->pending_output().empty();
  if (answered) note_progress(peer, HalfOpen::Progress::asked, now);
  if (peer.alive()) charge_unknown(peer, now);
  count_held(peer);
  touched.push_back(conn);
}

void Node::State::count_held(Peer& peer) {
  const size_t held = peer.alive() ? peer.link->held_bytes() : 0;
  held_bytes = held_bytes - peer.held + held;
  peer.held = held;
}

// Who holds most of what is not ended goes first, of those that owe nothing: whom a block was asked of holds the beginning of
// it.
void Node::State::bound_held(Now now) {
  while (held_bytes > held_bytes_max) {
    Peer* most = nullptr;
    for (auto& [conn, peer] : peers) {
      if (peer.held == 0) continue;
      const auto worth = [&](const Peer& p) { return std::pair(blocks.owed(p.conn) == 0, p.held); };
      if (most == nullptr || worth(peer) > worth(*most)) most = &peer;
    }
    ASSERT(most != nullptr);
    close(*most, ErrorCode::limit_reached, "messages begun and not ended", now);
  }
}

void Node::State::on_link_event(Peer& peer, LinkEstablished event, Now now) {
  ++counts.handshakes;
  peer.node = event.peer;
  peer.own = event.own;
  peer.valid_until = event.certificate.not_after;
  peer.budget.emplace(config.costs);
  peer.genesis = is_genesis(event.peer);
  if (!peer.takes_slot()) slots.remove(peer.conn);
  note_machine(peer.remote.ip, now.mono);
  allow_lanes(peer, now);
  peer.suite = event.suite;
  peer.resumed = event.resumed;
  counts.resumed += event.resumed;
  peer.handshake_time = event.handshake_time;
  if (is_self(event.peer)) {
    remember_self(peer);
    return close(peer, ErrorCode::self_connection, "node id", now);
  }
  if (peer.asks_after) {
    // It is there after all: the next dial expects it again.
    if (event.peer == *peer.asks_after) return close(peer, ErrorCode::not_needed, "who it is", now);
    enter(peer, Stage::opening, now);
    send(peer, wire::OpenChannel{config.chain.id, config.protocol_version}, now);
    return;
  }
  if (!peer.kept && reputation.node_avoided(event.peer, now.mono)) return close(peer, ErrorCode::no_slot, "avoided", now);
  if (peer.kept) kept[*peer.kept].answered = event.peer;
  if (!peer.inbound) addresses.on_answered(peer.remote, event.peer, 0, now);
  enter(peer, Stage::opening, now);
  if (!keeps_link(peer, now)) {
    return close(peer, ErrorCode::duplicate_link, "node id", now);
  }
  if (peer.inbound) {
    note_arrival(peer, now);
    attacks.on(Attack::eclipse_attempt, peer.remote.ip);
  }
  if (!make_room(peer, now)) return close(peer, ErrorCode::no_slot, "inbound", now);
  if (!peer.inbound) send(peer, wire::OpenChannel{config.chain.id, config.protocol_version}, now);
}

// The address that was dialled is our own.
void Node::State::remember_self(const Peer& peer) {
  if (peer.inbound) return;
  addresses.mark_own(peer.remote);
  if (peer.kept) kept[*peer.kept].answered = config.identity->id;
}

void Node::State::avoid(const Peer& peer, ErrorCode code, Now now) {
  reputation.avoid(peer.remote, code, now.mono);
  if (!peer.node) return;
  reputation.avoid_node(*peer.node, code, now.mono);
  // Nor as who it was before. The other way round does not follow: an old key may be a thief's.
  for (const NodeId& before : successions.ancestors(*peer.node)) reputation.avoid_node(before, code, now.mono);
}

// Of two links with one node one is enough. Both ends must choose alike: where both dialled at about the same time, the link
// stays whose initiator has the lower NodeID; else the older one, unless it has fallen silent: then the peer has most likely
// lost it. False: the new link goes.
bool Node::State::keeps_link(const Peer& fresh, Now now) {
  for (auto& [conn, other] : peers) {
    if (conn == fresh.conn || other.node != fresh.node || other.asks_after) continue;
    if (other.stage != Stage::opening && other.stage != Stage::open) continue;
    const bool crossed = other.inbound != fresh.inbound && now.mono - other.since < config.handshake_timeout;
    const bool we_are_lower = fresh.own < *fresh.node;
    const bool silent = now.mono - other.received >= silent_link;
    const bool fresh_stays = silent || (crossed && fresh.inbound != we_are_lower);
    if (!fresh_stays) return false;
    close(other, ErrorCode::duplicate_link, "node id", now);
  }
  return true;
}

void Node::State::on_link_event(Peer& peer, LinkMessage event, Now now) {
  ++counts.messages;
  if (event.channel != main_channel) return close(peer, ErrorCode::unknown_channel, "message", now);
  count_download(peer, wire::lane_of(wire::command_of(event.message)), event.wire_bytes, now);
  if (!within_budget(peer, event.message, event.wire_bytes, now)) return;
  on_message(peer, std::move(event.message), now);
}

void Node::State::on_link_event(Peer& peer, LinkClosed event, Now now) {
  if (!event.by_peer && event.error.code == ErrorCode::self_connection) remember_self(peer);
  if (!event.by_peer && peer.node && add_fault(peer, event.error.code, now)) avoid(peer, event.error.code, now);
  leave(peer, event.error, event.by_peer, now);
}

bool Node::State::send(Peer& peer, const wire::Message& message, Now now) {
  // A link that has ended says why by itself: what it still delivered before that is not answered.
  if (!peer.alive() || peer.link->closed()) return false;
  const bool idle = peer.link->queued_bytes() == 0;
  if (idle) peer.written = now.mono;
  touched.push_back(peer.conn);
  if (const auto sent = peer.link->send(main_channel, message); !sent) {
    close(peer, sent.error().code, sent.error().where, now);
    return false;
  }
  if (idle) watch(peer);
  return true;
}

// Against its address and against who it is. True: enough.
bool Node::State::add_fault(const Peer& peer, ErrorCode code, Now now) {
  const bool address_enough = reputation.on_fault(peer.remote, code, now.mono) >= score_limit;
  const bool node_enough = peer.node && reputation.on_node_fault(*peer.node, code, now.mono) >= score_limit;
  return address_enough || node_enough;
}

// The peer did something that it should not have. Enough of it, and it is left and avoided.
void Node::State::fault(Peer& peer, ErrorCode code, const char* where, Now now) {
  if (!peer.alive()) return;
  const bool enough_before = add_fault(peer, code, now);
  if (!peer.score.add(code, now.mono) && !enough_before) return;
  if (Reputation::is_own_fault(code)) avoid(peer, code, now);
  close(peer, code, where, now);
}

void Node::State::close(Peer& peer, ErrorCode code, const char* where, Now now) {
  if (!peer.alive()) return;
  if (peer.link) peer.link->close(code);
  leave(peer, {code, where}, false, now);
}

// The end of a peer: nothing of it stays but what its address is remembered for, and its socket until the host lets go of it.
void Node::State::leave(Peer& peer, Error error, bool by_peer, Now now) {
  ASSERT(peer.alive());
  // Of who never came in nothing was asked, and its going makes nothing possible.
  const bool was_half_open = peer.half_open();
  if (!was_half_open) {
    header_sync.remove(peer.conn);
    blocks.remove(peer.conn);
    headers_dirty = blocks_dirty = dial_dirty = true;
  }

  if (was_half_open && !peer.node) attacks.on(Attack::scan, peer.remote.ip);
  arrivals.remove(peer.conn);
  const bool was_open = peer.stage == Stage::open;
  const bool long_lived = was_open && now.mono - peer.since >= std::chrono::seconds{60};
  if (!by_peer) ask_later(peer, error.code);
  end_visit(peer, error.code, now);
  // A link of ours that did what it was opened for, or that is not needed beside others, says nothing against the address.
  const bool done = error.code == ErrorCode::duplicate_link || (error.code == ErrorCode::not_needed && !by_peer);
  if (!peer.inbound && !peer.asks_after && !done) addresses.on_failed(peer.remote, now.mono);
  if (peer.kept) {
    Kept& entry = kept[*peer.kept];
    entry.conn.reset();
    if (long_lived) entry.backoff.reset();
    entry.next_try = now.mono + entry.backoff.next(provider.rng());
  }

  left.push_back({peer.remote, peer.node, peer.source, error.code, error.where, by_peer});
  if (left.size() > left_max) left.pop_front();
  ++left_total;
  log_peer_event(peer.node || !peer.inbound ? LogLevel::info : LogLevel::debug, "peer_left",
                 {{"peer", peer.node ? node_id_text(*peer.node) : "unknown"},
                  {"addr", peer.remote.text()},
                  {"reason", std::string(error_name(error.code))},
                  {"where", error.where},
                  {"by_peer", by_peer ? "1" : "0"}},
                 now);
  enter(peer, Stage::closing, now);
  peer.serving = {};
  held_bytes -= std::exchange(peer.held, 0);
  if (!peer.socket_gone) effects.push_back(CloseConn{peer.conn, was_half_open && !peer.node});
}

void Node::State::close_all(ErrorCode code, Now now) {
  for (auto& [conn, peer] : peers) close(peer, code, "node", now);
}

// Tells the host which links have bytes to write. A link is asked only while the host is not writing: what it holds stays put.
void Node::State::flush() {
  std::ranges::sort(touched);
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const ConnId conn : touched) {
    Peer* peer = find(conn);
    if (peer == nullptr || !peer->link || peer->writing || !peer->alive()) continue;
    if (peer->link->pending_output().empty()) continue;
    peer->writing = true;
    effects.push_back(WantWrite{conn});
  }
  touched.clear();
}

}  // namespace lattice
