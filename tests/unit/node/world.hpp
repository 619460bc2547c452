// Nodes joined in memory: every effect is done at once, bytes arrive in order, time moves when nothing else does.
#pragma once

#include <deque>
#include <functional>

#include <lattice/base/assert.hpp>
#include <lattice/node/memory_store.hpp>
#include <lattice/node/node.hpp>

#include "line_chain.hpp"

namespace lattice::test {

struct Logged final : LogSink {
  std::vector<std::string> lines;
  bool wants(LogLevel) const override { return true; }
  void log(const LogEvent& event) override {
    std::string line(event.name);
    for (const auto& field : event.fields) line += " " + std::string(field.key) + "=" + field.value;
    lines.push_back(std::move(line));
  }
  size_t count(std::string_view name) const {
    size_t n = 0;
    for (const auto& line : lines) n += line.starts_with(name);
    return n;
  }
};

inline Endpoint endpoint(uint8_t n) { return {IpAddress::v4(127, 0, 0, n), 4000}; }

struct World;

struct Machine {
  World& world;
  uint8_t number;
  IpAddress ip = endpoint(number).ip;  // where it listens, and where its connections come from
  std::unique_ptr<Provider> provider;
  std::shared_ptr<LineChain> chain;
  MemoryStore store;
  Logged log;
  NodeConfig config;
  std::unique_ptr<Node> node;
  std::vector<Bytes> saved;        // addresses, oldest first
  std::vector<Bytes> saved_seeds;  // what is remembered of seeds, oldest first
  std::vector<Bytes> saved_bans;   // the same of bans
  bool listening = true;
  bool reads_bodies = true;  // false: asks for blocks of it are never answered
  bool spoils_bodies = false;
  bool mute = false;                   // reads, never writes
  std::chrono::seconds wall_ahead{0};  // of its clock

