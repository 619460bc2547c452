// What a peer (or a file, or a DNS answer) can do wrong. One table says what each code is called, what it means and what it
// costs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lattice {

// The numbers travel in close and reject messages (docs/PROTOCOL.md): they are never given another meaning.
enum class ErrorCode : uint16_t {
  none = 0,
  // Leaving without a fault.
  shutting_down = 1,
  no_slot = 2,
  self_connection = 3,
  duplicate_link = 4,
  not_needed = 5,  // e.g. a feeler that has seen what it came for
  // Bytes that do not parse.
  truncated = 16,
  trailing_bytes = 17,
  too_large = 18,
  bad_checksum = 19,
  bad_value = 20,
  bad_frame = 21,
  not_canonical = 22,
  contradiction = 23,
  // The handshake.
  wrong_magic = 32,
  wrong_chain = 33,
  wrong_version = 34,
  no_common_suite = 35,
  bad_handshake = 36,  // one error for every cryptographic cause
  bad_certificate = 37,
  certificate_expired = 38,
  wrong_identity = 39,
  serial_too_old = 40,
  downgrade = 41,
  handshake_timeout = 42,
  certificate_revoked = 43,
  // The secured link.
  bad_record = 48,
  nonce_exhausted = 49,
  cut_without_close = 50,
  queue_full = 51,
  credit_exceeded = 52,
  // The conversation.
  unexpected_message = 64,
  unrequested = 65,
  request_timeout = 66,
  idle_timeout = 67,
  stalled = 68,
  too_many_messages = 69,
  unknown_channel = 70,
  not_found = 71,
  bad_succession = 72,
  // What a chain says of headers and blocks.
  bad_header = 96,
  bad_proof_of_work = 97,
  bad_difficulty = 98,
  bad_time = 99,
  unconnected_header = 100,
  below_checkpoint = 101,
  checkpoint_mismatch = 102,
  bad_block = 103,
  bad_merkle_root = 104,
  bad_witness_commitment = 105,
  block_too_large = 106,
  mutated_block = 107,
  bad_signature = 108,
  unknown_parent = 109,
  low_work = 110,
  // Discovery.
  bad_address = 128,
  bad_seed_list = 129,
  seed_list_expired = 130,
  unknown_operator = 131,
  dns_failed = 132,
  // The world around us, as far as the core must know of it.
  dial_failed = 160,
  connection_lost = 161,
  store_failed = 162,
  limit_reached = 163,
};

struct Error {
  ErrorCode code = ErrorCode::none;
  const char* where = "";  // which check, for people: a literal, never a peer's bytes
};

struct ErrorInfo {
  ErrorCode code;
  std::string_view name;  // snake_case, as logs and metrics write it
  std::string_view text;  // a sentence for a person
  uint8_t penalty;        // 0 none .. 100: enough alone to lose the connection and be avoided for a day
};

// Never fails: an unknown number gives an entry that says so.
const ErrorInfo& error_info(ErrorCode code);
std::span<const ErrorInfo> all_errors();
inline std::string_view error_name(ErrorCode code) { return error_info(code).name; }
inline std::string_view error_text(ErrorCode code) { return error_info(code).text; }

}  // namespace lattice
