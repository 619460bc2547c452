#include <lattice/crypto/tls.hpp>

#include <algorithm>
#include <utility>

#include <lattice/crypto/tls_openssl.hpp>

namespace lattice::openssl {
namespace {

using enum ErrorCode;

constexpr size_t text_step_bytes = SSL3_RT_MAX_PLAIN_LENGTH;  // one record's text
// RFC 8446 section 5.2: type and version and length, the message's own type, tag.
constexpr size_t record_overhead_bytes = 5 + 1 + 16;
constexpr size_t key_update_bytes = 5;  // section 4.6.3: type, u24 length, request_update
constexpr size_t key_update_record_bytes = key_update_bytes + record_overhead_bytes;

class OpensslTls final : public TlsEndpoint {
 public:
  OpensslTls(SSL_CTX* context, TlsSide side);

  Result<void> on_bytes(ByteView bytes, Bytes& plain) override;
  bool established() const override { return established_; }
  bool ended_by_peer() const override { return ended_by_peer_; }
  uint64_t peer_rekeys() const override { return rekeys_; }
  void write(ByteView text) override;
  void rekey() override;
  void close() override;
  Bytes take_output() override { return std::exchange(output_, {}); }
  Secret<32> exporter(std::string_view label, ByteView context) const override;
  std::string_view group() const override;

 private:
  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* to, size_t size, size_t* done);
  static int bio_write(BIO* bio, const char* from, size_t size, size_t* done);
  static long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static void on_message(int is_write, int version, int type, const void* data, size_t size, SSL*, void* self);

  Result<void> fail_with(ErrorCode code, const char* where);
  Result<void> advance_handshake(ByteView& bytes);
  Result<void> read_text(Bytes& plain);
  void on_late_message(ByteView message);

  std::unique_ptr<SSL, Freer<SSL_free>> ssl_;
  ByteView input_;  // what is left of the bytes that came, during on_bytes
  Bytes output_;
  size_t handshake_bytes_ = 0;
  size_t record_bytes_ = 0;                  // of the record that is being read
  uint64_t rekeys_ = 0, rekeys_before_ = 0;  // of the peer: in all, and before this on_bytes
  bool text_since_rekey_ = true;
  bool refused_ = false;  // a message that nobody may send now
  bool established_ = false, ended_by_peer_ = false, ended_ = false, broken_ = false;
};

OpensslTls::OpensslTls(SSL_CTX* context, TlsSide side) : ssl_(SSL_new(context)) {
  const ErrorQueueGuard guard;
  BIO* bio = BIO_new(bio_method());
  ASSERT(ssl_ && bio);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
  if (side == TlsSide::server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    SSL_do_handshake(ssl_.get());  // the first flight
  }
}

// OpenSSL asks for a record's header and then for its body, never for more: what lies behind stays in input_.
BIO_METHOD* OpensslTls::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lattice link");
    ASSERT(made);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_ctrl);
    return made;
  }();
  return method;
}

int OpensslTls::bio_read(BIO* bio, char* to, size_t size, size_t* done) {
  auto& self = *static_cast<OpensslTls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.input_.empty() || self.refused_) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *done = std::min(size, self.input_.size());
  std::copy_n(self.input_.begin(), *done, reinterpret_cast<uint8_t*>(to));
  self.input_ = self.input_.subspan(*done);
  return 1;
}

int OpensslTls::bio_write(BIO* bio, const char* from, size_t size, size_t* done) {
  auto& self = *static_cast<OpensslTls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  append(self.output_, {reinterpret_cast<const uint8_t*>(from), size});
  *done = size;
  return 1;
}

// OpenSSL shows each record's header, its inner type, and each whole handshake message.
void OpensslTls::on_message(int is_write, int, int type, const void* data, size_t size, SSL*, void* self) {
  auto& tls = *static_cast<OpensslTls*>(self);
  if (is_write || !tls.established_ || size == 0) return;
  const ByteView bytes(static_cast<const uint8_t*>(data), size);
  if (type == SSL3_RT_HEADER && size >= 5) tls.record_bytes_ = 5 + static_cast<size_t>(bytes[3] << 8 | bytes[4]);
  if (type == SSL3_RT_INNER_CONTENT_TYPE) {
    if (bytes[0] == SSL3_RT_APPLICATION_DATA) tls.text_since_rekey_ = true;
    if (bytes[0] == SSL3_RT_HANDSHAKE && tls.record_bytes_ != key_update_record_bytes) tls.refused_ = true;
  }
  if (type == SSL3_RT_HANDSHAKE) tls.on_late_message(bytes);
}

