#include <lattice/link/link.hpp>

#include <utility>

#include <lattice/base/assert.hpp>
#include <lattice/base/fifo.hpp>
#include <lattice/link/handshake.hpp>
#include <lattice/link/peer_memory.hpp>
#include <lattice/link/tls_stage.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

using enum ErrorCode;

// Handshake messages and records alike: u16 length, then as many bytes.
static constexpr size_t length_bytes = 2;
// A TLS handshake record (RFC 8446 section 5.1). As a length, far above a hello's limit.
static constexpr uint8_t tls_first_bytes[] = {0x16, 0x03};

struct Link::State {
  State(LinkConfig config, Provider& provider_of_node, Now now)
      : role(config.role),
        provider(&provider_of_node),
        memory(config.resumes ? config.memory : nullptr),
        started(now.mono),
        deadline(now.mono + config.handshake_timeout),
        latest(now),
        handshake(std::make_unique<Handshake>(std::move(config), provider_of_node, now)) {
    on_progress();
  }

  void on_wire(ByteView bytes);
  bool begins_tls(ByteView bytes) const;
  void accept_tls(ByteView bytes);
  void on_tls_bytes(ByteView bytes);
  void start_tls(TlsSide side);
  void consume(ByteView view);
  void say(ByteView message);
  void on_unit(ByteView unit);
  Result<std::optional<ByteView>> take_unit(ByteView& view, size_t bytes_max);
  Result<size_t> unit_length(ByteView bytes, size_t bytes_max) const;
  Result<void> hold(ByteView view);
  void on_progress();
  void open_session();
  void make_ticket(const HandshakeResult& result);
  void establish();
  void look_for_close();
  void end(Error error, bool by_peer, bool silently);
  void fail_with(Error error) { end(error, false, !established); }
  size_t unit_bytes_max() const { return session ? limits::record_bytes_max : handshake->message_bytes_max(); }

  Role role;
  Provider* provider;
  PeerMemory* memory;  // where a ticket goes; null: nowhere
  Instant started, deadline;
  Now latest;
  std::unique_ptr<TlsStage> tls;  // suite 0x0101: around everything else
  std::unique_ptr<Handshake> handshake;
  std::optional<Session> session;
  // Between the end of the handshake and the establishment only: a link that is open has no memory for them.
  std::unique_ptr<LinkEstablished> peer;
  std::unique_ptr<Ticket> ticket;
  bool established = false;
  bool closed = false;
  bool silent = false;  // nothing more goes out
  Bytes partial;        // the beginning of a unit, or what came while a worker verifies the peer
  OutBuffer out;
  Fifo<LinkEvent> events;
};

// What the socket gave: our words, or TLS with our words inside.
void Link::State::on_wire(ByteView bytes) {
  if (tls) return on_tls_bytes(bytes);
  if (begins_tls(bytes)) return accept_tls(bytes);
  consume(bytes);
}

// In place of a hello. Of the two bytes that say so, the first may have come before.
bool Link::State::begins_tls(ByteView bytes) const {
  if (role != Role::responder || session || !handshake->awaits_hello()) return false;
  if (partial.size() >= length_bytes || partial.size() + bytes.size() < length_bytes) return false;
  const uint8_t first = partial.empty() ? bytes[0] : partial[0];
  return first == tls_first_bytes[0] && bytes[length_bytes - 1 - partial.size()] == tls_first_bytes[1];
}

void Link::State::accept_tls(ByteView bytes) {
  if (const auto admitted = handshake->admit_tls(latest); !admitted) return fail_with(admitted.error());
  start_tls(TlsSide::server);
  on_tls_bytes(std::exchange(partial, {}));
  if (!closed) on_tls_bytes(bytes);
}

void Link::State::start_tls(TlsSide side) {
  auto endpoint = provider->tls(side);
  ASSERT(endpoint);
  tls = std::make_unique<TlsStage>(std::move(endpoint), latest.mono);
}

void Link::State::on_tls_bytes(ByteView bytes) {
  const bool was_established = tls->endpoint().established();
  Bytes plain;
  const auto read = tls->on_bytes(bytes, plain, latest.mono);
  if (!was_established && tls->endpoint().established()) {
    handshake->on_tls(tls->endpoint());
    on_progress();
  }
  consume(plain);
  if (!read) return fail_with(read.error());
  if (tls->endpoint().ended_by_peer()) end({cut_without_close, "TLS without our close"}, false, true);
}

