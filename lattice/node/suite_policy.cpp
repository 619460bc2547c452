// Which suites links may speak now: policy says from which height on one is retired.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

std::vector<Suite> Node::State::allowed_suites() const {
  std::vector<Suite> allowed;
  for (const Suite suite : config.suites) {
    const bool gone = std::ranges::any_of(config.retired, [&](const SuiteRetirement& retirement) {
      return retirement.suite == suite && tip.block.height >= retirement.height;
    });
    if (!gone) allowed.push_back(suite);
  }
  return allowed;
}

// The tip has moved: links that began before speak what may be spoken no more. Nobody is to blame.
void Node::State::close_retired(Now now) {
  if (config.retired.empty()) return;
  const std::vector<Suite> allowed = allowed_suites();
  for (auto& [conn, peer] : peers) {
    if (!peer.node || !peer.alive() || std::ranges::count(allowed, peer.suite) != 0) continue;
    close(peer, ErrorCode::not_needed, "its suite is retired", now);
  }
}

bool Node::State::is_self(const NodeId& node) const {
  return node == config.identity->id || (config.identity87 && node == config.identity87->id);
}

}  // namespace lattice
