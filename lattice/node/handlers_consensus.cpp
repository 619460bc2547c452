// Consensus messages: opaque, judged by the chain, passed on once.
#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::on(Peer& peer, wire::Consensus& message, Now now) {
  ++counts.consensus;
  if (!peer.relays()) return;
  if (consensus_judging >= consensus_judging_max) return;
  const Digest id = blake2s(message.bytes.view());
  if (!seen_consensus.insert(id)) return note_message_copy(peer, id, now);
  note_message(peer, id, now);
  ++consensus_judging;
  const RequestId request = expect(ForConsensus{peer.conn, message.bytes});
  tell_chain(SubmitConsensus{request, std::move(message.bytes)});
}

void Node::State::broadcast(const SharedBytes& message, std::optional<ConnId> except, Now now) {
  for (auto& [conn, peer] : peers) {
    if (peer.open() && peer.relays() && conn != except) send(peer, wire::Consensus{message}, now);
  }
}

}  // namespace lattice
