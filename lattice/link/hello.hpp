// The clear part of a handshake: the first bytes of message 1. They are in the prologue, so every bit of them is authenticated
// by the handshake that follows.
#pragma once

#include <lattice/base/result.hpp>
#include <lattice/link/retry.hpp>
#include <lattice/link/suite.hpp>
#include <lattice/wire/limits.hpp>
#include <lattice/wire/reader.hpp>

namespace lattice {

constexpr uint8_t handshake_version = 1;
constexpr uint8_t handshake_type_hello = 1;
constexpr uint8_t handshake_type_retry = 2;
constexpr size_t ticket_id_bytes = 16;
constexpr size_t hello_bytes_max = 20 + 2 * limits::offers_max + retry_answer_bytes + ticket_id_bytes;

using TicketId = ByteArray<ticket_id_bytes>;

struct Hello {
  static constexpr uint16_t knows_certificate = 1;  // the initiator holds the responder's certificate: its hash is enough
  static constexpr uint16_t resumes = 2;            // a ticket of an earlier link stands at the end
  static constexpr uint16_t outside_key = 4;        // message 3 names a key from outside

  ByteArray<4> magic{};
  uint16_t flags = 0;  // unknown ones are ignored
  ByteArray<8> chain8{};
  uint16_t suite = 0;
  SuiteIds offers;  // 1 to 8, no two alike, `suite` among them
  std::optional<RetryAnswer> answer;
  std::optional<TicketId> ticket;  // exactly with the flag `resumes`

  bool operator==(const Hello&) const = default;
};
Bytes encode_hello(const Hello& hello);
// Takes a hello off the front. `magic` first of all: bytes of another network are wrong_magic, whatever follows.
Result<Hello> read_hello(wire::Reader& reader, const ByteArray<4>& magic);

}  // namespace lattice
