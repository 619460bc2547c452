#include <bench/link_pair.hpp>

#include <chrono>

namespace lattice::bench {

Now bench_now() {
  return {Instant{std::chrono::steady_clock::now().time_since_epoch()},
          wall_from_unix(
              std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count())};
}

std::shared_ptr<const Identity> new_identity(Provider& provider, const SuiteIds& allowed) {
  Secret<64> secret;
  provider.rng().fill(secret.span());
  const WallTime now = bench_now().wall;
  IdentityOptions options;
  options.allowed_suites = allowed;
  options.not_before = now - std::chrono::hours{1};
  options.not_after = now + std::chrono::hours{24};
  return make_identity(provider, secret, options);
}

LinkConfig bench_config(Role role, const std::shared_ptr<const Identity>& identity) {
  LinkConfig config;
  config.role = role;
  config.magic = {'B', 'N', 'C', 'H'};
  config.identity = identity;
  return config;
}

LinkPair::LinkPair(Provider& p, const std::shared_ptr<const Identity>& initiator_identity,
                   const std::shared_ptr<const Identity>& responder_identity)
    : LinkPair(p, bench_config(Role::initiator, initiator_identity), bench_config(Role::responder, responder_identity)) {}

LinkPair::LinkPair(Provider& p, const LinkConfig& initiator_config, const LinkConfig& responder_config)
    : provider(p), initiator(initiator_config, p, bench_now()), responder(responder_config, p, bench_now()) {}

void run_waiting_work(Link& link, Provider& provider, Now now) {
  while (auto work = link.poll_work()) link.on_work_done(run_work(*work, provider), now);
}

static bool carry(Link& from, Link& to, Now now) {
  bool moved = false;
  for (ByteView out = from.pending_output(); !out.empty(); out = from.pending_output()) {
    to.on_bytes(out, now);
    from.on_sent(out.size());
    moved = true;
  }
  return moved;
}

bool LinkPair::establish() {
  const Now now = bench_now();
  for (bool moved = true; moved && !(initiator.established() && responder.established());) {
    run_waiting_work(initiator, provider, now);
    run_waiting_work(responder, provider, now);
    moved = carry(initiator, responder, now);
    moved = carry(responder, initiator, now) || moved;
  }
  return initiator.established() && responder.established();
}

}  // namespace lattice::bench
