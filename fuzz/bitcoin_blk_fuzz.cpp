// Files of blocks: whatever stands in them, no more than the limit is held, and every record given lies in the file.
#include <algorithm>
#include <cstdlib>

#include <lattice/chains/bitcoin/blk_file.hpp>

using namespace lattice;
using namespace lattice::bitcoin;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t block_bytes_max = 4096;
  ByteView left(data, size);
  // Records are easier to hit with a magic that the input may choose.
  ByteArray<4> magic = regtest_magic;
  if (size >= 4 && data[0] != 0) std::copy_n(data, 4, magic.begin());
  BlkReader reader(magic, block_bytes_max, [&](ByteSpan out) -> Result<size_t> {
    const size_t count = std::min(out.size(), left.size());
    std::copy_n(left.begin(), count, out.begin());
    left = left.subspan(count);
    return count;
  });
  size_t given = 0;
  while (true) {
    const auto block = reader.next();
    if (!block || !*block) break;
    if ((*block)->size() > block_bytes_max) std::abort();
    given += (*block)->size() + 8;
    if (given > size) std::abort();
  }
  return 0;
}
