#include <lattice/chains/bitcoin/blk_file.hpp>

#include <algorithm>

namespace lattice::bitcoin {

BlkReader::BlkReader(ByteArray<4> magic, size_t block_bytes_max, ReadBytes read)
    : magic_(magic), block_bytes_max_(block_bytes_max), read_(std::move(read)) {}

Result<size_t> BlkReader::fill(ByteSpan out) {
  TRY(count, read_(out));
  bytes_read_ += count;
  return count;
}

// The next record's magic and length, with the zeros before it skipped. Nothing at the end of the file.
Result<std::optional<ByteArray<8>>> BlkReader::next_head() {
  ByteArray<8> head{};
  size_t have = 0;
  while (true) {
    TRY(count, fill(ByteSpan(head).subspan(have)));
    const size_t held = have + count;
    const auto begin =
        std::find_if(head.begin(), head.begin() + static_cast<ptrdiff_t>(held), [](uint8_t b) { return b != 0; });
    const auto zeros = static_cast<size_t>(begin - head.begin());
    if (zeros == 0 && held == head.size()) return std::optional{head};
    if (have + count < head.size()) {
      if (zeros == held) return std::optional<ByteArray<8>>{};
      return fail(ErrorCode::truncated, "block file: record head");
    }
    std::ranges::copy(begin, head.begin() + static_cast<ptrdiff_t>(held), head.begin());
    have = held - zeros;
    std::fill(head.begin() + static_cast<ptrdiff_t>(have), head.end(), uint8_t{0});
  }
}

Result<std::optional<Bytes>> BlkReader::next() {
  TRY(head, next_head());
  if (!head) return std::optional<Bytes>{};
  if (!equal(ByteView(*head).first(4), magic_)) return fail(ErrorCode::wrong_magic, "block file");
  size_t length = 0;
  for (size_t i = 8; i-- > 4;) length = length << 8 | (*head)[i];
  if (length > block_bytes_max_) return fail(ErrorCode::too_large, "block file: record length");

  Bytes block(length);
  TRY(count, fill(block));
  if (count != length) return fail(ErrorCode::truncated, "block file: block");
  return std::optional{std::move(block)};
}

ByteArray<8> blk_head(ByteArray<4> magic, uint32_t length) {
  ByteArray<8> head{};
  std::ranges::copy(magic, head.begin());
  for (size_t i = 0; i < 4; ++i) head[4 + i] = static_cast<uint8_t>(length >> (8 * i));
  return head;
}

}  // namespace lattice::bitcoin
