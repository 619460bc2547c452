#include <lattice/wire/kept_file.hpp>

#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>

namespace lattice::wire {

Writer begin_kept_file(const KeptFile& kind, const ChainId& chain) {
  ASSERT(kind.magic.size() == 8);
  Writer out;
  out.bytes(as_bytes(kind.magic)).u8(kind.version).bytes(chain.view());
  return out;
}

Bytes end_kept_file(Writer out) {
  out.u32(crc32c(out.view()));
  return out.take();
}

Result<Reader> read_kept_file(ByteView file, const KeptFile& kind, const ChainId& chain) {
  if (file.size() > kind.bytes_max) return fail(ErrorCode::too_large, kind.what);
  if (file.size() < kept_head_bytes + kept_sum_bytes) return fail(ErrorCode::truncated, kind.what);
  // The sum before anything else: what follows reads bytes that somebody meant, or that were made to look so.
  Reader tail(file.last(kept_sum_bytes));
  TRY(sum, tail.u32());
  const ByteView content = file.first(file.size() - kept_sum_bytes);
  if (sum != crc32c(content)) return fail(ErrorCode::bad_checksum, kind.what);
  Reader in(content);
  TRY(magic, in.bytes(kind.magic.size()));
  if (!equal(magic, as_bytes(kind.magic))) return fail(ErrorCode::bad_value, kind.what);
  TRY(version, in.u8());
  if (version != kind.version) return fail(ErrorCode::wrong_version, kind.what);
  TRY(of_chain, in.id<ChainId>());
  if (of_chain != chain) return fail(ErrorCode::wrong_chain, kind.what);
  return in;
}

}  // namespace lattice::wire