  Machine(World& w, uint8_t n, std::shared_ptr<LineChain> c);
  void start();
  void drain();
  void act(Effect effect);
  NodeReport report() const { return node->report(); }
  Now now() const;
};

// One direction of a connection; `peer` is the other end.
struct Wire {
  Machine* machine;
  ConnId conn;
  Wire* other = nullptr;
  bool closed = false;
  std::deque<Bytes> inbox = {};
};

struct World {
  std::vector<std::unique_ptr<Machine>> machines;
  std::deque<std::unique_ptr<Wire>> wires;
  std::deque<std::function<void()>> events;
  std::map<std::string, DnsAnswer> zone;
  Now now{Instant{std::chrono::seconds{100}}, wall_from_unix(1'800'000'000)};
  size_t dials = 0;

  Machine& add(std::vector<LineBlock> blocks = {}, LineChain::Lie lie = LineChain::Lie::none) {
    const auto n = static_cast<uint8_t>(machines.size() + 1);
    machines.push_back(std::make_unique<Machine>(*this, n, std::make_shared<LineChain>(std::move(blocks), lie)));
    return *machines.back();
  }
  Wire* find(Machine& machine, ConnId conn) {
    for (auto& wire : wires) {
      if (wire->machine == &machine && wire->conn == conn && !wire->closed) return wire.get();
    }
    return nullptr;
  }
  void at_once(std::function<void()> event) { events.push_back(std::move(event)); }
  void settle() {
    while (!events.empty()) {
      auto event = std::move(events.front());
      events.pop_front();
      event();
    }
  }
  // Runs until `done`, or for `limit` of virtual time.
  bool run(const std::function<bool()>& done, Duration limit = std::chrono::seconds{120}) {
    const Instant end = now.mono + limit;
    for (;;) {
      settle();
      if (done()) return true;
      std::optional<Instant> next;
      for (auto& machine : machines) {
        const auto due = machine->node ? machine->node->next_timeout() : std::nullopt;
        if (due && (!next || *due < *next)) next = due;
      }
      if (!next || *next > end) return false;
      const Instant before = now.mono;
      now.mono = std::max(now.mono, *next);
      now.wall += std::chrono::duration_cast<std::chrono::seconds>(now.mono.time_since_epoch()) -
                  std::chrono::duration_cast<std::chrono::seconds>(before.time_since_epoch());
      for (auto& machine : machines) {
        if (!machine->node) continue;
        machine->node->on_timeout(machine->now());
        machine->drain();
      }
    }
  }
  void write(Machine& machine, ConnId conn) {
    Wire* wire = find(machine, conn);
    if (wire == nullptr || machine.mute) return;
    for (int i = 0; i < 1000; ++i) {
      const ByteView out = machine.node->pending_output(conn);
      if (out.empty()) return;
      Bytes bytes = to_bytes(out);
      machine.node->on_sent(conn, bytes.size(), machine.now());
      Wire* to = wire->other;
      to->inbox.push_back(std::move(bytes));
      at_once([this, to] { deliver(to); });
      if (i % 8 == 7) {  // let the other side speak too
        at_once([this, &machine, conn] { write(machine, conn); });
        break;
      }
    }
    machine.drain();
  }
  void deliver(Wire* to) {
    if (to->closed || to->inbox.empty()) return;
    if (!to->machine->node->wants_bytes(to->conn)) {
      at_once([this, to] { deliver(to); });
      return;
    }
    const Bytes bytes = std::move(to->inbox.front());
    to->inbox.pop_front();
    to->machine->node->on_bytes(to->conn, bytes, to->machine->now());
    to->machine->drain();
  }
  void end(Wire* wire, bool at_last = false) {
    if (wire->closed) return;
    if (!at_last && !wire->inbox.empty()) return at_once([this, wire] { end(wire, true); });
    wire->closed = true;
    wire->machine->node->on_closed(wire->conn, wire->machine->now());
    wire->machine->drain();
  }
  void dial(Machine& from, const Dial& effect) {
    ++dials;
    Machine* target = nullptr;
    for (auto& machine : machines) {
      if (machine->node && machine->listening && Endpoint{machine->ip, 4000} == effect.endpoint) target = machine.get();
    }
    const Endpoint remote{from.ip, static_cast<uint16_t>(50'000 + effect.conn.value)};
    const auto accepted = target ? target->node->on_accepted(remote, target->now()) : std::nullopt;
    if (!accepted) {
      from.node->on_dial_failed(effect.conn, from.now());
      from.drain();
      return;
    }
    wires.push_back(std::make_unique<Wire>(Wire{&from, effect.conn}));
    Wire* near = wires.back().get();
    wires.push_back(std::make_unique<Wire>(Wire{target, *accepted}));
    Wire* far = wires.back().get();
    near->other = far;
    far->other = near;
    target->drain();
    from.node->on_dialed(effect.conn, remote, from.now());
    from.drain();
  }
};

inline Now Machine::now() const { return {world.now.mono, world.now.wall + wall_ahead}; }

inline Machine::Machine(World& w, uint8_t n, std::shared_ptr<LineChain> c)
    : world(w), number(n), provider(openssl_provider(std::make_unique<SeededRng>(n))), chain(std::move(c)) {
  Secret<64> secret;
  provider->rng().fill(secret.span());
  IdentityOptions options;
  options.not_before = wall_from_unix(1'799'000'000);
  options.not_after = wall_from_unix(1'810'000'000);
  config.magic = {1, 2, 3, 4};
  config.chain = chain->identity();
  config.default_port = 4000;
  config.listen_port = 4000;
  config.user_agent = "test";
  config.identity = make_identity(*provider, secret, options);
}

inline void Machine::start() {
  node = std::make_unique<Node>(config, *provider, log);
  node->start(now());
  drain();
}

inline void Machine::drain() {
  while (auto effect = node->poll_effect()) {
    world.at_once([this, e = std::make_shared<Effect>(std::move(*effect))] { act(std::move(*e)); });
  }
}

inline void Machine::act(Effect effect) {
  Node& n = *node;
  const Now now = this->now();
  if (auto* dial = std::get_if<Dial>(&effect)) {
    world.dial(*this, *dial);
  } else if (auto* want = std::get_if<WantWrite>(&effect)) {
    world.write(*this, want->conn);
  } else if (auto* close = std::get_if<CloseConn>(&effect)) {
    Wire* wire = world.find(*this, close->conn);
    world.write(*this, close->conn);
    if (wire != nullptr) {
      world.at_once([this, wire] { world.end(wire); });
      world.at_once([this, other = wire->other] { world.end(other); });
    }
  } else if (auto* work = std::get_if<RunWork>(&effect)) {
    n.on_work_done(work->conn, run_work(work->work, *provider), now);
  } else if (auto* resolve = std::get_if<Resolve>(&effect)) {
    const auto answer = world.zone.find(resolve->name);
    DnsAnswer none;
    none.failed = true;
    none.detail = "no such name";
    n.on_resolved(resolve->request, answer == world.zone.end() ? none : answer->second, now);
  } else if (auto* command = std::get_if<ToChain>(&effect)) {
    n.on_chain_events(chain->apply(command->command, store, now), now);
  } else if (auto* read = std::get_if<ReadBody>(&effect)) {
    if (!reads_bodies) return;
    auto body = chain->body(read->block);
    if (body && spoils_bodies) {
      Bytes bytes = to_bytes(body->view());
      bytes.back() ^= 1;
      body = SharedBytes(std::move(bytes));
    }
    n.on_body(read->request, std::move(body), now);
  } else if (auto* verify = std::get_if<VerifySeeds>(&effect)) {
    std::vector<bool> valid;
    for (const auto& w : verify->work) valid.push_back(std::get<VerifyDone>(run_work(w, *provider)).valid);
    n.on_seed_work_done(verify->request, std::move(valid), now);
  } else if (auto* save = std::get_if<SaveAddresses>(&effect)) {
    saved.push_back(std::move(save->file));
  } else if (auto* seeds = std::get_if<SaveSeeds>(&effect)) {
    saved_seeds.push_back(std::move(seeds->file));
  } else if (auto* bans = std::get_if<SaveBans>(&effect)) {
    saved_bans.push_back(std::move(bans->file));
  }
  drain();
}

}  // namespace lattice::test
