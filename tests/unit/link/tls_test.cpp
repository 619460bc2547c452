// Suite 0x0101: links inside TLS.
#include <gtest/gtest.h>

#include <lattice/link/admission.hpp>

#include "tls_peer.hpp"
#include "wrapped_provider.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::TlsPair;
using test::TlsPeer;

void expect_established(test::LinkPair& pair) {
  const auto* initiator = pair.established(Role::initiator);
  const auto* responder = pair.established(Role::responder);
  ASSERT_NE(initiator, nullptr);
  ASSERT_NE(responder, nullptr);
  EXPECT_EQ(initiator->suite, Suite::tls13);
  EXPECT_EQ(responder->suite, Suite::tls13);
  EXPECT_EQ(initiator->peer, pair.responder_config.identity->id);
  EXPECT_EQ(responder->peer, pair.initiator_config.identity->id);
  EXPECT_EQ(initiator->handshake_hash, responder->handshake_hash);
}

bool holds(ByteView bytes, ByteView part) { return !std::ranges::search(bytes, part).empty(); }

TEST(TlsLink, ConnectsAndCarriesMessages) {
  TlsPair pair;
  Bytes on_the_wire;
  pair.tamper = [&](Role, Bytes& bytes) { append(on_the_wire, bytes); };
  pair.handshake();
  expect_established(pair);
  const Bytes block(2'000'000, 7);
  ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
  ASSERT_TRUE(pair.responder->send(1, wire::Block{SharedBytes(block)}));
  pair.run();
  EXPECT_EQ(pair.messages(Role::responder).size(), 1u);
  const auto messages = pair.messages(Role::initiator);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(equal(std::get<wire::Block>(messages[0]).bytes.view(), block));

  ASSERT_EQ(on_the_wire[0], 0x16);
  ASSERT_EQ(on_the_wire[1], 0x03);
  for (const auto& config : {pair.initiator_config, pair.responder_config}) {
    EXPECT_FALSE(holds(on_the_wire, config.identity->id.view()));
    EXPECT_FALSE(holds(on_the_wire, ByteView(config.identity->body).subspan(100, 32)));
    EXPECT_FALSE(holds(on_the_wire, config.magic));
  }
}

