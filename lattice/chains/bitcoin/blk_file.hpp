// Files of blocks as Bitcoin nodes keep them: magic 4, length 4 little-endian, then the block; again and again.
#pragma once

#include <functional>
#include <optional>

#include <lattice/base/bytes.hpp>
#include <lattice/base/result.hpp>

namespace lattice::bitcoin {

constexpr ByteArray<4> mainnet_magic{0xf9, 0xbe, 0xb4, 0xd9};
constexpr ByteArray<4> regtest_magic{0xfa, 0xbf, 0xb5, 0xda};

// Fills `out` with the next bytes and says how many: fewer than asked for, or none, only at the end.
using ReadBytes = std::function<Result<size_t>(ByteSpan out)>;

// `magic` does not begin with a zero byte. Gives one block after the other; holds no more than one. Zero bytes between records
// and at the end are skipped: nodes allocate these files in advance.
class BlkReader {
 public:
  BlkReader(ByteArray<4> magic, size_t block_bytes_max, ReadBytes read);
  // Nothing at the end. wrong_magic: what stands where a record must begin is none. too_large, truncated; what `read` fails
  // with. After an error the reader is of no more use.
  Result<std::optional<Bytes>> next();
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  Result<size_t> fill(ByteSpan out);
  Result<std::optional<ByteArray<8>>> next_head();

  ByteArray<4> magic_;
  size_t block_bytes_max_;
  ReadBytes read_;
  uint64_t bytes_read_ = 0;
};

// The eight bytes before a block of `length` bytes.
ByteArray<8> blk_head(ByteArray<4> magic, uint32_t length);

}  // namespace lattice::bitcoin
