#include "link_roles.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <lattice/sim/modelled_provider.hpp>

#include "forgery.hpp"
#include "run.hpp"

namespace lattice::roles {
namespace {

using namespace std::chrono_literals;

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

// ---- Operations.

void LinkRoles::Run::change_node(Op op) {
  const uint8_t which = program.byte(), what = program.byte();
  const size_t index = which % node_count;
  Node& node = network().node(index);
  if (op == Op::policy) return network().choose_policy(node, what, program);
  if (op == Op::renew) {
    // Or it shows an old certificate again.
    if (what & 0x80)
      node.serial = 1;
    else if (node.serial < 3)
      ++node.serial;
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

LinkRoles::LinkRoles(Cryptography cryptography) : LinkRoles(cryptography, std::make_unique<ProgramRng>()) {}

LinkRoles::LinkRoles(Cryptography cryptography, std::unique_ptr<ProgramRng> rng)
    : rng_(rng.get()), provider_(make_provider(cryptography, std::move(rng))), network_(*provider_, *rng_) {}

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
