// Each rule of headers, broken in turn, through the Chain interface.
#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

class HeaderRules : public testing::Test {
 protected:
  void SetUp() override {
    driver.load();
    ASSERT_EQ(driver.headers(headers_of(blocks, 1)).code(), ErrorCode::none);
  }
  // A child of the newest header.
  Header child() const {
    Header header = *parse_header(header_of(blocks.back()));
    header.previous = hash_of_block(blocks.back());
    header.time += 600;
    return header;
  }
  Outcome submit(const Header& header) { return driver.headers({to_bytes(header_wire(header))}); }

  const std::vector<Bytes> blocks = made(20);
  MemoryStore store;
  Driver driver{options_of(regtest()), store};
};

TEST_F(HeaderRules, AGoodChildIsTaken) {
  const Outcome out = submit(ground(child()));
  EXPECT_EQ(out.code(), ErrorCode::none);
  EXPECT_EQ(out.accepted, 1u);
  EXPECT_EQ(out.last.height, 21u);
  ASSERT_TRUE(out.best.has_value());
  EXPECT_EQ(out.best->best.block, out.last);
  EXPECT_EQ(out.best->fork_height, 20u);
}

TEST_F(HeaderRules, KnownOnesAreValidAndChangeNothing) {
  const Outcome out = driver.headers(headers_of(blocks, 1));
  EXPECT_EQ(out.code(), ErrorCode::none);
  EXPECT_EQ(out.accepted, 0u);
  EXPECT_EQ(out.last, (BlockRef{hash_of_block(blocks[20]), 20}));
  EXPECT_FALSE(out.best.has_value());
}

TEST_F(HeaderRules, Size) {
  EXPECT_EQ(driver.headers({Bytes(79)}).code(), ErrorCode::bad_header);
  EXPECT_EQ(driver.headers({Bytes(81)}).code(), ErrorCode::bad_header);
}

TEST_F(HeaderRules, ProofOfWork) {
  Header header = child();
  while (check_proof_of_work(regtest(), hash_of(header), header.bits)) ++header.nonce;
  EXPECT_EQ(submit(header).code(), ErrorCode::bad_proof_of_work);
}

TEST_F(HeaderRules, BitsAreTheParentsOnRegtest) {
  Header header = child();
  header.bits = 0x207ffffe;
  EXPECT_EQ(submit(ground(header)).code(), ErrorCode::bad_difficulty);
  header.bits = 0x2100ffff;
  EXPECT_EQ(submit(header).code(), ErrorCode::bad_difficulty);
}

TEST_F(HeaderRules, TimeAfterTheMedianOfEleven) {
  Header header = child();
  header.time = parse_header(header_of(blocks[15]))->time;  // the sixth of the last eleven
  EXPECT_EQ(submit(ground(header)).code(), ErrorCode::bad_time);
  header.time += 1;
  EXPECT_EQ(submit(ground(header)).code(), ErrorCode::none);
}

TEST_F(HeaderRules, TooFarAheadIsRefusedNowAndTakenLater) {
  Header header = child();
  header.time = static_cast<uint32_t>(late) + future_seconds_max + 1;
  header = ground(header);
  EXPECT_EQ(submit(header).code(), ErrorCode::bad_time);
  driver.wall += 1;
  EXPECT_EQ(submit(header).code(), ErrorCode::none);
}

TEST_F(HeaderRules, Version) {
  for (const int32_t version : {0, 1, 2, 3, -1}) {
    Header header = child();
    header.version = version;
    EXPECT_EQ(submit(ground(header)).code(), ErrorCode::bad_header) << version;
  }
  Header header = child();
  header.version = 4;
  EXPECT_EQ(submit(ground(header)).code(), ErrorCode::none);
}

TEST_F(HeaderRules, UnknownParent) {
  Header header = child();
  header.previous.bytes[0] ^= 1;
  EXPECT_EQ(submit(ground(header)).code(), ErrorCode::unconnected_header);
}

TEST_F(HeaderRules, WhatCameBeforeTheFaultIsKept) {
  const Header good = ground(child());
  Header bad = good;
  bad.previous = hash_of(good);
  bad.version = 1;
  const Outcome out = driver.headers({to_bytes(header_wire(good)), to_bytes(header_wire(ground(bad)))});
  EXPECT_EQ(out.code(), ErrorCode::bad_header);
  EXPECT_EQ(out.accepted, 1u);
  EXPECT_EQ(out.last.hash, hash_of(good));
  EXPECT_TRUE(out.best.has_value());
}

TEST(Checkpoints, AnotherHeaderAtTheirHeightAndForksBelow) {
  const auto chain = made(20, 1), other = made(20, 2);
  ChainOptions options = options_of(regtest());
  options.checkpoints = {{10, hash_of_block(chain[10])}};
  MemoryStore store;
  Driver driver(options, store);
  driver.load();
  const Outcome wrong = driver.headers(headers_of(other, 1));
  EXPECT_EQ(wrong.code(), ErrorCode::checkpoint_mismatch);
  EXPECT_EQ(wrong.accepted, 9u);
  EXPECT_EQ(driver.headers(headers_of(chain, 1)).code(), ErrorCode::none);
  const auto third = made(3, 3);
  EXPECT_EQ(driver.headers(headers_of(third, 1)).code(), ErrorCode::below_checkpoint);
}

