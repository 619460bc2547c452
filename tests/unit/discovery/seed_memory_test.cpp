// What is remembered of seeds' lists and operators: over providers, over time, over restarts, and over damage.
#include <gtest/gtest.h>

#include <lattice/base/crc32c.hpp>
#include <lattice/wire/writer.hpp>

#include "operators.hpp"

namespace lattice::test {
namespace {

constexpr int64_t start = 1'800'000'000;
const WallTime now = wall_from_unix(start);
const WallTime later = now + std::chrono::hours{1};
using Ports = std::vector<uint16_t>;
using std::chrono::hours;
using std::chrono::minutes;

struct SeedMemory : testing::Test {
  SeedSigners signers{4};
  OperatorSet first = signers.set({0, 1, 2}, 2), second = signers.set({0, 1, 3}, 2);
  DnsSeeds seeds = fresh();

  DnsSeeds fresh() const { return DnsSeeds{{{"a", first.operators, 2}, {"b", first.operators, 2}}, ChainId{}, 4000}; }
  // As after a restart with what was stored last.
  void restart() {
    stored = seeds.poll_save().value_or(stored);
    seeds = fresh();
    ASSERT_TRUE(seeds.load(stored));
    EXPECT_FALSE(seeds.poll_save());
  }
  Ports ports(size_t seed, std::vector<std::string> texts, WallTime at = now) {
    return signers.answer(seeds, seed, std::move(texts), at).ports;
  }
  DnsOutcome outcome(size_t seed) { return seeds.report()[seed].outcome; }
  std::string list(uint64_t sequence, WallTime expires = later, uint16_t port = 0) {
    return signers.list(sequence, port == 0 ? static_cast<uint16_t>(sequence) : port, {0, 1}, expires);
  }
  Bytes stored;
};

TEST_F(SeedMemory, TheNewestListOfAllProvidersWins) {
  for (const bool newer_first : {true, false}) {
    seeds = fresh();
    seeds.on_asked(0);
    seeds.on_asked(1);
    EXPECT_EQ(ports(0, {list(newer_first ? 7 : 6)}), Ports{});
    EXPECT_EQ(ports(1, {list(newer_first ? 6 : 7)}), Ports{7});
    EXPECT_EQ(outcome(newer_first ? 0 : 1), DnsOutcome::alone);
    EXPECT_EQ(outcome(newer_first ? 1 : 0), DnsOutcome::stale);
    EXPECT_EQ(seeds.report()[newer_first ? 1 : 0].used, 0u);
  }
}

TEST_F(SeedMemory, ProvidersThatSayTheSameAgree) {
  seeds.on_asked(0);
  seeds.on_asked(1);
  EXPECT_EQ(ports(0, {list(7)}), Ports{});
  EXPECT_EQ(outcome(0), DnsOutcome::alone);
  EXPECT_EQ(ports(1, {list(7)}), Ports{7});
  EXPECT_EQ(outcome(0), DnsOutcome::agreed);
  EXPECT_EQ(outcome(1), DnsOutcome::agreed);
}

TEST_F(SeedMemory, TwoListsOfOneNumberConflict) {
  seeds.on_asked(0);
  seeds.on_asked(1);
  EXPECT_EQ(ports(0, {list(7)}), Ports{});
  EXPECT_EQ(ports(1, {list(7, later, 70)}), Ports{7});
  EXPECT_EQ(outcome(1), DnsOutcome::conflict);
}

TEST_F(SeedMemory, ASlowProviderIsNotWaitedFor) {
  seeds.on_asked(0);
  seeds.on_asked(1);
  EXPECT_EQ(ports(0, {list(6)}), Ports{});
  ASSERT_EQ(seeds.release().size(), 1u);
  EXPECT_TRUE(seeds.release().empty());
  EXPECT_EQ(ports(1, {list(7)}), Ports{7});
  EXPECT_EQ(outcome(0), DnsOutcome::stale);
}

// Both lists were with the workers when the newer one came back first.
TEST_F(SeedMemory, AnOlderListThatIsVerifiedLaterIsNotUsed) {
  seeds.on_asked(0);
  seeds.on_asked(1);
  DnsAnswer old;
  old.texts = {list(6)};
  const auto found = seeds.on_answer(0, old, now);
  EXPECT_EQ(ports(1, {list(7)}), Ports{});
  const auto peers = seeds.on_verified(0, signers.verify(found.work)).peers;
  ASSERT_EQ(peers.size(), 1u);
  EXPECT_EQ(peers[0].endpoint.port, 7);
  EXPECT_EQ(outcome(0), DnsOutcome::stale);
}

TEST_F(SeedMemory, AReplayedListIsRefusedAfterARestart) {
  EXPECT_EQ(ports(0, {list(7)}), Ports{7});
  restart();
  EXPECT_EQ(ports(0, {list(6)}), Ports{});
  EXPECT_EQ(outcome(0), DnsOutcome::stale);
  EXPECT_EQ(ports(0, {list(7)}), Ports{7});  // the newest may come again
  seeds = fresh();                           // without the memory it would have been taken
  EXPECT_EQ(ports(0, {list(6)}), Ports{6});
}

TEST_F(SeedMemory, OperatorsStayAfterARestart) {
  ports(0, {operator_statement_text(signers.statement(10, first, second, {0, 1}))});
  restart();
  EXPECT_EQ(seeds.report()[0].statement, 10u);
  EXPECT_EQ(ports(0, {signers.list(11, 11, {0, 2}, later)}), Ports{});
  EXPECT_EQ(ports(0, {signers.list(11, 11, {0, 3}, later)}), Ports{11});
}

TEST_F(SeedMemory, AClockSetBackDoesNotBringAListBack) {
  EXPECT_EQ(ports(0, {list(7)}), Ports{7});
  const Instant mono{hours{5}};
  seeds.on_tick({mono, later});
  seeds.on_tick({mono + SeedOperators::ended_after, later + hours{1}});
  EXPECT_EQ(ports(0, {list(7)}, now), Ports{});
  EXPECT_EQ(outcome(0), DnsOutcome::stale);
  restart();
  EXPECT_EQ(ports(0, {list(7)}, now), Ports{});
  EXPECT_EQ(ports(0, {list(8)}, now), Ports{8});
}

TEST_F(SeedMemory, AClockThatWasWrongForAMomentTakesNothingAway) {
  EXPECT_EQ(ports(0, {list(7)}), Ports{7});
  const Instant mono{hours{5}};
  const WallTime far = now + hours{24 * 3650};
  seeds.on_tick({mono, far});
  EXPECT_EQ(ports(0, {list(7)}, far), Ports{});
  seeds.on_tick({mono + minutes{10}, now});
  seeds.on_tick({mono + minutes{20}, far});
  seeds.on_tick({mono + minutes{20} + SeedOperators::ended_after - minutes{1}, far});
  EXPECT_EQ(ports(0, {list(7)}, now), Ports{7});
}

TEST_F(SeedMemory, WhatIsStoredOnceIsNotStoredAgain) {
  EXPECT_FALSE(seeds.poll_save());
  ports(0, {list(7)});
  EXPECT_TRUE(seeds.poll_save());
  ports(1, {list(7)});
  EXPECT_FALSE(seeds.poll_save());
}

std::vector<SeedRecord> some_records() {
  SeedRecord one, two;
  one.root.fill(1);
  one.sequence = 9;
  one.expires = start;
  one.ended = true;
  two.root.fill(2);
  two.sequence = UINT64_MAX;
  two.statement = 7;
  two.set.threshold = 1;
  two.set.operators = {Digest{1}, Digest{2}};
  return {one, two};
}

TEST(SeedMemoryFile, ThereAndBack) {
  const auto records = some_records();
  const Bytes file = encode_seed_memory({records[1], records[0]}, ChainId{});
  const auto read = decode_seed_memory(file, ChainId{});
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, records);
  EXPECT_EQ(encode_seed_memory(*read, ChainId{}), file);
  EXPECT_EQ(decode_seed_memory(file, ChainId{{1}}).error().code, ErrorCode::wrong_chain);
  EXPECT_TRUE(decode_seed_memory(encode_seed_memory({}, ChainId{}), ChainId{}));
}

TEST(SeedMemoryFile, EveryTruncationAndBitFlipIsRefused) {
  const Bytes file = encode_seed_memory(some_records(), ChainId{});
  for (size_t cut = 0; cut < file.size(); ++cut) EXPECT_FALSE(decode_seed_memory(ByteView(file).first(cut), ChainId{})) << cut;
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    Bytes flipped = file;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(decode_seed_memory(flipped, ChainId{})) << bit;
  }
  Bytes longer = file;
  longer.push_back(0);
  EXPECT_FALSE(decode_seed_memory(longer, ChainId{}));
  EXPECT_EQ(decode_seed_memory(Bytes(seed_memory_bytes_max + 1), ChainId{}).error().code, ErrorCode::too_large);
}