void Link::State::consume(ByteView view) {
  while (!closed) {
    const size_t bytes_max = unit_bytes_max();
    if (bytes_max == 0) {
      if (const auto held = hold(view); !held) fail_with(held.error());
      return;
    }
    const auto unit = take_unit(view, bytes_max);
    if (!unit) return fail_with(unit.error());
    if (!*unit) return;
    on_unit(**unit);
    partial.clear();
  }
}

Result<size_t> Link::State::unit_length(ByteView bytes, size_t bytes_max) const {
  const size_t length = static_cast<size_t>(bytes[0] << 8 | bytes[1]);
  if (length > 0 && length <= bytes_max) return length;
  if (session) return fail(bad_record, "length");
  return fail(bad_handshake, "length");
}

// A whole unit straight from the input where it is whole there; else gathered in `partial`. Nothing: more bytes are needed.
Result<std::optional<ByteView>> Link::State::take_unit(ByteView& view, size_t bytes_max) {
  if (partial.empty() && view.size() >= length_bytes) {
    TRY(length, unit_length(view, bytes_max));
    if (view.size() >= length_bytes + length) {
      const ByteView unit = view.subspan(length_bytes, length);
      view = view.subspan(length_bytes + length);
      return unit;
    }
  }
  for (;;) {
    size_t needed = length_bytes;
    if (partial.size() >= length_bytes) {
      TRY(length, unit_length(partial, bytes_max));
      needed += length;
    }
    if (partial.size() == needed) return ByteView(partial).subspan(length_bytes);
    if (view.empty()) return std::nullopt;
    const size_t count = std::min(view.size(), needed - partial.size());
    append(partial, view.first(count));
    view = view.subspan(count);
  }
}

// The peer speaks while we work. Only an initiator that has said message 3 may.
Result<void> Link::State::hold(ByteView view) {
  if (view.empty()) return {};
  const bool may_be_records = role == Role::responder && handshake->takes_early_records();
  if (!may_be_records) return fail(bad_handshake, "message out of turn");
  if (partial.size() + view.size() > limits::early_bytes_max) return fail(limit_reached, "records before the handshake ended");
  append(partial, view);
  return {};
}

void Link::State::on_unit(ByteView unit) {
  if (!session) {
    const auto read = handshake->on_message(unit, latest);
    if (!read) return fail_with(read.error());
    return on_progress();
  }
  const auto read = session->on_record(unit, latest.mono);
  if (!established && session->ready()) establish();
  if (established) look_for_close();
  if (!read) fail_with(read.error());
}

void Link::State::look_for_close() {
  if (const auto reason = session->closed_by_peer()) end({*reason, "closed by the peer"}, true, true);
}

// The handshake may have a message to send, or be done.
void Link::State::on_progress() {
  if (handshake->wants_tls() && !tls) start_tls(TlsSide::client);
  if (const auto message = handshake->poll_message()) say(*message);
  if (handshake->done()) open_session();
}

void Link::State::say(ByteView message) {
  if (tls)
    tls->write(framed(message));
  else
    out.append(framed(message));
}

void Link::State::open_session() {
  HandshakeResult result = std::move(*handshake).finish();
  handshake.reset();
  make_ticket(result);
  peer = std::make_unique<LinkEstablished>(LinkEstablished{
      result.peer, result.suite, std::move(result.certificate), result.session.handshake_hash, {}, result.own, result.resumed});
  Ratchet ratchet(role, result.suite, result.session.chaining_key, result.session.handshake_hash, *provider, latest.mono);
  session.emplace(std::move(result.session), result.says_ready, latest.mono);
  if (!tls) session->set_ratchet(std::move(ratchet));
  if (session->ready()) establish();
}

void Link::State::make_ticket(const HandshakeResult& result) {
  if (memory == nullptr || traits_of(result.suite).resumption.empty()) return;
  const TicketKeys keys = derive_ticket(result.session.chaining_key, result.session.handshake_hash);
  ticket = std::make_unique<Ticket>(Ticket{keys.id, keys.psk, role, result.suite, result.own, result.peer, result.certificate,
                                           latest.mono, result.signed_at.value_or(latest.mono)});
}