// A network like regtest that retargets every ten headers.
struct Retargeting : testing::Test {
  static Rules make() {
    Rules rules = regtest();
    rules.retargets = true;
    rules.retarget_blocks = 10;
    rules.retarget_seconds = 100;
    return rules;
  }
  Header next(uint32_t seconds, uint32_t bits) {
    Header header = last;
    header.version = 4;
    header.previous = hash_of(last);
    header.time = last.time + seconds;
    header.bits = bits;
    return ground(header, rules);
  }
  ErrorCode submit(const Header& header) {
    const Outcome out = driver->headers({to_bytes(header_wire(header))});
    if (out.code() == ErrorCode::none) last = header;
    return out.code();
  }
  void start(std::optional<TrustedHeader> trusted = {}) {
    ChainOptions options = options_of(rules);
    options.start = trusted;
    store.emplace();
    driver.emplace(options, *store);
    driver->load();
  }

  const Rules rules = make();
  Header last = rules.genesis;
  std::optional<MemoryStore> store;
  std::optional<Driver> driver;
};

TEST_F(Retargeting, EveryTenthHeaderWithThePeriodOneBlockShort) {
  start();
  for (int i = 1; i < 10; ++i) ASSERT_EQ(submit(next(5, 0x207fffff)), ErrorCode::none);
  // From header 0 to header 9: nine steps of 5 s of the 100 s wished for.
  const uint32_t bits = bits_from_target(multiply_divide(*target_from_bits(0x207fffff), 45, 100));
  EXPECT_EQ(submit(next(5, 0x207fffff)), ErrorCode::bad_difficulty);
  EXPECT_EQ(submit(next(5, bits_from_target(multiply_divide(*target_from_bits(0x207fffff), 50, 100)))),
            ErrorCode::bad_difficulty);
  EXPECT_EQ(submit(next(5, bits)), ErrorCode::none);
  for (int i = 11; i < 20; ++i) ASSERT_EQ(submit(next(1, bits)), ErrorCode::none);
  const uint32_t hardest = bits_from_target(multiply_divide(*target_from_bits(bits), 25, 100));
  EXPECT_EQ(submit(next(1, bits)), ErrorCode::bad_difficulty);
  EXPECT_EQ(submit(next(1, hardest)), ErrorCode::none);
}

TEST_F(Retargeting, FromATrustedHeaderInsideAPeriodTheFactorOfFourHolds) {
  start();
  for (int i = 1; i < 8; ++i) ASSERT_EQ(submit(next(5, 0x207fffff)), ErrorCode::none);
  const Header seventh = last;
  for (const std::optional<uint32_t> time : {std::optional<uint32_t>{}, std::optional{seventh.time}}) {
    last = seventh;
    start(TrustedHeader{7, hash_of(seventh), seventh.bits, time});
    ASSERT_EQ(submit(next(5, 0x207fffff)), ErrorCode::none);
    ASSERT_EQ(submit(next(5, 0x207fffff)), ErrorCode::none);
    EXPECT_EQ(submit(next(5, bits_from_target(*target_from_bits(0x207fffff) >> 3))), ErrorCode::bad_difficulty);
    EXPECT_EQ(submit(next(5, bits_from_target(*target_from_bits(0x207fffff) >> 1))), ErrorCode::none);
    // The next period began above the start: exact again.
    const uint32_t bits = last.bits;
    for (int i = 11; i < 20; ++i) ASSERT_EQ(submit(next(5, bits)), ErrorCode::none);
    EXPECT_EQ(submit(next(5, bits)), ErrorCode::bad_difficulty);
    EXPECT_EQ(submit(next(5, bits_from_target(multiply_divide(*target_from_bits(bits), 45, 100)))), ErrorCode::none);
  }
}

TEST(TrustedStart, MedianTimeOfTheAncestorsThereAre) {
  const auto chain = made(12);
  ChainOptions options = options_of(regtest());
  const Header start = *parse_header(header_of(chain[10]));
  Header header = *parse_header(header_of(chain[11]));
  header.time = start.time;
  header = ground(header);
  for (const bool time_known : {false, true}) {
    options.start = TrustedHeader{10, hash_of(start), start.bits, time_known ? std::optional{start.time} : std::nullopt};
    MemoryStore store;
    Driver driver(options, store);
    driver.load();
    EXPECT_EQ(driver.headers({to_bytes(header_wire(header))}).code(), time_known ? ErrorCode::bad_time : ErrorCode::none);
    EXPECT_EQ(driver.headers(headers_of(chain, 11)).code(), ErrorCode::none);
  }
}

TEST(TrustedStart, ImpossibleOnesAreRefused) {
  ChainOptions options = options_of(mainnet());
  options.start = TrustedHeader{10, {}, 0x207fffff, {}};
  EXPECT_EQ(make_chain(options).error().code, ErrorCode::bad_value);
  options.start = TrustedHeader{height_max + 1, {}, 0x1d00ffff, {}};
  EXPECT_EQ(make_chain(options).error().code, ErrorCode::bad_value);
  EXPECT_EQ(make_chain(ChainOptions{}).error().code, ErrorCode::bad_value);
}

}  // namespace
}  // namespace lattice::bitcoin
