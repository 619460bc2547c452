#include <lattice/link/retry.hpp>

#include <lattice/link/hello.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

using enum ErrorCode;

ByteArray<retry_bytes> encode_retry(const ByteArray<4>& magic, const Retry& retry) {
  wire::Writer writer;
  writer.bytes(magic).u8(handshake_version).u8(handshake_type_retry).u16(retry.flags).u16(retry.suite);
  writer.u8(retry.difficulty).u8(0).bytes(retry.cookie);
  ByteArray<retry_bytes> bytes;
  std::ranges::copy(writer.view(), bytes.begin());
  return bytes;
}

Result<Retry> read_retry(ByteView message, const ByteArray<4>& magic) {
  if (message.size() != retry_bytes) return fail(bad_handshake, "length of a retry");
  wire::Reader reader(message);
  TRY(their_magic, reader.array<4>());
  if (their_magic != magic) return fail(wrong_magic, "retry");
  TRY(version, reader.u8());
  if (version != handshake_version) return fail(wrong_version, "retry");
  TRY(type, reader.u8());
  if (type != handshake_type_retry) return fail(bad_handshake, "message type");
  Retry retry;
  TRY(flags, reader.u16());
  TRY(suite, reader.u16());
  TRY(difficulty, reader.u8());
  TRY(reserved, reader.u8());
  if (reserved != 0) return fail(bad_handshake, "reserved byte of a retry");
  TRY(cookie, reader.array<32>());
  retry.flags = flags;
  retry.suite = suite;
  retry.difficulty = difficulty;
  retry.cookie = cookie;
  return retry;
}

}  // namespace lattice
