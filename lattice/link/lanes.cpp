#include <lattice/link/lanes.hpp>

#include <algorithm>
#include <cstring>

#include <lattice/base/assert.hpp>

namespace lattice {

using enum ErrorCode;
using wire::FrameFlags;
using wire::Lane;

static constexpr size_t control_lane = static_cast<size_t>(Lane::control);
static constexpr size_t consensus_lane = static_cast<size_t>(Lane::consensus);
static constexpr size_t first_shared_lane = static_cast<size_t>(Lane::headers);

// Bytes a turn, of headers, transactions, blocks. Not below a chunk: each turn sends one.
static constexpr std::array<int64_t, wire::lane_count> turn_bytes = {0, 0, 64 * 1024, 32 * 1024, 64 * 1024};
static_assert(std::ranges::all_of(turn_bytes.begin() + first_shared_lane, turn_bytes.end(),
                                  [](int64_t bytes) { return bytes >= static_cast<int64_t>(limits::chunk_bytes_max); }));
// A chunk that is not a message's last is not cut shorter than this to fill a record.
static constexpr size_t chunk_bytes_min = 512;
static_assert(chunk_bytes_min >= limits::message_header_bytes);
static constexpr size_t heads_moved_min = 16 * 1024;

SendLanes::ChannelQueue& SendLanes::queue_of(wire::ChannelId channel, Lane lane) {
  std::vector<ChannelQueue>& queues = lanes_[static_cast<size_t>(lane)].channels;
  const auto at = std::ranges::find(queues, channel, &ChannelQueue::channel);
  if (at != queues.end()) return *at;
  // Who comes anew has saved nothing up, and owes nothing.
  const auto least = std::ranges::min_element(queues, {}, &ChannelQueue::served);
  ChannelQueue fresh;
  fresh.channel = channel;
  fresh.served = least == queues.end() ? 0 : least->served;
  return queues.emplace_back(std::move(fresh));
}

Result<void> SendLanes::push(wire::ChannelId channel, Lane lane, const wire::Message& message) {
  ASSERT(channel != wire::link_channel);
  if (!channels_.contains(channel) && channels_.size() == limits::channels_max) return fail(limit_reached, "channels");
  Queued& queued = channels_[channel].queued(lane);
  if (queued.messages == limits::send_queue_messages_max) return fail(queue_full, "messages");
  ChannelQueue& queue = queue_of(channel, lane);
  const size_t before = queue.heads.size();
  SharedBytes body = wire::encode_to(message, message_version, queue.heads);
  const size_t size = queue.heads.size() - before + body.size();
  if (queued.bytes + size > limits::send_queue_bytes_max) {
    queue.heads.resize(before);
    if (queue.waiting.empty()) lanes_[static_cast<size_t>(lane)].channels.pop_back();  // it was made for this message
    return fail(queue_full, "bytes");
  }
  queue.waiting.push_back({size - body.size(), std::move(body)});
  queued.bytes += size;
  queued.messages += 1;
  bytes_ += size;
  messages_ += 1;
  return {};
}

Result<void> SendLanes::on_grant(const CreditGrant& grant) {
  const auto at = channels_.find(grant.channel);
  if (at == channels_.end()) return fail(credit_exceeded, "a grant to a channel that has sent nothing");
  return at->second.credit.on_grant(grant.bytes);
}

// Where in the lane's list; nothing: all that wait there wait for credit, or to be allowed.
std::optional<size_t> SendLanes::next_channel(size_t lane) const {
  if (lane >= first_shared_lane && allowed_[lane] == 0) return std::nullopt;
  const LaneQueue& queue = lanes_[lane];
  if (queue.begun) return queue.begun;
  std::optional<size_t> next;
  for (size_t i = 0; i < queue.channels.size(); ++i) {
    const ChannelQueue& candidate = queue.channels[i];
    if (next && queue.channels[*next].served <= candidate.served) continue;
    const uint32_t cost = credit_of(candidate.waiting.front().size());
    if (lane < first_shared_lane || channels_.find(candidate.channel)->second.credit.covers(cost)) next = i;
  }
  return next;
}

bool SendLanes::can_fill() const {
  for (size_t lane = 0; messages_ > 0 && lane < wire::lane_count; ++lane) {
    if (next_channel(lane)) return true;
  }
  return false;
}

std::optional<size_t> SendLanes::next_lane() {
  if (!lanes_[control_lane].channels.empty()) return control_lane;
  if (!lanes_[consensus_lane].channels.empty()) return consensus_lane;
  if (!can_fill()) return std::nullopt;
  for (;;) {
    const bool sends = next_channel(turn_).has_value();
    if (!sends)
      deficit_[turn_] = 0;  // who does not send saves nothing up
    else if (deficit_[turn_] > 0)
      return turn_;
    turn_ = turn_ + 1 == wire::lane_count ? first_shared_lane : turn_ + 1;
    if (next_channel(turn_)) deficit_[turn_] += turn_bytes[turn_];
  }
}

void SendLanes::ChannelQueue::copy_part(size_t offset, ByteSpan to) const {
  const Waiting& first = waiting.front();
  if (offset < first.head_bytes) {
    const size_t count = std::min(to.size(), first.head_bytes - offset);
    std::memcpy(to.data(), heads.data() + heads_begin + offset, count);
    offset += count;
    to = to.subspan(count);
  }
  if (!to.empty()) std::memcpy(to.data(), first.body.data() + (offset - first.head_bytes), to.size());
}

// Each byte moves once at most for each that went.
void SendLanes::ChannelQueue::pop_front() {
  heads_begin += waiting.front().head_bytes;
  waiting.pop_front();
  sent = 0;
  if (heads_begin < heads_moved_min || heads_begin * 2 < heads.size()) return;
  heads.erase(heads.begin(), heads.begin() + static_cast<std::ptrdiff_t>(heads_begin));
  heads_begin = 0;
}

// The message at the front of this channel is the lane's until it ends.
void SendLanes::begin_message(size_t lane, size_t channel) {
  LaneQueue& queue = lanes_[lane];
  ChannelQueue& chosen = queue.channels[channel];
  queue.begun = channel;
  const size_t size = chosen.waiting.front().size();
  // Who was passed over for want of credit has saved nothing up.
  for (ChannelQueue& other : queue.channels) other.served = std::max(other.served, chosen.served);
  if (lane < first_shared_lane) {
    chosen.served += 1;
    return;
  }
  chosen.served += size;
  channels_.find(chosen.channel)->second.credit.spend(credit_of(size));
}

// One frame of the message that is next on this lane; 0 where too little room is left for a sensible one.
size_t SendLanes::write_chunk(size_t lane, ByteSpan to) {
  const size_t channel = *next_channel(lane);
  ChannelQueue& queue = lanes_[lane].channels[channel];
  const size_t left = queue.waiting.front().size() - queue.sent;
  if (to.size() <= limits::frame_header_bytes) return 0;
  const size_t length = std::min({left, limits::chunk_bytes_max, to.size() - limits::frame_header_bytes});
  if (length < left && length < chunk_bytes_min) return 0;
  if (queue.sent == 0) begin_message(lane, channel);
  uint8_t flags = 0;
  if (queue.sent == 0) flags |= FrameFlags::first;
  if (length == left) flags |= FrameFlags::last;
  wire::write_frame_header(to.data(), queue.channel, static_cast<Lane>(lane), flags, length);
  queue.copy_part(queue.sent, to.subspan(limits::frame_header_bytes, length));
  queue.sent += length;
  bytes_ -= length;
  channels_.find(queue.channel)->second.queued(static_cast<Lane>(lane)).bytes -= length;
  if (lane >= first_shared_lane) deficit_[lane] -= static_cast<int64_t>(length);
  if (length == left) end_message(lane);
  return limits::frame_header_bytes + length;
}

void SendLanes::end_message(size_t lane) {
  LaneQueue& queue = lanes_[lane];
  const auto at = queue.channels.begin() + static_cast<std::ptrdiff_t>(*queue.begun);
  queue.begun.reset();
  messages_ -= 1;
  channels_.find(at->channel)->second.queued(static_cast<Lane>(lane)).messages -= 1;
  at->pop_front();
  if (at->waiting.empty()) queue.channels.erase(at);
}

size_t SendLanes::framed_bytes_max() const {
  return bytes_ + (bytes_ / chunk_bytes_min + messages_) * limits::frame_header_bytes;
}

size_t SendLanes::fill(ByteSpan to) {
  size_t filled = 0;
  while (const auto lane = next_lane()) {
    const size_t written = write_chunk(*lane, to.subspan(filled));
    if (written == 0) break;
    filled += written;
    filled_[*lane] += written;
    if (allowed_[*lane] != UINT64_MAX) allowed_[*lane] -= std::min<uint64_t>(allowed_[*lane], written);
  }
  return filled;
}

void SendLanes::drop_all_but_control() {
  for (size_t lane = consensus_lane; lane < wire::lane_count; ++lane) lanes_[lane] = {};
  bytes_ = 0;
  messages_ = 0;
  for (auto& [id, channel] : channels_) channel.urgent = channel.shared = {};
  for (const ChannelQueue& queue : lanes_[control_lane].channels) {
    Queued& queued = channels_.find(queue.channel)->second.urgent;
    queued.messages = queue.waiting.size();
    for (const Waiting& waiting : queue.waiting) queued.bytes += waiting.size();
    queued.bytes -= queue.sent;
    bytes_ += queued.bytes;
    messages_ += queued.messages;
  }
}

Result<std::optional<SharedBytes>> ReceiveLanes::on_frame(const wire::Frame& frame) {
  ASSERT(!frame.is_own());
  if (!frame.is_first()) return go_on(frame);
  if (!frame.is_last()) return begin(frame);
  TRY_VOID(on_whole(frame));
  return SharedBytes::copy_of(frame.chunk);
}

// The length of the message that begins here.
Result<size_t> ReceiveLanes::check_first(const wire::Frame& frame) {
  for (const Part& part : parts_) {
    if (part.channel == frame.channel && part.lane == frame.lane) return fail(bad_frame, "a message begins inside another");
  }
  if (frame.chunk.size() < limits::message_header_bytes) return fail(bad_frame, "first chunk without the whole header");
  TRY(header, wire::read_message_header(frame.chunk));
  if (!wire::may_travel(header.command, frame.lane)) return fail(contradiction, "a message on another lane than its command's");
  const size_t total = limits::message_header_bytes + header.length;
  const bool fits = frame.is_last() ? frame.chunk.size() == total : frame.chunk.size() < total;
  if (!fits) return fail(bad_frame, "message length");
  if (needs_credit(frame.lane)) TRY_VOID(credit_.on_begun(frame.channel, credit_of(total)));
  return total;
}

Result<void> ReceiveLanes::on_whole(const wire::Frame& frame) {
  TRY_VOID(check_first(frame));
  return {};
}

Result<std::optional<SharedBytes>> ReceiveLanes::begin(const wire::Frame& frame) {
  TRY(total, check_first(frame));
  if (parts_.size() == limits::channels_max * wire::lane_count) return fail(too_large, "number of messages begun");
  Part& part = parts_.emplace_back(Part{frame.channel, frame.lane, total, {}});
  TRY_VOID(grow(part, frame.chunk.size()));
  append(part.bytes, frame.chunk);
  return std::nullopt;
}

Result<std::optional<SharedBytes>> ReceiveLanes::go_on(const wire::Frame& frame) {
  const auto at =
      std::ranges::find_if(parts_, [&](const Part& part) { return part.channel == frame.channel && part.lane == frame.lane; });
  if (at == parts_.end()) return fail(bad_frame, "a message goes on that has not begun");
  const size_t size = at->bytes.size() + frame.chunk.size();
  if (size > at->total || frame.is_last() != (size == at->total)) return fail(bad_frame, "message length");
  TRY_VOID(grow(*at, frame.chunk.size()));
  append(at->bytes, frame.chunk);
  if (!frame.is_last()) return std::nullopt;
  bytes_ -= at->bytes.capacity();
  SharedBytes whole(std::move(at->bytes));
  parts_.erase(at);
  return whole;
}

// Four times what has come, five where that is all of it: a block of 1 MB is moved three times while it grows, one of 4 MiB is
// not moved once more for its last bytes, and who claims much and sends little holds little.
Result<void> ReceiveLanes::grow(Part& part, size_t more) {
  const size_t needed = part.bytes.size() + more;
  const size_t before = part.bytes.capacity();
  if (needed <= before) return {};
  size_t wanted = std::min(part.total, std::max(needed, before * 4));
  if (part.total - wanted <= wanted / 4) wanted = part.total;
  if (bytes_ - before + wanted > limits::reassembly_bytes_max) return fail(too_large, "messages begun and not ended");
  part.bytes.reserve(wanted);
  bytes_ += part.bytes.capacity() - before;
  return {};
}

void ReceiveLanes::on_taken(wire::ChannelId channel, Lane lane, size_t message_bytes) {
  if (needs_credit(lane)) credit_.on_taken(channel, credit_of(message_bytes));
}

void ReceiveLanes::drop_begun() {
  parts_ = {};
  bytes_ = 0;
}

}  // namespace lattice
