// One end of a TLS 1.3 connection as a value (RFC 8446): bytes of the wire in, plaintext out, and the reverse. No socket, no
// clock. For suite 0x0101 alone (docs/PROTOCOL.md), and so with nothing to choose that could be chosen badly:
//
//   TLS 1.3 only; group X25519MLKEM768 only; AES-256-GCM and ChaCha20-Poly1305; no tickets, no resumption, no early data, no
//   certificate of the client.
//
// The server's certificate is self-signed, made in memory when the first endpoint is, gone with the process, and nobody looks at
// it. Why: who is there is proven inside, by signatures over the exporter, which binds them to this connection and no other. Its
// key is Ed25519 because TLS must have one and that is the smallest and fastest; whoever breaks it can be a man in the middle
// with two connections, and then with two exporters, so that the signatures inside fail.
#pragma once

#include <string_view>

#include <lattice/base/result.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice {

enum class TlsSide : uint8_t { client, server };

// What a peer may send before TLS is established. Our client sends 1,430 bytes and our server 1,630; a client that offers more, or
// must begin again with our group, sends more.
constexpr size_t tls_handshake_bytes_max = 8 * 1024;
// Changes of key in one on_bytes: an honest peer needs one in 2^16 records, and each costs 35 us.
constexpr size_t tls_rekeys_at_once_max = 8;
constexpr std::string_view tls_group = "X25519MLKEM768";  // draft-ietf-tls-ecdhe-mlkem: ML-KEM-768's key first, then X25519's

// Handshake -> Established -> Ended (by the peer's close_notify, or by an error)
//
// Not for two threads at once.
class TlsEndpoint {
 public:
  virtual ~TlsEndpoint() = default;

  // Bytes of the wire, in any split, all of them taken. What they hold for us is appended to `plain`: never more than came.
  // bad_handshake before established() and bad_record after it, whatever the cause; too_large beyond tls_handshake_bytes_max.
  // `plain` holds what was whole before the error. After an error nothing is read any more.
  //
  // A peer's handshake messages after the handshake are refused, but for KeyUpdate: one after each record of text at most,
  // tls_rekeys_at_once_max in one call, and none that asks for one in return. Nothing that a peer sends then makes us send.
  virtual Result<void> on_bytes(ByteView bytes, Bytes& plain) = 0;
  virtual bool established() const = 0;
  // The peer's close_notify has come.
  virtual bool ended_by_peer() const = 0;
  // How often the peer has changed its key. Whoever has a clock decides how often is too often.
  virtual uint64_t peer_rekeys() const = 0;

  // Text for the peer, sealed into take_output. Only when established.
  virtual void write(ByteView text) = 0;
  // The next write is under a fresh key of ours (RFC 8446 section 4.6.3).
  virtual void rekey() = 0;
  // close_notify. Nothing can be written after it.
  virtual void close() = 0;
  // What was made for the wire since the last call: of the handshake, of write and close. Also after an error: the alert.
  virtual Bytes take_output() = 0;

  // RFC 8446 section 7.5. The same on both ends; another for another connection, label or context. Only when established.
  virtual Secret<32> exporter(std::string_view label, ByteView context) const = 0;
  // What both ends agreed on: "X25519MLKEM768". Only when established.
  virtual std::string_view group() const = 0;
};

}  // namespace lattice
