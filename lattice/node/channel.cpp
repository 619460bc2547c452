// The channel: who may say what in which stage, and the messages that open it and keep it alive.
#include <lattice/node/state.hpp>

namespace lattice {

void Node::State::on_message(Peer& peer, wire::Message message, Now now) {
  if (!in_order(peer, message, now)) return;
  if (crawl && peer.open()) return on_visit_message(peer, message, now);
  std::visit([&](auto& m) { on(peer, m, now); }, message);
}

bool Node::State::in_order(Peer& peer, const wire::Message& message, Now now) {
  if (peer.stage == Stage::open) return true;
  // A link that only asks stays here: after the status nothing but the answer is heard.
  if (peer.asks_after && peer.version != 0) return std::holds_alternative<wire::Succession>(message);
  // Opening: the responder waits for open_channel, then for status; the initiator for status.
  const bool opens = std::holds_alternative<wire::OpenChannel>(message) && peer.inbound && peer.version == 0;
  const bool status = std::holds_alternative<wire::Status>(message) && (!peer.inbound || peer.version != 0);
  if (opens || status || std::holds_alternative<wire::Reject>(message)) return true;
  close(peer, ErrorCode::unexpected_message, "opening", now);
  return false;
}

wire::Status Node::State::own_status() const {
  wire::Status status;
  status.version = config.protocol_version;
  status.tip = tip.block.hash;
  status.height = tip.block.height;
  status.score = tip.score;
  status.services = crawl ? 0 : wire::service_blocks;
  status.listen_port = config.listen_port;
  status.user_agent = config.user_agent;
  return status;
}

void Node::State::on(Peer& peer, wire::OpenChannel& message, Now now) {
  const auto command = static_cast<uint16_t>(wire::Command::open_channel);
  if (peer.stage != Stage::opening) return fault(peer, ErrorCode::unexpected_message, "open_channel", now);
  if (message.chain != config.chain.id) {
    send(peer, wire::Reject{command, ErrorCode::wrong_chain, {}, "another chain"}, now);
    return close(peer, ErrorCode::wrong_chain, "open_channel", now);
  }
  peer.said_version = message.version;
  peer.version = std::min(message.version, config.protocol_version);
  if (peer.version == 0) {
    send(peer, wire::Reject{command, ErrorCode::wrong_version, {}, "version 0"}, now);
    return close(peer, ErrorCode::wrong_version, "open_channel", now);
  }
  peer.told = tip.block.hash;
  wire::Status own = own_status();
  say_claims(peer, own, now);
  send(peer, own, now);
}

// A status says two things twice: the version, which open_channel or the status before it has said, and that at height 0 there
// is the genesis and nothing else.
bool Node::State::agrees(const Peer& peer, const wire::Status& message) const {
  if (peer.said_version != 0 && message.version != peer.said_version) return false;
  return (message.height == 0) == (message.tip == config.chain.genesis);
}

void Node::State::on(Peer& peer, wire::Status& message, Now now) {
  if (!agrees(peer, message)) {
    reputation.on_fault(peer.remote, ErrorCode::contradiction, now.mono);
    return close(peer, ErrorCode::contradiction, "status", now);
  }
  peer.said_version = message.version;
  peer.status = std::move(message);
  if (peer.stage == Stage::open) {
    blocks.raise_have(peer.conn, peer.status.height);
    if (peer.status.tip != tip.block.hash && peer.status.tip != best.block.hash) header_sync.on_announced(peer.conn);
    headers_dirty = blocks_dirty = true;
    return;
  }
  peer.version = std::min(peer.status.version, config.protocol_version);
  if (peer.version == 0) return close(peer, ErrorCode::wrong_version, "status", now);
  if (!peer.inbound) {
    peer.told = tip.block.hash;
    wire::Status own = own_status();
    if (peer.asks_after) own.listen_port = 0;
    say_claims(peer, own, now);
    if (!send(peer, own, now)) return;
  }
  if (peer.asks_after) return;
  on_open(peer, now);
}

void Node::State::on_open(Peer& peer, Now now) {
  if (crawl) return on_visit_open(peer, now);
  peer.ping_due = now.mono + config.ping_interval;
  enter(peer, Stage::open, now);
  hear_claims(peer, now);
  if (!peer.inbound) {
    addresses.on_answered(peer.remote, *peer.node, peer.status.services, now);
    if (peer.is_feeler()) {
      ++counts.feelers_answered;
      return close(peer, ErrorCode::not_needed, "feeler", now);
    }
    close_replaced(peer, now);
    watch_arrivals(peer, now);
    if (config.discovery && peer.relays()) {
      peer.asked_addresses = true;
      send(peer, wire::GetAddresses{}, now);
    }
  } else {
    learn_listener(peer, now);
  }
  if (peer.status.services & wire::service_blocks) {
    header_sync.add(peer.conn, !peer.inbound || peer.genesis);
    blocks.add(peer.conn);
    blocks.raise_have(peer.conn, peer.status.height);
  }
  announce_succession(peer, now);
  announce_self(peer, now);
  headers_dirty = blocks_dirty = dial_dirty = true;
  log_peer_event(LogLevel::info, "peer_connected",
                 {{"peer", node_id_text(*peer.node)},
                  {"addr", peer.remote.text()},
                  {"inbound", peer.inbound ? "1" : "0"},
                  {"slot", std::string(slot_kind_name(peer.slot))},
                  {"source", std::string(source_name(peer.source))},
                  {"suite", std::string(suite_name(peer.suite))},
                  {"height", std::to_string(peer.status.height)}},
                 now);
}

void Node::State::on(Peer& peer, wire::Ping& message, Now now) { send(peer, wire::Pong{message.nonce}, now); }

void Node::State::on(Peer& peer, wire::Pong& message, Now now) {
  if (peer.ping != message.nonce) return fault(peer, ErrorCode::unrequested, "pong", now);
  peer.ping.reset();
  const Duration round_trip = now.mono - peer.ping_sent;
  peer.merits.ping_min = std::min(peer.merits.ping_min.value_or(round_trip), round_trip);
}

// While the channel opens a reject ends it. Later it is advice: what mattered has timers and answers of its own.
void Node::State::on(Peer& peer, wire::Reject& message, Now now) {
  if (peer.stage != Stage::opening) return;
  peer.link->close(ErrorCode::not_needed);
  leave(peer, {message.reason, "reject"}, true, now);
}

void Node::State::on(Peer&, wire::Unknown&, Now) {}  // skipped; the link counts them

}  // namespace lattice
