#include <lattice/link/tls_stage.hpp>

#include <lattice/base/assert.hpp>

namespace lattice {

Result<void> TlsStage::on_bytes(ByteView bytes, Bytes& plain, Instant now) {
  received_ += bytes.size();
  TRY_VOID(tls_->on_bytes(bytes, plain));
  const auto by_time = static_cast<uint64_t>((now - since_) / tls_rekey_time_min);
  const uint64_t allowed = tls_rekeys_burst + by_time + received_ / tls_rekey_bytes_min;
  if (tls_->peer_rekeys() > allowed) return fail(ErrorCode::bad_record, "TLS keys changed too often");
  return {};
}

void TlsStage::write(ByteView text) { tls_->write(text); }

ByteView TlsStage::pending_output(Session* session, Instant now) {
  if (sent_ == output_.size()) {
    if (session != nullptr) seal(*session, now);
    output_ = tls_->take_output();
    sent_ = 0;
  }
  return ByteView(output_).subspan(sent_);
}

void TlsStage::on_sent(size_t bytes) {
  ASSERT(bytes <= output_.size() - sent_);
  sent_ += bytes;
  if (sent_ < output_.size()) return;
  output_ = {};
  sent_ = 0;
}

void TlsStage::seal(Session& session, Instant now) {
  session.seal_into(text_, now);
  const ByteView text = text_.pending();
  if (text.empty()) return;
  tls_->write(text);
  // The record layer counts as in every suite; here TLS has the key. What is written next goes under a fresh one.
  if (session.take_tls_rekey()) tls_->rekey();
  if (session.ended()) tls_->close();  // RFC 8446 section 6.1: close_notify before the end, behind our own reason
  text_.sent(text.size());
  text_.release();
}

}  // namespace lattice
