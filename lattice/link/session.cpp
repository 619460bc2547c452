#include <lattice/link/session.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include <lattice/base/assert.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

using enum ErrorCode;
using wire::FrameFlags;

// The link's own frames always find room: ready and grants before the messages of a record, close and rekey behind them.
static constexpr size_t own_frame_bytes_max = limits::frame_header_bytes + 2;
static constexpr size_t grant_chunk_bytes = 6;
static constexpr size_t grant_frame_bytes = limits::frame_header_bytes + grant_chunk_bytes;
static constexpr size_t own_frames_bytes_max = 3 * own_frame_bytes_max + grant_frame_bytes;
static constexpr size_t record_overhead = record_length_bytes + aead_tag_bytes;
static constexpr size_t record_room = record_length_bytes + limits::record_bytes_max;
static constexpr size_t short_record_room = record_overhead + own_frames_bytes_max + 1024;  // a chunk that is worth it
static_assert(limits::send_buffer_bytes_max >= 2 * record_room);
// Room for a few small messages, for a signed message of a handshake, for all that one writes, or for everything.
static constexpr size_t buffer_sizes[] = {2 * 1024, 8 * 1024, 3 * limits::handshake_message_bytes_max,
                                          limits::send_buffer_bytes_max};

static size_t buffer_size_for(size_t bytes) {
  return *std::ranges::find_if(buffer_sizes, [&](size_t size) { return size >= bytes; });
}

bool OutBuffer::reserve(size_t bytes) {
  if (room() >= bytes) return true;
  if (begin_ != end_) return false;
  capacity_ = buffer_size_for(bytes);
  memory_ = std::make_unique_for_overwrite<uint8_t[]>(capacity_);
  begin_ = end_ = 0;
  return true;
}

void OutBuffer::release() {
  if (begin_ != end_) return;
  memory_.reset();
  capacity_ = begin_ = end_ = 0;
}

void OutBuffer::append(ByteView bytes) {
  if (!reserve(bytes.size())) {
    const ByteView before = pending();
    ASSERT(before.size() + bytes.size() <= limits::send_buffer_bytes_max);
    const size_t capacity = buffer_size_for(before.size() + bytes.size());
    auto memory = std::make_unique_for_overwrite<uint8_t[]>(capacity);
    std::ranges::copy(before, memory.get());
    memory_ = std::move(memory);
    capacity_ = capacity;
    begin_ = 0;
    end_ = before.size();
  }
  std::memcpy(tail(), bytes.data(), bytes.size());
  add(bytes.size());
}

void OutBuffer::sent(size_t bytes) {
  ASSERT(bytes <= end_ - begin_);
  begin_ += bytes;
  if (begin_ == end_) {
    begin_ = end_ = 0;
    return;
  }
  // Each byte moves once at most for each byte sent.
  if (begin_ < capacity_ / 2) return;
  std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
}

Session::Session(NoiseSession keys, bool says_ready, Instant now)
    : sealer_(std::move(keys.send), now), opener_(std::move(keys.receive)), ready_(says_ready), ready_due_(says_ready) {}

// Where a record is opened: what it holds is copied out before another one comes.
static ByteSpan opened_record() {
  thread_local const auto memory = std::make_unique_for_overwrite<uint8_t[]>(limits::record_bytes_max);
  return {memory.get(), limits::record_bytes_max};
}

Result<void> Session::on_record(ByteView sealed, Instant now) {
  TRY(text, opener_.open(sealed, opened_record()));
  wire::Reader reader(text);
  while (!reader.empty() && !closed_by_peer_) {
    TRY(frame, wire::read_frame(reader));
    if (frame.is_own()) {
      TRY_VOID(on_own_frame(frame, reader.empty(), now));
      continue;
    }
    if (!ready_) return fail(bad_handshake, "a message before ready");
    if (frame.is_first() && frame.is_last()) {  // read where it lies
      TRY_VOID(parts_.on_whole(frame));
      TRY_VOID(keep(frame, wire::decode_view(frame.chunk), frame.chunk.size()));
      continue;
    }
    TRY(whole, parts_.on_frame(frame));
    if (!whole) continue;
    const size_t bytes = whole->size();
    TRY_VOID(keep(frame, wire::decode(std::move(*whole)), bytes));
  }
  return {};
}

// Until somebody polls it. `last`: the frame that ended it.
Result<void> Session::keep(const wire::Frame& last, Result<wire::Message> message, size_t bytes) {
  if (!message) return std::unexpected(message.error());
  if (std::holds_alternative<wire::Unknown>(*message)) {
    unknown_messages_ += 1;
    parts_.on_taken(last.channel, last.lane, bytes);
    return {};
  }
  if (!needs_credit(last.lane)) urgent_bytes_ += bytes;
  messages_.emplace_back(last.channel, std::move(*message), bytes);
  return {};
}

Result<void> Session::on_own_frame(const wire::Frame& frame, bool last_of_record, Instant now) {
  if (frame.flags & FrameFlags::ready) {
    if (ready_) return fail(bad_frame, "ready that is not due");
    ready_ = true;
    return {};
  }
  if (!ready_) return fail(bad_handshake, "a frame before ready");
  if (frame.flags & FrameFlags::rekey) {
    if (opener_.inside_tls()) return fail(bad_frame, "rekey inside TLS");
    if (!last_of_record) return fail(bad_frame, "frames behind rekey");
    opener_.rekey();
    return {};
  }
  if (frame.flags & FrameFlags::ratchet) return on_ratchet(frame.chunk, last_of_record, now);
  if (frame.flags & FrameFlags::credit) return on_credit(frame.chunk);
  wire::Reader reader(frame.chunk);
  TRY(reason, reader.u16());
  closed_by_peer_ = static_cast<ErrorCode>(reason);
  ended_ = true;
  return {};
}

