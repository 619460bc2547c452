#include <lattice/discovery/dns_seeds.hpp>

#include <gtest/gtest.h>

namespace lattice {
namespace {

const WallTime now = wall_from_unix(1'800'000'000);

struct Signers {
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(5));
  std::vector<std::shared_ptr<const SigningKey>> keys;
  std::vector<Digest> hashes;
  Signers() {
    for (int i = 0; i < 3; ++i) {
      Secret<32> secret;
      provider->rng().fill(secret.span());
      keys.push_back(provider->signing_key(SignAlg::mldsa65, secret));
      hashes.push_back(blake2s(keys.back()->public_key()));
    }
  }
  std::string list(uint64_t sequence, uint16_t port, size_t signers = 2) {
    SeedList out;
    out.sequence = sequence;
    out.expires = now + std::chrono::hours{1};
    NodeId id;
    id.bytes[0] = 1;
    out.entries = {{{IpAddress::v4(8, 8, 8, 8), port}, id}};
    for (size_t i = 0; i < signers; ++i) {
      Secret<32> entropy;
      provider->rng().fill(entropy.span());
      sign_seed_list(out, *keys[i], entropy);
    }
    return seed_list_text(out);
  }
  DnsSeeds seeds(size_t threshold = 2) { return DnsSeeds({{"s", hashes, threshold}}, ChainId{}, 4000); }
};

TEST(dns_seeds, unsigned_answers_once_each_with_the_default_port) {
  DnsSeeds seeds({{"s", {}, 0}}, ChainId{}, 4000);
  seeds.on_asked(0);
  EXPECT_TRUE(seeds.busy());
  DnsAnswer answer;
  answer.addresses = {IpAddress::v4(8, 8, 8, 8), IpAddress::v4(8, 8, 8, 9), IpAddress{}};
  answer.services = {{IpAddress::v4(8, 8, 8, 8), 4000}, {IpAddress::v4(8, 8, 8, 8), 0}, {IpAddress::v4(8, 8, 8, 8), 5000}};
  const auto found = seeds.on_answer(0, answer, now);
  EXPECT_FALSE(seeds.busy());
  EXPECT_TRUE(found.work.empty());
  ASSERT_EQ(found.peers.size(), 3u);
  EXPECT_EQ(found.peers[0].endpoint.port, 4000);
  EXPECT_EQ(found.peers[1].endpoint.port, 5000);
  EXPECT_EQ(found.peers[2].endpoint, (Endpoint{IpAddress::v4(8, 8, 8, 9), 4000}));
  for (const auto& peer : found.peers) EXPECT_EQ(peer.source, PeerSource::dns_unsigned);
}

TEST(dns_seeds, more_than_the_bound_is_cut) {
  DnsSeeds seeds({{"s", {}, 0}}, ChainId{}, 4000);
  DnsAnswer answer;
  for (int i = 0; i < 1000; ++i) {
    answer.addresses.push_back(IpAddress::v4(9, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)));
    answer.services.push_back({IpAddress::v4(7, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)), 1});
  }
  EXPECT_EQ(seeds.on_answer(0, answer, now).peers.size(), DnsSeeds::addresses_max + DnsSeeds::services_max);
}

TEST(dns_seeds, the_newest_list_is_taken) {
  Signers signers;
  auto seeds = signers.seeds();
  DnsAnswer answer;
  answer.texts = {"v=spf1 -all", signers.list(1, 1), signers.list(3, 3), signers.list(2, 2)};
  auto found = seeds.on_answer(0, answer, now);
  EXPECT_TRUE(found.peers.empty());
  EXPECT_EQ(found.work.size(), 6u);  // as many as the threshold, of each list
  EXPECT_TRUE(seeds.busy());
  auto peers = seeds.on_verified(0, {true, true, true, true, true, true}).peers;
  ASSERT_EQ(peers.size(), 1u);
  EXPECT_EQ(peers[0].endpoint.port, 3);
  EXPECT_TRUE(peers[0].node);
  EXPECT_FALSE(seeds.busy());
  // A replayed older one, although it has not expired.
  answer.texts = {signers.list(2, 2)};
  found = seeds.on_answer(0, answer, now);
  EXPECT_TRUE(found.work.empty());
  EXPECT_FALSE(seeds.report()[0].rejected.empty());
  EXPECT_FALSE(seeds.busy());
}

TEST(dns_seeds, a_forged_list_does_not_push_the_real_one_out) {
  Signers signers;
  auto seeds = signers.seeds();
  DnsAnswer answer;
  answer.texts = {signers.list(1, 1), signers.list(9, 9)};  // the newer one's second signature will not verify
  seeds.on_answer(0, answer, now);
  const auto peers = seeds.on_verified(0, {true, false, true, true}).peers;
  ASSERT_EQ(peers.size(), 1u);
  EXPECT_EQ(peers[0].endpoint.port, 1);
  EXPECT_TRUE(seeds.report()[0].rejected.empty());
}

TEST(dns_seeds, one_answer_costs_a_bounded_number_of_checks) {
  Signers signers;
  auto seeds = signers.seeds();
  DnsAnswer answer;
  for (int i = 1; i <= 16; ++i) answer.texts.push_back(signers.list(static_cast<uint64_t>(i), static_cast<uint16_t>(i)));
  EXPECT_EQ(seeds.on_answer(0, answer, now).work.size(), seed_signatures_max);
}

TEST(dns_seeds, one_bad_signature_is_too_few) {
  Signers signers;
  auto seeds = signers.seeds();
  DnsAnswer answer;
  answer.addresses = {IpAddress::v4(8, 8, 8, 8)};
  answer.texts = {signers.list(1, 1)};
  ASSERT_EQ(seeds.on_answer(0, answer, now).work.size(), 2u);
  EXPECT_TRUE(seeds.on_verified(0, {true, false}).peers.empty());
  EXPECT_FALSE(seeds.report()[0].is_signed);
  EXPECT_TRUE(seeds.on_verified(0, {true, true}).peers.empty());  // the list is gone
}

// A threshold of zero must not turn an unsigned list into a signed one.
TEST(dns_seeds, zero_threshold_takes_nothing) {
  Signers signers;
  auto seeds = signers.seeds(0);
  DnsAnswer answer;
  answer.texts = {signers.list(1, 1, 0)};
  EXPECT_TRUE(seeds.on_answer(0, answer, now).work.empty());
  EXPECT_TRUE(seeds.on_verified(0, {}).peers.empty());
}

}  // namespace
}  // namespace lattice
