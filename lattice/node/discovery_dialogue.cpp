// DNS seeds: asked at start, and again while too few are connected; then the bootstrap list.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::ask_dns(Now now) {
  dns_due.reset();
  round_began = now.mono;
  bootstrap_used = false;
  for (size_t seed = 0; seed < dns.size(); ++seed) {
    const RequestId request = expect(ForSeed{seed});
    dns.on_asked(seed);
    effects.push_back(Resolve{request, dns.name(seed)});
  }
  if (dns.size() > 0) dns_asked = now.mono;
  dial_dirty = true;
}

void Node::State::on_resolved(RequestId request, const DnsAnswer& answer, Now now) {
  if (const auto asked = take_pending<ForSeed>(request)) take_answer(asked->seed, answer, now);
}

void Node::State::take_answer(size_t seed, const DnsAnswer& answer, Now now) {
  dial_dirty = true;
  take_found(seed, dns.on_answer(seed, answer, now.wall), now);
}

void Node::State::on_seed_work_done(RequestId request, const std::vector<bool>& valid, Now now) {
  if (const auto succession = take_pending<ForSuccession>(request)) return on_succession_verified(*succession, valid, now);
  if (const auto record = take_pending<ForAnnouncement>(request)) return on_announcement_verified(*record, valid, now);
  const auto asked = take_pending<ForSeed>(request);
  if (!asked) return;
  dial_dirty = true;
  take_found(asked->seed, dns.on_verified(asked->seed, valid), now);
}

void Node::State::take_found(size_t seed, DnsSeeds::Found found, Now now) {
  if (!found.work.empty()) {
    effects.push_back(VerifySeeds{expect(ForSeed{seed}), std::move(found.work)});
  } else {
    log_answer(seed);
  }
  add_seed_peers(found.peers, now);
  save_seeds();
}

void Node::State::log_answer(size_t seed) {
  const DnsReport report = dns.report()[seed];
  log(report.failed ? LogLevel::warning : LogLevel::info, "dns_answer",
      {{"name", report.name},
       {"addresses", std::to_string(report.addresses)},
       {"services", std::to_string(report.services)},
       {"listed", std::to_string(report.listed)},
       {"signed", report.is_signed ? "1" : "0"},
       {"outcome", std::string(outcome_name(report.outcome))},
       {"failed", report.failed ? "1" : "0"},
       {"detail", report.detail}});
  if (!report.rejected.empty()) {
    log(LogLevel::warning, "seed_list_rejected", {{"name", report.name}, {"reason", report.rejected}});
  }
}

void Node::State::add_seed_peers(const std::vector<SeedPeer>& found, Now now) {
  for (const auto& peer : found) {
    if (crawl) {
      crawl->add(peer.endpoint, std::nullopt, now.mono);
      continue;
    }
    KnownAddress known;
    known.endpoint = peer.endpoint;
    known.node = peer.node;
    known.source = peer.source;
    known.services = wire::service_blocks;
    addresses.add(known, peer.endpoint.ip, now, provider.rng());
    dial_dirty = true;
  }
}

// Damage costs what was remembered: lists that were replaced could come back until a newer one is seen.
void Node::State::load_seeds() {
  const Bytes stored = std::exchange(config.stored_seeds, {});
  if (stored.empty() || dns.size() == 0) return;
  if (const auto loaded = dns.load(stored); !loaded) {
    log(LogLevel::warning, "stored_seeds_damaged",
        {{"reason", std::string(error_name(loaded.error().code))}, {"where", loaded.error().where}});
  }
}

void Node::State::save_seeds() {
  if (auto file = dns.poll_save()) effects.push_back(SaveSeeds{std::move(*file)});
}

void Node::State::use_bootstrap(Now now) {
  bootstrap_used = true;
  for (const auto& peer : config.bootstrap) {
    KnownAddress known;
    known.endpoint = peer.endpoint;
    known.node = peer.node;
    known.source = PeerSource::bootstrap;
    addresses.add(known, peer.endpoint.ip, now, provider.rng());
  }
  log(LogLevel::info, "bootstrap_used", {{"peers", std::to_string(config.bootstrap.size())}});
}

// A round that never ends is ended; the next one comes after a growing pause while this node has found too few.
void Node::State::check_dns(Now now) {
  dns.on_tick(now);
  save_seeds();
  if (dns.busy() && dns_asked && now.mono - *dns_asked >= providers_patience) add_seed_peers(dns.release(), now);
  if (dns_due && *dns_due <= now.mono) {
    if (short_of_peers()) return ask_dns(now);
    dns_due.reset();
  }
  if (dns.busy() && dns_asked && now.mono - *dns_asked >= dns_patience) {
    DnsAnswer silence;
    silence.failed = true;
    silence.detail = "no answer";
    std::vector<RequestId> open;
    for (const auto& [request, what] : pending) {
      if (std::holds_alternative<ForSeed>(what)) open.push_back(request);
    }
    for (const RequestId request : open) on_resolved(request, silence, now);
    return;
  }
  if (!short_of_peers()) {
    dns_pause.reset();
    dns_due.reset();
  } else if (!dns.busy() && !dns_due && first_round_over) {
    const Duration pause = dns_pause.next(provider.rng());
    dns_due = now.mono + (outbound_open_count() == 0 ? pause : std::max<Duration>(pause, unhurried_dns_pause));
  }
}

}  // namespace lattice
