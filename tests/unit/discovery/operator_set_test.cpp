// Statements that others sign a chain's seed lists from now on.
#include <gtest/gtest.h>

#include "operators.hpp"

namespace lattice::test {
namespace {

const WallTime now = wall_from_unix(1'800'000'000);
const WallTime later = now + std::chrono::hours{1};
using Ports = std::vector<uint16_t>;

struct OperatorSets : testing::Test {
  SeedSigners signers{6};
  OperatorSet first = signers.set({0, 1, 2}, 2), second = signers.set({0, 1, 3}, 2), third = signers.set({0, 3, 4}, 2);
  DnsSeeds seeds{{{"s", first.operators, 2}}, ChainId{}, 4000};

  std::string text(uint64_t sequence, const OperatorSet& next, const std::vector<size_t>& who) {
    return operator_statement_text(signers.statement(sequence, first, next, who));
  }
  Ports ports(std::vector<std::string> texts) { return signers.answer(seeds, 0, std::move(texts), now).ports; }
  uint64_t taken() { return seeds.report()[0].statement; }
};

TEST_F(OperatorSets, TextAndBack) {
  const auto statement = signers.statement(9, first, second, {0, 1, 3});
  const auto said = operator_statement_text(statement);
  const auto read = parse_operator_statement(said);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, statement);
  for (size_t cut = 0; cut < said.size(); cut += 97) EXPECT_FALSE(parse_operator_statement(said.substr(0, cut))) << cut;
  // Any other byte of the body is another statement or none, and its signatures do not hold.
  for (size_t at = operator_set_prefix.size(); at < operator_set_prefix.size() + 180; ++at) {
    std::string other = said;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    const auto changed = parse_operator_statement(other);
    if (!changed) continue;
    std::vector<VerifyWork> work;
    add_signature_work(work, changed->signatures, {0}, operator_set_context, operator_statement_body(*changed));
    EXPECT_FALSE(signers.verify(work)[0]) << at;
  }
}

TEST_F(OperatorSets, WhatCannotBeIsRefused) {
  const auto good = signers.statement(9, first, second, {});
  const auto refused = [](OperatorStatement statement) {
    return !parse_operator_statement(operator_statement_text(statement));
  };
  EXPECT_FALSE(refused(good));
  auto none = good;
  none.set.operators.clear();
  EXPECT_TRUE(refused(none));
  auto zero = good;
  zero.set.threshold = 0;
  EXPECT_TRUE(refused(zero));
  auto many = good;
  many.set.threshold = 4;
  EXPECT_TRUE(refused(many));
  auto order = good;
  std::ranges::reverse(order.set.operators);
  EXPECT_TRUE(refused(order));
  auto twice = good;
  twice.set.operators[1] = twice.set.operators[0];
  EXPECT_TRUE(refused(twice));
}

TEST_F(OperatorSets, TheNewKeySignsAndTheOldOneDoesNot) {
  EXPECT_EQ(ports({signers.list(5, 5, {0, 2}, later)}), Ports{5});
  // Key 2 goes, key 3 comes; 0 and 1 say so, and 1 with 3 can sign.
  EXPECT_EQ(ports({text(10, second, {0, 1}), signers.list(11, 11, {1, 3}, later)}), Ports{11});
  EXPECT_EQ(taken(), 10u);
  EXPECT_EQ(ports({signers.list(12, 12, {0, 2}, later)}), Ports{});
  EXPECT_EQ(ports({signers.list(13, 13, {0, 3}, later)}), Ports{13});
}

TEST_F(OperatorSets, ListsFromBeforeTheStatementAreOver) {
  EXPECT_EQ(ports({text(10, second, {0, 1})}), Ports{});
  EXPECT_EQ(ports({signers.list(9, 9, {0, 1}, later)}), Ports{});
  EXPECT_EQ(seeds.report()[0].outcome, DnsOutcome::stale);
  EXPECT_EQ(ports({signers.list(10, 10, {0, 1}, later)}), Ports{10});
}

TEST_F(OperatorSets, TooFewOfEitherSideAreRefused) {
  for (const auto& who : std::vector<std::vector<size_t>>{{}, {0}, {0, 3}, {0, 2}, {2, 3}, {3, 4}}) {
    EXPECT_EQ(ports({text(10, second, who)}), Ports{});
    EXPECT_EQ(taken(), 0u);
    EXPECT_EQ(seeds.report()[0].outcome, DnsOutcome::rejected);
  }
  // Two of the present ones, one of whom stays: one new one is missing.
  EXPECT_EQ(ports({text(10, second, {0, 2})}), Ports{});
  EXPECT_EQ(taken(), 0u);
  ports({text(10, second, {0, 2, 3})});
  EXPECT_EQ(taken(), 10u);
}

TEST_F(OperatorSets, AForgedSignatureIsOneTooFew) {
  auto statement = signers.statement(10, first, second, {0, 1});
  statement.signatures[1].signature[100] ^= 1;
  EXPECT_EQ(ports({operator_statement_text(statement)}), Ports{});
  EXPECT_EQ(taken(), 0u);
}

TEST_F(OperatorSets, OfAnotherChainOrOtherSeedsIsRefused) {
  auto of_chain = signers.statement(10, first, second, {});
  of_chain.chain.bytes[0] = 1;
  auto of_seeds = signers.statement(10, second, second, {});
  for (auto* statement : {&of_chain, &of_seeds}) {
    for (const size_t who : {0, 1}) sign_operator_statement(*statement, *signers.keys[who], signers.entropy());
    ports({operator_statement_text(*statement)});
    EXPECT_EQ(taken(), 0u);
    EXPECT_TRUE(seeds.report()[0].rejected.starts_with("wrong_chain"));
  }
}

// A, then B, then A again: the first statement does not come back.
TEST_F(OperatorSets, AReplayedStatementIsNotTakenAgain) {
  const auto there = text(10, second, {0, 1}), back = text(20, first, {0, 1});
  ports({there});
  EXPECT_EQ(taken(), 10u);
  ports({back, there});
  EXPECT_EQ(taken(), 20u);
  ports({there});
  EXPECT_EQ(taken(), 20u);
  EXPECT_EQ(ports({signers.list(21, 21, {0, 2}, later)}), Ports{21});
}

// The zone keeps all statements: who has seen none follows them one after the other, whatever their order.
TEST_F(OperatorSets, StatementsThatFollowEachOtherAreTakenInOneAnswer) {
  const auto step = text(10, second, {0, 1}), next = text(20, third, {1, 3, 4});
  EXPECT_EQ(ports({next, signers.list(21, 21, {3, 4}, later), step}), Ports{21});
  EXPECT_EQ(taken(), 20u);
}

// Where enough of those stayed, a statement between may be missing.
TEST_F(OperatorSets, AStatementThatWasMissedDoesNoHarm) {
  const auto next = text(20, signers.set({0, 1, 4}, 2), {0, 1});
  EXPECT_EQ(ports({next, signers.list(21, 21, {1, 4}, later)}), Ports{21});
}

// Who had stolen the old keys pushes the number up as far as it goes; the new operators' lists count all the same.
TEST_F(OperatorSets, TheFloorBeginsAnewWithTheNewOperators) {
  EXPECT_EQ(ports({signers.list(UINT64_MAX, 1, {1, 2}, later)}), Ports{1});
  EXPECT_EQ(ports({text(10, second, {0, 1}), signers.list(11, 11, {0, 3}, later)}), Ports{11});
}

TEST_F(OperatorSets, SeedsWithTheSameOperatorsShareThem) {
  DnsSeeds two({{"a", first.operators, 2}, {"b", {first.operators[2], first.operators[0], first.operators[1]}, 2}}, ChainId{},
               1);
  signers.answer(two, 0, {text(10, second, {0, 1})}, now);
  EXPECT_EQ(two.report()[1].statement, 10u);
  EXPECT_EQ(signers.answer(two, 1, {signers.list(11, 11, {0, 3}, later)}, now).ports, Ports{11});
}

// The statement came by another seed while this one's list was with the workers.
TEST_F(OperatorSets, AListChosenForTheOldOperatorsIsLookedAtAnew) {
  DnsSeeds two({{"a", first.operators, 2}, {"b", first.operators, 2}}, ChainId{}, 1);
  two.on_asked(0);
  two.on_asked(1);
  DnsAnswer with_list;
  with_list.texts = {signers.list(11, 11, {0, 2}, later)};
  const auto found = two.on_answer(0, with_list, now);
  ASSERT_EQ(found.work.size(), 2u);
  signers.answer(two, 1, {text(10, second, {0, 1})}, now);
  EXPECT_TRUE(two.on_verified(0, signers.verify(found.work)).peers.empty());
  EXPECT_FALSE(two.busy());
  EXPECT_EQ(two.report()[0].outcome, DnsOutcome::rejected);
}

// Forged statements and forged lists together cost what one answer may, and the real list still has its checks.
TEST_F(OperatorSets, ForgedStatementsDoNotPushTheListOut) {
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < 10; ++i) {
    auto statement = signers.statement(100 + i, first, second, {0, 1});
    statement.signatures[0].signature[7] ^= 1;
    texts.push_back(operator_statement_text(statement));
  }
  texts.push_back(signers.list(5, 5, {0, 1}, later));
  const auto answered = signers.answer(seeds, 0, texts, now);
  EXPECT_EQ(answered.ports, Ports{5});
  EXPECT_EQ(answered.checks, DnsSeeds::statement_checks_max + 2);
  EXPECT_LE(answered.checks, seed_signatures_max);
}

}  // namespace
}  // namespace lattice::test
