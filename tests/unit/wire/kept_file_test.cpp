#include <lattice/wire/kept_file.hpp>

#include <gtest/gtest.h>

#include <lattice/base/crc32c.hpp>

namespace lattice::wire {
namespace {

constexpr KeptFile kind{"latatest", 3, 100, "a test"};
constexpr ChainId chain{{7}};

Bytes sample() {
  Writer out = begin_kept_file(kind, chain);
  out.u16(0x1234);
  return end_kept_file(std::move(out));
}
ErrorCode refused(ByteView file) {
  const auto read = read_kept_file(file, kind, chain);
  return read ? ErrorCode::none : read.error().code;
}
// The sum of what it says now.
Bytes changed(size_t offset, uint8_t byte) {
  Bytes file = sample();
  file[offset] = byte;
  file.resize(file.size() - kept_sum_bytes);
  Writer out;
  out.bytes(file).u32(crc32c(file));
  return out.take();
}

TEST(kept_file, gives_what_was_written) {
  const Bytes file = sample();
  auto read = read_kept_file(file, kind, chain);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read->u16(), 0x1234);
  EXPECT_TRUE(read->end());
}

TEST(kept_file, says_what_is_wrong_with_another) {
  const Bytes file = sample();
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_EQ(refused(ByteView(file).first(size)),
              size < kept_head_bytes + kept_sum_bytes ? ErrorCode::truncated : ErrorCode::bad_checksum);
  EXPECT_EQ(refused(changed(0, 'l')), ErrorCode::none);
  EXPECT_EQ(refused(changed(0, 'x')), ErrorCode::bad_value);
  EXPECT_EQ(refused(changed(8, 4)), ErrorCode::wrong_version);
  EXPECT_EQ(refused(changed(9, 8)), ErrorCode::wrong_chain);
  EXPECT_EQ(refused(Bytes(101)), ErrorCode::too_large);
}

}  // namespace
}  // namespace lattice::wire
