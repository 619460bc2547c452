// Who has become whom, as peers say it of themselves; and the standing of those whom the operator named, which follows them.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

// Once a link, as soon as the channel is open; not where this node is there under another identity.
void Node::State::announce_succession(Peer& peer, Now now) {
  const auto chain = chain_to(own_succession, peer.own, now.wall);
  if (!chain.empty()) send(peer, wire::Succession{SharedBytes(encode_successions(chain))}, now);
}

void Node::State::on(Peer& peer, wire::Succession& message, Now now) {
  if (std::exchange(peer.told_succession, true)) return fault(peer, ErrorCode::unrequested, "succession", now);
  const auto chain = decode_successions(message.bytes.view());
  if (!chain) return fault(peer, chain.error().code, "succession", now);
  if (node_id_of(chain->back().after) != *peer.node) return fault(peer, ErrorCode::bad_succession, "not the peer's own", now);
  ForSuccession asked{peer.conn, {}};
  std::vector<VerifyWork> work;
  bool news = false;
  for (const Succession& one : *chain) {
    if (const auto good = check_succession(one, now.wall); !good) return fault(peer, good.error().code, "succession", now);
    asked.steps.emplace_back(node_id_of(one.before), node_id_of(one.after));
    news |= !successions.knows(asked.steps.back().first, asked.steps.back().second);
    std::ranges::move(succession_work(one), std::back_inserter(work));
  }
  // The peer says it again on its next link.
  if (!news || successions_judging >= successions_judging_max) return;
  ++successions_judging;
  effects.push_back(VerifySeeds{expect(std::move(asked)), std::move(work)});
}

void Node::State::on_succession_verified(const ForSuccession& asked, const std::vector<bool>& valid, Now now) {
  --successions_judging;
  const bool all = std::ranges::find(valid, false) == valid.end();
  if (Peer* peer = find_alive(asked.conn); !all) {
    if (peer != nullptr) fault(*peer, ErrorCode::bad_signature, "succession", now);
    return;
  }
  for (const auto& [before, after] : asked.steps) take_succession(before, after, now);
  dial_dirty = true;
  const NodeId node = asked.steps.back().second;
  // All links: what one says of an identity holds for whoever has it.
  for (auto& [conn, peer] : peers) {
    if (!peer.alive() || !peer.node) continue;
    peer.genesis = is_genesis(*peer.node);
    if (peer.asks_after) continue;
    if (peer.node == node && !peer.kept && reputation.node_avoided(node, now.mono))
      close(peer, ErrorCode::no_slot, "avoided", now);
  }
  if (Peer* peer = find_alive(asked.conn); peer != nullptr && peer->asks_after) on_asked(*peer, now);
}

void Node::State::take_succession(const NodeId& before, const NodeId& after, Now now) {
  const auto added = successions.add(before, after, is_trusted(before));
  if (added == Successions::Added::known) return;
  // Also where it forked: who can sign as a banned peer gets away from its ban by no second signature.
  reputation.succeed(before, after, now.mono);
  const bool forked = added == Successions::Added::forked;
  log_peer_event(forked ? LogLevel::warning : LogLevel::info, forked ? "succession_forked" : "peer_changed_keys",
                 {{"before", node_id_text(before)},
                  {"after", node_id_text(after)},
                  {"kept", added == Successions::Added::refused ? "0" : "1"}},
                 now);
}

// Who was named by the operator, or by a list that is signed, may have changed keys, and cannot say so before the handshake ends.
// So the next link there takes whoever answers, under an identity that is used this once, and ends with the answer.
void Node::State::ask_later(const Peer& peer, ErrorCode reason) {
  const bool another = reason == ErrorCode::wrong_identity && peer.stage == Stage::handshake && !peer.inbound && peer.expected;
  if (!another || questions.size() >= questions_max) return;
  questions.push_back({peer.remote, *peer.expected, peer.source});
}

void Node::State::ask_who_it_is(Now now) {
  for (const Question& question : std::exchange(questions, {})) {
    Peer& peer = add_peer(question.endpoint, false, question.source, now.mono);
    peer.asks_after = question.expected;
    addresses.on_dialing(question.endpoint, now.mono);
    effects.push_back(Dial{peer.conn, question.endpoint});
  }
}

// It has shown its succession, and that has been verified.
void Node::State::on_asked(Peer& peer, Now now) {
  const NodeId expected = *peer.asks_after, answered = *peer.node;
  const Endpoint remote = peer.remote;
  const PeerSource source = peer.source;
  close(peer, ErrorCode::not_needed, "who it is", now);
  if (successions.current(expected) != answered) return;
  if (source != PeerSource::operator_given) return void(start_dial(remote, answered, source, SlotKind::full_relay, now));
  for (Kept& entry : kept) {
    if (!entry.conn && entry.peer.endpoint == remote) entry.next_try = now.mono;
  }
}

bool Node::State::is_trusted(const NodeId& node) const {
  const auto names = [&](const KnownPeer& peer) { return peer.node == node; };
  return std::ranges::any_of(config.connect, names) || std::ranges::any_of(config.bootstrap, names) ||
         std::ranges::find(config.genesis, node) != config.genesis.end();
}

bool Node::State::is_genesis(const NodeId& node) const {
  return std::ranges::any_of(config.genesis, [&](const NodeId& named) { return successions.current(named) == node; });
}

}  // namespace lattice
