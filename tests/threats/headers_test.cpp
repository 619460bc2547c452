// Headers that cost little, lead nowhere or belong to a height that is not there.
#include <gtest/gtest.h>

#include <cstdlib>

#include <lattice/chains/bitcoin/chain.hpp>

#include "target.hpp"

namespace lattice::threats {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kib = 1024, mib = 1024 * kib;

std::unique_ptr<Chain> regtest_chain(uint64_t least_work) {
  bitcoin::ChainOptions options;
  options.rules = &bitcoin::regtest();
  options.id = bitcoin::chain_id(bitcoin::regtest());
  options.table_key = {0x0123'4567'89ab'cdef, 0xfedc'ba98'7654'3210};
  for (size_t i = 0; i < 8; ++i) options.least_work[31 - i] = static_cast<uint8_t>(least_work >> (8 * i));
  return std::move(*bitcoin::make_chain(options));
}

// Headers of regtest, mined as they are asked for: two hashes each.
struct Miner {
  bitcoin::Header last = bitcoin::regtest().genesis;
  std::vector<Bytes> mine(size_t count, uint8_t salt) {
    std::vector<Bytes> out;
    for (size_t i = 0; i < count; ++i) {
      bitcoin::Header next = last;
      next.version = 4;
      next.previous = bitcoin::hash_of(last);
      next.merkle_root[0] = salt;
      next.time = last.time + 1;
      for (next.nonce = 0; !bitcoin::check_proof_of_work(bitcoin::regtest(), bitcoin::hash_of(next), next.bits);) ++next.nonce;
      out.push_back(to_bytes(bitcoin::header_wire(next)));
      last = next;
    }
    return out;
  }
};

// Serves headers that it has, as an honest peer does; of bodies it has none.
void serve(Caller& self, wire::Message& message, const std::vector<Bytes>& headers) {
  if (auto* ping = std::get_if<wire::Ping>(&message)) self.send(wire::Pong{ping->nonce});
  if (auto* blocks = std::get_if<wire::GetBlocks>(&message)) self.send(wire::NotFound{blocks->hashes});
  const auto* ask = std::get_if<wire::GetHeaders>(&message);
  if (ask == nullptr) return;
  static std::map<const std::vector<Bytes>*, std::map<BlockHash, size_t>> places;
  auto& place = places[&headers];
  if (place.size() != headers.size()) {
    place.clear();
    for (size_t i = 0; i < headers.size(); ++i) place[bitcoin::hash_header(headers[i])] = i + 1;
  }
  size_t from = 0;
  for (const BlockHash& hash : ask->locator) {
    if (const auto found = place.find(hash); found != place.end()) {
      from = found->second;
      break;
    }
  }
  wire::Headers answer;
  for (size_t i = from; i < headers.size() && answer.headers.size() < limits::headers_max; ++i)
    answer.headers.push_back(headers[i]);
  self.send(answer);
}

// 2. CVE-2019-25220. A million here; LATTICE_CHEAP_HEADERS=10000000 asks for more.
TEST(Threats, TenMillionCheapHeaders) {
  const char* wanted = std::getenv("LATTICE_CHEAP_HEADERS");
  const size_t count = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1'000'000;
  Target target(regtest_chain(uint64_t{1} << 40));
  target.start();
  Caller peer(target, 1);
  Miner miner;
  size_t sent = 0, settled = 0;
  peer.hear = [&](Caller& self, wire::Message& message) {
    if (!std::holds_alternative<wire::GetHeaders>(message) || sent >= count) return;
    sent += limits::headers_max;
    self.send(wire::Headers{miner.mine(limits::headers_max, 1)});
    if (sent == 20 * limits::headers_max) {
      settled = heap::held();
      heap::reset_peak();
    }
  };
  ASSERT_TRUE(peer.open());
  EXPECT_EQ(sent, count) << "each answer led further";
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(target.report().best_header.block.height, 0u);
  EXPECT_EQ(target.store.entries(Column::headers), 0u);
  // A bit of every 64th header.
  EXPECT_LE(heap::held(), settled + count / 64 / 8 * 2 + 16 * kib);
  EXPECT_LE(heap::peak(), settled + count / 64 / 8 * 2 + 1 * mib);
}

// 2. One cheap chain after the other, announced and announced again; beside them somebody honest is heard.
TEST(Threats, ManyCheapChainsAndOneThatCounts) {
  constexpr size_t honest_headers = 20'000;
  const std::vector<Bytes> honest = Miner{}.mine(honest_headers, 0);
  Target target(regtest_chain(2 * (honest_headers - 500)));
  target.start();
  Caller peer(target, 1);
  std::unique_ptr<Miner> miner = std::make_unique<Miner>();
  size_t sent = 0, of_this_chain = 0;
  uint8_t salt = 1;
  peer.hear = [&](Caller& self, wire::Message& message) {
    if (!std::holds_alternative<wire::GetHeaders>(message)) return;
    if (of_this_chain >= 18'000) {
      miner = std::make_unique<Miner>();
      of_this_chain = 0;
      ++salt;
      return self.send(wire::Headers{});
    }
    sent += limits::headers_max;
    of_this_chain += limits::headers_max;
    self.send(wire::Headers{miner->mine(limits::headers_max, salt)});
  };
  const size_t before = heap::held();
  ASSERT_TRUE(peer.open());
  BlockHash unknown;
  for (uint8_t i = 1; i <= 10 && !peer.closed; ++i) {
    unknown.bytes[0] = i;
    peer.send(wire::Inventory{{{wire::InventoryType::block, unknown}}});
    target.pass(seconds{1});
  }
  EXPECT_GE(sent, 100'000u);
  EXPECT_FALSE(peer.closed);
  EXPECT_LE(heap::held(), before + 1 * mib);
  EXPECT_EQ(target.report().best_header.block.height, 0u);

  Caller good(target, 2);
  good.hear = [&](Caller& self, wire::Message& message) { serve(self, message, honest); };
  ASSERT_TRUE(good.open());
  target.pass(seconds{30});
  EXPECT_FALSE(good.closed);
  EXPECT_EQ(target.report().best_header.block.height, honest_headers);
  EXPECT_EQ(target.report().best_header.block.hash, bitcoin::hash_header(honest.back()));
  EXPECT_EQ(target.store.entries(Column::headers), honest_headers);
}

// 2. Shows a chain that counts, and when it is to give it, gives cheap headers.
TEST(Threats, AnotherChainTheSecondTime) {
  const std::vector<Bytes> shown = Miner{}.mine(12'000, 0);
  Target target(regtest_chain(2 * 11'000));
  target.start();
  const size_t before = heap::held();
  Caller peer(target, 1);
  Miner cheap;
  size_t answers = 0;
  peer.hear = [&](Caller& self, wire::Message& message) {
    if (!std::holds_alternative<wire::GetHeaders>(message)) return;
    if (++answers <= 6) return serve(self, message, shown);
    if (answers > 40) return;  // or it would never end
    self.send(wire::Headers{cheap.mine(limits::headers_max, 9)});
  };
  peer.open();
  EXPECT_TRUE(peer.closed);
  EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::contradiction);
  EXPECT_EQ(answers, 7u);
  EXPECT_EQ(target.report().best_header.block.height, 0u);
  EXPECT_LE(heap::held(), before + 64 * kib);
}

// 4. Answers every question in full, and never with anything new.
TEST(Threats, HeaderQuestionsThatNeverAdvance) {
  const auto line = test::make_line(test::genesis().hash, limits::headers_max, 10);
  Target target;
  target.start();
  Caller peer(target, 1);
  size_t questions = 0, block_questions = 0;
  peer.hear = [&](Caller& self, wire::Message& message) {
    if (auto* ping = std::get_if<wire::Ping>(&message)) self.send(wire::Pong{ping->nonce});
    if (std::holds_alternative<wire::GetBlocks>(message)) {
      ++block_questions;
      answer_honestly(self, message, line);
    }
    if (!std::holds_alternative<wire::GetHeaders>(message)) return;
    if (++questions > 1000) return;  // or it would never end
    wire::Headers same;
    for (const auto& block : line) same.headers.push_back(block.header);
    self.send(same);
  };
  ASSERT_TRUE(peer.open());
  EXPECT_LE(questions, 3u) << "at once";
  target.pass(minutes{10});
  EXPECT_LE(questions, 3 + 2 * 10u) << "and once or twice a minute";
  EXPECT_EQ(target.report().tip.block.height, limits::headers_max);
  EXPECT_LE(block_questions, 200u);
}

// 4. Has every block, until it is asked for one.
TEST(Threats, BlockQuestionsThatNeverAdvance) {
  const auto line = test::make_line(test::genesis().hash, 300, 10);
  Target target;
  target.start();
  Caller peer(target, 1);
  peer.status.height = line.size();
  peer.status.tip = line.back().hash;
  size_t questions = 0;
  peer.hear = [&](Caller& self, wire::Message& message) {
    if (auto* blocks = std::get_if<wire::GetBlocks>(&message)) {
      if (++questions > 1000) return;  // or it would never end
      self.send(wire::NotFound{blocks->hashes});
      self.status.height += 1;  // and it has more than ever
      return self.send(self.status);
    }
    answer_honestly(self, message, line);
  };
  peer.open();
  target.pass(minutes{10});
  EXPECT_GE(questions, 2u);
  EXPECT_TRUE(peer.closed || questions <= 25u) << questions;
  EXPECT_LE(questions, 60u);
  EXPECT_EQ(target.report().tip.block.height, 0u);
}

// 15. CVE-2025-24371: heights that are not there, up to the last number.
TEST(Threats, LiesAboutHeight) {
  const auto line = test::make_line(test::genesis().hash, 300, 50);
  for (const uint64_t claim : {uint64_t{0}, uint64_t{301}, uint64_t{1} << 63, UINT64_MAX}) {
    Target target;
    target.start();
    Caller liar(target, 1), honest(target, 2);
    liar.status.height = claim;
    if (claim > 0) liar.status.tip.bytes[0] ^= 1;
    size_t asked = 0;
    liar.hear = [&](Caller& self, wire::Message& message) {
      if (auto* blocks = std::get_if<wire::GetBlocks>(&message)) {
        ++asked;
        return self.send(wire::NotFound{blocks->hashes});
      }
      answer_honestly(self, message, {});
    };
    honest.status.height = line.size();
    honest.status.tip = line.back().hash;
    honest.hear = [&](Caller& self, wire::Message& message) { answer_honestly(self, message, line); };
    ASSERT_TRUE(liar.open());
    ASSERT_TRUE(honest.open());
    target.pass(seconds{5});
    const auto report = target.report();
    EXPECT_TRUE(report.synced) << claim;
    EXPECT_EQ(report.tip.block.hash, line.back().hash) << claim;
    EXPECT_FALSE(honest.closed);
    EXPECT_LE(asked, 3u) << claim;
    EXPECT_EQ(report.open_questions, 0u);
  }
}

}  // namespace
}  // namespace lattice::threats
