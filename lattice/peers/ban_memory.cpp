#include <lattice/peers/ban_memory.hpp>

#include <algorithm>
#include <set>

#include <lattice/base/assert.hpp>

namespace lattice {

namespace {

constexpr wire::KeptFile file_kind{"latabans", 1, ban_memory_bytes_max, "stored bans"};
constexpr uint8_t kind_address = 1, kind_identity = 2;
constexpr int64_t until_max = 253'402'300'799;  // the end of the year 9999

void write_ban(wire::Writer& out, const BanRecord& ban) {
  if (const auto* address = std::get_if<Endpoint>(&ban.who)) {
    out.u8(kind_address).bytes(address->ip.bytes).u16(address->port);
  } else {
    out.u8(kind_identity).bytes(std::get<NodeId>(ban.who).view());
  }
  ASSERT(ban.step >= 1 && ban.step <= ban_steps);
  const int64_t until = std::clamp<int64_t>(unix_seconds(ban.until), 0, until_max);
  out.u8(ban.step).u16(static_cast<uint16_t>(ban.reason)).u64(static_cast<uint64_t>(until));
}

Result<std::variant<Endpoint, NodeId>> read_who(wire::Reader& in) {
  TRY(kind, in.u8());
  if (kind == kind_identity) {
    TRY(node, in.id<NodeId>());
    return node;
  }
  if (kind != kind_address) return fail(ErrorCode::bad_value, "kind of a stored ban");
  TRY(bytes, in.array<16>());
  TRY(port, in.u16());
  return Endpoint{{bytes}, port};
}

Result<BanRecord> read_ban(wire::Reader& in) {
  TRY(who, read_who(in));
  TRY(step, in.u8());
  TRY(number, in.u16());
  TRY(until, in.u64());
  if (step < 1 || step > ban_steps) return fail(ErrorCode::bad_value, "step of a stored ban");
  const auto reason = static_cast<ErrorCode>(number);
  if (std::ranges::find(all_errors(), reason, &ErrorInfo::code) == all_errors().end())
    return fail(ErrorCode::bad_value, "reason of a stored ban");
  if (until > static_cast<uint64_t>(until_max)) return fail(ErrorCode::bad_value, "end of a stored ban");
  return BanRecord{who, step, reason, wall_from_unix(static_cast<int64_t>(until))};
}

}  // namespace

Bytes encode_ban_memory(BanMemory memory, const ChainId& chain) {
  ASSERT(memory.bans.size() <= ban_records_max && memory.for_ever.size() <= bans_for_ever_max);
  std::ranges::sort(memory.bans, {}, &BanRecord::who);
  wire::Writer out = wire::begin_kept_file(file_kind, chain);
  out.u32(static_cast<uint32_t>(memory.bans.size()));
  for (const auto& ban : memory.bans) write_ban(out, ban);
  out.u16(static_cast<uint16_t>(memory.for_ever.size()));
  for (const auto& node : memory.for_ever) out.bytes(node.view());
  return wire::end_kept_file(std::move(out));
}

Result<BanMemory> decode_ban_memory(ByteView file, const ChainId& chain) {
  TRY(in, wire::read_kept_file(file, file_kind, chain));
  BanMemory out;
  TRY(bans, in.u32());
  if (bans > ban_records_max) return fail(ErrorCode::too_large, "stored bans");
  for (uint32_t i = 0; i < bans; ++i) {
    TRY(ban, read_ban(in));
    if (!out.bans.empty() && ban.who <= out.bans.back().who) return fail(ErrorCode::not_canonical, "order of stored bans");
    out.bans.push_back(ban);
  }
  TRY(nodes, in.u16());
  if (nodes > bans_for_ever_max) return fail(ErrorCode::too_large, "stored bans for ever");
  std::set<NodeId> seen;
  for (uint16_t i = 0; i < nodes; ++i) {
    TRY(node, in.id<NodeId>());
    if (!seen.insert(node).second) return fail(ErrorCode::not_canonical, "a stored ban twice");
    out.for_ever.push_back(node);
  }
  TRY_VOID(in.end());
  return out;
}

}  // namespace lattice