void Link::State::establish() {
  established = true;
  if (ticket) memory->keep(std::move(*std::exchange(ticket, nullptr)));
  peer->handshake_time = latest.mono - started;
  events.push_back(std::move(*std::exchange(peer, nullptr)));
}

void Link::State::end(Error error, bool by_peer, bool silently) {
  if (closed) return;
  if (!silently && session) session->close(error.code);
  silent = silently;
  closed = true;
  partial = {};
  if (session) session->drop_begun();
  events.push_back(LinkClosed{error, by_peer});
}

Link::Link(LinkConfig config, Provider& provider, Now now)
    : state_(std::make_unique<State>(std::move(config), provider, now)) {}
Link::~Link() = default;
Link::Link(Link&&) noexcept = default;
Link& Link::operator=(Link&&) noexcept = default;

void Link::on_bytes(ByteView bytes, Now now) {
  on_timeout(now);
  if (!state_->closed) state_->on_wire(bytes);
}

void Link::on_timeout(Now now) {
  state_->latest = now;
  const auto due = next_timeout();
  if (due && now.mono >= *due) state_->fail_with({handshake_timeout, "handshake"});
}

void Link::on_work_done(WorkResult result, Now now) {
  on_timeout(now);
  if (state_->closed || !state_->handshake) return;
  const auto done = state_->handshake->on_work_done(std::move(result), now);
  if (!done) return state_->fail_with(done.error());
  state_->on_progress();
  const Bytes held = std::exchange(state_->partial, {});
  state_->consume(held);
}

void Link::on_end(Now now) {
  state_->latest = now;
  state_->end({cut_without_close, state_->established ? "link" : "handshake"}, false, true);
}

Result<void> Link::send(wire::ChannelId channel, const wire::Message& message) {
  if (!established()) return fail(not_needed, "send on a link that is not open");
  return state_->session->send(channel, message);
}

void Link::close(ErrorCode reason) { state_->end({reason, "closed here"}, false, !state_->established); }

void Link::allow(const LaneBytes& bytes) {
  if (state_->session) state_->session->allow(bytes);
}

LaneBytes Link::sealed_bytes() const { return state_->session ? state_->session->filled_bytes() : LaneBytes{}; }

std::optional<Work> Link::poll_work() {
  if (state_->closed || !state_->handshake) return std::nullopt;
  return state_->handshake->poll_work();
}

// Messages stay with the session until somebody asks for them: what is taken there gives credit back. They come between the
// link's beginning and its end.
std::optional<LinkEvent> Link::poll_event() {
  const bool at_messages = state_->events.empty() || std::holds_alternative<LinkClosed>(state_->events.front());
  if (state_->established && at_messages) {
    if (auto message = state_->session->poll_message()) return std::move(*message);
  }
  auto event = state_->events.take_front();
  if (state_->events.empty()) state_->events.clear();  // beginning and end come once: no memory waits for more
  return event;
}

ByteView Link::pending_output() {
  if (state_->silent) return {};
  Session* session = state_->session ? &*state_->session : nullptr;
  // What was said before TLS goes before it.
  if (state_->tls && state_->out.pending().empty()) return state_->tls->pending_output(session, state_->latest.mono);
  if (session && !state_->tls) session->seal_into(state_->out, state_->latest.mono);
  return state_->out.pending();
}

void Link::on_sent(size_t bytes) {
  if (state_->tls && state_->out.pending().empty())
    state_->tls->on_sent(bytes);
  else
    state_->out.sent(bytes);
}

std::optional<Instant> Link::next_timeout() const {
  if (state_->closed || state_->established) return std::nullopt;
  return state_->deadline;
}

bool Link::established() const { return state_->established && !state_->closed; }
bool Link::wants_bytes() const {
  const bool in_tls_handshake = state_->tls && !state_->tls->endpoint().established();
  if (state_->closed || in_tls_handshake) return true;
  return state_->unit_bytes_max() != 0 && (!state_->session || state_->session->wants_records());
}
bool Link::closed() const { return state_->closed; }
size_t Link::queued_bytes() const { return state_->session ? state_->session->queued_bytes() : 0; }
size_t Link::held_bytes() const { return state_->partial.capacity() + (state_->session ? state_->session->held_bytes() : 0); }
uint64_t Link::unknown_messages() const { return state_->session ? state_->session->unknown_messages() : 0; }

}  // namespace lattice
