// Bans as they outlive the process: who, until when by the wall clock, and how long the next one will be. And the bytes of them
// (docs/PROTOCOL.md, "Stored bans"). Byte for byte, big-endian:
//
//   8 `latabans` | version u8 = 1 | chain id 32 | n u32 | n x ban, rising | m u16 | m x NodeID 32, oldest first | CRC-32C u32
//   ban: kind u8 (1 address, 2 identity) | address 16, port u16 or NodeID 32 | next step u8, 1 to 5 | reason u16 | until, unix
//   seconds u64
//
// Damage costs the stored bans and no more: what is not exactly what was written is refused as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/bytes.hpp>
#include <lattice/base/error.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/base/time.hpp>
#include <lattice/wire/kept_file.hpp>

namespace lattice {

constexpr size_t ban_records_max = 2 * 16'384;  // as many addresses and identities as Reputation knows
constexpr size_t bans_for_ever_max = 1024;
constexpr uint8_t ban_steps = 5;  // lengths of a ban
constexpr size_t ban_memory_bytes_max =
    wire::kept_head_bytes + 4 + ban_records_max * (1 + 32 + 1 + 2 + 8) + 2 + bans_for_ever_max * 32 + wire::kept_sum_bytes;

struct BanRecord {
  std::variant<Endpoint, NodeId> who;
  uint8_t step = 1;  // that of the next ban
  ErrorCode reason = ErrorCode::none;
  WallTime until{};  // in the past: it has ended, and counts for the next one
  bool operator==(const BanRecord&) const = default;
};

struct BanMemory {
  std::vector<BanRecord> bans;   // no two of the same
  std::vector<NodeId> for_ever;  // who signed two things of which an honest one signs one; oldest first, no two alike
  bool operator==(const BanMemory&) const = default;
};

Bytes encode_ban_memory(BanMemory memory, const ChainId& chain);
// too_large, truncated, bad_checksum, wrong_version, wrong_chain, bad_value, not_canonical, trailing_bytes. What is read is
// written back byte for byte.
Result<BanMemory> decode_ban_memory(ByteView file, const ChainId& chain);

}  // namespace lattice
