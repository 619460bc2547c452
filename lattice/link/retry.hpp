// The responder's other answer to a hello: come again, with this cookie and a solved puzzle, or with another suite. The
// responder keeps nothing of it: everything that it will have to know stands in the cookie, which only it can make.
#pragma once

#include <lattice/base/result.hpp>
#include <lattice/crypto/hash.hpp>

namespace lattice {

constexpr size_t retry_bytes = 44;
constexpr size_t puzzle_solution_bytes = 8;

using RetryCookie = ByteArray<32>;
using PuzzleSolution = ByteArray<puzzle_solution_bytes>;

struct Retry {
  static constexpr uint16_t no_resumption = 1;  // the ticket is not known here: a full handshake, please

  uint16_t flags = 0;  // unknown ones are ignored
  uint16_t suite = 0;  // that the responder chooses
  uint8_t difficulty = 0;
  RetryCookie cookie{};

  bool operator==(const Retry&) const = default;
};
ByteArray<retry_bytes> encode_retry(const ByteArray<4>& magic, const Retry& retry);
// `message`: whole, without its length. Wrong magic, version, type, length or reserved byte: as for a hello.
Result<Retry> read_retry(ByteView message, const ByteArray<4>& magic);

// What the second hello carries: 84 bytes.
struct RetryAnswer {
  Digest hello_hash{};  // H(hello1)
  ByteArray<retry_bytes> retry{};
  PuzzleSolution solution{};

  bool operator==(const RetryAnswer&) const = default;
};
constexpr size_t retry_answer_bytes = 32 + retry_bytes + puzzle_solution_bytes;

}  // namespace lattice
