#include "run.hpp"

#include <algorithm>
#include <utility>

namespace lattice::roles {

static constexpr size_t history_max = 64;
static constexpr int pump_rounds_max = 400;
// A puzzle above it takes too long here: the host gives up the link.
static constexpr uint8_t difficulty_solved_max = 6;

// ---- One end: what comes out of it after anything went in.

void LinkRoles::Run::settle(size_t end) {
  End& of = ends[end];
  if (!of.work) {
    of.work = of.link->poll_work();
    of.work_since = now().mono;
    const bool signs = of.work && std::holds_alternative<SignWork>(*of.work);
    if (signs && of.config.admission) of.config.admission->on_work_queued(now().mono);
  }
  take_events(end);
  if (!of.stalled) take_output(end);
  take_events(end);
  oracle.check(end);
}

void LinkRoles::Run::take_output(size_t end) {
  End& of = ends[end];
  for (size_t round = 0;; ++round) {
    const ByteView pending = of.link->pending_output();
    if (pending.empty()) break;
    const size_t count = of.dribbles && round == 0 ? pending.size() / 2 + 1 : pending.size();
    append(of.begun, pending.first(count));
    of.link->on_sent(count);
  }
  split(end);
  if (of.link->closed()) of.quiet = true;
}

// Records of TLS have five bytes before them, all else has two. Where that is guessed wrong the pieces are other ones, no more.
void LinkRoles::Run::split(size_t end) {
  End& of = ends[end];
  size_t at = 0;
  while (of.begun.size() - at >= 5) {
    const uint8_t* head = of.begun.data() + at;
    const bool tls = head[0] >= 0x14 && head[0] <= 0x17 && head[1] == 0x03;
    const size_t length =
        tls ? 5 + static_cast<size_t>(head[3] << 8 | head[4]) : 2 + static_cast<size_t>(head[0] << 8 | head[1]);
    if (of.begun.size() - at < length) break;
    const ByteView unit = ByteView(of.begun).subspan(at, length);
    oracle.on_output(end, unit, now());
    of.out.push_back({end, to_bytes(unit)});
    if (history.size() < history_max) history.push_back(of.out.back());
    at += length;
  }
  of.begun.erase(of.begun.begin(), of.begun.begin() + static_cast<ptrdiff_t>(at));
}

void LinkRoles::Run::take_events(size_t end) {
  End& of = ends[end];
  while (!of.lazy || !of.up) {
    const auto event = of.link->poll_event();
    if (!event) return;
    const bool after_rekey = of.up && now().mono - of.last_sent >= rekey_age_max;
    if (std::holds_alternative<LinkMessage>(*event) && after_rekey) ++roles.counts_.after_rekey;
    of.last_sent = now().mono;
    oracle.on_event(end, *event, now());
  }
}

// `piece`: so many bytes at once; 0: all.
void LinkRoles::Run::deliver(const Unit& unit, size_t end, size_t piece) {
  End& of = ends[end];
  const size_t step_bytes = piece == 0 ? std::max<size_t>(unit.bytes.size(), 1) : piece;
  of.heard |= uint32_t{1} << unit.from;
  oracle.look_up_ticket(unit.from, now());
  for (size_t at = 0; at < unit.bytes.size(); at += step_bytes) {
    const ByteView part = ByteView(unit.bytes).subspan(at, std::min(step_bytes, unit.bytes.size() - at));
    of.received += part.size();
    if (!of.up) append(of.first_heard, part);
    of.link->on_bytes(part, now());
    settle(end);
  }
}

bool LinkRoles::Run::work(size_t end) {
  End& of = ends[end];
  if (!of.work) return false;
  const Work job = *std::exchange(of.work, std::nullopt);
  if (const auto* puzzle = std::get_if<PuzzleWork>(&job); puzzle && puzzle->difficulty > difficulty_solved_max) {
    of.link->close(ErrorCode::not_needed);
  } else if (const auto* asked = std::get_if<OutsideKeyWork>(&job)) {
    of.link->on_work_done(network().outside_key(*asked), now());
  } else {
    if (std::holds_alternative<SignWork>(job) && of.config.admission) {
      of.config.admission->on_work_done(now().mono - of.work_since, now().mono);
    }
    of.link->on_work_done(run_work(job, provider()), now());
  }
  settle(end);
  return true;
}

// ---- Connections.

void LinkRoles::Run::make(size_t node, Role role, const LinkConfig& config) {
  End& of = ends.emplace_back();
  const size_t end = ends.size() - 1;
  of.node = node;
  of.role = role;
  of.lies = network().lies(node);
  of.config = config;
  of.offers = offers_of(config);
  if (!provider().has_tls()) std::erase(of.offers, id_of(Suite::tls13));
  oracle.on_made(end, now());
  of.link.emplace(config, provider(), now());
}

void LinkRoles::Run::connect() {
  const uint8_t who = program.byte(), how = program.byte();
  if (ends.size() == 2 * connections_max) return;
  const size_t from = who % node_count;
  const size_t to = who / 16 % 8 == 7 ? from : (from + 1 + who / 4 % (node_count - 1)) % node_count;
  LinkConfig initiator = network().config(from, Role::initiator);
  LinkConfig responder = network().config(to, Role::responder);
  responder.remote = network().endpoint(from, ends.size());
  initiator.remote = network().endpoint(to, ends.size());
  // Whom it expects: the one that it dials, under either key; another; nobody.
  const size_t meant = how % 16 == 15 ? (to + 1) % node_count : to;
  const SignAlg alg = how & 16 ? SignAlg::mldsa87 : SignAlg::mldsa65;
  if (how % 4 != 0) (how % 4 == 1 ? initiator.likely : initiator.expected) = network().identity(meant, alg)->id;
  const bool can_offer =
      std::ranges::any_of(offers_of(initiator), [&](uint16_t id) { return id != 0x0101 || provider().has_tls(); });
  const bool can_answer =
      std::ranges::any_of(offers_of(responder), [&](uint16_t id) { return id != 0x0101 || provider().has_tls(); });
  if (!can_offer || !can_answer) return;
  make(from, Role::initiator, initiator);
  make(to, Role::responder, responder);
  settle(ends.size() - 2);
  settle(ends.size() - 1);
  if (how & 64) pump(ends.size() / 2 - 1);
}

// Whose peer has closed and said all that it had to say.
bool LinkRoles::Run::end_socket_of(size_t end) {
  const End& peer = ends[other_of(end)];
  if (!peer.quiet || !peer.out.empty() || ends[end].link->closed()) return false;
  ends[end].link->on_end(now());
  settle(end);
  return true;
}

void LinkRoles::Run::pump(size_t connection) {
  const size_t both[] = {2 * connection, 2 * connection + 1};
  for (int round = 0; round < pump_rounds_max; ++round) {
    bool moved = false;
    for (const size_t end : both) {
      while (work(end)) moved = true;
      while (!ends[end].out.empty() && ends[other_of(end)].link->wants_bytes()) {
        const Unit unit = std::move(ends[end].out.front());
        ends[end].out.pop_front();
        deliver(unit, other_of(end));
        moved = true;
      }
      settle(end);
      moved = end_socket_of(other_of(end)) || moved;
    }
    if (!moved) break;
  }
  oracle.check_outcome(both[0], now(), !nodes_changed);
}

void LinkRoles::Run::pass(Duration time, bool told) {
  passed += time;
  for (size_t end = 0; told && end < ends.size(); ++end) {
    if (const auto due = ends[end].link->next_timeout(); due && *due <= now().mono) ends[end].link->on_timeout(now());
    oracle.check_time(end, now());
    settle(end);
  }
}

static wire::Message message_of(size_t kind, size_t bytes, uint64_t nonce) {
  Bytes body(bytes + 1, static_cast<uint8_t>(nonce));
  switch (kind) {
    case 0: return wire::Ping{nonce};
    case 1: return wire::Consensus{SharedBytes(std::move(body))};
    case 2: return wire::Headers{{Bytes(80, static_cast<uint8_t>(nonce))}};
    case 3: return wire::GetAddresses{};
    default: return wire::Block{SharedBytes(std::move(body))};
  }
}

void LinkRoles::Run::send(size_t end) {
  const auto channel = static_cast<wire::ChannelId>(1 + program.below(3));
  const uint8_t kind = program.byte();
  const size_t bytes = kind & 0x80 ? size_t{program.byte()} * 250 : size_t{program.byte()};
  const wire::Message message = message_of(kind % 6, bytes, ++pings);
  End& of = ends[end];
  const auto sent = of.link->send(channel, message);
  if (sent) of.said[{channel, wire::lane_of(wire::command_of(message))}].push_back(message);
  settle(end);
}

}  // namespace lattice::roles