void OpensslTls::on_late_message(ByteView message) {
  const bool key_update = message.size() == key_update_bytes && message[0] == SSL3_MT_KEY_UPDATE;
  const bool asks_for_one = key_update && message[4] != SSL_KEY_UPDATE_NOT_REQUESTED;
  if (!key_update || asks_for_one || !std::exchange(text_since_rekey_, false)) refused_ = true;
  rekeys_ += 1;
  if (rekeys_ - rekeys_before_ > tls_rekeys_at_once_max) refused_ = true;
}

Result<void> OpensslTls::fail_with(ErrorCode code, const char* where) {
  broken_ = true;
  return fail(code, where);
}

Result<void> OpensslTls::on_bytes(ByteView bytes, Bytes& plain) {
  if (broken_) return fail(established_ ? bad_record : bad_handshake, "TLS that has failed");
  if (ended_by_peer_) return {};  // RFC 8446 section 6.1: what comes behind close_notify is ignored
  const ErrorQueueGuard guard;
  if (!established_) {
    TRY_VOID(advance_handshake(bytes));
    if (!established_) return {};
  }
  input_ = bytes;
  rekeys_before_ = rekeys_;
  const auto read = read_text(plain);
  input_ = {};
  return read;
}

// Takes off the front of `bytes` what belongs to the handshake.
Result<void> OpensslTls::advance_handshake(ByteView& bytes) {
  const size_t allowed = std::min(bytes.size(), tls_handshake_bytes_max - handshake_bytes_);
  input_ = bytes.first(allowed);
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  const size_t taken = allowed - input_.size();
  input_ = {};
  handshake_bytes_ += taken;
  bytes = bytes.subspan(taken);
  if (done != 1) {
    if (SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) return fail_with(bad_handshake, "TLS");
    if (!bytes.empty()) return fail_with(too_large, "TLS handshake");
    return {};
  }
  // The settings leave no other way. Said again here, because everything rests on it.
  if (SSL_version(ssl_.get()) != TLS1_3_VERSION || group() != tls_group || SSL_session_reused(ssl_.get()))
    return fail_with(bad_handshake, "TLS with other settings");
  established_ = true;
  return {};
}

Result<void> OpensslTls::read_text(Bytes& plain) {
  for (;;) {
    const size_t before = plain.size();
    plain.resize(before + text_step_bytes);
    size_t count = 0;
    ERR_clear_error();
    const int done = SSL_read_ex(ssl_.get(), plain.data() + before, text_step_bytes, &count);
    plain.resize(before + (done == 1 && !refused_ ? count : 0));
    if (refused_) return fail_with(bad_record, "a TLS message that nobody may send now");
    if (done == 1) continue;
    const int why = SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_WANT_READ) return {};
    if (why != SSL_ERROR_ZERO_RETURN) return fail_with(bad_record, "TLS");
    ended_by_peer_ = true;
    return {};
  }
}

void OpensslTls::write(ByteView text) {
  ASSERT(established_ && !ended_);
  if (text.empty() || broken_) return;
  const ErrorQueueGuard guard;
  size_t count = 0;
  const int done = SSL_write_ex(ssl_.get(), text.data(), text.size(), &count);
  // The BIO takes everything, so only an error of the past can stand in the way, and that has been reported.
  if (done != 1 || count != text.size()) broken_ = true;
}

void OpensslTls::rekey() {
  ASSERT(established_ && !ended_);
  const ErrorQueueGuard guard;
  const int done = SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
  ASSERT(done == 1 || broken_);
}

void OpensslTls::close() {
  if (!established_ || broken_ || std::exchange(ended_, true)) return;
  const ErrorQueueGuard guard;
  SSL_shutdown(ssl_.get());
}

Secret<32> OpensslTls::exporter(std::string_view label, ByteView context) const {
  ASSERT(established_);
  Secret<32> secret;
  const ByteSpan out = secret.span();
  const int done = SSL_export_keying_material(ssl_.get(), out.data(), out.size(), label.data(), label.size(), context.data(),
                                              context.size(), 1);
  ASSERT(done == 1);
  return secret;
}

std::string_view OpensslTls::group() const {
  const char* name = SSL_get0_group_name(ssl_.get());
  return name ? name : "";
}

}  // namespace

std::unique_ptr<TlsEndpoint> tls_endpoint(SSL_CTX* context, TlsSide side) {
  return std::make_unique<OpensslTls>(context, side);
}

}  // namespace lattice::openssl
