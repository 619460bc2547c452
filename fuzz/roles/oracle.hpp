// What must hold, whatever is done to links: a record of everything that happened, kept apart from the code under test, and the
// rules over it. The first rule that is broken is the finding.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <lattice/link/link.hpp>

#include "network.hpp"

namespace lattice::roles {

// How far programs came: a run in which one of these stays 0 has tested nothing of it.
struct Counts {
  uint64_t programs = 0, operations = 0, links = 0;
  std::map<Suite, uint64_t> established;  // both ends
  uint64_t resumed = 0, outside_keys = 0, retries = 0, ratchets = 0, after_rekey = 0, messages = 0;
  uint64_t disturbed = 0, refused = 0;  // links that somebody has touched; that closed without being open
  uint64_t liars_refused = 0;           // of the latter, those with another's certificate at the far end

  void add(const Counts& more);
  std::string text() const;
};

// A handshake message or a record with its length, or one of TLS.
struct Unit {
  size_t from = 0;
  Bytes bytes;
};
using Stream = std::pair<wire::ChannelId, wire::Lane>;

// One end of a connection. Ends 2i and 2i + 1 are the initiator's and the responder's of connection i.
struct End {
  size_t node = 0;
  Role role = Role::initiator;
  bool lies = false;
  SuiteIds offers;
  LinkConfig config;
  Instant made{};
  uint64_t made_step = 0, forgotten = 0;
  std::map<NodeId, uint64_t> serials;  // that the node had seen when this was made
  std::optional<Link> link;

  // On its way.
  std::deque<Unit> out;
  Bytes begun;  // of a unit
  std::optional<Work> work;
  Instant work_since{};
  bool stalled = false, lazy = false, dribbles = false;  // its socket takes nothing; its consumer takes nothing; byte by byte

  // What happened.
  size_t received = 0, sent = 0, units = 0, empty_frames = 0;
  Instant last_sent{};
  uint32_t heard = 0;  // of which ends, as bits
  std::optional<LinkEstablished> up;
  std::optional<LinkClosed> down;
  bool quiet = false;  // closed, and all of it has gone out
  std::optional<size_t> partner;
  std::optional<TicketId> ticket;  // the initiator's, as its hello says
  bool retried = false;
  Bytes first_said, first_heard;  // until it was established
  bool disturbed = false;         // somebody did something that a network and its owners do not do, or they closed it
  bool told_outside = false;
  std::map<Stream, std::vector<wire::Message>> said;
  std::map<Stream, size_t> heard_of;  // messages that were taken

  bool has_heard(size_t end) const { return heard >> end & 1; }
};

class Oracle {
 public:
  Oracle(Network& network, std::vector<End>& ends, Counts& counts) : network_(&network), ends_(&ends), counts_(&counts) {}

  void on_step(uint64_t step) { step_ = step; }
  void on_made(size_t end, Now now);
  // Before something that this end has said is delivered.
  void look_up_ticket(size_t end, Now now);
  // Each unit in the order in which it went out.
  void on_output(size_t end, ByteView unit, Now now);
  void on_event(size_t end, const LinkEvent& event, Now now);
  // After anything has happened to the end, and its output, work and events were taken as its habits say.
  void check(size_t end);
  // Time has come to it and it was told.
  void check_time(size_t end, Now now);
  // Nothing moves any more and nobody has touched it: did it become what its policies say?
  void check_outcome(size_t initiator, Now now, bool nobody_changed);
  // All has been delivered and taken, of a pair that nobody touched.
  void check_delivered(size_t end);
  void check_closed_by_peer(size_t end, ErrorCode reason);

  const std::optional<std::string>& finding() const { return finding_; }

 private:
  struct TicketFacts {
    Instant made{}, signed_at{};
    NodeId initiator, responder;
    Suite suite = Suite::xxhfs_chacha;
  };

  bool holds(bool rule, const char* what, size_t end);
  void on_established(size_t end, const LinkEstablished& event, Now now);
  void check_peer(size_t end, const LinkEstablished& event, Now now);
  void check_pair(size_t end, const LinkEstablished& event);
  void check_ticket(size_t end, const LinkEstablished& event, Now now);
  void check_conversation(size_t end, const End& said, const End& heard);
  void check_first(size_t end, const LinkEstablished& event);
  void on_message(size_t end, const LinkMessage& message);
  void read_hello_of(size_t end, ByteView unit, Now now);

  Network* network_;
  std::vector<End>* ends_;
  Counts* counts_;
  uint64_t step_ = 0;
  std::map<Digest, std::vector<size_t>> by_hash_;
  std::map<TicketId, TicketFacts> tickets_;
  std::map<TicketId, Digest> used_;  // in which handshake
  std::optional<std::string> finding_;
};

}  // namespace lattice::roles