Result<void> Session::on_ratchet(ByteView chunk, bool last_of_record, Instant now) {
  if (!ratchet_) return fail(bad_frame, "ratchet on a link that has none");
  if (!last_of_record) return fail(bad_frame, "frames behind ratchet");
  TRY_VOID(ratchet_->on_frame(chunk, now));
  if (const auto key = ratchet_->poll_receiving_key()) opener_.set_key(*key);
  return {};
}

std::optional<LinkMessage> Session::poll_message() {
  auto message = messages_.take_front();
  if (!message) return message;
  const wire::Lane lane = wire::lane_of(wire::command_of(message->message));
  if (!needs_credit(lane)) urgent_bytes_ -= message->wire_bytes;
  parts_.on_taken(message->channel, lane, message->wire_bytes);
  return message;
}

Result<void> Session::on_credit(ByteView chunk) {
  wire::Reader reader(chunk);
  TRY(channel, reader.u16());
  TRY(bytes, reader.u32());
  return lanes_.on_grant({channel, bytes});
}

Result<void> Session::send(wire::ChannelId channel, const wire::Message& message) {
  ASSERT(channel != wire::link_channel);
  if (ended_ || close_due_) return fail(not_needed, "the link is closing");
  return lanes_.push(channel, wire::lane_of(wire::command_of(message)), message);
}

void Session::close(ErrorCode reason) {
  if (ended_ || close_due_) return;
  lanes_.drop_all_but_control();
  close_due_ = reason;
}

size_t Session::write_own_frame(uint8_t* to, uint8_t flag, ByteView chunk) const {
  const uint8_t flags = FrameFlags::first | FrameFlags::last | flag;
  wire::write_frame_header(to, wire::link_channel, wire::Lane::control, flags, chunk.size());
  if (!chunk.empty()) std::memcpy(to + limits::frame_header_bytes, chunk.data(), chunk.size());
  return limits::frame_header_bytes + chunk.size();
}

size_t Session::write_grants(ByteSpan to) {
  size_t length = 0;
  while (parts_.grant_due() && to.size() - length >= grant_frame_bytes) {
    const CreditGrant grant = *parts_.poll_grant();
    ByteArray<grant_chunk_bytes> chunk;
    wire::store_be(chunk.data(), grant.channel);
    wire::store_be(chunk.data() + 2, grant.bytes);
    length += write_own_frame(to.data() + length, FrameFlags::credit, chunk);
  }
  return length;
}

// Frames of one record; 0: nothing to send.
size_t Session::write_record(ByteSpan room) {
  uint8_t* text = room.data();
  size_t length = 0;
  if (std::exchange(ready_due_, false)) length += write_own_frame(text, FrameFlags::ready, {});
  length += write_grants(room.subspan(length, room.size() - length - 2 * own_frame_bytes_max));
  length += lanes_.fill(room.subspan(length, room.size() - length - 2 * own_frame_bytes_max));
  if (close_due_ && lanes_.empty()) {
    ByteArray<2> reason;
    wire::store_be(reason.data(), static_cast<uint16_t>(*close_due_));
    length += write_own_frame(text + length, FrameFlags::close, reason);
    ended_ = true;
  }
  return length;
}

// A ratchet's frame in a record of its own. False: it has to wait for room.
bool Session::seal_ratchet(OutBuffer& out, Instant now) {
  if (!out.reserve(record_overhead + limits::frame_header_bytes + limits::ratchet_chunk_bytes_max)) return false;
  const Ratchet::Say say = *ratchet_->poll_say();
  const size_t length = write_own_frame(out.tail() + record_length_bytes, FrameFlags::ratchet, say.chunk);
  if (!sealer_.seal(out.tail(), length)) {
    ended_ = true;
    return false;
  }
  if (say.next_key) sealer_.set_key(*say.next_key, now);
  out.add(record_length_bytes + length + aead_tag_bytes);
  return true;
}

void Session::seal_into(OutBuffer& out, Instant now) {
  // An idle link's pings bring us here often enough.
  const bool open = ready_ && !ready_due_ && !close_due_ && !ended_;
  if (ratchet_ && open && ratchet_->due(now) && !sealer_.rekey_due(now)) ratchet_->make_offer();
  if (ratchet_ && open && ratchet_->has_say() && !seal_ratchet(out, now)) return;
  if (ended_ || !(lanes_.can_fill() || parts_.grant_due() || ready_due_ || close_due_)) return out.release();
  while (!ended_) {
    const size_t room = std::min(record_room, record_overhead + own_frames_bytes_max + lanes_.framed_bytes_max());
    // Behind a small message that is being written there is room for the beginning of a large one.
    if (!out.reserve(room) && !(out.is_small() && out.room() >= short_record_room)) return;
    uint8_t* record = out.tail();
    uint8_t* text = record + record_length_bytes;
    size_t length = write_record({text, std::min(out.room(), record_room) - record_overhead});
    if (length == 0) return;
    const bool last_under_key = sealer_.rekey_due(now) && !ended_;
    if (last_under_key && !sealer_.inside_tls()) length += write_own_frame(text + length, FrameFlags::rekey, {});
    if (!sealer_.seal(record, length)) {
      ended_ = true;  // 2^64-1 records: never
      return;
    }
    if (last_under_key) {
      tls_rekey_due_ = sealer_.inside_tls();
      sealer_.rekey(now);
    }
    out.add(record_length_bytes + length + sealer_.overhead());
  }
}

}  // namespace lattice