// With a sum that is right: whatever somebody makes up.
TEST(SeedMemoryFile, EveryChangedByteWithARightSumIsRefusedOrReadTheSame) {
  const Bytes file = encode_seed_memory(some_records(), ChainId{});
  const size_t content = file.size() - 4;
  for (size_t at = 0; at < content; ++at) {
    for (int value = 0; value < 256; ++value) {
      wire::Writer out;
      Bytes changed = to_bytes(ByteView(file).first(content));
      changed[at] = static_cast<uint8_t>(value);
      out.bytes(changed).u32(crc32c(changed));
      const auto read = decode_seed_memory(out.view(), ChainId{});
      if (read) {
        EXPECT_EQ(encode_seed_memory(*read, ChainId{}), out.take()) << at << ' ' << value;
      }
    }
  }
}

TEST(SeedMemoryFile, DamageCostsOnlyItself) {
  SeedSigners signers(2);
  DnsSeeds seeds({{"a", signers.hashes, 2}}, ChainId{}, 4000);
  EXPECT_FALSE(seeds.load(Bytes{1, 2, 3}));
  EXPECT_EQ(signers.answer(seeds, 0, {signers.list(1, 1, {0, 1}, later)}, now).ports, Ports{1});
}

TEST(SeedMemoryFile, RecordsOfOtherSpecsAreKept) {
  DnsSeeds seeds({{"a", {Digest{1}}, 1}}, ChainId{}, 4000);
  const auto records = some_records();
  ASSERT_TRUE(seeds.load(encode_seed_memory(records, ChainId{})));
  SeedSigners signers(1);
  DnsSeeds other({{"a", signers.hashes, 1}}, ChainId{}, 4000);
  ASSERT_TRUE(other.load(encode_seed_memory(records, ChainId{})));
  signers.answer(other, 0, {signers.list(1, 1, {0}, later)}, now);
  const auto kept = decode_seed_memory(*other.poll_save(), ChainId{});
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), 3u);
}

}  // namespace
}  // namespace lattice::test
