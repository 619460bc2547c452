// The files that a node writes for its own next start: what kind, of which version and of which chain stands at their beginning, a
// sum at their end. Byte for byte: 8 magic | version u8 | chain id 32 | content | CRC-32C u32 of all before, big-endian.
#pragma once

#include <string_view>

#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::wire {

struct KeptFile {
  std::string_view magic;  // eight characters
  uint8_t version;
  size_t bytes_max;  // of a whole file
  const char* what;  // for errors
};
constexpr size_t kept_head_bytes = 8 + 1 + 32, kept_sum_bytes = 4;

Writer begin_kept_file(const KeptFile& kind, const ChainId& chain);
Bytes end_kept_file(Writer out);
// The content, once the sum is known to be good. too_large, truncated, bad_checksum, bad_value (another magic), wrong_version,
// wrong_chain.
Result<Reader> read_kept_file(ByteView file, const KeptFile& kind, const ChainId& chain);

}  // namespace lattice::wire
