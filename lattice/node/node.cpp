#include <lattice/node/node.hpp>

#include <lattice/base/assert.hpp>
#include <lattice/node/state.hpp>

namespace lattice {

Node::State::State(NodeConfig node_config, Provider& crypto, LogSink& log_sink)
    : config(std::move(node_config)),
      provider(crypto),
      sink(log_sink),
      half_open(config.half_open),
      slots(slot_limits()),
      dns(config.discovery ? config.seeds : std::vector<DnsSeed>{}, config.chain.id, config.default_port),
      dns_pause{std::chrono::seconds{5}, std::chrono::minutes{10}},
      header_sync(config.request_timeout) {
  ASSERT(config.identity != nullptr);
  Secret<32> secret;
  provider.rng().fill(secret.span());
  admission = std::make_unique<Admission>(secret, config.admission);
  eviction_key = Secret<32>(blake2s_keyed(secret.view(), as_bytes("eviction")));
  if (auto chain = decode_successions(config.succession)) own_succession = std::move(*chain);
  if (config.crawl) crawl.emplace(*config.crawl);
  for (const auto& peer : config.connect) {
    Kept entry;
    entry.peer = peer;
    kept.push_back(std::move(entry));
  }
}

RequestId Node::State::expect(Pending what) {
  const RequestId request{next_request++};
  pending.emplace(request, std::move(what));
  return request;
}

// After each input: what it made possible, once.
void Node::State::settle(Now now) {
  bound_held(now);
  if (started && !stopping) {
    if (loaded() && !std::exchange(dns_started, true)) {
      set_own_endpoints(std::move(learned_endpoints), now);
      load_bans(now);
      load_addresses(now);
      load_seeds();
      begin_crawl(now);
      ask_dns(now);
    }
    const bool asks = headers_dirty || blocks_dirty;
    if (std::exchange(headers_dirty, false)) ask_headers(now);
    if (std::exchange(blocks_dirty, false)) {
      find_missing();
      ask_blocks(now);
    }
    if (asks) watch_requests();
    if (std::exchange(dial_dirty, false)) dial(now);
    update_synced(now);
  }
  flush();
}

Node::Node(NodeConfig config, Provider& provider, LogSink& log)
    : state_(std::make_unique<State>(std::move(config), provider, log)) {}
Node::~Node() = default;

void Node::start(Now now) {
  ASSERT(!state_->started);
  state_->started = true;
  state_->tick_due = state_->wake = now.mono + tick_interval;
  state_->begin_choosing(now);
  state_->tell_chain(LoadChain{});
}

void Node::stop(Now now) {
  state_->stopping = true;
  state_->save_addresses(now);
  state_->save_bans(now);
  state_->close_all(ErrorCode::shutting_down, now);
  state_->settle(now);
}

bool Node::takes_connections() const { return state_->loaded() && !state_->stopping; }

std::optional<ConnId> Node::on_accepted(const Endpoint& remote, Now now) {
  State& s = *state_;
  // With all slots taken too: whoever comes may be a genesis peer, which needs none, or another goes for it. make_room says so
  // when it has shown who it is.
  if (!takes_connections()) return std::nullopt;
  if (s.reputation.avoided(remote, now.mono)) return std::nullopt;
  s.make_room_half_open(remote.ip, now);
  Peer& peer = s.add_peer(remote, true, PeerSource::inbound, now.mono);
  s.begin_link(peer, Role::responder, now);
  s.settle(now);
  return peer.conn;
}

void Node::on_dialed(ConnId conn, const Endpoint&, Now now) {
  State& s = *state_;
  Peer* peer = s.find(conn);
  if (peer == nullptr) return;
  if (peer->stage == Stage::dialing) s.begin_link(*peer, Role::initiator, now);
  if (peer->stage == Stage::closing) s.effects.push_back(CloseConn{conn, false});  // too late: given up meanwhile
  s.settle(now);
}

void Node::on_dial_failed(ConnId conn, Now now) {
  State& s = *state_;
  Peer* peer = s.find(conn);
  if (peer == nullptr) return;
  if (peer->stage == Stage::dialing) s.on_dial_ended(*peer, now);
  s.peers.erase(conn);
  s.settle(now);
}

void Node::on_bytes(ConnId conn, ByteView bytes, Now now) {
  State& s = *state_;
  Peer* peer = s.find_alive(conn);
  if (peer == nullptr || !peer->link) return;
  peer->received = now.mono;
  peer->bytes_in += bytes.size();
  s.count_download(*peer, bytes.size(), now);
  peer->link->on_bytes(bytes, now);
  s.pump(conn, now);
  s.settle(now);
}

void Node::on_sent(ConnId conn, size_t bytes, Now now) {
  State& s = *state_;
  Peer* peer = s.find(conn);
  if (peer == nullptr || !peer->link) return;
  peer->link->on_sent(bytes);
  peer->bytes_out += bytes;
  peer->written = now.mono;
  if (!peer->alive()) return;
  s.count_upload(*peer, bytes, now);
  s.serve(*peer, now);
  s.settle(now);
}

void Node::on_closed(ConnId conn, Now now) {
  State& s = *state_;
  Peer* peer = s.find(conn);
  if (peer == nullptr) return;
  peer->socket_gone = true;
  if (peer->alive() && peer->link) {
    peer->link->on_end(now);
    s.pump(conn, now);
  }
  if (peer->alive()) s.leave(*peer, {ErrorCode::connection_lost, "socket"}, false, now);
  s.peers.erase(conn);
  s.settle(now);
}

void Node::on_work_done(ConnId conn, WorkResult result, Now now) {
  State& s = *state_;
  s.on_work_returned(conn, now);
  Peer* peer = s.find_alive(conn);
  if (peer == nullptr || !peer->link) return;
  peer->at_work = false;
  peer->step_since = now.mono;
  s.watch(*peer);
  peer->link->on_work_done(std::move(result), now);
  s.pump(conn, now);
  s.settle(now);
}

void Node::on_resolved(RequestId request, DnsAnswer answer, Now now) {
  state_->on_resolved(request, answer, now);
  state_->settle(now);
}

void Node::on_seed_work_done(RequestId request, std::vector<bool> valid, Now now) {
  state_->on_seed_work_done(request, valid, now);
  state_->settle(now);
}

void Node::on_chain_events(ChainEvents events, Now now) {
  for (auto& event : events) std::visit([&](auto& e) { state_->on_chain(e, now); }, event);
  state_->settle(now);
}

void Node::on_local_block(Bytes header, SharedBytes block, Now now) {
  State& s = *state_;
  if (!s.loaded() || s.stopping) return;
  s.tell_chain(SubmitHeaders{s.unasked_request(), {std::move(header)}});
  s.tell_chain(SubmitBlock{s.expect(ForLocalBlock{}), std::move(block)});
  s.settle(now);
}

void Node::on_body(RequestId request, std::optional<SharedBytes> body, Now now) {
  state_->on_body(request, std::move(body), now);
  state_->settle(now);
}

void Node::set_own_endpoints(std::vector<Endpoint> learned, Now now) {
  state_->set_own_endpoints(std::move(learned), now);
  state_->settle(now);
}

void Node::on_timeout(Now now) {
  state_->on_timeout(now);
  state_->settle(now);
}

std::optional<Effect> Node::poll_effect() {
  if (state_->effects.empty()) return std::nullopt;
  Effect effect = std::move(state_->effects.front());
  state_->effects.pop_front();
  return effect;
}

std::optional<Instant> Node::next_timeout() const {
  if (!state_->started || state_->stopping) return std::nullopt;
  return state_->wake;
}

ByteView Node::pending_output(ConnId conn) {
  Peer* peer = state_->find(conn);
  if (peer == nullptr || !peer->link) return {};
  const ByteView output = peer->link->pending_output();
  if (output.empty()) peer->writing = false;
  return output;
}

bool Node::wants_bytes(ConnId conn) const {
  Peer* peer = state_->find_alive(conn);
  if (peer == nullptr || !peer->link || !peer->link->wants_bytes()) return false;
  if (peer->read_after) return false;
  return !state_->blocks.full() || state_->blocks.owed(conn) == 0;
}

NodeReport Node::report() const { return state_->report(); }
const NodeCounts& Node::counts() const { return state_->counts; }
std::vector<SeedEntry> Node::choose_seeds(size_t count, Now now) const {
  return state_->crawl ? state_->crawl->choose(count, now.mono, state_->provider.rng()) : std::vector<SeedEntry>{};
}

}  // namespace lattice
