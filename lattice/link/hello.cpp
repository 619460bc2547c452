#include <lattice/link/hello.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

using enum ErrorCode;

Bytes encode_hello(const Hello& hello) {
  ASSERT(!hello.offers.empty() && hello.offers.size() <= limits::offers_max);
  wire::Writer writer;
  writer.bytes(hello.magic).u8(handshake_version).u8(handshake_type_hello).u16(hello.flags).bytes(hello.chain8);
  writer.u16(hello.suite).u8(static_cast<uint8_t>(hello.offers.size()));
  for (const uint16_t id : hello.offers) writer.u16(id);
  writer.u8(hello.answer ? retry_answer_bytes : 0);
  if (hello.answer) writer.bytes(hello.answer->hello_hash).bytes(hello.answer->retry).bytes(hello.answer->solution);
  ASSERT(hello.ticket.has_value() == ((hello.flags & Hello::resumes) != 0));
  if (hello.ticket) writer.bytes(*hello.ticket);
  return writer.take();
}

static Result<SuiteIds> read_offers(wire::Reader& reader) {
  TRY(count, reader.u8());
  if (count == 0 || count > limits::offers_max) return fail(bad_handshake, "number of offers");
  SuiteIds offers;
  for (size_t i = 0; i < count; ++i) {
    TRY(id, reader.u16());
    if (std::ranges::count(offers, id) != 0) return fail(bad_handshake, "an offer twice");
    offers.push_back(id);
  }
  return offers;
}

static Result<std::optional<RetryAnswer>> read_answer(wire::Reader& reader) {
  TRY(length, reader.u8());
  if (length == 0) return std::nullopt;
  if (length != retry_answer_bytes) return fail(bad_handshake, "length of the answer to a retry");
  TRY(hello_hash, reader.array<32>());
  TRY(retry, reader.array<retry_bytes>());
  TRY(solution, reader.array<puzzle_solution_bytes>());
  return RetryAnswer{hello_hash, retry, solution};
}

Result<Hello> read_hello(wire::Reader& reader, const ByteArray<4>& magic) {
  TRY(their_magic, reader.array<4>());
  if (their_magic != magic) return fail(wrong_magic, "hello");
  TRY(version, reader.u8());
  if (version != handshake_version) return fail(wrong_version, "hello");
  TRY(type, reader.u8());
  if (type != handshake_type_hello) return fail(bad_handshake, "message type");
  TRY(flags, reader.u16());
  TRY(chain8, reader.array<8>());
  TRY(suite, reader.u16());
  TRY(offers, read_offers(reader));
  if (std::ranges::count(offers, suite) == 0) return fail(bad_handshake, "suite that is not offered");
  TRY(answer, read_answer(reader));
  std::optional<TicketId> ticket;
  if (flags & Hello::resumes) {
    TRY(id, reader.array<ticket_id_bytes>());
    ticket = id;
  }
  return Hello{their_magic, flags, chain8, suite, std::move(offers), answer, ticket};
}

}  // namespace lattice
