// Real headers and blocks, where shared/data is to be had; two real blocks are in support.hpp.
#include "support.hpp"

#include <sstream>

namespace lattice::bitcoin {
namespace {

using namespace test;

std::vector<Bytes> cut_headers(const Bytes& file) {
  std::vector<Bytes> out;
  for (size_t i = 0; i + header_bytes <= file.size(); i += header_bytes)
    out.push_back(to_bytes(ByteView(file).subspan(i, header_bytes)));
  return out;
}

// In messages of at most 2,000, as peers send them.
void submit_all(Driver& driver, const std::vector<Bytes>& headers, size_t from) {
  for (size_t i = from; i < headers.size(); i += 2000) {
    const size_t end = std::min(headers.size(), i + 2000);
    const Outcome out =
        driver.headers({headers.begin() + static_cast<ptrdiff_t>(i), headers.begin() + static_cast<ptrdiff_t>(end)});
    ASSERT_EQ(out.code(), ErrorCode::none) << out.error.where << " after " << out.accepted;
    ASSERT_EQ(out.accepted, end - i);
  }
}

TEST(RealData, MainnetBlocksOneAndTwo) {
  MemoryStore store;
  Driver driver(options_of(mainnet()), store);
  driver.load();
  EXPECT_EQ(driver.block(unhex(block_2_hex)).code(), ErrorCode::unknown_parent);
  EXPECT_EQ(driver.block(unhex(block_1_hex)).code(), ErrorCode::none);
  const Outcome out = driver.block(unhex(block_2_hex));
  EXPECT_EQ(out.code(), ErrorCode::none);
  EXPECT_EQ(display(out.tip->tip.block.hash), "000000006a625f06636b8bb6ac7b960a8d03705d1ace08b1a19da3fdcc99ddbd");
}

TEST(RealData, MainnetsFirst255Blocks) {
  REAL_DATA(file, "blocks-0-255.dat");
  const auto blocks = read_blk(file);
  ASSERT_EQ(blocks.size(), 256u);
  MemoryStore store;
  Driver driver(options_of(mainnet()), store);
  driver.load();
  ASSERT_EQ(driver.headers(headers_of(blocks)).accepted, 255u);
  const auto missing = driver.missing().missing;
  ASSERT_EQ(missing.size(), 255u);
  // As from eight peers: in each stretch of eight the last first.
  for (size_t i = 0; i < 256; ++i) ASSERT_EQ(driver.block(blocks[i ^ 7]).code(), ErrorCode::none);
  const Outcome again = Driver(options_of(mainnet()), store).load();
  EXPECT_EQ(again.tip->tip.block, (BlockRef{hash_of_block(blocks[255]), 255}));
  EXPECT_EQ(to_hex(again.tip->tip.score), std::string(52, '0') + "010001000100");
}

TEST(RealData, RecentHeadersAcrossFiveRetargets) {
  REAL_DATA(file, "headers-822528-830592.bin");
  const auto headers = cut_headers(file);
  ASSERT_EQ(headers.size(), 8065u);
  const Header first = *parse_header(headers[0]);
  ChainOptions options = options_of(mainnet());
  options.start = TrustedHeader{822'528, hash_of(first), first.bits, first.time};
  MemoryStore store;
  Driver driver(options, store);
  driver.load();
  submit_all(driver, headers, 1);
  const Outcome again = Driver(options, store).load();
  EXPECT_EQ(again.best->best.block, (BlockRef{hash_header(headers.back()), 830'592}));
  EXPECT_EQ(again.tip->tip.block.height, 822'528u);

  // A header of its own time, with the bits of the period before.
  REAL_DATA(stale, "stale-headers.bin");
  const Outcome out = driver.headers({stale});
  EXPECT_EQ(out.code(), ErrorCode::none);
  EXPECT_EQ(out.accepted, 1u);
  EXPECT_EQ(out.last.height, 823'226u);
  EXPECT_FALSE(out.best.has_value()) << "it lost";
}

TEST(RealData, RecentHeadersFromInsideAPeriod) {
  REAL_DATA(file, "headers-822528-830592.bin");
  const auto headers = cut_headers(file);
  ASSERT_EQ(headers.size(), 8065u);
  const Header first = *parse_header(headers[1000]);
  ChainOptions options = options_of(mainnet());
  options.start = TrustedHeader{823'528, hash_of(first), first.bits, {}};
  MemoryStore store;
  Driver driver(options, store);
  driver.load();
  submit_all(driver, headers, 1001);
}

TEST(RealData, EveryRetargetAndTheWorkOfMainnet) {
  REAL_DATA(file, "retarget-headers.bin");
  REAL_DATA(table, "retarget-headers.csv");
  const auto wires = cut_headers(file);
  ASSERT_EQ(wires.size(), 827u);
  std::istringstream lines{std::string(as_text(table))};
  std::string line;
  std::getline(lines, line);
  U256 work;
  uint32_t counted = 0;  // headers whose work is in `work`
  for (size_t i = 0; i < wires.size(); ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    std::istringstream fields(line);
    std::string index, height_text, hash, chainwork;
    std::getline(fields, index, ',');
    std::getline(fields, height_text, ',');
    std::getline(fields, hash, ',');
    std::getline(fields, chainwork, ',');
    const auto height = static_cast<uint32_t>(std::stoul(height_text));
    const Header header = *parse_header(wires[i]);
    ASSERT_EQ(hash_of(header), shown(hash));
    ASSERT_TRUE(check_proof_of_work(mainnet(), hash_of(header), header.bits).has_value());
    if (height > 0 && height % 2016 == 0) {
      const Header begin = *parse_header(wires[i - 2]), last = *parse_header(wires[i - 1]);
      ASSERT_EQ(header.bits, retargeted_bits(mainnet(), last.bits, begin.time, last.time)) << height;
      ASSERT_TRUE(retarget_possible(mainnet(), last.bits, header.bits)) << height;
    }
    work = work + multiply_divide(work_of(header.bits), height + 1 - counted, 1);
    counted = height + 1;
    std::string digits = chainwork;
    while (!digits.empty() && (digits.back() == '\r' || digits.back() == ' ')) digits.pop_back();
    ASSERT_EQ(to_hex(work.big_endian()), std::string(64 - digits.size(), '0') + digits) << height;
  }
}

TEST(RealData, ARealForkReorganises) {
  REAL_DATA(file, "reorg-blocks.dat");
  const auto blocks = read_blk(file);
  ASSERT_EQ(blocks.size(), 8u);
  MemoryStore store;
  Driver driver(options_of(mainnet()), store);
  driver.load();
  for (size_t i = 0; i < 5; ++i) ASSERT_EQ(driver.block(blocks[i]).code(), ErrorCode::none);
  // 3A and 4A have no more work than 3 and 4.
  for (size_t i = 5; i < 7; ++i) {
    const Outcome out = driver.block(blocks[i]);
    ASSERT_EQ(out.code(), ErrorCode::none);
    EXPECT_FALSE(out.best || out.tip);
  }
  const Outcome out = driver.block(blocks[7]);
  ASSERT_TRUE(out.best && out.tip);
  EXPECT_EQ(out.best->fork_height, 2u);
  EXPECT_EQ(out.tip->fork_height, 2u);
  EXPECT_EQ(out.tip->tip.block, (BlockRef{hash_of_block(blocks[7]), 5}));
}

TEST(RealData, FourRecentBlocksFromATrustedHeader) {
  REAL_DATA(file, "blocks-831328-831331.dat");
  const auto blocks = read_blk(file);
  ASSERT_EQ(blocks.size(), 4u);
  const Header first = *parse_header(header_of(blocks[0]));
  ChainOptions options = options_of(mainnet());
  options.start = TrustedHeader{831'327, first.previous, first.bits, {}};
  MemoryStore store;
  Driver driver(options, store);
  driver.load();
  ASSERT_EQ(driver.headers(headers_of(blocks)).accepted, 4u);
  for (const size_t i : {3, 0, 1, 2}) {
    const Outcome out = driver.block(blocks[i]);
    ASSERT_EQ(out.code(), ErrorCode::none) << out.error.where;
  }
  EXPECT_EQ(Driver(options, store).load().tip->tip.block, (BlockRef{hash_of_block(blocks[3]), 831'331}));

  // A witness changed on the way: the last transaction's last byte before the lock time.
  Bytes changed = blocks[1];
  changed[changed.size() - 5] ^= 1;
  const auto fault = check_block(mainnet(), changed, 831'329);
  ASSERT_TRUE(fault.has_value());
  EXPECT_FALSE(fault->permanent);
}

}  // namespace
}  // namespace lattice::bitcoin
