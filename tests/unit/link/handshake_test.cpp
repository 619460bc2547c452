#include <gtest/gtest.h>

#include <utility>

#include <lattice/link/handshake.hpp>
#include <lattice/link/peer_memory.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::copy_of;
using test::expect_nobody_established;
using test::LinkPair;
using test::wall_start;

TEST(Handshake, EstablishesBothSidesWithTheSameHash) {
  LinkPair pair;
  pair.now = std::chrono::milliseconds{5};
  pair.handshake();
  const auto* at_initiator = pair.established(Role::initiator);
  const auto* at_responder = pair.established(Role::responder);
  ASSERT_TRUE(at_initiator && at_responder);
  EXPECT_EQ(at_initiator->peer, pair.responder_config.identity->id);
  EXPECT_EQ(at_responder->peer, pair.initiator_config.identity->id);
  EXPECT_EQ(at_initiator->handshake_hash, at_responder->handshake_hash);
  EXPECT_EQ(at_initiator->certificate, pair.responder_config.identity->certificate);
  EXPECT_EQ(at_responder->certificate, pair.initiator_config.identity->certificate);
  EXPECT_EQ(at_initiator->suite, Suite::xxhfs_chacha);
  EXPECT_EQ(suite_name(at_initiator->suite), "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s");
  EXPECT_TRUE(pair.initiator->established() && pair.responder->established());
  EXPECT_EQ(pair.initiator->next_timeout(), std::nullopt);
}

TEST(Handshake, SizesAreAsWritten) {
  LinkPair pair;
  std::vector<size_t> sizes;
  pair.tamper = [&](Role, Bytes& bytes) { sizes.push_back(bytes.size()); };
  pair.handshake();
  // hello with one offer; P with a 2,024-byte certificate; extension with one offer; ready; each with its length.
  EXPECT_EQ(sizes, (std::vector<size_t>{2 + 22 + 1216, 2 + 32 + 1104 + 48 + 7 + 2024 + 3309 + 6 + 16,
                                        2 + 48 + 7 + 2024 + 3309 + 16, 2 + 6 + 16}));
}

TEST(Handshake, WorksByteByByte) {
  for (const size_t step : {1, 2, 3, 1239, 1240, 1241, 4096}) {
    LinkPair pair;
    pair.bytes_each = step;
    pair.handshake();
    EXPECT_TRUE(pair.established(Role::initiator) && pair.established(Role::responder)) << step;
  }
}

TEST(Handshake, ExpectedNodeIdIsAsked) {
  LinkPair right;
  right.initiator_config.expected = right.responder_config.identity->id;
  right.handshake();
  EXPECT_NE(right.established(Role::initiator), nullptr);

  LinkPair wrong;
  wrong.initiator_config.expected = test::identity(*wrong.provider, 33)->id;
  wrong.handshake();
  expect_nobody_established(wrong);
  EXPECT_EQ(wrong.closed(Role::initiator), wrong_identity);
}

TEST(Handshake, OtherNetworkOrChainIsRefused) {
  LinkPair magic;
  magic.responder_config.magic = {1, 2, 3, 4};
  magic.handshake();
  expect_nobody_established(magic);
  EXPECT_EQ(magic.closed(Role::responder), wrong_magic);
  EXPECT_TRUE(magic.responder->pending_output().empty()) << "without a word";

  LinkPair chain;
  chain.responder_config.chain8[7] ^= 1;
  chain.handshake();
  expect_nobody_established(chain);
  EXPECT_EQ(chain.closed(Role::responder), wrong_chain);
}

