#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

Bytes record(ByteView block, ByteArray<4> magic = mainnet_magic) {
  Bytes out = to_bytes(blk_head(magic, static_cast<uint32_t>(block.size())));
  append(out, block);
  return out;
}

Result<std::vector<Bytes>> read_all(const Bytes& file, size_t block_bytes_max = 1000) {
  size_t offset = 0;
  BlkReader reader(mainnet_magic, block_bytes_max, reader_of(file, offset));
  std::vector<Bytes> out;
  while (true) {
    TRY(block, reader.next());
    if (!block) {
      EXPECT_EQ(reader.bytes_read(), file.size());
      return out;
    }
    out.push_back(std::move(*block));
  }
}

TEST(BlkFile, GivesOneBlockAfterTheOther) {
  const Bytes one = unhex(block_1_hex), two = unhex(block_2_hex);
  Bytes file = record(one);
  append(file, record(two));
  EXPECT_EQ(*read_all(file), (std::vector{one, two}));
  EXPECT_TRUE(read_all({})->empty());
}

TEST(BlkFile, SkipsZerosBetweenAndAtTheEnd) {
  const Bytes one = unhex(block_1_hex), two = unhex(block_2_hex);
  for (size_t zeros = 0; zeros < 40; ++zeros) {
    Bytes file(zeros);
    append(file, record(one));
    file.resize(file.size() + zeros);
    append(file, record(two));
    file.resize(file.size() + zeros);
    EXPECT_EQ(*read_all(file), (std::vector{one, two})) << zeros;
  }
}

TEST(BlkFile, RefusesAnotherMagicTooMuchAndEveryCut) {
  const Bytes one = unhex(block_1_hex);
  EXPECT_EQ(read_all(record(one, regtest_magic)).error().code, ErrorCode::wrong_magic);
  EXPECT_EQ(read_all(record(one), one.size() - 1).error().code, ErrorCode::too_large);
  EXPECT_TRUE(read_all(record(one), one.size()).has_value());
  const Bytes file = record(one);
  for (size_t length = 1; length < file.size(); ++length) {
    const auto cut = read_all(Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(length)));
    ASSERT_FALSE(cut.has_value()) << length;
    ASSERT_EQ(cut.error().code, ErrorCode::truncated) << length;
  }
}

TEST(BlkFile, PassesOnWhatReadingFailsWith) {
  BlkReader reader(mainnet_magic, 100, [](ByteSpan) -> Result<size_t> { return fail(ErrorCode::store_failed, "disk"); });
  EXPECT_EQ(reader.next().error().code, ErrorCode::store_failed);
}

}  // namespace
}  // namespace lattice::bitcoin
