#include <lattice/sim/adversaries/raw_link.hpp>

#include <algorithm>
#include <utility>

#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/link/session.hpp>
#include <lattice/wire/frame.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::sim {

using wire::FrameFlags;
constexpr uint8_t whole_frame = FrameFlags::first | FrameFlags::last;

RawLink::RawLink(LinkConfig config, Provider& provider, Now now) {
  handshake_.emplace(std::move(config), provider, now);
  on_progress(now);
}

void RawLink::on_bytes(ByteView bytes, Now now) {
  if (dead_) return;
  append(partial_, bytes);
  consume(now);
}

void RawLink::consume(Now now) {
  size_t at = 0;
  while (!dead_ && partial_.size() - at >= record_length_bytes) {
    if (handshake_ && handshake_->message_bytes_max() == 0) break;  // we are still working
    const size_t length = static_cast<size_t>(partial_[at] << 8 | partial_[at + 1]);
    if (length == 0 || (handshake_ && length > handshake_->message_bytes_max())) {
      dead_ = true;
      break;
    }
    if (partial_.size() - at < record_length_bytes + length) break;
    on_unit(ByteView(partial_).subspan(at + record_length_bytes, length), now);
    at += record_length_bytes + length;
  }
  partial_.erase(partial_.begin(), partial_.begin() + static_cast<ptrdiff_t>(at));
}

void RawLink::on_unit(ByteView unit, Now now) {
  if (handshake_) {
    if (!handshake_->on_message(unit, now)) dead_ = true;
    return on_progress(now);
  }
  if (!on_record(unit)) dead_ = true;
}

void RawLink::on_progress(Now now) {
  if (dead_) return;
  if (const auto message = handshake_->poll_message()) {
    ByteArray<record_length_bytes> length;
    wire::store_be(length.data(), static_cast<uint16_t>(message->size()));
    append(out_, length);
    append(out_, *message);
  }
  if (!handshake_->done()) return;
  HandshakeResult result = std::move(*handshake_).finish();
  handshake_.reset();
  peer_ = result.peer;
  sealer_.emplace(std::move(result.session.send), now.mono);
  opener_.emplace(std::move(result.session.receive));
  latest_ = now.mono;
  if (!result.says_ready) return;
  ready_ = true;
  send_frame(wire::link_channel, wire::Lane::control, whole_frame | FrameFlags::ready, {});
}

std::optional<Work> RawLink::poll_work() { return handshake_ && !dead_ ? handshake_->poll_work() : std::nullopt; }

void RawLink::on_work_done(WorkResult result, Now now) {
  if (!handshake_ || dead_) return;
  if (!handshake_->on_work_done(std::move(result), now)) dead_ = true;
  on_progress(now);
  consume(now);
}

Result<void> RawLink::on_record(ByteView sealed) {
  opened_.resize(record_text_bytes_max);
  TRY(opened, opener_->open(sealed, opened_));
  wire::Reader reader(opened);
  while (!reader.empty() && !dead_) {
    TRY(frame, wire::read_frame(reader));
    if (frame.is_own()) {
      TRY_VOID(on_own_frame(frame));
      continue;
    }
    TRY(whole, parts_.on_frame(frame));
    if (!whole) continue;
    const SharedBytes bytes = *whole;
    TRY(message, wire::decode(std::move(*whole)));
    heard_.push_back({std::move(message), bytes});
  }
  return {};
}

Result<void> RawLink::on_own_frame(const wire::Frame& frame) {
  if (frame.flags & FrameFlags::ready) ready_ = true;
  if (frame.flags & FrameFlags::rekey) opener_->rekey();
  if (frame.flags & FrameFlags::close) {
    wire::Reader reader(frame.chunk);
    TRY(reason, reader.u16());
    closed_by_peer_ = static_cast<ErrorCode>(reason);
    dead_ = true;
  }
  return {};
}

void RawLink::send(wire::ChannelId channel, const wire::Message& message) {
  send_bytes(channel, wire::lane_of(wire::command_of(message)), flat(wire::encode(message, message_version)));
}

void RawLink::send_bytes(wire::ChannelId channel, wire::Lane lane, ByteView message) {
  size_t at = 0;
  do {
    const size_t count = std::min(limits::chunk_bytes_max, message.size() - at);
    uint8_t flags = at == 0 ? FrameFlags::first : 0;
    if (at + count == message.size()) flags |= FrameFlags::last;
    send_frame(channel, lane, flags, message.subspan(at, count));
    at += count;
  } while (at < message.size());
}

// Room stays for the frame that says that the key changes.
void RawLink::send_frame(wire::ChannelId channel, wire::Lane lane, uint8_t flags, ByteView chunk) {
  ASSERT(sealer_ && chunk.size() <= limits::chunk_bytes_max);
  const size_t bytes = limits::frame_header_bytes + chunk.size();
  if (text_.size() + bytes + limits::frame_header_bytes > record_text_bytes_max) seal(latest_);
  const size_t at = text_.size();
  text_.resize(at + limits::frame_header_bytes);
  wire::write_frame_header(text_.data() + at, channel, lane, flags, chunk.size());
  append(text_, chunk);
}

void RawLink::close(ErrorCode reason) {
  ByteArray<2> code;
  wire::store_be(code.data(), static_cast<uint16_t>(reason));
  send_frame(wire::link_channel, wire::Lane::control, whole_frame | FrameFlags::close, code);
}

void RawLink::seal(Instant now) {
  if (text_.empty()) return;
  const bool last_under_key = sealer_->rekey_due(now);
  const size_t at = out_.size();
  if (last_under_key) {
    const size_t end = text_.size();
    text_.resize(end + limits::frame_header_bytes);
    wire::write_frame_header(text_.data() + end, wire::link_channel, wire::Lane::control, whole_frame | FrameFlags::rekey, 0);
  }
  out_.resize(at + record_length_bytes);
  append(out_, text_);
  out_.resize(out_.size() + aead_tag_bytes);
  if (!sealer_->seal(out_.data() + at, text_.size())) dead_ = true;
  if (last_under_key) sealer_->rekey(now);
  text_.clear();
}

Bytes RawLink::take_output(Instant now) {
  latest_ = now;
  if (sealer_) seal(now);
  return std::exchange(out_, {});
}

Bytes message_bytes(uint16_t command, ByteView payload, uint16_t version) {
  Bytes bytes(limits::message_header_bytes);
  wire::store_be(bytes.data(), version);
  wire::store_be(bytes.data() + 2, command);
  append(bytes, payload);
  mend_message(bytes);
  return bytes;
}

void mend_message(Bytes& bytes) {
  ASSERT(bytes.size() >= limits::message_header_bytes);
  const ByteView view = bytes;
  wire::store_be(bytes.data() + 4, static_cast<uint32_t>(bytes.size() - limits::message_header_bytes));
  const uint32_t checksum = crc32c(view.subspan(limits::message_header_bytes), crc32c(view.first(8)));
  wire::store_be(bytes.data() + 8, checksum);
}

Bytes flat(const wire::EncodedMessage& message) {
  Bytes bytes = message.head;
  append(bytes, message.body.view());
  return bytes;
}

}  // namespace lattice::sim
