// What lies between the socket and the link's own words in suite 0x0101: TLS, its output, and the change of its keys. The words
// inside are those of every suite, handshake messages and then records, without an AEAD of their own.
#pragma once

#include <memory>

#include <lattice/base/time.hpp>
#include <lattice/crypto/tls.hpp>
#include <lattice/link/session.hpp>

namespace lattice {

// How often a peer may change its key: these at once, and then one in so much time or so many bytes. An honest one needs half.
constexpr uint64_t tls_rekeys_burst = 16;
constexpr Duration tls_rekey_time_min = rekey_age_max / 2;
constexpr uint64_t tls_rekey_bytes_min = 512 * 1024;
static_assert(rekey_records_max * (limits::frame_header_bytes + record_length_bytes) >= tls_rekey_bytes_min);

class TlsStage {
 public:
  TlsStage(std::unique_ptr<TlsEndpoint> tls, Instant now) : tls_(std::move(tls)), since_(now) {}

  const TlsEndpoint& endpoint() const { return *tls_; }
  // Bytes of the socket, whatever their split. Appends what they hold for the link, also before an error.
  Result<void> on_bytes(ByteView bytes, Bytes& plain, Instant now);
  // The link's words.
  void write(ByteView text);

  // For the socket: what TLS has to say, and what waits in `session` (null: there is none yet), sealed as late as possible. The
  // view stays good until on_sent.
  ByteView pending_output(Session* session, Instant now);
  void on_sent(size_t bytes);

 private:
  void seal(Session& session, Instant now);

  std::unique_ptr<TlsEndpoint> tls_;
  Instant since_;
  uint64_t received_ = 0;  // bytes
  Bytes output_;           // for the socket
  size_t sent_ = 0;        // of it
  OutBuffer text_;         // the session's records on their way into TLS
};

}  // namespace lattice