TEST(TlsLink, EverySplitOfBytes) {
  for (const size_t step : {1, 2, 3, 7, 100, 1000}) {
    SCOPED_TRACE(step);
    TlsPair pair;
    pair.bytes_each = step;
    pair.handshake();
    expect_established(pair);
    ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
    ASSERT_TRUE(pair.responder->send(1, wire::Block{SharedBytes(Bytes(100'000, 7))}));
    pair.run();
    EXPECT_EQ(pair.messages(Role::responder).size(), 1u);
    EXPECT_EQ(pair.messages(Role::initiator).size(), 1u);
  }
}

TEST(TlsLink, ClosesWithAReason) {
  TlsPair pair;
  pair.handshake();
  ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
  pair.initiator->close(no_slot);
  pair.run();
  EXPECT_EQ(pair.messages(Role::responder).size(), 1u);
  EXPECT_EQ(pair.closed(Role::responder), no_slot);
  EXPECT_TRUE(std::get<LinkClosed>(pair.responder_events.back()).by_peer);
}

TEST(TlsLink, IsBegunAtOnceWherePolicyLeavesNothingElse) {
  TlsPair pair;
  pair.responder_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
  pair.handshake();
  expect_established(pair);
}

// The initiator would rather have had Noise, and says so in the clear; TLS follows on the same connection.
TEST(TlsLink, FollowsARetryThatAsksForIt) {
  for (const size_t step : {0, 1}) {
    TlsPair pair;
    pair.initiator_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
    pair.bytes_each = step;
    pair.handshake();
    expect_established(pair);
  }
}

TEST(TlsLink, IsNotOfferedWithoutAProviderThatHasIt) {
  TlsPair pair;
  test::WrappedProvider without(*pair.provider);
  pair.responder_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
  pair.initiator.emplace(pair.initiator_config, *pair.provider, pair.time());
  pair.responder.emplace(pair.responder_config, without, pair.time());
  pair.run();
  EXPECT_EQ(pair.closed(Role::responder), no_common_suite);
}

// --- 6. Downgrade.

// A retry that nobody sent: the initiator may follow it into TLS, and finds that both would have chosen Noise.
TEST(Handshake06Downgrade, AForgedRetryDoesNotForceTls) {
  for (const bool both_allow : {false, true}) {
    TlsPeer attacker;  // its responder is the honest one
    attacker.responder_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
    attacker.responder.emplace(attacker.responder_config, *attacker.provider, attacker.time());
    test::LinkPair honest;
    if (both_allow) honest.initiator_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
    Link initiator(honest.initiator_config, *honest.provider, honest.time());
    initiator.on_sent(initiator.pending_output().size());
    const Retry retry{0, 0x0101, 0, {}};
    initiator.on_bytes(framed(encode_retry(honest.initiator_config.magic, retry)), honest.time());
    EXPECT_EQ(initiator.closed(), !both_allow);
    // What the initiator says now goes to the honest responder.
    for (int i = 0; i < 5; ++i) {
      const Bytes said = to_bytes(initiator.pending_output());
      initiator.on_sent(said.size());
      attacker.responder->on_bytes(said, honest.time());
      attacker.work(*attacker.responder);
      const Bytes answer = to_bytes(attacker.responder->pending_output());
      attacker.responder->on_sent(answer.size());
      if (!initiator.closed()) initiator.on_bytes(answer, honest.time());
      honest.work(initiator);
    }
    honest.drain(initiator, honest.initiator_events);
    attacker.drain(*attacker.responder, attacker.responder_events);
    EXPECT_EQ(honest.established(Role::initiator), nullptr);
    EXPECT_EQ(attacker.established(Role::responder), nullptr);
    if (both_allow) {
      EXPECT_EQ(attacker.closed(Role::responder), no_common_suite);
    }
  }
}

Hello hello_of(const LinkConfig& config, SuiteIds offers, uint16_t suite) {
  return {config.magic, 0, config.chain8, suite, std::move(offers), std::nullopt, {}};
}

TEST(Handshake06Downgrade, TlsIsRefusedWhereSomethingStrongerIsOffered) {
  for (const uint16_t suite : {0x0001, 0x0101}) {
    TlsPeer peer;
    peer.responder_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
    peer.responder.emplace(peer.responder_config, *peer.provider, peer.time());
    peer.connect_tls();
    peer.say(framed(encode_hello(hello_of(peer.initiator_config, {0x0001, 0x0101}, suite))));
    EXPECT_EQ(peer.closed(Role::responder), no_common_suite);
    EXPECT_TRUE(peer.heard.empty());
  }
}

TEST(Handshake06Downgrade, TlsOnlyWherePolicyAllowsIt) {
  TlsPair pair;
  pair.responder_config.suites = {Suite::xxhfs_chacha};
  pair.handshake();
  EXPECT_EQ(pair.closed(Role::responder), no_common_suite);
  test::expect_nobody_established(pair);
}

std::shared_ptr<const Identity> without_tls(Provider& provider, uint8_t seed) {
  IdentityOptions options;
  options.allowed_suites = {0x0001};
  options.not_before = wall_from_unix(test::wall_start - 1000);
  options.not_after = wall_from_unix(test::wall_start + 1'000'000);
  return test::identity(provider, seed, &options);
}

TEST(Handshake06Downgrade, TlsOnlyWhereTheRespondersCertificateAllowsIt) {
  TlsPair pair;
  pair.responder_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
  pair.responder_config.identity = without_tls(*pair.provider, 22);
  pair.handshake();
  EXPECT_EQ(pair.closed(Role::responder), no_common_suite);
  test::expect_nobody_established(pair);
}

// A node that speaks TLS although its certificate does not allow it, on either side.
TEST(Handshake06Downgrade, ACertificateThatDoesNotAllowTlsIsRefused) {
  for (const Role liar : {Role::initiator, Role::responder}) {
    TlsPair pair;
    LinkConfig& config = liar == Role::initiator ? pair.initiator_config : pair.responder_config;
    const auto identity = test::copy_of(without_tls(*pair.provider, 33));
    identity->certificate.allowed_suites = {0x0101};  // what it goes by; its body says otherwise
    config.identity = identity;
    pair.handshake();
    const Role other = liar == Role::initiator ? Role::responder : Role::initiator;
    EXPECT_EQ(pair.closed(other), no_common_suite);
    EXPECT_EQ(pair.established(other), nullptr);
  }
}

TEST(Handshake06Downgrade, TheHelloOfTlsOutsideTlsIsRefused) {
  TlsPair pair;
  Link responder(pair.responder_config, *pair.provider, pair.time());
  responder.on_bytes(framed(encode_hello(hello_of(pair.initiator_config, {0x0101}, 0x0101))), pair.time());
  pair.drain(responder, pair.responder_events);
  EXPECT_EQ(pair.closed(Role::responder), bad_handshake);
}

// Every byte of both directions, flipped: TLS or the hello's place in the exporter finds it.
TEST(Handshake06Downgrade, EveryFlippedByteIsFound) {
  size_t sizes[2] = {};
  {
    TlsPair pair;
    pair.tamper = [&](Role from, Bytes& bytes) { sizes[from == Role::responder] += bytes.size(); };
    pair.handshake();
    expect_established(pair);
  }
  for (const Role side : {Role::initiator, Role::responder}) {
    for (size_t at = 0; at < sizes[side == Role::responder]; at += 97) {
      TlsPair pair;
      size_t passed = 0;
      pair.tamper = [&](Role from, Bytes& bytes) {
        if (from != side) return;
        if (at >= passed && at < passed + bytes.size()) bytes[at - passed] ^= 0x01;
        passed += bytes.size();
      };
      pair.handshake();
      const bool both = pair.established(Role::initiator) != nullptr && pair.established(Role::responder) != nullptr;
      EXPECT_FALSE(both) << at;
    }
  }
}

// --- 14. Who answers inside TLS.

// The attacker is a node itself and answers the initiator under its own name: then it is that node, and no other.
TEST(Handshake14Tls, TheExpectedNodeMustAnswer) {
  TlsPair pair;
  pair.initiator_config.expected = test::identity(*pair.provider, 99)->id;
  pair.handshake();
  EXPECT_EQ(pair.closed(Role::initiator), wrong_identity);
  test::expect_nobody_established(pair);
}

TEST(Handshake14Tls, SignaturesOfNoiseAreNoneOfTls) {
  for (const Role role : {Role::initiator, Role::responder}) {
    EXPECT_NE(handshake_context(Suite::tls13, role), handshake_context(Suite::xxhfs_chacha, role));
  }
  EXPECT_EQ(handshake_context(Suite::tls13, Role::responder), "lattice/1/tls/resp");
  EXPECT_EQ(handshake_context(Suite::tls13, Role::initiator), "lattice/1/tls/init");
}

TEST(Handshake14Tls, AnInitiatorsWordsDoNotWorkTwice) {
  TlsPair pair;
  Bytes recorded;
  pair.tamper = [&](Role from, Bytes& bytes) {
    if (from == Role::initiator) append(recorded, bytes);
  };
  pair.handshake();
  expect_established(pair);
  TlsPair again;
  again.responder.emplace(again.responder_config, *again.provider, again.time());
  again.responder->on_bytes(recorded, again.time());
  again.work(*again.responder);
  again.drain(*again.responder, again.responder_events);
  EXPECT_EQ(again.established(Role::responder), nullptr);
  EXPECT_EQ(again.closed(Role::responder), bad_handshake);
}

// A first record of TLS without our group in it: no answer goes out, not even an alert.
TEST(Handshake14Tls, NoiseThatLooksLikeTlsGetsNoAnswer) {
  TlsPair pair;
  Bytes bytes{0x16, 0x03, 0x01, 0x00, 0x20};
  bytes.resize(5 + 32, 0xff);
  for (const size_t step : {1, 37}) {
    pair.responder.emplace(pair.responder_config, *pair.provider, pair.time());
    for (size_t at = 0; at < bytes.size(); at += step)
      pair.responder->on_bytes(ByteView(bytes).subspan(at, std::min(step, bytes.size() - at)), pair.time());
    EXPECT_TRUE(pair.responder->closed());
    EXPECT_TRUE(pair.responder->pending_output().empty());
  }
}

TEST(Handshake14Tls, OnlyAResponderTakesTlsUnasked) {
  test::LinkPair pair;
  pair.initiator_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
  Link initiator(pair.initiator_config, *pair.provider, pair.time());
  Bytes bytes = pair.provider->tls(TlsSide::client)->take_output();
  bytes.resize(0x1603 + 2);  // whole as a message
  initiator.on_bytes(bytes, pair.time());
  pair.drain(initiator, pair.initiator_events);
  EXPECT_EQ(pair.closed(Role::initiator), bad_handshake);
}

// --- 15. A cut.

TEST(Handshake15Cut, OfTcpInsideTlsIsAnError) {
  TlsPair pair;
  pair.handshake();
  pair.initiator->on_end(pair.time());
  pair.drain(*pair.initiator, pair.initiator_events);
  EXPECT_EQ(pair.closed(Role::initiator), cut_without_close);
}

// TLS's own close_notify says that TLS ended, not that the node did.
TEST(Handshake15Cut, CloseNotifyWithoutOurCloseIsAnError) {
  TlsPeer peer;
  peer.introduce();
  peer.tls->close();
  peer.exchange();
  EXPECT_EQ(peer.closed(Role::responder), cut_without_close);
}

// And the other way round: our close frame, then close_notify.
TEST(Handshake15Cut, AnHonestEndIsCloseAndCloseNotify) {
  TlsPeer peer;
  peer.introduce();
  peer.take_heard();  // ready
  peer.responder->close(no_slot);
  peer.exchange();
  const Bytes close = peer.take_heard();
  ASSERT_EQ(close.size(), limits::frame_header_bytes + 2);
  EXPECT_EQ(close.back(), static_cast<uint8_t>(no_slot));
  EXPECT_TRUE(peer.tls->ended_by_peer());
}

TEST(Handshake15Cut, DuringTheHandshake) {
  TlsPair pair;
  pair.connect();
  pair.carry(*pair.initiator, *pair.responder, Role::initiator);
  pair.responder->on_end(pair.time());
  pair.drain(*pair.responder, pair.responder_events);
  EXPECT_EQ(pair.closed(Role::responder), cut_without_close);
  EXPECT_FALSE(pair.initiator->next_timeout() == std::nullopt) << "a peer that only begins TLS is not waited for longer";
}

// --- Records inside TLS.

TEST(TlsRecords, AreFramesAsTheyAre) {
  TlsPeer peer;
  peer.introduce();
  const Bytes ready = peer.take_heard();
  ASSERT_EQ(ready.size(), limits::frame_header_bytes);
  ASSERT_TRUE(peer.responder->send(1, wire::Ping{7}));
  peer.exchange();
  const Bytes ping = peer.take_heard();
  EXPECT_EQ(ping.size(), limits::frame_header_bytes + limits::message_header_bytes + 8);
  EXPECT_TRUE(peer.heard.empty());
}

TEST(TlsRecords, OurKeyIsChangedAfterItsTime) {
  TlsPeer peer;
  peer.introduce();
  for (int i = 1; i <= 3; ++i) {
    peer.now += rekey_age_max;
    peer.say(TlsPeer::ping());  // so that it knows the time
    ASSERT_TRUE(peer.responder->send(1, wire::Ping{7}));
    peer.exchange();
    EXPECT_EQ(peer.tls->peer_rekeys(), static_cast<uint64_t>(i - 1)) << "the record that finds the key too old is its last";
    ASSERT_TRUE(peer.responder->send(1, wire::Ping{7}));
    peer.exchange();
    EXPECT_EQ(peer.tls->peer_rekeys(), static_cast<uint64_t>(i));
  }
  EXPECT_EQ(peer.tls_error, none);
}

// Each change costs us 35 us, and the peer less.
TEST(TlsRecords, APeerMayChangeItsKeyInMeasure) {
  for (const Duration between : {rekey_age_max, tls_rekey_time_min, Duration{}}) {
    TlsPeer peer;
    peer.introduce();
    size_t pings = 0;
    for (; pings < 200 && !peer.responder->closed(); ++pings) {
      peer.now += between;
      peer.tls->rekey();
      peer.say(TlsPeer::ping());
    }
    const bool honest = between != Duration{};
    EXPECT_EQ(pings, honest ? 200u : tls_rekeys_burst + 1);
    EXPECT_EQ(peer.closed(Role::responder), honest ? none : bad_record);
  }
}

// TLS has no retry of ours inside it: whoever is beyond its group's free handshakes is turned away before OpenSSL does anything.
TEST(TlsAdmission, IsAskedBeforeTlsAnswersAWord) {
  Admission admission{Secret<32>{}};
  const auto come = [&](uint8_t group) {
    TlsPair pair;
    pair.responder_config.admission = &admission;
    pair.responder_config.remote = {IpAddress::v4(10, group, 0, 1), 4000};
    size_t answered = 0;
    pair.tamper = [&](Role from, Bytes& bytes) { answered += from == Role::responder ? bytes.size() : 0; };
    pair.handshake();
    const bool open = pair.established(Role::responder) != nullptr;
    if (!open) {
      EXPECT_EQ(pair.closed(Role::responder), limit_reached);
      EXPECT_EQ(answered, 0u);
    }
    return open;
  };
  const auto free = static_cast<int>(AdmissionLimits().unproven.burst);
  int in = 0;
  for (int i = 0; i < 2 * free; ++i) in += come(1);
  EXPECT_EQ(in, free);
  EXPECT_TRUE(come(2)) << "another group has its own";
  EXPECT_EQ(admission.counts().admitted, static_cast<uint64_t>(free) + 1);
}

TEST(TlsRecords, RekeyFramesHaveNoPlaceThere) {
  TlsPeer peer;
  peer.introduce();
  ByteArray<limits::frame_header_bytes> frame;
  const uint8_t flags = wire::FrameFlags::first | wire::FrameFlags::last | wire::FrameFlags::rekey;
  wire::write_frame_header(frame.data(), wire::link_channel, wire::Lane::control, flags, 0);
  peer.say(framed(frame));
  EXPECT_EQ(peer.closed(Role::responder), bad_frame);
}

TEST(TlsRecords, TooShortOnesAreRefused) {
  TlsPeer peer;
  peer.introduce();
  peer.say(framed(Bytes(limits::frame_header_bytes - 1)));
  EXPECT_EQ(peer.closed(Role::responder), bad_record);
}

}  // namespace
}  // namespace lattice
