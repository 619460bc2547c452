// Unsigned answers of several providers.
#include <gtest/gtest.h>

#include <algorithm>

#include <lattice/base/random.hpp>
#include <lattice/discovery/dns_seeds.hpp>

namespace lattice {
namespace {

Endpoint at(int number) {
  return {IpAddress::v4(9, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)),
          4000};
}
SeedOffer offer(size_t seed, int from, int count) {
  SeedOffer out{seed, {}};
  for (int i = 0; i < count; ++i) out.endpoints.push_back(at(from + i));
  return out;
}
size_t of(const MergedOffers& merged, int from, int count) {
  return static_cast<size_t>(std::ranges::count_if(
      merged.endpoints, [&](const Endpoint& endpoint) { return endpoint >= at(from) && endpoint < at(from + count); }));
}

TEST(SeedOffers, OneAloneGivesAll) {
  const std::vector<SeedOffer> offers{offer(0, 0, 200), {1, {}}};
  EXPECT_EQ(merge_offers(offers, true).endpoints.size(), 200u);
  EXPECT_EQ(merge_offers(offers, false).endpoints.size(), offer_share_min);
}

TEST(SeedOffers, OfTwoNeitherIsMuchLonger) {
  const auto merged = merge_offers(std::vector{offer(0, 0, 20), offer(1, 1000, 200)}, true);
  EXPECT_EQ(of(merged, 0, 20), 20u);
  EXPECT_EQ(of(merged, 1000, 200), 20u);
  EXPECT_EQ(merged.outcomes[1].dropped, 180u);
  EXPECT_EQ(merge_offers(std::vector{offer(0, 0, 1), offer(1, 1000, 200)}, true).endpoints.size(), 9u);
}

TEST(SeedOffers, WhatMostNameComesFirstThenEachInTurn) {
  const auto merged = merge_offers(std::vector{SeedOffer{0, {at(1), at(2), at(9)}}, SeedOffer{1, {at(3), at(9), at(4)}},
                                               SeedOffer{2, {at(5), at(6), at(7)}}},
                                   true);
  EXPECT_EQ(merged.endpoints, (std::vector{at(9), at(1), at(3), at(5), at(2), at(4), at(6), at(7)}));
  EXPECT_EQ(merged.outcomes[0].shared, 1u);
  EXPECT_EQ(merged.outcomes[2].shared, 0u);
}

// Each draw: honest providers with overlapping parts of one network, and one that names only its own.
TEST(SeedOffers, OnePoisonedProviderNeverHasTheMajority) {
  SeededRng rng(7);
  for (int round = 0; round < 2000; ++round) {
    const size_t honest = 2 + rng.below(5);
    std::vector<SeedOffer> offers{offer(0, 100'000, static_cast<int>(1 + rng.below(288)))};
    for (size_t i = 1; i <= honest; ++i)
      offers.push_back(offer(i, static_cast<int>(rng.below(50)), static_cast<int>(1 + rng.below(40))));
    for (size_t i = offers.size() - 1; i > 0; --i) std::swap(offers[i], offers[rng.below(i + 1)]);
    const auto merged = merge_offers(offers, true);
    EXPECT_LE(2 * of(merged, 100'000, 300), merged.endpoints.size()) << round;
    // Nor of those that are dialled first.
    const size_t first = std::min<size_t>(merged.endpoints.size(), 10);
    const MergedOffers head{{merged.endpoints.begin(), merged.endpoints.begin() + static_cast<ptrdiff_t>(first)}, {}};
    EXPECT_LE(2 * of(head, 100'000, 300), first + 1) << round;
  }
}

DnsAnswer answer_of(const SeedOffer& offer) {
  DnsAnswer answer;
  for (const auto& endpoint : offer.endpoints) answer.addresses.push_back(endpoint.ip);
  return answer;
}

const WallTime now = wall_from_unix(1'800'000'000);

TEST(SeedOffers, ARoundWaitsForAllProviders) {
  DnsSeeds seeds({{"a", {}, 0}, {"b", {}, 0}, {"c", {}, 0}}, ChainId{}, 4000);
  for (size_t i = 0; i < 3; ++i) seeds.on_asked(i);
  EXPECT_TRUE(seeds.on_answer(0, answer_of(offer(0, 1000, 100)), now).peers.empty());
  EXPECT_TRUE(seeds.on_answer(1, answer_of(offer(1, 0, 5)), now).peers.empty());
  EXPECT_EQ(seeds.on_answer(2, answer_of(offer(2, 0, 5)), now).peers.size(), 10u);
  const auto report = seeds.report();
  EXPECT_EQ(report[0].outcome, DnsOutcome::alone);
  EXPECT_EQ(report[0].used, 5u);
  EXPECT_EQ(report[0].dropped, 95u);
  EXPECT_EQ(report[1].outcome, DnsOutcome::agreed);
  EXPECT_EQ(report[2].outcome, DnsOutcome::agreed);
}

TEST(SeedOffers, WhoDoesNotAnswerIsNotWaitedForLong) {
  DnsSeeds seeds({{"a", {}, 0}, {"b", {}, 0}}, ChainId{}, 4000);
  seeds.on_asked(0);
  seeds.on_asked(1);
  EXPECT_TRUE(seeds.on_answer(0, answer_of(offer(0, 0, 30)), now).peers.empty());
  EXPECT_EQ(seeds.release().size(), offer_share_min);
  EXPECT_TRUE(seeds.release().empty());
  // The other had no answer: now the first is all there is.
  DnsAnswer silence;
  silence.failed = true;
  EXPECT_EQ(seeds.on_answer(1, silence, now).peers.size(), 30 - offer_share_min);
  EXPECT_EQ(seeds.report()[1].outcome, DnsOutcome::failed);
  // The next round begins anew.
  seeds.on_asked(0);
  seeds.on_asked(1);
  EXPECT_TRUE(seeds.on_answer(0, answer_of(offer(0, 0, 30)), now).peers.empty());
  EXPECT_EQ(seeds.on_answer(1, DnsAnswer{}, now).peers.size(), 30u);
  EXPECT_EQ(seeds.report()[1].outcome, DnsOutcome::empty);
}

}  // namespace
}  // namespace lattice
