// Chains that come twice: the first time only followed, by every rule, and kept the second time.
#include <lattice/chains/bitcoin/header_presync.hpp>

#include "support.hpp"

namespace lattice::bitcoin {
namespace {

using namespace test;

ByteArray<32> work_of_headers(uint64_t headers) {
  ByteArray<32> out{};
  const uint64_t work = 2 * (headers + 1);  // regtest, the genesis too
  for (size_t i = 0; i < 8; ++i) out[31 - i] = static_cast<uint8_t>(work >> (8 * i));
  return out;
}

struct Given {
  size_t questions = 0;
  Outcome last;
};

// Gives a chain as a peer does that is asked for more: `step` headers an answer, from the start again when told so.
Given give(Driver& driver, const std::vector<Bytes>& headers, size_t step, uint64_t source = 7) {
  Given given;
  for (size_t at = 0; at < headers.size();) {
    const size_t end = std::min(headers.size(), at + step);
    std::vector<Bytes> part(headers.begin() + static_cast<ptrdiff_t>(at), headers.begin() + static_cast<ptrdiff_t>(end));
    ++given.questions;
    given.last = driver.peer_headers(std::move(part), source);
    if (given.last.code() != ErrorCode::none) return given;
    at = given.last.again ? 0 : end;
  }
  return given;
}

struct Presync : testing::Test {
  Driver driver_with(uint64_t least_headers, const Rules& rules = regtest()) {
    ChainOptions options = options_of(rules);
    options.least_work = work_of_headers(least_headers);
    Driver driver(options, store);
    driver.load();
    return driver;
  }
  Header child(const Bytes& parent) {
    Header header = *parse_header(parent);
    header.previous = hash_header(parent);
    header.time += 600;
    return header;
  }
  MemoryStore store;
};

TEST_F(Presync, AChainThatCountsIsKeptTheSecondTime) {
  const auto headers = headers_of(made(200), 1);
  Driver driver = driver_with(150);
  const Given given = give(driver, headers, 20);
  EXPECT_EQ(given.last.code(), ErrorCode::none);
  EXPECT_EQ(given.questions, 8 + 10u);
  EXPECT_EQ(store.entries(Column::headers), 200u);
  EXPECT_EQ(driver.find({}, {}).headers.size(), 200u);
}

TEST_F(Presync, AShortMessageThatShowsEnoughIsTakenAtOnce) {
  Driver driver = driver_with(150);
  const Given given = give(driver, headers_of(made(200), 1), 2000);
  EXPECT_EQ(given.questions, 1u);
  EXPECT_EQ(given.last.accepted, 200u);
  EXPECT_TRUE(given.last.best.has_value());
}

TEST_F(Presync, BelowTheLeastWorkNothingIsKept) {
  Driver driver = driver_with(201);
  const auto headers = headers_of(made(200), 1);
  const Given given = give(driver, headers, 20);
  EXPECT_EQ(given.last.code(), ErrorCode::none);
  EXPECT_EQ(given.last.accepted, 0u);
  EXPECT_EQ(given.last.last.height, 200u);
  EXPECT_FALSE(given.last.best.has_value());
  // Nobody else can go on where that peer stands.
  EXPECT_EQ(driver.peer_headers({to_bytes(header_wire(ground(child(headers.back()))))}, 8).code(),
            ErrorCode::unconnected_header);
}

TEST_F(Presync, SourcesDoNotDisturbEachOther) {
  Driver driver = driver_with(150);
  const auto one = headers_of(made(200, 1), 1), two = headers_of(made(200, 2), 1);
  for (size_t at = 0; at < 140; at += 20) {
    const auto part = [&](const std::vector<Bytes>& all) {
      return std::vector<Bytes>(all.begin() + static_cast<ptrdiff_t>(at), all.begin() + static_cast<ptrdiff_t>(at + 20));
    };
    EXPECT_EQ(driver.peer_headers(part(one), 1).code(), ErrorCode::none);
    EXPECT_EQ(driver.peer_headers(part(two), 2).code(), ErrorCode::none);
    EXPECT_EQ(driver.peer_headers(part(two), 3).code(), ErrorCode::none);
  }
  EXPECT_EQ(give(driver, two, 20, 2).last.code(), ErrorCode::none);
  EXPECT_EQ(store.entries(Column::headers), 200u);
}

TEST_F(Presync, EachRuleHolds) {
  const auto blocks = made(40);
  const auto good = headers_of(blocks, 1);
  const auto verdict = [&](Header header) {
    Driver driver = driver_with(1000);
    EXPECT_EQ(driver.peer_headers(good, 1).code(), ErrorCode::none);
    return driver.peer_headers({to_bytes(header_wire(header))}, 1).code();
  };
  const Header next = child(good.back());
  EXPECT_EQ(verdict(ground(next)), ErrorCode::none);
  Header header = next;
  while (check_proof_of_work(regtest(), hash_of(header), header.bits)) ++header.nonce;
  EXPECT_EQ(verdict(header), ErrorCode::bad_proof_of_work);
  header = next;
  header.bits = 0x207ffffe;
  EXPECT_EQ(verdict(ground(header)), ErrorCode::bad_difficulty);
  header = next;
  header.time = parse_header(good[34])->time;  // the sixth of the last eleven
  EXPECT_EQ(verdict(ground(header)), ErrorCode::bad_time);
  header.time += 1;
  EXPECT_EQ(verdict(ground(header)), ErrorCode::none);
  header.time = static_cast<uint32_t>(late) + future_seconds_max + 1;
  EXPECT_EQ(verdict(ground(header)), ErrorCode::bad_time);
  header = next;
  header.version = 1;
  EXPECT_EQ(verdict(ground(header)), ErrorCode::bad_header);
  header = next;
  header.previous.bytes[0] ^= 1;
  EXPECT_EQ(verdict(ground(header)), ErrorCode::unconnected_header);
}

// Work that is claimed by the bits of a header without proof of it does not open the way past the first time.
TEST_F(Presync, ClaimedWorkCountsForNothing) {
  Driver driver = driver_with(1000);
  auto headers = headers_of(made(40), 1);
  Header dear = child(headers.back());
  dear.bits = 0x1d00ffff;
  headers.push_back(to_bytes(header_wire(dear)));
  const Outcome out = driver.peer_headers(headers, 1);
  EXPECT_EQ(out.code(), ErrorCode::bad_proof_of_work);
  EXPECT_EQ(out.accepted, 0u);
}

// A network like regtest that retargets every ten headers: both times by the rules of the tree.
TEST_F(Presync, Retargets) {
  Rules rules = regtest();
  rules.retargets = true;
  rules.retarget_blocks = 10;
  rules.retarget_seconds = 100;
  std::vector<Bytes> headers;
  {
    // Steps of 11 s keep it easy; the tree says which bits are right.
    Header last = rules.genesis;
    uint32_t first_time = last.time, bits = last.bits;
    for (uint32_t height = 1; height <= 95; ++height) {
      if (height % 10 == 0) bits = retargeted_bits(rules, bits, first_time, last.time);
      Header next = last;
      next.version = 4;
      next.previous = hash_of(last);
      next.time = last.time + 10 + height % 3;
      next.bits = bits;
      last = ground(next, rules);
      if (height % 10 == 0) first_time = last.time;
      headers.push_back(to_bytes(header_wire(last)));
    }
  }
  ChainOptions options = options_of(rules);
  {
    MemoryStore plain;
    Driver tree(options, plain);
    tree.load();
    ASSERT_EQ(tree.headers(headers).code(), ErrorCode::none);
  }
  options.least_work = work_of_headers(80);
  Driver driver(options, store);
  driver.load();
  const Given given = give(driver, headers, 7);
  EXPECT_EQ(given.last.code(), ErrorCode::none) << given.last.error.where;
  EXPECT_EQ(store.entries(Column::headers), 95u);
  MemoryStore other;
  Driver wrong(options, other);
  wrong.load();
  Header bad = *parse_header(headers[19]);
  bad.bits = parse_header(headers[18])->bits;
  if (bad.bits == parse_header(headers[19])->bits) bad.bits -= 1;
  headers[19] = to_bytes(header_wire(ground(bad, rules)));
  EXPECT_EQ(give(wrong, headers, 7).last.code(), ErrorCode::bad_difficulty);
}

// Beyond the first chain's end no bit would find it out: a branch that is longer there and easier.
TEST_F(Presync, ALongerChainWithLessWorkTheSecondTime) {
  Rules rules = regtest();
  rules.retargets = true;
  rules.retarget_blocks = 10;
  rules.retarget_seconds = 100;
  const auto chain = [&](uint32_t headers, uint32_t fast_from) {
    std::vector<Bytes> out;
    Header last = rules.genesis;
    uint32_t first_time = last.time, bits = last.bits;
    for (uint32_t height = 1; height <= headers; ++height) {
      if (height % 10 == 0) bits = retargeted_bits(rules, bits, first_time, last.time);
      Header next = last;
      next.version = 4;
      next.previous = hash_of(last);
      next.time = last.time + (height < fast_from ? 12 : 4);
      next.bits = bits;
      last = ground(next, rules);
      if (height % 10 == 0) first_time = last.time;
      out.push_back(to_bytes(header_wire(last)));
    }
    return out;
  };
  const auto shown = chain(90, 70), longer = chain(400, 1000);  // one until after the bit at 64
  ChainOptions options = options_of(rules);
  {
    MemoryStore plain;
    Driver tree(options, plain);
    tree.load();
    const Outcome all = tree.headers(shown);
    ASSERT_TRUE(all.best.has_value());
    std::ranges::copy(all.best->best.score, options.least_work.begin());
  }
  Driver driver(options, store);
  driver.load();
  bool again = false;
  for (size_t at = 0; at < shown.size() && !again; at += 10) {
    const auto from = shown.begin() + static_cast<ptrdiff_t>(at);
    again = driver.peer_headers(std::vector<Bytes>(from, from + 10), 1).again;
  }
  ASSERT_TRUE(again);
  const Given given = give(driver, longer, 10, 1);
  EXPECT_EQ(given.last.code(), ErrorCode::contradiction);
  EXPECT_EQ(given.questions, 10u) << "found out right after the first chain's end";
  EXPECT_EQ(store.entries(Column::headers), 0u);
}

TEST_F(Presync, WhatIsHeldIsBounded) {
  ChainOptions options = options_of(regtest());
  options.least_work = work_of_headers(1'000'000);
  HeaderTree tree(options);
  HeaderPresync presync(options);
  const auto headers = headers_of(made(100), 1);
  for (uint64_t source = 1; source <= 2000; ++source) {
    ASSERT_TRUE(presync.takes(source, headers, tree));
    EXPECT_EQ(presync.on_headers(source, headers, tree, wall_from_unix(late)).error.code, ErrorCode::none);
  }
  EXPECT_EQ(presync.size(), HeaderPresync::sources_max);
  EXPECT_LE(presync.bytes(), HeaderPresync::sources_max * 1024);
  // Those heard last are the ones kept.
  EXPECT_TRUE(presync.takes(2000, {to_bytes(header_wire(ground(child(headers.back()))))}, tree));
  EXPECT_FALSE(presync.takes(1, {to_bytes(header_wire(ground(child(headers.back()))))}, tree));
}

}  // namespace
}  // namespace lattice::bitcoin
