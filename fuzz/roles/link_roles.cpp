#include "link_roles.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <lattice/base/assert.hpp>
#include <lattice/link/load_meter.hpp>
#include <lattice/sim/modelled_provider.hpp>

#include "forgery.hpp"

namespace lattice::roles {
namespace {

using namespace std::chrono_literals;

constexpr size_t history_max = 64;
constexpr int pump_rounds_max = 400;
// A puzzle above it takes too long here: the host gives up the link.
constexpr uint8_t difficulty_solved_max = 6;

constexpr Duration steps_of_time[] = {1ms, 20ms, 500ms, 5s, 29s, 31s, 61s, 121s, 11min, 30min, 61min, 6h, 13h, 25h, 240h};

// The operations by how often a random byte asks for each.
constexpr Op by_weight[] = {
    Op::connect,   Op::connect, Op::connect,     Op::connect, Op::pump,        Op::pump,          Op::pump,       Op::pump,
    Op::pump,      Op::deliver, Op::deliver,     Op::deliver, Op::deliver_all, Op::deliver_all,   Op::drop,       Op::repeat,
    Op::replay,    Op::replay,  Op::divert,      Op::divert,  Op::reflect,     Op::flip,          Op::flip,       Op::insert,
    Op::cut_short, Op::swap,    Op::invent,      Op::work,    Op::work,        Op::work_all,      Op::work_all,   Op::pass_time,
    Op::pass_time, Op::revoke,  Op::renew,       Op::send,    Op::send,        Op::send,          Op::send,       Op::close,
    Op::habit,     Op::policy,  Op::forget,      Op::deliver, Op::end_socket,  Op::change_length, Op::invent_tls, Op::work,
    Op::forge,     Op::forge,   Op::forge_retry, Op::pump,
};
static_assert(std::ranges::all_of(by_weight, [](Op op) { return op < Op::count; }));

}  // namespace

Op Program::op() { return by_weight[byte() % std::size(by_weight)]; }

struct LinkRoles::Run {
  Run(LinkRoles& of, ByteView bytes) : roles(of), program(bytes), oracle(of.network_, ends, of.counts_) {
    ends.reserve(2 * connections_max);
  }

  LinkRoles& roles;
  Program program;
  std::vector<End> ends;
  Oracle oracle;
  Duration passed{};
  uint64_t step = 0;
  std::vector<Unit> history;
  bool nodes_changed = false;  // revoked, renewed, forgotten: what is remembered may not fit any more
  uint64_t pings = 0;

  Provider& provider() { return *roles.provider_; }
  Network& network() { return roles.network_; }
  Now now() const {
    return {Instant{} + passed, wall_from_unix(wall_start) + std::chrono::duration_cast<std::chrono::seconds>(passed)};
  }
  size_t any_end() { return program.below(ends.size()); }
  size_t other_of(size_t end) const { return end ^ 1; }
  void disturb(size_t end) {
    roles.counts_.disturbed += !ends[end].disturbed;
    ends[end].disturbed = true;
  }
  void disturb_both(size_t end) {
    disturb(end);
    disturb(other_of(end));
  }

