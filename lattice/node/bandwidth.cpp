// Limits of bandwidth: who has just sent waits before it is read again, who was just sent to waits for more.
#include <algorithm>

#include <lattice/node/state.hpp>

namespace lattice {

static constexpr auto first_shared = static_cast<size_t>(wire::Lane::headers);
// A peer that says little is heard at once, however long the others have to wait.
static constexpr size_t read_freely_max = 16 * 1024;

void Node::State::count_download(Peer& peer, size_t bytes, Now now) {
  if (config.download.in_all == 0) return;
  const Instant free = download.take(bytes, now.mono);
  peer.read_freely += bytes;
  if (!peer.open() || free <= now.mono || peer.read_freely < read_freely_max) return;
  peer.read_freely = 0;
  ++counts.download_waits;
  read_not_before(peer, free);
}

// A class has no reading of its own: all that the peer sends waits.
void Node::State::count_download(Peer& peer, wire::Lane lane, size_t bytes, Now now) {
  if (!needs_credit(lane) || !peer.open()) return;
  const Instant free = download.take(lane, bytes, now.mono);
  if (free <= now.mono) return;
  ++counts.download_waits;
  read_not_before(peer, free);
}

// A lane that waits sends nothing, so nothing puts off the time at which it may go on.
void Node::State::count_upload(Peer& peer, size_t bytes, Now now) {
  if (!config.upload.any()) return;
  const Instant free = upload.take(bytes, now.mono);
  const LaneBytes sealed = peer.link->sealed_bytes();
  bool shared = false;
  for (size_t lane = first_shared; lane < wire::lane_count; ++lane) {
    const uint64_t fresh = sealed[lane] - std::exchange(peer.upload_counted[lane], sealed[lane]);
    if (fresh == 0) continue;
    shared = true;
    peer.lane_free[lane] = std::max(peer.lane_free[lane], upload.take(static_cast<wire::Lane>(lane), fresh, now.mono));
  }
  if (!shared) return;
  for (Instant& at : peer.lane_free) at = std::max(at, free);
  const bool waits = peer.lanes_wait.has_value();
  allow_lanes(peer, now);
  if (!waits && peer.lanes_wait) ++counts.upload_waits;
}

// A sixteenth of a second at a time, so that many who wait take turns often.
static uint64_t share_of(uint64_t rate) {
  return rate == 0 ? UINT64_MAX : std::clamp<uint64_t>(rate / 16, limits::chunk_bytes_max, limits::send_buffer_bytes_max);
}

void Node::State::allow_lanes(Peer& peer, Now now) {
  if (!config.upload.any()) return;
  LaneBytes allowed = all_lanes_free;
  peer.lanes_wait.reset();
  for (size_t lane = first_shared; lane < wire::lane_count; ++lane) {
    const Instant at = peer.lane_free[lane];
    if (at <= now.mono) {
      allowed[lane] = std::min(share_of(config.upload.in_all), share_of(config.upload.lanes[lane]));
      continue;
    }
    allowed[lane] = 0;
    peer.lanes_wait = std::min(peer.lanes_wait.value_or(at), at);
  }
  peer.link->allow(allowed);
  peer.written = now.mono;  // what was held back was not for the peer to read
  touched.push_back(peer.conn);
  watch(peer);
}

void Node::State::read_not_before(Peer& peer, Instant until) {
  peer.read_after = std::max(peer.read_after.value_or(until), until);
  watch(peer);
}

// It could say nothing meanwhile, so it was not silent.
void Node::State::read_again(Peer& peer, Now now) {
  peer.read_after.reset();
  peer.throttled = false;
  peer.received = now.mono;
  touched.push_back(peer.conn);
}

}  // namespace lattice
