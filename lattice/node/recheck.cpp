// Whether those that are connected still may be: what was true when a link began is looked at again, some of them each second, and
// each within recheck_round seconds.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

constexpr size_t recheck_least = 16;
constexpr size_t recheck_round = 8;

void Node::State::recheck(Now now) {
  const std::vector<Suite> allowed = allowed_suites();
  const size_t count = std::min(peers.size(), std::max(recheck_least, peers.size() / recheck_round + 1));
  auto at = peers.upper_bound(recheck_hand);
  for (size_t i = 0; i < count; ++i, ++at) {
    if (at == peers.end()) at = peers.begin();
    recheck_hand = at->first;
    recheck_peer(at->second, allowed, now);
  }
}

// Nobody is to blame for what time has brought: the link is closed, and may begin anew under what holds now.
void Node::State::recheck_peer(Peer& peer, const std::vector<Suite>& allowed, Now now) {
  if (!peer.alive() || !peer.node || peer.asks_after) return;
  if (peer.valid_until && *peer.valid_until <= now.wall) return close(peer, ErrorCode::certificate_expired, "recheck", now);
  if (memory.revoked(*peer.node)) return close(peer, ErrorCode::certificate_revoked, "recheck", now);
  if (std::ranges::count(allowed, peer.suite) == 0) return close(peer, ErrorCode::not_needed, "its suite is retired", now);
  if (peer.kept) return;
  const auto avoided = reputation.avoided(peer.remote, now.mono);
  const bool bad_address = avoided && !Reputation::is_mishap(*avoided);
  if (bad_address || reputation.node_avoided(*peer.node, now.mono)) close(peer, ErrorCode::no_slot, "avoided", now);
}

}  // namespace lattice
