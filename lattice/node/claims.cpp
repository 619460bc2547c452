// What others say of the world, and what of it counts: the time, our own address, how far the chain goes.
#include <limits>

#include <lattice/node/state.hpp>

namespace lattice {

constexpr uint64_t clock_tolerance = 45;  // seconds: of honest clocks, of the way, and status_time_step
constexpr uint64_t clock_warning_min = 60;
constexpr Duration clock_warning_pause = std::chrono::hours{1};

static int64_t saturated_difference(int64_t a, int64_t b) {
  int64_t out = 0;
  if (!__builtin_sub_overflow(a, b, &out)) return out;
  return a < b ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

static int64_t whole_seconds(Instant now) { return now.time_since_epoch() / std::chrono::seconds{1}; }

// Not to whom we only ask who it is: our clock could tell it who we are.
void Node::State::say_claims(const Peer& peer, wire::Status& status, Now now) const {
  if (peer.asks_after) return;
  const int64_t time = unix_seconds(now.wall);
  status.time = time - time % wire::status_time_step;
  status.seen_as = peer.remote;
}

// The first status of a link. Times are kept as what the sender's clock showed when ours began, so that a step of our own clock
// does not make liars of them.
void Node::State::hear_claims(const Peer& peer, Now now) {
  const AddressGroup group = group_of(peer.remote.ip);
  const wire::Status& status = peer.status;
  if (status.time) clocks.say(group, !peer.inbound, saturated_difference(*status.time, whole_seconds(now.mono)), now.mono);
  if (status.seen_as && status.seen_as->ip.is_routable()) own_addresses.say(group, !peer.inbound, status.seen_as->ip, now.mono);
}

// Seconds by which the others' clocks are ahead of ours.
std::optional<int64_t> Node::State::clock_difference(Now now) const {
  const auto agreed = clocks.near(clock_tolerance, now.mono);
  if (!agreed) return std::nullopt;
  const int64_t own = saturated_difference(unix_seconds(now.wall), whole_seconds(now.mono));
  return saturated_difference(agreed->value, own);
}

// Nothing but a warning follows from it: whoever could move our clock could make us refuse good blocks and take expired
// certificates.
void Node::State::check_claims(Now now) {
  said_difference = clock_difference(now);
  if (!said_difference || distance_of(*said_difference, 0) <= clock_warning_min || now.mono < clock_warning_due) return;
  clock_warning_due = now.mono + clock_warning_pause;
  log(LogLevel::warning, "clock_differs",
      {{"others_ahead_s", std::to_string(*said_difference)}, {"own_time", std::to_string(unix_seconds(now.wall))}});
}

// Of who is connected now. Those that we dialled speak last, so that they are heard for their group.
std::optional<uint64_t> Node::State::network_height(Instant now) const {
  Agreement<uint64_t> heights;
  for (const bool inbound : {true, false})
    for (const auto& [conn, peer] : peers)
      if (peer.open() && peer.inbound == inbound)
        heights.say(group_of(peer.remote.ip), !inbound, std::max(peer.status.height, peer.shown_height), now);
  const auto agreed = heights.reached(now);
  return agreed ? std::optional(agreed->value) : std::nullopt;
}

}  // namespace lattice
