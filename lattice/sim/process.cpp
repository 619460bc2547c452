// What a node wishes of its world, and what comes back of it.
#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

constexpr Duration timer_grain = std::chrono::microseconds{1};  // a timer always moves time on

// One input has been given: everything that the node wishes, until it wishes no more.
void World::State::drain(Host& host) {
  do {
    while (auto effect = host.node->poll_effect()) on_effect(host, std::move(*effect));
  } while (wake_paused(host));
  stats.connections_peak = std::max(stats.connections_peak, host.connections.size());
  plan_timer(host);
}

void World::State::plan_timer(Host& host) {
  const auto next = host.node->next_timeout();
  if (!next || (host.timer && *host.timer <= *next)) return;
  host.timer = std::max(*next, now + timer_grain);
  queue.push(*host.timer, {.host = host.id, .life = host.life, .kind = EventKind::timer});
}

Duration World::State::work_cost(const Work& work) const {
  return std::holds_alternative<SignWork>(work) ? options.costs.sign : options.costs.verify;
}

Instant World::State::crypto_done(Host& host, Duration cost) {
  host.crypto_free = std::max(host.crypto_free, now) + cost;
  return host.crypto_free;
}

Duration World::State::chain_cost(const ChainCommand& command) const {
  const auto& costs = options.costs;
  if (const auto* headers = std::get_if<SubmitHeaders>(&command))
    return costs.question + costs.header * headers->headers.size();
  if (const auto* block = std::get_if<SubmitBlock>(&command)) return costs.block + costs.block_byte * block->block.size();
  if (std::holds_alternative<SubmitConsensus>(command)) return costs.verify;
  return costs.question;
}

static std::optional<SharedBytes> read_body(const Host& host, const BlockHash& block) {
  const auto body = host.config.store.read(Column::bodies, block.view());
  if (!body || !*body || host.config.bodies == Bodies::honest) return body ? *body : std::nullopt;
  Bytes changed = to_bytes((*body)->view());
  changed.back() ^= 1;
  return SharedBytes(std::move(changed));
}

void World::State::on_effect(Host& host, Effect effect) {
  const Event to_node{.host = host.id, .life = host.life};
  const auto event = [&](EventKind kind, uint64_t subject) {
    Event out = to_node;
    out.kind = kind;
    out.subject = subject;
    return out;
  };
  if (auto* wish = std::get_if<Dial>(&effect)) {
    dial(host, *wish);
  } else if (auto* write = std::get_if<WantWrite>(&effect)) {
    const auto found = host.connections.find(write->conn);
    if (found == host.connections.end()) return;
    const auto& connection = connections.at(found->second);
    pump(found->second,
         connection.ends[dialer].host == host.id && connection.ends[dialer].conn == write->conn ? dialer : listener);
  } else if (auto* close = std::get_if<CloseConn>(&effect)) {
    const auto found = host.connections.find(close->conn);
    if (found == host.connections.end()) return;
    const auto& connection = connections.at(found->second);
    local_close(found->second,
                connection.ends[dialer].host == host.id && connection.ends[dialer].conn == close->conn ? dialer : listener);
  } else if (auto* work = std::get_if<RunWork>(&effect)) {
    const auto done = crypto_done(host, work_cost(work->work));
    queue.push(done, event(EventKind::work, work->conn.value), std::move(work->work));
  } else if (auto* seeds = std::get_if<VerifySeeds>(&effect)) {
    const auto done = crypto_done(host, options.costs.verify * seeds->work.size());
    queue.push(done, event(EventKind::seed_work, seeds->request.value), std::move(*seeds));
  } else if (auto* chain = std::get_if<ToChain>(&effect)) {
    host.chain_free = std::max(host.chain_free, now) + chain_cost(chain->command);
    queue.push(host.chain_free, event(EventKind::chain, 0), std::move(chain->command));
  } else if (auto* read = std::get_if<ReadBody>(&effect)) {
    if (host.config.bodies == Bodies::withheld) return;
    queue.push(now + options.costs.body, event(EventKind::body, read->request.value), read_body(host, read->block));
  } else {
    resolve(host, std::get<Resolve>(effect));
  }
}

// A resolver asks for a few records at once; an answer takes 5 to 80 ms, silence is given up after five seconds.
void World::State::resolve(Host& host, const Resolve& wish) {
  const auto found = names.find(wish.name);
  DnsAnswer answer;
  if (found != names.end() && found->second.fails) {
    answer.failed = true;
    answer.detail = "no answer";
    answer.elapsed = std::chrono::seconds{5};
  } else {
    answer.elapsed = std::chrono::microseconds{5'000 + rng.below(75'000)};
    answer.failed = found == names.end();
    if (answer.failed) {
      answer.detail = "no such name";
    } else {
      answer.addresses = found->second.addresses;
      answer.services = found->second.services;
      answer.texts = found->second.texts;
    }
  }
  const auto when = now + answer.elapsed;
  queue.push(when, {.subject = wish.request.value, .host = host.id, .life = host.life, .kind = EventKind::resolved},
             std::move(answer));
}

void World::State::on_chain(Host& host, const ChainCommand& command) {
  ChainEvents events = host.chain->apply(command, host.config.store, clock(host));
  trace.event(now, host.id, static_cast<uint8_t>(EventKind::chain), command.index() << 8 | events.size());
  for (const auto& event : events) {
    if (const auto* changed = std::get_if<TipChanged>(&event)) {
      host.tip = changed->tip;
      trace.event(now, host.id, static_cast<uint8_t>(EventKind::chain), changed->tip.block.height,
                  changed->tip.block.hash.view());
    }
    if (chain_observer) chain_observer(host.id, event);
  }
  host.node->on_chain_events(std::move(events), clock(host));
}

void World::State::on_process_event(Host& host, const Event& event, Payload payload) {
  const Now clock_now = clock(host);
  Node& node = *host.node;
  if (event.kind == EventKind::timer) {
    if (host.timer != now) return;  // an earlier one took its place
    host.timer.reset();
    const auto due = node.next_timeout();
    if (!due || *due > now) return plan_timer(host);
  }
  if (event.kind != EventKind::chain) trace.event(now, host.id, static_cast<uint8_t>(event.kind), event.subject);
  switch (event.kind) {
    case EventKind::timer: node.on_timeout(clock_now); break;
    case EventKind::closed: node.on_closed({event.subject}, clock_now); break;
    case EventKind::work:
      node.on_work_done({event.subject}, run_work(std::get<Work>(payload), *host.provider), clock_now);
      break;
    case EventKind::seed_work: {
      std::vector<bool> valid;
      for (const auto& work : std::get<VerifySeeds>(payload).work)
        valid.push_back(host.provider->verify(work.alg, work.public_key, work.context, work.message, work.signature));
      node.on_seed_work_done({event.subject}, std::move(valid), clock_now);
      break;
    }
    case EventKind::chain: on_chain(host, std::get<ChainCommand>(payload)); break;
    case EventKind::body:
      node.on_body({event.subject}, std::move(std::get<std::optional<SharedBytes>>(payload)), clock_now);
      break;
    case EventKind::resolved: node.on_resolved({event.subject}, std::move(std::get<DnsAnswer>(payload)), clock_now); break;
    default: ASSERT(false);
  }
  drain(host);
}

}  // namespace lattice::sim