  void go();
  void operate(Op op);
  bool operate_on_wire(Op op, size_t end);
  void connect();
  void make(size_t node, Role role, const LinkConfig& config);
  void settle(size_t end);
  void take_output(size_t end);
  void split(size_t end);
  void take_events(size_t end);
  void deliver(const Unit& unit, size_t end, size_t piece = 0);
  bool work(size_t end);
  bool end_socket_of(size_t end);
  void pump(size_t connection);
  void pass(Duration time, bool told);
  void send(size_t end);
  void change_node(Op op);
  void close_at_last(size_t end);
  void finish();
};

// ---- One end: what comes out of it after anything went in.

void LinkRoles::Run::settle(size_t end) {
  End& of = ends[end];
  if (!of.work) {
    of.work = of.link->poll_work();
    of.work_since = now().mono;
    const bool signs = of.work && std::holds_alternative<SignWork>(*of.work);
    if (signs && of.config.admission) of.config.admission->on_work_queued(now().mono);
  }
  take_events(end);
  if (!of.stalled) take_output(end);
  take_events(end);
  oracle.check(end, now());
}

void LinkRoles::Run::take_output(size_t end) {
  End& of = ends[end];
  for (size_t round = 0;; ++round) {
    const ByteView pending = of.link->pending_output();
    if (pending.empty()) break;
    const size_t count = of.dribbles && round == 0 ? pending.size() / 2 + 1 : pending.size();
    append(of.begun, pending.first(count));
    of.link->on_sent(count);
  }
  split(end);
  if (of.link->closed()) of.quiet = true;
}

// Records of TLS have five bytes before them, all else has two. Where that is guessed wrong the pieces are other ones, no more.
void LinkRoles::Run::split(size_t end) {
  End& of = ends[end];
  size_t at = 0;
  while (of.begun.size() - at >= 5) {
    const uint8_t* head = of.begun.data() + at;
    const bool tls = head[0] >= 0x14 && head[0] <= 0x17 && head[1] == 0x03;
    const size_t length =
        tls ? 5 + static_cast<size_t>(head[3] << 8 | head[4]) : 2 + static_cast<size_t>(head[0] << 8 | head[1]);
    if (of.begun.size() - at < length) break;
    const ByteView unit = ByteView(of.begun).subspan(at, length);
    oracle.on_output(end, unit, now());
    of.out.push_back({end, to_bytes(unit)});
    if (history.size() < history_max) history.push_back(of.out.back());
    at += length;
  }
  of.begun.erase(of.begun.begin(), of.begun.begin() + static_cast<ptrdiff_t>(at));
}

void LinkRoles::Run::take_events(size_t end) {
  End& of = ends[end];
  while (!of.lazy || !of.up) {
    const auto event = of.link->poll_event();
    if (!event) return;
    const bool after_rekey = of.up && now().mono - of.last_sent >= rekey_age_max;
    if (std::holds_alternative<LinkMessage>(*event) && after_rekey) ++roles.counts_.after_rekey;
    of.last_sent = now().mono;
    oracle.on_event(end, *event, now());
  }
}

// `piece`: so many bytes at once; 0: all.
void LinkRoles::Run::deliver(const Unit& unit, size_t end, size_t piece) {
  End& of = ends[end];
  const size_t step_bytes = piece == 0 ? std::max<size_t>(unit.bytes.size(), 1) : piece;
  of.heard |= uint32_t{1} << unit.from;
  oracle.look_up_ticket(unit.from, now());
  for (size_t at = 0; at < unit.bytes.size(); at += step_bytes) {
    const ByteView part = ByteView(unit.bytes).subspan(at, std::min(step_bytes, unit.bytes.size() - at));
    of.received += part.size();
    of.link->on_bytes(part, now());
    settle(end);
  }
}

bool LinkRoles::Run::work(size_t end) {
  End& of = ends[end];
  if (!of.work) return false;
  const Work job = *std::exchange(of.work, std::nullopt);
  if (const auto* puzzle = std::get_if<PuzzleWork>(&job); puzzle && puzzle->difficulty > difficulty_solved_max) {
    of.link->close(ErrorCode::not_needed);
  } else if (const auto* asked = std::get_if<OutsideKeyWork>(&job)) {
    of.link->on_work_done(network().outside_key(*asked), now());
  } else {
    if (std::holds_alternative<SignWork>(job) && of.config.admission) {
      of.config.admission->on_work_done(now().mono - of.work_since, now().mono);
    }
    of.link->on_work_done(run_work(job, provider()), now());
  }
  settle(end);
  return true;
}

// ---- Connections.

void LinkRoles::Run::make(size_t node, Role role, const LinkConfig& config) {
  End& of = ends.emplace_back();
  const size_t end = ends.size() - 1;
  of.node = node;
  of.role = role;
  of.lies = network().lies(node);
  of.config = config;
  of.offers = offers_of(config);
  if (!provider().has_tls()) std::erase(of.offers, id_of(Suite::tls13));
  oracle.on_made(end, now());
  of.link.emplace(config, provider(), now());
}

void LinkRoles::Run::connect() {
  const uint8_t who = program.byte(), how = program.byte();
  if (ends.size() == 2 * connections_max) return;
  const size_t from = who % node_count;
  const size_t to = who / 16 % 8 == 7 ? from : (from + 1 + who / 4 % (node_count - 1)) % node_count;
  LinkConfig initiator = network().config(from, Role::initiator);
  LinkConfig responder = network().config(to, Role::responder);
  responder.remote = network().endpoint(from, ends.size());
  initiator.remote = network().endpoint(to, ends.size());
  // Whom it expects: the one that it dials, under either key; another; nobody.
  const size_t meant = how % 16 == 15 ? (to + 1) % node_count : to;
  const SignAlg alg = how & 16 ? SignAlg::mldsa87 : SignAlg::mldsa65;
  if (how % 4 != 0) (how % 4 == 1 ? initiator.likely : initiator.expected) = network().identity(meant, alg)->id;
  const bool can_offer =
      std::ranges::any_of(offers_of(initiator), [&](uint16_t id) { return id != 0x0101 || provider().has_tls(); });
  const bool can_answer =
      std::ranges::any_of(offers_of(responder), [&](uint16_t id) { return id != 0x0101 || provider().has_tls(); });
  if (!can_offer || !can_answer) return;
  make(from, Role::initiator, initiator);
  make(to, Role::responder, responder);
  settle(ends.size() - 2);
  settle(ends.size() - 1);
  if (how & 64) pump(ends.size() / 2 - 1);
}

// Whose peer has closed and said all that it had to say.
bool LinkRoles::Run::end_socket_of(size_t end) {
  const End& peer = ends[other_of(end)];
  if (!peer.quiet || !peer.out.empty() || ends[end].link->closed()) return false;
  ends[end].link->on_end(now());
  settle(end);
  return true;
}

void LinkRoles::Run::pump(size_t connection) {
  const size_t both[] = {2 * connection, 2 * connection + 1};
  for (int round = 0; round < pump_rounds_max; ++round) {
    bool moved = false;
    for (const size_t end : both) {
      while (work(end)) moved = true;
      while (!ends[end].out.empty() && ends[other_of(end)].link->wants_bytes()) {
        const Unit unit = std::move(ends[end].out.front());
        ends[end].out.pop_front();
        deliver(unit, other_of(end));
        moved = true;
      }
      settle(end);
      moved = end_socket_of(other_of(end)) || moved;
    }
    if (!moved) break;
  }
  oracle.check_outcome(both[0], now(), !nodes_changed);
}

void LinkRoles::Run::pass(Duration time, bool told) {
  passed += time;
  for (size_t end = 0; told && end < ends.size(); ++end) {
    if (const auto due = ends[end].link->next_timeout(); due && *due <= now().mono) ends[end].link->on_timeout(now());
    oracle.check_time(end, now());
    settle(end);
  }
}

static wire::Message message_of(size_t kind, size_t bytes, uint64_t nonce) {
  Bytes body(bytes + 1, static_cast<uint8_t>(nonce));
  switch (kind) {
    case 0: return wire::Ping{nonce};
    case 1: return wire::Consensus{SharedBytes(std::move(body))};
    case 2: return wire::Headers{{Bytes(80, static_cast<uint8_t>(nonce))}};
    case 3: return wire::GetAddresses{};
    default: return wire::Block{SharedBytes(std::move(body))};
  }
}

void LinkRoles::Run::send(size_t end) {
  const auto channel = static_cast<wire::ChannelId>(1 + program.below(3));
  const uint8_t kind = program.byte();
  const size_t bytes = kind & 0x80 ? size_t{program.byte()} * 250 : size_t{program.byte()};
  const wire::Message message = message_of(kind % 6, bytes, ++pings);
  End& of = ends[end];
  const auto sent = of.link->send(channel, message);
  if (sent) of.said[{channel, wire::lane_of(wire::command_of(message))}].push_back(message);
  settle(end);
}

// ---- Operations.

void LinkRoles::Run::change_node(Op op) {
  const uint8_t which = program.byte(), what = program.byte();
  const size_t index = which % node_count;
  Node& node = network().node(index);
  if (op == Op::policy) return network().choose_policy(node, what, program);
  if (op == Op::renew) {
    if (node.serial < 3) ++node.serial;
  } else if (op == Op::forget) {
    node.memory = {};
    node.serials.clear();
    node.revoked_since.clear();
    node.forgotten += 1;
  } else {
    const size_t whom = which / node_count % node_count;
    const NodeId id = network().identity(whom, what & 1 ? SignAlg::mldsa87 : SignAlg::mldsa65)->id;
    if (what & 2) {
      node.memory.unrevoke(id);
      node.revoked_since.erase(id);
    } else {
      node.memory.revoke(id);
      node.revoked_since.emplace(id, step);
    }
  }
  nodes_changed = true;
}

// What an adversary on the line does to an end's next unit. False where nothing waits there.
bool LinkRoles::Run::operate_on_wire(Op op, size_t end) {
  std::deque<Unit>& out = ends[end].out;
  const size_t a = program.byte(), b = program.byte();
  if (out.empty()) return false;
  Unit& unit = out.front();
  const size_t at = std::min((a << 8 | b) % (unit.bytes.size() + 1), unit.bytes.size() - 1);
  const auto offset = unit.bytes.begin() + static_cast<ptrdiff_t>(a & 1 ? at : at % 64 % unit.bytes.size());
  const auto take = [&] {
    Unit taken = std::move(out.front());
    out.pop_front();
    return taken;
  };
  switch (op) {
    case Op::deliver: deliver(take(), other_of(end)); return true;
    case Op::deliver_all:
      while (!out.empty()) deliver(take(), other_of(end), 1 + a * (b % 16 + 1));
      return true;
    case Op::repeat: {
      const Unit copy = unit;
      disturb_both(end);
      deliver(copy, other_of(end));
      return true;
    }
    case Op::divert: {
      disturb_both(end);
      const size_t to = a % ends.size();
      disturb_both(to);
      deliver(take(), to);
      return true;
    }
    case Op::reflect:
      disturb_both(end);
      deliver(take(), end);
      return true;
    case Op::drop: take(); break;
    case Op::flip: *offset ^= static_cast<uint8_t>(1 << b % 8); break;
    case Op::insert: unit.bytes.insert(offset, 1 + b % 40, static_cast<uint8_t>(a)); break;
    case Op::cut_short: unit.bytes.resize(unit.bytes.size() - std::min<size_t>(unit.bytes.size() - 1, 1 + b % 64)); break;
    case Op::change_length: unit.bytes[b & 1] = static_cast<uint8_t>(b & 2 ? a : unit.bytes[b & 1] + 1); break;
    case Op::forge: unit.bytes = forged_unit(ends[end].config, unit.bytes, static_cast<uint8_t>(b)); break;
    case Op::swap: std::swap(out.front(), out[b % out.size()]); break;
    default: return false;
  }
  disturb_both(end);
  return true;
}

void LinkRoles::Run::operate(Op op) {
  ++roles.counts_.operations;
  if (op == Op::connect) return connect();
  if (op == Op::renew || op == Op::revoke || op == Op::policy || op == Op::forget) return change_node(op);
  if (op == Op::pass_time) {
    const uint8_t how = program.byte();
    return pass(steps_of_time[how % 16 % std::size(steps_of_time)], how < 200);
  }
  if (ends.empty()) return;
  const size_t end = any_end();
  switch (op) {
    case Op::pump: return pump(end / 2);
    case Op::work: (void)work(end); return;
    case Op::work_all:
      while (work(end) || work(other_of(end))) {
      }
      return;
    case Op::send: return send(end);
    case Op::replay: {
      if (history.empty()) return;
      const Unit unit = history[program.below(history.size())];
      disturb_both(end);
      return deliver(unit, end);
    }
    case Op::invent: {
      Bytes bytes(program.byte(), program.byte());
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(byte + 7 * (&byte - bytes.data()));
      if (bytes.size() > 2 && program.byte() & 1) bytes[0] = 0;
      disturb_both(end);
      return deliver({end, std::move(bytes)}, end);
    }
    case Op::invent_tls: {
      disturb_both(end);
      return deliver({end, Bytes{0x16, 0x03, 0x01, 0x00, program.byte(), program.byte(), 1, 2, 3}}, end);
    }
    case Op::forge_retry: {
      const uint8_t how = program.byte();
      const SuiteIds& offers = ends[end].offers;
      disturb_both(end);
      return deliver({other_of(end), forged_retry(ends[end].config, offers[how / 2 % offers.size()], how)}, end);
    }
    case Op::close:
      disturb_both(end);
      ends[end].link->close(static_cast<ErrorCode>(1 + program.below(5)));
      return settle(end);
    case Op::end_socket:
      disturb_both(end);
      ends[end].link->on_end(now());
      return settle(end);
    case Op::habit: {
      const uint8_t which = program.byte();
      End& of = ends[end];
      of.stalled = which & 1;
      of.lazy = which & 2;
      of.dribbles = which & 4;
      if (which & 8) network().set_key_server(which & 16);
      return settle(end);
    }
    default: (void)operate_on_wire(op, end);
  }
}

// The reason comes to whoever is there.
void LinkRoles::Run::close_at_last(size_t end) {
  const bool will_be_heard = ends[end].link->established() && ends[end].partner && !ends[end].disturbed;
  ends[end].link->close(ErrorCode::shutting_down);
  disturb_both(end);
  settle(end);
  pump(end / 2);
  if (will_be_heard) oracle.check_closed_by_peer(other_of(end), ErrorCode::shutting_down);
}

// Every socket and consumer goes on, and time passes: who is not established by then is closed.
void LinkRoles::Run::finish() {
  for (size_t end = 0; end < ends.size(); ++end) {
    ends[end].stalled = ends[end].lazy = false;
    settle(end);
  }
  for (size_t i = 0; i < ends.size() / 2; ++i) pump(i);
  for (size_t end = 0; end < ends.size(); ++end) oracle.check_delivered(end);
  pass(122s, true);
  for (size_t end = 0; end < ends.size(); ++end) {
    if (!ends[end].link->established()) continue;
    const wire::Message ping = wire::Ping{++pings};
    if (ends[end].link->send(1, ping)) ends[end].said[{1, wire::Lane::control}].push_back(ping);
    settle(end);
  }
  for (size_t i = 0; i < ends.size() / 2; ++i) pump(i);
  for (size_t end = 0; end < ends.size(); ++end) oracle.check_delivered(end);
  for (size_t end = 0; end < ends.size(); end += 3) close_at_last(end);
  for (size_t end = 0; end < ends.size(); ++end) {
    ends[end].link->on_end(now());
    settle(end);
    settle(end);
  }
}

void LinkRoles::Run::go() {
  network().begin(program);
  while (!program.over() && step < operations_max && !oracle.finding()) {
    oracle.on_step(++step);
    operate(program.op());
  }
  oracle.on_step(++step);
  if (!oracle.finding()) finish();
}

// ---- From outside.

static std::unique_ptr<Provider> make_provider(Cryptography cryptography, std::unique_ptr<Rng> rng) {
  if (cryptography == Cryptography::real) return openssl_provider(std::move(rng));
  return sim::modelled_provider(std::move(rng));
}

LinkRoles::LinkRoles(Cryptography cryptography)
    : provider_([&] {
        auto rng = std::make_unique<ProgramRng>();
        rng_ = rng.get();
        return make_provider(cryptography, std::move(rng));
      }()),
      network_(*provider_, *rng_) {}

std::optional<std::string> LinkRoles::run(ByteView program) {
  ++counts_.programs;
  rng_->begin(program.size());
  Run run(*this, program);
  run.go();
  return run.oracle.finding();
}

void run_or_abort(LinkRoles& roles, ByteView program) {
  const auto finding = roles.run(program);
  if (!finding) return;
  std::fprintf(stderr, "%s\nprogram: %s\n", finding->c_str(), to_hex(program).c_str());
  std::abort();
}

}  // namespace lattice::roles
