// Extension fields: how a message or a handshake payload grows without a new version.
//
// The rule: type u16, length u16, value; types strictly ascending, so that there is one way to write a set of fields. A reader
// takes the types it knows and skips the others. Count and bytes are bounded before a field is looked at.
#pragma once

#include <lattice/wire/limits.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::wire {

struct TlvField {
  uint16_t type = 0;
  ByteView value;
};

inline void write_tlv(Writer& writer, uint16_t type, ByteView value) {
  writer.u16(type).u16(static_cast<uint16_t>(value.size())).bytes(value);
}

// Reads to the end of `reader` and calls visit(TlvField) -> Result<void> for each field.
template <class Visit>
Result<void> read_tlv(Reader& reader, size_t bytes_max, Visit visit) {
  if (reader.remaining() > bytes_max) return fail(ErrorCode::too_large, "extension fields");
  int last = -1;
  for (size_t count = 0; !reader.empty(); ++count) {
    if (count == limits::tlv_fields_max) return fail(ErrorCode::too_large, "number of extension fields");
    TRY(type, reader.u16());
    TRY(length, reader.u16());
    TRY(value, reader.bytes(length));
    if (type <= last) return fail(ErrorCode::not_canonical, "order of extension fields");
    last = type;
    TRY_VOID(visit(TlvField{type, value}));
  }
  return {};
}

inline Result<void> skip_tlv(Reader& reader) {
  return read_tlv(reader, limits::tlv_bytes_max, [](const TlvField&) { return Result<void>{}; });
}

}  // namespace lattice::wire
