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

Result<void> SendLanes::push(wire::ChannelId channel, Lane lane, wire::EncodedMessage message) {
  ASSERT(channel != wire::link_channel);
  const size_t size = message.size();
  if (messages_ == limits::send_queue_messages_max) return fail(queue_full, "messages");
  if (bytes_ + size > limits::send_queue_bytes_max) return fail(queue_full, "bytes");
  LaneQueue& queue = lanes_[static_cast<size_t>(lane)];
  auto at = std::ranges::find(queue, channel, &ChannelQueue::channel);
  ChannelQueue& waits = at == queue.end() ? queue.push_back({channel, {}}) : *at;
  waits.waiting.push_back({std::move(message)});
  bytes_ += size;
  messages_ += 1;
  return {};
}

std::optional<size_t> SendLanes::next_lane() {
  if (messages_ == 0) return std::nullopt;
  if (!lanes_[control_lane].empty()) return control_lane;
  if (!lanes_[consensus_lane].empty()) return consensus_lane;
  for (;;) {
    if (lanes_[turn_].empty())
      credit_[turn_] = 0;  // who does not send saves nothing up
    else if (credit_[turn_] > 0)
      return turn_;
    turn_ = turn_ + 1 == wire::lane_count ? first_shared_lane : turn_ + 1;
    if (!lanes_[turn_].empty()) credit_[turn_] += turn_bytes[turn_];
  }
}

static void copy_part(const wire::EncodedMessage& message, size_t offset, ByteSpan to) {
  if (offset < message.head.size()) {
    const size_t count = std::min(to.size(), message.head.size() - offset);
    std::memcpy(to.data(), message.head.data() + offset, count);
    offset += count;
    to = to.subspan(count);
  }
  if (!to.empty()) std::memcpy(to.data(), message.body.data() + (offset - message.head.size()), to.size());
}

// One frame of the message at the turn of this lane; 0 where too little room is left for a sensible one.
size_t SendLanes::write_chunk(size_t lane, ByteSpan to) {
  ChannelQueue& queue = lanes_[lane].front();
  Waiting& waiting = queue.waiting.front();
  const size_t left = waiting.message.size() - waiting.sent;
  if (to.size() <= limits::frame_header_bytes) return 0;
  const size_t length = std::min({left, limits::chunk_bytes_max, to.size() - limits::frame_header_bytes});
  if (length < left && length < chunk_bytes_min) return 0;
  uint8_t flags = 0;
  if (waiting.sent == 0) flags |= FrameFlags::first;
  if (length == left) flags |= FrameFlags::last;
  wire::write_frame_header(to.data(), queue.channel, static_cast<Lane>(lane), flags, length);
  copy_part(waiting.message, waiting.sent, to.subspan(limits::frame_header_bytes, length));
  waiting.sent += length;
  bytes_ -= length;
  if (lane >= first_shared_lane) credit_[lane] -= static_cast<int64_t>(length);
  if (length == left) end_message(lanes_[lane]);
  return limits::frame_header_bytes + length;
}

void SendLanes::end_message(LaneQueue& queue) {
  messages_ -= 1;
  queue.front().waiting.pop_front();
  if (queue.front().waiting.empty()) {
    queue.pop_front();
  } else if (queue.size() > 1) {
    ChannelQueue first = std::move(queue.front());
    queue.pop_front();
    queue.push_back(std::move(first));
  }
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
  }
  return filled;
}

void SendLanes::drop_all_but_control() {
  for (size_t lane = consensus_lane; lane < wire::lane_count; ++lane) lanes_[lane].clear();
  bytes_ = 0;
  messages_ = 0;
  for (const ChannelQueue& queue : lanes_[control_lane]) {
    messages_ += queue.waiting.size();
    for (const Waiting& waiting : queue.waiting) bytes_ += waiting.message.size() - waiting.sent;
  }
}

Result<std::optional<SharedBytes>> ReceiveLanes::on_frame(const wire::Frame& frame) {
  ASSERT(!frame.is_own());
  return frame.is_first() ? begin(frame) : go_on(frame);
}

Result<std::optional<SharedBytes>> ReceiveLanes::begin(const wire::Frame& frame) {
  for (const Part& part : parts_) {
    if (part.channel == frame.channel && part.lane == frame.lane) return fail(bad_frame, "a message begins inside another");
  }
  if (frame.chunk.size() < limits::message_header_bytes) return fail(bad_frame, "first chunk without the whole header");
  TRY(header, wire::read_message_header(frame.chunk));
  if (!wire::may_travel(header.command, frame.lane)) return fail(contradiction, "a message on another lane than its command's");
  const size_t total = limits::message_header_bytes + header.length;
  if (frame.is_last()) {
    if (frame.chunk.size() != total) return fail(bad_frame, "message length");
    return SharedBytes(to_bytes(frame.chunk));
  }
  if (frame.chunk.size() >= total) return fail(bad_frame, "message length");
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

// Four times what has come, never beyond the message's own length: a block of 1 MB is moved three times while it grows, and who
// claims much and sends little holds little.
Result<void> ReceiveLanes::grow(Part& part, size_t more) {
  const size_t needed = part.bytes.size() + more;
  const size_t before = part.bytes.capacity();
  if (needed <= before) return {};
  const size_t wanted = std::min(part.total, std::max(needed, before * 4));
  if (bytes_ - before + wanted > limits::reassembly_bytes_max) return fail(too_large, "messages begun and not ended");
  part.bytes.reserve(wanted);
  bytes_ += part.bytes.capacity() - before;
  return {};
}

}  // namespace lattice
