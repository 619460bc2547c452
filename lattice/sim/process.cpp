// What a node wishes of its world, and what comes back of it.
#include <lattice/sim/world_state.hpp>

namespace lattice::sim {

constexpr Duration resolver_patience = std::chrono::seconds{5};

// One input has been given: what follows from it.
void World::State::settle(Host& host) {
  if (host.node) return drain(host);
  while (host.raw_up && wake_paused(host)) {
  }
}

// Everything that the node wishes, until it wishes no more.
void World::State::drain(Host& host) {
  do {
    count(host);
    while (auto effect = host.node->poll_effect()) on_effect(host, std::move(*effect));
  } while (wake_paused(host));
  count(host);
  stats.connections_peak = std::max(stats.connections_peak, host.connections.size());
  plan_timer(host);
  plan_ready(host);
}

// What the node has done since it was asked last, and what that took its processor.
void World::State::count(Host& host) {
  const NodeCounts& counts = host.node->counts();
  stats.messages += counts.messages - host.counts.messages;
  stats.handshakes += counts.handshakes - host.counts.handshakes;
  host.counts = counts;
  if (!host.modelled) return;
  if (const auto spent = host.modelled->take_spent(); spent > Duration{}) host.cpu_free = std::max(host.cpu_free, now) + spent;
}

// What came meanwhile is taken when the processor is free.
void World::State::plan_ready(Host& host) {
  if (host.paused.empty() || host.cpu_free <= now || (host.ready && *host.ready >= now)) return;
  host.ready = host.cpu_free;
  queue.push(host.cpu_free, {.host = host.id, .life = host.life, .kind = EventKind::ready});
}

void World::State::plan_timer(Host& host) {
  const auto next = host.node->next_timeout();
  if (!next || (host.timer && *host.timer <= *next)) return;
  host.timer = std::max(*next, now + timer_grain);
  queue.push(*host.timer, {.host = host.id, .life = host.life, .kind = EventKind::timer});
}

Duration Costs::of(const Work& work) const {
  if (std::holds_alternative<SignWork>(work)) return sign;
  if (std::holds_alternative<VerifyWork>(work)) return verify;
  if (const auto* puzzle = std::get_if<PuzzleWork>(&work)) return hash * (int64_t{1} << puzzle->difficulty);
  return outside_key;
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

void World::State::on_effect(Host& host, Effect&& effect) {
  const Event to_node{.host = host.id, .life = host.life};
  const auto event = [&](EventKind kind, uint64_t subject) {
    Event out = to_node;
    out.kind = kind;
    out.subject = subject;
    return out;
  };
  if (auto* wish = std::get_if<Dial>(&effect)) {
    dial(host, wish->conn, host.config.address, wish->endpoint);
  } else if (auto* write = std::get_if<WantWrite>(&effect)) {
    const auto found = host.connections.find(write->conn);
    if (found != host.connections.end()) pump(connection_of(found->second), side_of(found->second));
  } else if (auto* close = std::get_if<CloseConn>(&effect)) {
    const auto found = host.connections.find(close->conn);
    if (found != host.connections.end()) local_close(connection_of(found->second), side_of(found->second));
  } else if (auto* work = std::get_if<RunWork>(&effect)) {
    const auto done = crypto_done(host, options.costs.of(work->work));
    queue.push(done, event(EventKind::work, work->conn.value), std::move(work->work));
  } else if (auto* seeds = std::get_if<VerifySeeds>(&effect)) {
    const auto done = crypto_done(host, options.costs.verify * seeds->work.size());
    queue.push(done, event(EventKind::seed_work, seeds->request.value), std::move(*seeds));
  } else if (auto* chain = std::get_if<ToChain>(&effect)) {
    host.chain_free = std::max(host.chain_free, now) + chain_cost(chain->command) + host.config.store.slowness();
    queue.push(host.chain_free, event(EventKind::chain, 0), std::move(chain->command));
  } else if (auto* read = std::get_if<ReadBody>(&effect)) {
    if (host.config.bodies == Bodies::withheld) return;
    queue.push(now + options.costs.body + host.config.store.slowness(), event(EventKind::body, read->request.value),
               read_body(host, read->block));
  } else if (auto* save = std::get_if<SaveAddresses>(&effect)) {
    if (!host.config.store.failing()) host.config.saved_addresses = std::move(save->file);
  } else if (auto* seeds_file = std::get_if<SaveSeeds>(&effect)) {
    if (!host.config.store.failing()) host.config.saved_seeds = std::move(seeds_file->file);
  } else if (auto* bans = std::get_if<SaveBans>(&effect)) {
    if (!host.config.store.failing()) host.config.saved_bans = std::move(bans->file);
  } else {
    resolve(host, std::get<Resolve>(effect));
  }
}

// A resolver asks for a few records at once; an answer takes 5 to 80 ms and what its server adds; after five seconds it is given
// up.
void World::State::resolve(Host& host, const Resolve& wish) {
  const auto found = names.find(wish.name);
  DnsAnswer answer;
  const bool known = found != names.end();
  answer.elapsed = std::chrono::microseconds{5'000 + rng.below(75'000)} + (known ? found->second.late : Duration{});
  if (host.line.stalled || (known && found->second.fails) || answer.elapsed > resolver_patience) {
    answer.failed = true;
    answer.detail = "no answer";
    answer.elapsed = resolver_patience;
  } else {
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
  if (event.kind == EventKind::ready) {
    if (host.ready == now) host.ready.reset();
    wake_paused(host);
    return drain(host);
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
