#include <bench/link_pair.hpp>

#include <chrono>

namespace lattice::bench {

Now bench_now() {
  return {Instant{std::chrono::steady_clock::now().time_since_epoch()},
          wall_from_unix(
              std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count())};
}

std::shared_ptr<const Identity> new_identity(Provider& provider) {
  Secret<64> secret;
  provider.rng().fill(secret.span());
  const WallTime now = bench_now().wall;
  IdentityOptions options;
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
    : provider(p),
      initiator(bench_config(Role::initiator, initiator_identity), p, bench_now()),
      responder(bench_config(Role::responder, responder_identity), p, bench_now()) {}

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