TEST(Handshake, CertificateMustBeValidNow) {
  IdentityOptions options;
  options.not_before = wall_from_unix(wall_start - 1000);
  options.not_after = wall_from_unix(wall_start);
  LinkPair expired;
  expired.responder_config.identity = test::identity(*expired.provider, 22, &options);
  expired.handshake();
  expect_nobody_established(expired);
  EXPECT_EQ(expired.closed(Role::initiator), certificate_expired);

  LinkPair expired_initiator;
  expired_initiator.initiator_config.identity = test::identity(*expired.provider, 11, &options);
  expired_initiator.handshake();
  EXPECT_EQ(expired_initiator.established(Role::responder), nullptr);
  EXPECT_EQ(expired_initiator.closed(Role::responder), certificate_expired);

  const auto with_start = [](int64_t start) {
    LinkPair pair;
    IdentityOptions later;
    later.not_before = wall_from_unix(wall_start + start);
    later.not_after = wall_from_unix(wall_start + 10'000);
    pair.responder_config.identity = test::identity(*pair.provider, 22, &later);
    pair.handshake();
    return pair.closed(Role::initiator);
  };
  EXPECT_EQ(with_start(600), none) << "clocks may differ by ten minutes";
  EXPECT_EQ(with_start(601), certificate_expired);
}

TEST(Handshake, SuiteMustBeInTheCertificate) {
  LinkPair pair;
  auto liar = copy_of(pair.responder_config.identity);
  // Its certificate allows another suite only; the program behind it does not care.
  Certificate narrow = liar->certificate;
  narrow.allowed_suites = {0x0011};
  liar->body = encode_certificate(narrow);
  pair.responder_config.identity = liar;
  pair.handshake();
  expect_nobody_established(pair);
  EXPECT_EQ(pair.closed(Role::initiator), no_common_suite);
}

// --- what somebody between them can do ---

TEST(Handshake, FlippedBitAnywhereIsRefused) {
  LinkPair sizes;
  std::vector<size_t> lengths;
  sizes.tamper = [&](Role, Bytes& bytes) { lengths.push_back(bytes.size()); };
  sizes.handshake();
  for (size_t which = 0; which < 3; ++which) {
    for (size_t offset = 0; offset < lengths[which]; offset += which == 0 && offset < 26 ? 1 : 211) {
      LinkPair pair;
      size_t seen = 0;
      pair.tamper = [&](Role, Bytes& bytes) {
        if (seen++ == which) bytes[offset] ^= static_cast<uint8_t>(1 << (offset % 8));
      };
      pair.handshake();
      EXPECT_EQ(pair.established(Role::initiator), nullptr) << which << " " << offset;
      EXPECT_EQ(pair.established(Role::responder), nullptr) << which << " " << offset;
    }
  }
}

// --- limits ---

struct Alone : LinkPair {
  ErrorCode responder_on(ByteView bytes) {
    Link link(responder_config, *provider, time());
    link.on_bytes(bytes, time());
    const auto event = link.poll_event();
    return event ? std::get<LinkClosed>(*event).error.code : none;
  }
};

TEST(Handshake, LengthIsBoundedBeforeTheBytesCome) {
  Alone alone;
  EXPECT_EQ(alone.responder_on(Bytes{0x16, 0x03}), no_common_suite) << "TLS";
  EXPECT_EQ(alone.responder_on(as_bytes("GET / HTTP/1.1\r\n")), bad_handshake);
  EXPECT_EQ(alone.responder_on(Bytes{0, 0}), bad_handshake);
  const size_t most = message1_bytes_max;
  EXPECT_EQ(alone.responder_on(Bytes{static_cast<uint8_t>(most >> 8), static_cast<uint8_t>(most)}), none);
  EXPECT_EQ(alone.responder_on(Bytes{static_cast<uint8_t>((most + 1) >> 8), static_cast<uint8_t>(most + 1)}), bad_handshake);
}

TEST(Handshake, NobodySpeaksOutOfTurn) {
  LinkPair pair;
  pair.connect();
  const Bytes message1 = to_bytes(pair.initiator->pending_output());
  pair.responder->on_bytes(message1, pair.time());
  pair.responder->on_bytes(Bytes{0}, pair.time());  // while the responder signs
  pair.drain(*pair.responder, pair.responder_events);
  EXPECT_EQ(pair.closed(Role::responder), bad_handshake);
  EXPECT_FALSE(pair.responder->poll_work()) << "a closed link wants no work";
}

TEST(Handshake, TimeoutEndsItWithoutAWord) {
  LinkPair pair;
  pair.connect();
  EXPECT_EQ(pair.responder->next_timeout(), Instant{} + pair.responder_config.handshake_timeout);
  pair.now = pair.responder_config.handshake_timeout - Duration{1};
  pair.responder->on_timeout(pair.time());
  EXPECT_FALSE(pair.responder->closed());
  pair.now += Duration{1};
  pair.responder->on_timeout(pair.time());
  EXPECT_TRUE(pair.responder->closed());
  EXPECT_TRUE(pair.responder->pending_output().empty());
  EXPECT_EQ(pair.responder->next_timeout(), std::nullopt);
}

// Bytes and results of workers may be handed in before the timers, by a process that was stopped for a while.
TEST(Handshake, EndsAtItsTimeBeforeItsTimerIsCalled) {
  for (const bool by_work : {false, true}) {
    LinkPair pair;
    pair.connect();
    if (by_work) pair.carry(*pair.initiator, *pair.responder, Role::initiator);
    pair.now = pair.responder_config.handshake_timeout;
    if (by_work)
      pair.work(*pair.responder);
    else
      pair.carry(*pair.initiator, *pair.responder, Role::initiator);
    pair.drain(*pair.responder, pair.responder_events);
    EXPECT_EQ(pair.closed(Role::responder), handshake_timeout);
    EXPECT_TRUE(pair.responder->pending_output().empty());
    EXPECT_FALSE(pair.responder->poll_work());
  }
}

// --- known certificate ---

TEST(Handshake, KnownCertificateIsNotSentAgain) {
  LinkPair pair;
  PeerMemory memory;
  const Identity& known = *pair.responder_config.identity;
  memory.on_proven(known.id, known.certificate, known.body, false);
  pair.initiator_config.memory = &memory;
  pair.initiator_config.expected = known.id;
  size_t message2 = 0;
  pair.tamper = [&](Role from, Bytes& bytes) {
    if (from == Role::responder && message2 == 0) message2 = bytes.size();
  };
  pair.handshake();
  ASSERT_NE(pair.established(Role::initiator), nullptr);
  EXPECT_EQ(pair.established(Role::initiator)->peer, pair.responder_config.identity->id);
  EXPECT_EQ(message2, 2 + 32 + 1104 + 48 + 7 + 32 + 3309 + 6 + 16u);
}

TEST(Handshake, AnotherCertificateThanTheKnownOneIsRefused) {
  LinkPair pair;
  PeerMemory memory;
  const Identity& known = *pair.responder_config.identity;
  memory.on_proven(known.id, known.certificate, known.body, false);
  pair.initiator_config.memory = &memory;
  pair.initiator_config.expected = known.id;
  pair.responder_config.identity = renew_identity(*pair.provider, known, wall_from_unix(test::wall_start));
  pair.handshake();
  expect_nobody_established(pair);
  // It is honest, and may not lose its standing for that.
  EXPECT_EQ(pair.closed(Role::initiator), certificate_expired);

  pair.initiator_events.clear();
  pair.handshake();
  EXPECT_NE(pair.established(Role::initiator), nullptr) << "the old certificate is forgotten";
}

}  // namespace
}  // namespace lattice
