#include <gtest/gtest.h>

#include <set>
#include <utility>

#include <lattice/link/hello.hpp>
#include <lattice/link/payload.hpp>
#include <lattice/wire/tlv.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::LinkPair;
using test::wall_start;

// Neither side came to believe in a link.
void expect_nobody_established(LinkPair& pair) {
  EXPECT_EQ(pair.established(Role::initiator), nullptr);
  EXPECT_EQ(pair.established(Role::responder), nullptr);
}

// A copy to play tricks with.
std::shared_ptr<Identity> copy_of(const std::shared_ptr<const Identity>& identity) {
  return std::make_shared<Identity>(*identity);
}

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

TEST(Handshake, InitiatorIsNotEstablishedBeforeReady) {
  LinkPair pair;
  bool responder_done = false;
  pair.tamper = [&](Role from, Bytes& bytes) {
    responder_done = pair.responder->established();
    if (from == Role::responder && responder_done) bytes.clear();  // ready is lost on the way
  };
  pair.handshake();
  EXPECT_TRUE(responder_done);
  EXPECT_NE(pair.established(Role::responder), nullptr);
  EXPECT_EQ(pair.established(Role::initiator), nullptr);
  EXPECT_FALSE(pair.initiator->send(1, wire::Ping{1}));
  // It waits no longer than for the handshake.
  pair.now = pair.initiator_config.handshake_timeout;
  pair.initiator->on_timeout(pair.time());
  pair.drain(*pair.initiator, pair.initiator_events);
  EXPECT_EQ(pair.closed(Role::initiator), handshake_timeout);
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

// The initiator shows its certificate only to a responder that it has verified.
TEST(Handshake, NothingOfTheInitiatorIsSentToAnUnacceptedResponder) {
  LinkPair pair;
  pair.initiator_config.expected = test::identity(*pair.provider, 33)->id;
  size_t from_initiator = 0;
  pair.tamper = [&](Role from, Bytes& bytes) { from_initiator += from == Role::initiator ? bytes.size() : 0; };
  pair.handshake();
  EXPECT_EQ(from_initiator, 2 + 22 + 1216u) << "message 1 alone";
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

TEST(Handshake, SelfConnectionIsSeen) {
  LinkPair pair;
  pair.responder_config.identity = pair.initiator_config.identity;
  pair.handshake();
  expect_nobody_established(pair);
  EXPECT_EQ(pair.closed(Role::initiator), self_connection);
}

TEST(Handshake, EchoedMessagesAreRefused) {
  LinkPair pair;
  pair.connect();
  const Bytes own = to_bytes(pair.initiator->pending_output());
  pair.initiator->on_bytes(own, pair.time());
  pair.drain(*pair.initiator, pair.initiator_events);
  EXPECT_EQ(pair.closed(Role::initiator), bad_handshake);
}

TEST(Handshake, OlderSerialIsRefused) {
  LinkPair pair;
  pair.initiator_config.expected = pair.responder_config.identity->id;
  pair.initiator_config.serial_min = 2;
  pair.handshake();
  expect_nobody_established(pair);
  EXPECT_EQ(pair.closed(Role::initiator), serial_too_old);
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

// --- who claims to be another ---

TEST(Handshake, StaticKeyMustBeTheCertificates) {
  for (const Role role : {Role::initiator, Role::responder}) {
    LinkPair pair;
    LinkConfig& config = role == Role::initiator ? pair.initiator_config : pair.responder_config;
    auto thief = copy_of(config.identity);  // has the ML-DSA key, not the X25519 key
    thief->dh = test::identity(*pair.provider, 44)->dh;
    config.identity = thief;
    pair.handshake();
    EXPECT_EQ(pair.established(role == Role::initiator ? Role::responder : Role::initiator), nullptr);
    EXPECT_EQ(pair.closed(role == Role::initiator ? Role::responder : Role::initiator), bad_certificate);
  }
}

TEST(Handshake, SignatureMustBeByTheCertificatesKey) {
  for (const Role role : {Role::initiator, Role::responder}) {
    LinkPair pair;
    LinkConfig& config = role == Role::initiator ? pair.initiator_config : pair.responder_config;
    auto thief = copy_of(config.identity);  // has the X25519 key, not the ML-DSA key
    thief->signing = test::identity(*pair.provider, 44)->signing;
    config.identity = thief;
    pair.handshake();
    EXPECT_EQ(pair.established(role == Role::initiator ? Role::responder : Role::initiator), nullptr);
    EXPECT_EQ(pair.closed(role == Role::initiator ? Role::responder : Role::initiator), bad_handshake);
  }
}

// Misbinding: an honest signature by another key, with somebody else's certificate beside it.
TEST(Handshake, SwappedCertificateIsRefused) {
  for (const Role role : {Role::initiator, Role::responder}) {
    LinkPair pair;
    LinkConfig& config = role == Role::initiator ? pair.initiator_config : pair.responder_config;
    auto liar = copy_of(config.identity);
    liar->body = test::identity(*pair.provider, 44)->body;
    config.identity = liar;
    pair.handshake();
    EXPECT_EQ(pair.established(role == Role::initiator ? Role::responder : Role::initiator), nullptr);
  }
}

// A certificate that copies another's X25519 key, signed honestly: another NodeID, so it is nobody's impersonation.
TEST(Handshake, NodeIdIsOfBothKeys) {
  LinkPair pair;
  pair.initiator_config.expected = pair.responder_config.identity->id;
  auto copier = copy_of(test::identity(*pair.provider, 44));
  copier->dh = pair.responder_config.identity->dh;
  copier->certificate.dh = pair.responder_config.identity->certificate.dh;
  copier->body = encode_certificate(copier->certificate);
  copier->id = node_id_of(copier->certificate);
  pair.responder_config.identity = copier;
  pair.handshake();
  EXPECT_EQ(pair.closed(Role::initiator), wrong_identity);
}

// Key-compromise impersonation: whoever holds all of R's keys is not thereby I.
TEST(Handshake, KeysOfTheResponderDoNotMakeAnInitiator) {
  LinkPair pair;
  auto attacker = copy_of(pair.responder_config.identity);
  attacker->body = pair.initiator_config.identity->body;
  attacker->certificate = pair.initiator_config.identity->certificate;
  attacker->id = pair.initiator_config.identity->id;
  pair.initiator_config.identity = attacker;
  pair.handshake();
  EXPECT_EQ(pair.established(Role::responder), nullptr);
}

// The X25519 key and a recorded signature are not enough: the signature covers this handshake's hash.
TEST(Handshake, RecordedSignatureIsRefused) {
  LinkPair pair;
  std::optional<WorkResult> recorded;
  pair.worker = [&](const Work& work) {
    const auto* sign = std::get_if<SignWork>(&work);
    const bool by_responder = sign && as_text(sign->context) == "lattice/1/hs/resp";
    if (by_responder && recorded) return *recorded;
    WorkResult result = run_work(work, *pair.provider);
    if (by_responder) recorded = result;
    return result;
  };
  pair.handshake();
  ASSERT_NE(pair.established(Role::initiator), nullptr);
  pair.initiator_events.clear();
  pair.responder_events.clear();
  pair.handshake();
  expect_nobody_established(pair);
  EXPECT_EQ(pair.closed(Role::initiator), bad_handshake);
}

TEST(Handshake, SignatureOfAnotherContextIsRefused) {
  for (const std::string_view context : {"lattice/1/hs/init", "lattice/1/record", "lattice/1/cert", ""}) {
    LinkPair pair;
    pair.worker = [&](const Work& work) {
      Work changed = work;
      if (auto* sign = std::get_if<SignWork>(&changed)) sign->context = to_bytes(as_bytes(context));
      return run_work(changed, *pair.provider);
    };
    pair.handshake();
    expect_nobody_established(pair);
    EXPECT_EQ(pair.closed(Role::initiator), bad_handshake);
  }
}

TEST(Handshake, SignatureWithoutTheRespondersNameIsRefused) {
  LinkPair pair;
  pair.worker = [&](const Work& work) {
    Work changed = work;
    if (auto* sign = std::get_if<SignWork>(&changed); sign && as_text(sign->context) == "lattice/1/hs/init") {
      sign->message.resize(sign->message.size() - 32);
    }
    return run_work(changed, *pair.provider);
  };
  pair.handshake();
  EXPECT_EQ(pair.established(Role::responder), nullptr);
  EXPECT_EQ(pair.closed(Role::responder), bad_handshake);
}

TEST(Handshake, TwoSignaturesOfOneMessageDiffer) {
  LinkPair pair;
  std::vector<Bytes> signatures;
  pair.worker = [&](const Work& work) {
    if (const auto* sign = std::get_if<SignWork>(&work); sign && signatures.empty()) {
      SignWork again = *sign;
      pair.provider->rng().fill(again.entropy.span());
      signatures.push_back(std::get<SignDone>(run_work(work, *pair.provider)).signature);
      signatures.push_back(std::get<SignDone>(run_work(again, *pair.provider)).signature);
    }
    return run_work(work, *pair.provider);
  };
  pair.handshake();
  ASSERT_EQ(signatures.size(), 2u);
  EXPECT_NE(signatures[0], signatures[1]);
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

TEST(Handshake, EachBitOfTheHelloCounts) {
  for (size_t bit = 16; bit < 26 * 8; ++bit) {
    LinkPair pair;
    pair.tamper = [&, first = true](Role, Bytes& bytes) mutable {
      if (std::exchange(first, false)) bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    };
    pair.handshake();
    EXPECT_EQ(pair.established(Role::initiator), nullptr) << bit;
    EXPECT_EQ(pair.established(Role::responder), nullptr) << bit;
  }
}

TEST(Handshake, OffersChangedOnTheWayAreRefused) {
  LinkPair pair;
  pair.tamper = [&, first = true](Role, Bytes& bytes) mutable {
    if (!std::exchange(first, false)) return;
    bytes[20] = 2;  // one offer more than the initiator made
    const Bytes more{0x01, 0x01};
    bytes.insert(bytes.begin() + 23, more.begin(), more.end());
    bytes[1] += 2;
  };
  pair.handshake();
  EXPECT_EQ(pair.established(Role::initiator), nullptr);
  EXPECT_EQ(pair.established(Role::responder), nullptr);
  EXPECT_EQ(pair.closed(Role::initiator), bad_handshake) << "the responder went along, the prologues differ";
}

TEST(Handshake, Message3OfAnotherHandshakeIsRefused) {
  LinkPair pair;
  std::vector<Bytes> seen;
  pair.tamper = [&](Role from, Bytes& bytes) {
    if (from == Role::initiator) seen.push_back(bytes);
  };
  pair.handshake();
  ASSERT_EQ(seen.size(), 2u);
  const Bytes message3 = seen[1];
  pair.initiator_events.clear();
  pair.responder_events.clear();
  pair.tamper = [&, count = 0](Role from, Bytes& bytes) mutable {
    if (from == Role::initiator && ++count == 2) bytes = message3;
  };
  pair.handshake();
  EXPECT_EQ(pair.established(Role::responder), nullptr);
}

TEST(Handshake, Message1AgainGivesFreshKeys) {
  LinkPair pair;
  Bytes message1;
  std::vector<Bytes> answers;
  pair.tamper = [&](Role from, Bytes& bytes) {
    if (from == Role::initiator && message1.empty()) message1 = bytes;
    if (from == Role::responder && answers.empty()) answers.push_back(bytes);
  };
  pair.handshake();
  Link again(pair.responder_config, *pair.provider, pair.time());
  again.on_bytes(message1, pair.time());
  pair.work(again);
  answers.push_back(to_bytes(again.pending_output()));
  ASSERT_EQ(answers[0].size(), answers[1].size());
  EXPECT_NE(to_hex(ByteView(answers[0]).subspan(2, 32)), to_hex(ByteView(answers[1]).subspan(2, 32)));
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
  const size_t most = hello_bytes_max + 1216;
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

TEST(Handshake, EndOfStreamIsACut) {
  LinkPair pair;
  pair.connect();
  pair.initiator->on_end(pair.time());
  pair.drain(*pair.initiator, pair.initiator_events);
  EXPECT_EQ(pair.closed(Role::initiator), cut_without_close);
}

// --- known certificate ---

TEST(Handshake, KnownCertificateIsNotSentAgain) {
  LinkPair pair;
  pair.initiator_config.known_certificate = pair.responder_config.identity->body;
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
  pair.initiator_config.known_certificate = test::identity(*pair.provider, 44)->body;
  pair.handshake();
  expect_nobody_established(pair);
  EXPECT_EQ(pair.closed(Role::initiator), bad_certificate);
}

// --- the parts ---

TEST(Hello, ComesBackAsItWas) {
  const Hello hello{{1, 2, 3, 4}, 1, {9, 8, 7, 6, 5, 4, 3, 2}, 2, {1, 2, 0x0101}};
  const Bytes bytes = encode_hello(hello);
  EXPECT_EQ(to_hex(bytes),
            "01020304"
            "01"
            "01"
            "0001"
            "0908070605040302"
            "0002"
            "03"
            "000100020101"
            "00");
  wire::Reader reader(bytes);
  const auto back = read_hello(reader, hello.magic);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, hello);
  for (size_t length = 0; length < bytes.size(); ++length) {
    wire::Reader shorter(ByteView(bytes).first(length));
    EXPECT_FALSE(read_hello(shorter, hello.magic));
  }
}

TEST(Hello, WhatItCannotBe) {
  const Bytes good = encode_hello({{1, 2, 3, 4}, 0, {}, 1, {1, 2}});
  const auto error_with = [&](size_t offset, uint8_t value) {
    Bytes bytes = good;
    bytes[offset] = value;
    wire::Reader reader(bytes);
    const auto hello = read_hello(reader, {1, 2, 3, 4});
    return hello ? none : hello.error().code;
  };
  EXPECT_EQ(error_with(0, 1), none);
  EXPECT_EQ(error_with(0, 2), wrong_magic);
  EXPECT_EQ(error_with(4, 2), wrong_version);
  EXPECT_EQ(error_with(5, handshake_type_retry), bad_handshake);
  EXPECT_EQ(error_with(17, 3), bad_handshake);   // a suite that is not offered
  EXPECT_EQ(error_with(18, 0), bad_handshake);   // no offers
  EXPECT_EQ(error_with(18, 9), bad_handshake);   // too many
  EXPECT_EQ(error_with(22, 1), bad_handshake);   // one twice
  EXPECT_EQ(error_with(23, 84), bad_handshake);  // answers a retry
}

TEST(Suites, ChoiceIsByStrength) {
  const auto choose = [](SuiteIds a, SuiteIds b) { return choose_suite(a, b); };
  EXPECT_EQ(choose({1}, {1}), 1);
  EXPECT_EQ(choose({1, 2}, {2, 1}), 2);
  EXPECT_EQ(choose({0x0101, 0x0001, 0x0011}, {0x0011, 0x0101}), 0x0011);
  EXPECT_EQ(choose({0x0101, 0x0021}, {0x0021, 0x0101}), 0x0021);
  EXPECT_EQ(choose({1}, {2}), std::nullopt);
  EXPECT_EQ(choose({0x7777}, {0x7777}), std::nullopt) << "unknown strength";
  EXPECT_EQ(choose({}, {1}), std::nullopt);
  EXPECT_EQ(cut_suites(SuiteIds{1, 2, 3}, SuiteIds{3, 1}), (SuiteIds{1, 3}));
}

TEST(Payload, FormIsStrict) {
  const auto build = [](PayloadHead head, size_t bytes) {
    Bytes payload = to_bytes(encode_payload_head(head));
    payload.resize(payload.size() + bytes);
    const auto read = read_payload(payload, SignAlg::mldsa65);
    return read ? none : read.error().code;
  };
  EXPECT_EQ(build({0, 2024, 3309, 6}, 2024 + 3309 + 6), none);
  EXPECT_EQ(build({1, 32, 3309, 0}, 32 + 3309), none);
  EXPECT_EQ(build({1, 33, 3309, 0}, 33 + 3309), bad_handshake);
  EXPECT_EQ(build({2, 2024, 3309, 0}, 2024 + 3309), bad_handshake);
  EXPECT_EQ(build({0, 2024, 3308, 0}, 2024 + 3308), bad_handshake);
  EXPECT_EQ(build({0, 8193, 3309, 0}, 8193 + 3309), bad_handshake);
  EXPECT_EQ(build({0, 2024, 3309, 513}, 2024 + 3309 + 513), too_large);
  EXPECT_EQ(build({0, 2024, 3309, 6}, 2024 + 3309 + 5), truncated);
  EXPECT_EQ(build({0, 2024, 3309, 6}, 2024 + 3309 + 7), trailing_bytes);
}

TEST(Payload, RespondersOffersAreMandatory) {
  EXPECT_EQ(read_offers_extension(encode_offers_extension({1, 2})), (SuiteIds{1, 2}));
  EXPECT_FALSE(read_offers_extension({}));
  wire::Writer other;
  wire::write_tlv(other, 7, as_bytes("x"));
  EXPECT_FALSE(read_offers_extension(other.view()));
  EXPECT_TRUE(check_extensions(other.view()));
  for (const Bytes& value : {Bytes{}, Bytes{1}, Bytes{0, 1, 0, 1}, Bytes(18, 0)}) {
    wire::Writer bad;
    wire::write_tlv(bad, 1, value);
    EXPECT_FALSE(read_offers_extension(bad.view()));
  }
}

// Every field that is signed changes what is signed; only the initiator names the responder.
TEST(Payload, SignedContentCoversEverything) {
  const Bytes head(7, 1);
  const Bytes extensions(6, 2);
  const SignedContent content{Role::responder, 1, {}, {}, head, extensions, std::nullopt};
  const Bytes base = encode_signed(content);
  EXPECT_EQ(base.size(), 1 + 2 + 32 + 32 + 32u);
  EXPECT_EQ(base[0], 0x52);
  std::set<Bytes> all{base};
  SignedContent changed = content;
  changed.suite = 2;
  all.insert(encode_signed(changed));
  changed = content;
  changed.handshake_hash[0] = 1;
  all.insert(encode_signed(changed));
  changed = content;
  changed.certificate.bytes[0] = 1;
  all.insert(encode_signed(changed));
  const Bytes other(7, 3);
  changed = content;
  changed.head = other;
  all.insert(encode_signed(changed));
  changed = content;
  changed.extensions = other;
  all.insert(encode_signed(changed));
  changed = content;
  changed.role = Role::initiator;
  changed.responder = NodeId{};
  all.insert(encode_signed(changed));
  EXPECT_EQ(all.size(), 7u);
}

}  // namespace
}  // namespace lattice
