// Two Links joined in memory, for benchmarks.
#pragma once

#include <lattice/link/link.hpp>

namespace lattice::bench {

std::shared_ptr<const Identity> new_identity(Provider& provider, const SuiteIds& allowed = IdentityOptions().allowed_suites);
LinkConfig bench_config(Role role, const std::shared_ptr<const Identity>& identity);

struct LinkPair {
  LinkPair(Provider& provider, const std::shared_ptr<const Identity>& initiator_identity,
           const std::shared_ptr<const Identity>& responder_identity);
  LinkPair(Provider& provider, const LinkConfig& initiator_config, const LinkConfig& responder_config);
  // Carries bytes and runs the work of both until both are established or nothing moves any more.
  bool establish();

  Provider& provider;
  Link initiator, responder;
};

// Runs all work that waits in a link, inline.
void run_waiting_work(Link& link, Provider& provider, Now now);
Now bench_now();

}  // namespace lattice::bench
