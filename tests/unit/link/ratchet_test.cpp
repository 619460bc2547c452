// Fresh keys inside a running link.
#include <gtest/gtest.h>

#include <lattice/link/ratchet.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::LinkPair;

struct Turning : LinkPair {
  std::vector<std::pair<Role, size_t>> said;
  explicit Turning(Suite suite = Suite::xxhfs_chacha) {
    for (LinkConfig* config : {&initiator_config, &responder_config}) {
      config->suites = {suite};
      if (suite != Suite::xxhfs_chacha && suite != Suite::xxhfs_aesgcm) {
        IdentityOptions options;
        options.sign_alg = suite == Suite::xxhfs1024_chacha ? SignAlg::mldsa87 : SignAlg::mldsa65;
        options.allowed_suites = {id_of(suite)};
        options.not_before = wall_from_unix(test::wall_start);
        options.not_after = wall_from_unix(test::wall_start + 1'000'000);
        const auto identity = test::identity(*provider, config->role == Role::initiator ? 11 : 22, &options);
        (suite == Suite::xxhfs1024_chacha ? config->identity87 : config->identity) = identity;
      }
    }
    handshake();
    tamper = [this](Role from, Bytes& bytes) { said.emplace_back(from, bytes.size()); };
  }
  // Time passes, both say something.
  bool talk(Duration pause) {
    now += pause;
    initiator_events.clear();
    responder_events.clear();
    initiator->on_timeout(time());
    responder->on_timeout(time());
    const bool sent = initiator->send(1, wire::Ping{1}) && responder->send(1, wire::Ping{2});
    run();
    return sent && messages(Role::initiator).size() == 1 && messages(Role::responder).size() == 1;
  }
  size_t largest() {
    size_t bytes = 0;
    for (const auto& [from, size] : std::exchange(said, {})) bytes = std::max(bytes, size);
    return bytes;
  }
};

TEST(Ratchet, TurnsEveryHourInEverySuite) {
  for (const Suite suite : {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha, Suite::xxhfskem_chacha}) {
    Turning pair(suite);
    ASSERT_TRUE(pair.talk(std::chrono::minutes{59}));
    EXPECT_LT(pair.largest(), 1000u);
    for (int hour = 0; hour < 3; ++hour) {
      ASSERT_TRUE(pair.talk(std::chrono::minutes{61}));
      EXPECT_GT(pair.largest(), 1200u) << "fresh keys went over";
      for (int i = 0; i < 5; ++i) ASSERT_TRUE(pair.talk(std::chrono::seconds{50}));
      EXPECT_LT(pair.largest(), 1000u);
    }
  }
}

// With the secrets of before, and all that was said since, but not the new ephemeral keys, nothing is read any more.
TEST(Ratchet, KeysFollowFromBothNewSecrets) {
  const auto provider = openssl_provider(std::make_unique<SeededRng>(5));
  const Secret<32> ck(ByteArray<32>{1});
  const Digest h{2};
  Ratchet initiator(Role::initiator, Suite::xxhfs_chacha, ck, h, *provider, Instant{});
  Ratchet responder(Role::responder, Suite::xxhfs_chacha, ck, h, *provider, Instant{});
  const Instant later = Instant{} + ratchet_interval;
  EXPECT_FALSE(responder.due(later));
  ASSERT_TRUE(initiator.due(later));
  initiator.make_offer();
  EXPECT_FALSE(initiator.due(later)) << "one at a time";
  const Bytes offer = initiator.poll_say()->chunk;
  ASSERT_TRUE(responder.on_frame(offer, later));
  EXPECT_FALSE(responder.poll_receiving_key()) << "the initiator still sends under the old key";
  const auto answer = responder.poll_say();
  ASSERT_TRUE(answer && answer->next_key);
  ASSERT_TRUE(initiator.on_frame(answer->chunk, later));
  EXPECT_EQ(initiator.poll_receiving_key(), answer->next_key);
  const auto end = initiator.poll_say();
  ASSERT_TRUE(end && end->next_key && end->chunk.empty());
  ASSERT_TRUE(responder.on_frame({}, later));
  EXPECT_EQ(responder.poll_receiving_key(), end->next_key);
  EXPECT_FALSE(*end->next_key == *answer->next_key);

  // Somebody else with the old secrets answers the same offer: other keys.
  Ratchet other(Role::responder, Suite::xxhfs_chacha, ck, h, *provider, Instant{});
  ASSERT_TRUE(other.on_frame(offer, later));
  EXPECT_FALSE(*other.poll_say()->next_key == *answer->next_key);
}

TEST(Ratchet, WhatIsNotDueIsRefused) {
  const auto provider = openssl_provider(std::make_unique<SeededRng>(5));
  const auto make = [&](Role role) { return Ratchet(role, Suite::xxhfs_chacha, {}, {}, *provider, Instant{}); };
  const Instant later = Instant{} + ratchet_interval;
  Ratchet initiator = make(Role::initiator);
  EXPECT_EQ(initiator.on_frame(Bytes(32 + 1088), later).error().code, bad_frame) << "an answer without an offer";
  initiator.make_offer();
  const Bytes offer = initiator.poll_say()->chunk;
  EXPECT_EQ(make(Role::responder).on_frame(offer, Instant{} + std::chrono::minutes{9}).error().code, too_many_messages);
  EXPECT_EQ(make(Role::responder).on_frame({}, later).error().code, bad_frame) << "the end of none";
  EXPECT_EQ(make(Role::responder).on_frame(ByteView(offer).first(1000), later).error().code, bad_frame);
  EXPECT_EQ(initiator.on_frame(Bytes(100), later).error().code, bad_frame);
  Bytes small_order(32 + 1184);
  std::ranges::copy(ByteView(offer).subspan(32), small_order.begin() + 32);
  EXPECT_EQ(make(Role::responder).on_frame(small_order, later).error().code, bad_handshake);
  Bytes no_key(32 + 1184, 0xff);
  EXPECT_EQ(make(Role::responder).on_frame(no_key, later).error().code, bad_handshake);
}

}  // namespace
}  // namespace lattice
