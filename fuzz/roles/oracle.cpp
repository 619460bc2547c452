#include "oracle.hpp"

#include <algorithm>

#include <lattice/link/ticket.hpp>
#include <lattice/wire/reader.hpp>

namespace lattice::roles {

using std::chrono::seconds;

static constexpr size_t length_bytes = 2;
static constexpr size_t flight_bytes_max = 14'600;  // docs/PROTOCOL.md: each fits one initial TCP window
// Fewer bytes than any first message: e, e1 and a hello (docs/PROTOCOL.md), or a TLS client's first flight.
static constexpr size_t first_message_bytes_min = 1200;

void Counts::add(const Counts& more) {
  programs += more.programs;
  operations += more.operations;
  links += more.links;
  for (const auto& [suite, count] : more.established) established[suite] += count;
  resumed += more.resumed;
  outside_keys += more.outside_keys;
  retries += more.retries;
  ratchets += more.ratchets;
  after_rekey += more.after_rekey;
  messages += more.messages;
  disturbed += more.disturbed;
  refused += more.refused;
  liars_refused += more.liars_refused;
}

std::string Counts::text() const {
  std::string text;
  const auto say = [&](std::string_view what, uint64_t count) {
    text.append(what).append(" ").append(std::to_string(count)).append(", ");
  };
  say("programs", programs);
  say("operations", operations);
  say("links", links);
  for (const auto& [suite, count] : established) say(suite_name(suite), count);
  say("resumed", resumed);
  say("with a key from outside", outside_keys);
  say("retries", retries);
  say("ratchets", ratchets);
  say("messages after a rekey", after_rekey);
  say("messages", messages);
  say("links disturbed", disturbed);
  say("links refused", refused);
  say("liars refused", liars_refused);
  text.resize(text.size() - 2);
  return text;
}

bool Oracle::holds(bool rule, const char* what, size_t end) {
  if (rule || finding_) return rule;
  const End& of = (*ends_)[end];
  finding_ = std::string(what) + ": end " + std::to_string(end) + " of node " + std::to_string(of.node) + ", operation " +
             std::to_string(step_);
  if (of.up) finding_->append(", suite ").append(suite_name(of.up->suite));
  if (of.down) finding_->append(", closed: ").append(error_name(of.down->error.code)).append(" ").append(of.down->error.where);
  const End& other = (*ends_)[end ^ 1];
  finding_->append("; the other end ").append(other.up ? "was established" : "was not established");
  if (other.down) {
    finding_->append(", closed: ").append(error_name(other.down->error.code)).append(" ").append(other.down->error.where);
  }
  return false;
}

void Oracle::on_made(size_t end, Now now) {
  End& of = (*ends_)[end];
  const Node& node = network_->node(of.node);
  of.made = now.mono;
  of.made_step = step_;
  of.forgotten = node.forgotten;
  of.serials = node.serials;
  ++counts_->links;
}

// ---- What goes out.

// The first thing that an initiator says outside TLS.
void Oracle::read_hello_of(size_t end, ByteView unit, Now now) {
  End& of = (*ends_)[end];
  wire::Reader reader(unit.subspan(length_bytes));
  const auto hello = read_hello(reader, of.config.magic);
  if (!holds(hello.has_value(), "an initiator begins with a hello", end)) return;
  holds(hello->offers == of.offers, "a hello offers what policy and certificates allow", end);
  of.told_outside = hello->flags & Hello::outside_key;
  if (!hello->ticket) return;
  of.ticket = hello->ticket;
  look_up_ticket(end, now);
}

// A responder may have it later than its initiator: it is established later.
void Oracle::look_up_ticket(size_t end, Now now) {
  const auto& id = (*ends_)[end].ticket;
  if (!id || tickets_.contains(*id)) return;
  for (size_t i = 0; i < node_count; ++i) {
    const Ticket* ticket = network_->node(i).memory.find(*id, now);
    if (ticket) tickets_[*id] = {ticket->made, ticket->signed_at, ticket->peer, ticket->own, ticket->suite};
  }
}

void Oracle::on_output(size_t end, ByteView unit, Now now) {
  End& of = (*ends_)[end];
  holds(!of.quiet, "nothing goes out after the end", end);
  of.sent += unit.size();
  const bool is_retry = of.role == Role::responder && unit.size() == length_bytes + retry_bytes && unit[0] == 0 && !of.up;
  if (of.role == Role::initiator && of.units == 0 && unit[0] != 0x16) read_hello_of(end, unit, now);
  if (of.role == Role::initiator && of.units == 1 && !of.up) {
    wire::Reader reader(unit.subspan(length_bytes));
    of.retried = read_hello(reader, of.config.magic).has_value();
  }
  if (is_retry) {
    of.retried = true;
    ++counts_->retries;
    holds(of.sent <= of.received, "a retry is never larger than what came", end);
  }
  if (!of.up) append(of.first_said, unit);
  of.units += 1;
  // Frames of nothing: the initiator's second one, or its first where the responder says `ready`, ends a ratchet.
  const size_t empty_frame = length_bytes + limits::frame_header_bytes + aead_tag_bytes;
  if (of.up && of.role == Role::initiator && of.up->suite != Suite::tls13 && unit.size() == empty_frame) {
    const bool says_ready = of.up->resumed || of.up->suite == Suite::xxhfskem_chacha;
    of.empty_frames += 1;
    if (of.empty_frames > (says_ready ? 1u : 0u)) ++counts_->ratchets;
  }
  if (of.up) return;
  const size_t flights = of.role == Role::initiator ? 2 : 1;
  holds(of.sent <= flights * flight_bytes_max + retry_bytes + length_bytes, "a handshake's flights fit their windows", end);
  if (of.role == Role::responder && of.received < first_message_bytes_min) {
    holds(of.sent <= of.received, "a responder says no more than it heard before a whole first message", end);
  }
}

// ---- Events.

void Oracle::on_event(size_t end, const LinkEvent& event, Now now) {
  End& of = (*ends_)[end];
  holds(!of.down, "nothing is reported after Closed", end);
  if (const auto* up = std::get_if<LinkEstablished>(&event)) {
    if (holds(!of.up, "Established is reported once", end)) on_established(end, *up, now);
    return;
  }
  if (const auto* message = std::get_if<LinkMessage>(&event)) return on_message(end, *message);
  of.down = std::get<LinkClosed>(event);
  if (!of.up) ++counts_->refused;
  if (!of.up && !of.lies && (*ends_)[end ^ 1].lies) ++counts_->liars_refused;
  holds(!of.down->by_peer || of.up, "only who is established learns a reason", end);
}

void Oracle::on_established(size_t end, const LinkEstablished& event, Now now) {
  End& of = (*ends_)[end];
  of.up = event;
  holds(now.mono < of.made + of.config.handshake_timeout, "nobody is established after the time of a handshake", end);
  if (of.lies) return;  // what a liar believes is its own affair
  check_peer(end, event, now);
  check_pair(end, event);
  if (event.resumed) check_ticket(end, event, now);
  uint64_t& serial = network_->node(of.node).serials[event.peer];
  serial = std::max(serial, event.certificate.serial);
}

void Oracle::check_peer(size_t end, const LinkEstablished& event, Now now) {
  const End& of = (*ends_)[end];
  const auto owner = network_->owner(event.peer);
  if (!holds(owner.has_value(), "the peer is somebody", end)) return;
  holds(*owner != of.node, "nobody is established with itself", end);
  holds(network_->owner(event.own) == of.node, "a node is itself", end);
  holds(!of.config.expected || *of.config.expected == event.peer, "the expected node answered", end);
  holds(node_id_of(event.certificate) == event.peer, "the certificate is the peer's", end);
  holds(wall_from_unix(wall_start) + std::chrono::duration_cast<seconds>(of.made - Instant{}) < event.certificate.not_after,
        "the certificate was good", end);
  holds(of.made <= now.mono && event.handshake_time == now.mono - of.made, "the time of the handshake", end);
  const uint16_t suite = id_of(event.suite);
  holds(std::ranges::count(of.offers, suite) != 0, "the suite was offered here", end);
  holds(std::ranges::count(event.certificate.allowed_suites, suite) != 0, "the peer's certificate allows the suite", end);
  const Node& node = network_->node(of.node);
  if (of.config.memory == nullptr || node.forgotten != of.forgotten) return;
  const auto revoked = node.revoked_since.find(event.peer);
  holds(revoked == node.revoked_since.end() || revoked->second >= of.made_step, "the peer was not revoked", end);
  const auto floor = of.serials.find(event.peer);
  holds(floor == of.serials.end() || event.certificate.serial >= floor->second, "no older serial than was seen", end);
}

// Who is established first has seen a living answer to its own words; who is second finds the first, and agrees with it.
void Oracle::check_pair(size_t end, const LinkEstablished& event) {
  End& of = (*ends_)[end];
  const bool responder_says_ready = !event.resumed && event.suite != Suite::xxhfskem_chacha;
  const bool is_first = responder_says_ready == (of.role == Role::responder);
  std::vector<size_t>& same = by_hash_[event.handshake_hash];
  same.push_back(end);
  if (is_first) {
    holds(same.size() == 1, "a handshake hash belongs to two ends", end);
    check_first(end, event);
    return;
  }
  if (!holds(same.size() == 2, "the second of two finds the first", end)) return;
  const size_t other = same.front();
  End& peer = (*ends_)[other];
  holds(peer.role != of.role, "the roles of a pair differ", end);
  holds(!peer.lies && network_->owner(event.peer) == peer.node, "the peer's identity took part", end);
  holds(peer.up->peer == event.own && peer.up->own == event.peer, "both agree on who they are", end);
  holds(peer.up->suite == event.suite && peer.up->resumed == event.resumed, "both agree on the suite", end);
  holds(of.has_heard(other) && peer.has_heard(end), "each heard the other", end);
  const End& initiator = of.role == Role::initiator ? of : peer;
  const End& responder = of.role == Role::initiator ? peer : of;
  holds(choose_suite(initiator.offers, responder.offers) == id_of(event.suite), "the suite is the one that is to be chosen",
        end);
  holds(initiator.told_outside == (initiator.config.outside_keys == OutsideKeys::require) || event.suite == Suite::tls13,
        "whoever requires a key from outside asks for it", end);
  const bool needs_outside = initiator.config.outside_keys == OutsideKeys::require;
  holds(needs_outside || responder.config.outside_keys != OutsideKeys::require, "a key from outside where one is required",
        end);
  holds(!needs_outside || responder.config.outside_keys != OutsideKeys::off, "no key from outside where none is taken", end);
  if (needs_outside) {
    holds(!event.resumed && !traits_of(event.suite).outside.empty(), "a suite that takes a key from outside", end);
    ++counts_->outside_keys;
  }
  if (!event.resumed) {
    const Identity* shown = identity_for(peer.config, event.suite);
    holds(shown && shown->certificate == event.certificate, "the certificate that was shown", end);
    const Identity* own = identity_for(of.config, event.suite);
    holds(own && own->certificate == peer.up->certificate, "our certificate as the peer has it", end);
  }
  check_conversation(end, initiator, responder);
  check_conversation(end, responder, initiator);
  of.partner = other;
  peer.partner = end;
  ++counts_->established[event.suite];
  counts_->resumed += event.resumed;
}

// All of a handshake is authenticated, but for what led to a retry, and what TLS does not look at in its records' heads.
void Oracle::check_conversation(size_t end, const End& said, const End& heard) {
  if (said.retried || heard.retried || heard.up->suite == Suite::tls13) return;
  const size_t both = std::min(said.first_said.size(), heard.first_heard.size());
  holds(equal(ByteView(said.first_said).first(both), ByteView(heard.first_heard).first(both)), "each heard what the other said",
        end);
}

void Oracle::check_first(size_t end, const LinkEstablished& event) {
  const End& of = (*ends_)[end];
  const bool took_part = std::ranges::any_of(*ends_, [&](const End& other) {
    const auto index = static_cast<size_t>(&other - ends_->data());
    if (other.lies || other.role == of.role || network_->owner(event.peer) != other.node) return false;
    const End& initiator = of.role == Role::initiator ? of : other;
    const End& responder = of.role == Role::initiator ? other : of;
    if (choose_suite(initiator.offers, responder.offers) != id_of(event.suite)) return false;
    return of.has_heard(index) && other.has_heard(end);
  });
  holds(took_part, "the peer's identity took part, alive", end);
}

void Oracle::check_ticket(size_t end, const LinkEstablished& event, Now now) {
  const End& of = (*ends_)[end];
  const End* initiator = of.role == Role::initiator ? &of : of.partner ? &(*ends_)[*of.partner] : nullptr;
  if (initiator == nullptr || !holds(initiator->ticket.has_value(), "a resumption has a ticket", end)) return;
  const auto used = used_.emplace(*initiator->ticket, event.handshake_hash);
  holds(used.second || used.first->second == event.handshake_hash, "a ticket works once", end);
  const auto facts = tickets_.find(*initiator->ticket);
  if (!holds(facts != tickets_.end(), "a ticket that somebody gave", end)) return;
  const TicketFacts& ticket = facts->second;
  const bool initiates = of.role == Role::initiator;
  holds((initiates ? event.own : event.peer) == ticket.initiator && (initiates ? event.peer : event.own) == ticket.responder,
        "a ticket is its two nodes'", end);
  holds(ticket.suite == event.suite, "a ticket is of its suite", end);
  holds(initiator->made - ticket.made < ticket_age_max && initiator->made - ticket.signed_at < ticket_chain_age_max,
        "a ticket is not too old", end);
  for (size_t i = 0; i < node_count; ++i) {
    holds(network_->node(i).memory.find(*initiator->ticket, now) == nullptr, "a used ticket is gone", end);
  }
}

void Oracle::on_message(size_t end, const LinkMessage& message) {
  End& of = (*ends_)[end];
  ++counts_->messages;
  if (!holds(of.up.has_value(), "a message comes after Established", end)) return;
  if (of.lies || !holds(of.partner.has_value(), "a message comes from an established peer", end)) return;
  const Stream stream{message.channel, wire::lane_of(wire::command_of(message.message))};
  const std::vector<wire::Message>& said = (*ends_)[*of.partner].said[stream];
  const size_t index = of.heard_of[stream]++;
  holds(index < said.size() && said[index] == message.message, "a message is the next that was sent", end);
}

// ---- After each operation.

void Oracle::check(size_t end) {
  End& of = (*ends_)[end];
  Link& link = *of.link;
  holds(link.established() == (of.up && !link.closed()), "established() is what was reported", end);
  holds(link.held_bytes() <= 4 * of.received + 64 * 1024, "what is held has come", end);
  holds(link.held_bytes() <= 2 * limits::early_bytes_max + limits::reassembly_bytes_max + limits::record_bytes_max,
        "what is held is bounded", end);
  if (!of.lazy) holds(link.closed() == of.down.has_value(), "closed() is what was reported", end);
  if (link.closed()) {
    const bool silent = of.down && (!of.up || of.down->by_peer || of.down->error.code == ErrorCode::cut_without_close);
    holds(!silent || link.pending_output().empty(), "who closes without a word says none", end);
    holds(link.wants_bytes() && !link.next_timeout(), "who is closed waits for nothing", end);
    holds(link.queued_bytes() == 0 || of.up, "who is closed keeps nothing", end);
    return;
  }
  if (link.established()) {
    holds(!link.next_timeout(), "who is established needs no timeout", end);
    holds(of.lazy || link.wants_bytes(), "who is established and taken from reads", end);
    return;
  }
  const auto due = link.next_timeout();
  holds(due && *due == of.made + of.config.handshake_timeout, "a handshake has its timeout", end);
  holds(link.wants_bytes() || of.work, "a handshake waits for the peer or for a worker", end);
  holds(link.queued_bytes() == 0, "nothing is queued before Established", end);
}

void Oracle::check_time(size_t end, Now now) {
  const End& of = (*ends_)[end];
  const bool late = now.mono >= of.made + of.config.handshake_timeout;
  holds(!late || of.link->established() || of.link->closed(), "a handshake ends in time", end);
}

// Of a connection that was left alone, from its beginning on, between nodes that nothing happened to.
void Oracle::check_outcome(size_t initiator, Now now, bool nobody_changed) {
  const End& i = (*ends_)[initiator];
  const End& r = (*ends_)[initiator + 1];
  if (i.disturbed || r.disturbed || i.lies || r.lies || i.stalled || r.stalled || !nobody_changed) return;
  if (now.mono - i.made >= i.config.handshake_timeout && !(i.up && r.up)) return;
  const auto suite = choose_suite(i.offers, r.offers);
  bool connects = suite.has_value() && i.node != r.node;
  if (connects && i.config.expected) {
    connects = identity_for(r.config, static_cast<Suite>(*suite))->id == *i.config.expected;
  }
  for (const End* side : {&i, &r}) {
    const Identity* shown = suite ? identity_for(side->config, static_cast<Suite>(*suite)) : nullptr;
    if (shown && now.wall >= shown->certificate.not_after) return;
  }
  const bool asks = i.config.outside_keys == OutsideKeys::require;
  connects = connects && (asks ? r.config.outside_keys != OutsideKeys::off : r.config.outside_keys != OutsideKeys::require);
  const bool turned_away = r.down && r.down->error.code == ErrorCode::limit_reached;
  const bool no_key = asks && (i.down || r.down);
  const bool up = i.up && r.up && !i.down && !r.down;
  const bool dear = i.down && i.down->error.code == ErrorCode::not_needed;  // a puzzle that this machine does not solve
  if (connects && !turned_away && !no_key && !dear) holds(up, "who may connect is connected", initiator);
  if (!connects) holds(!i.up && !r.up, "who may not connect is not connected", initiator);
  if (up) holds(i.partner == initiator + 1, "a pair left alone finds each other", initiator);
}

void Oracle::check_delivered(size_t end) {
  const End& of = (*ends_)[end];
  if (!of.partner || of.disturbed || of.down || of.lies) return;
  const End& peer = (*ends_)[*of.partner];
  if (peer.disturbed || peer.down || peer.stalled || of.stalled) return;
  for (const auto& [stream, said] : peer.said) {
    const auto heard = of.heard_of.find(stream);
    holds((heard == of.heard_of.end() ? 0 : heard->second) == said.size(), "what was sent has come", end);
  }
}

void Oracle::check_closed_by_peer(size_t end, ErrorCode reason) {
  const End& of = (*ends_)[end];
  holds(of.down && of.down->by_peer && of.down->error.code == reason, "a reason comes to the peer", end);
}

}  // namespace lattice::roles
