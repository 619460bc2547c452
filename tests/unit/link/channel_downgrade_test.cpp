// The tests that the secure channel must pass (docs/THREATS.md), by number: 6, never a weaker session, and 14, TLS.
#include <gtest/gtest.h>

#include <lattice/link/admission.hpp>
#include <lattice/link/introduction.hpp>

#include "nodes.hpp"
#include "tls_peer.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::every_suite;
using test::expect_nobody_established;
using test::Nodes;
using test::TlsPair;
using test::TlsPeer;

const std::vector<Suite> all_of_them(std::begin(every_suite), std::end(every_suite));
constexpr Suite weaker_suites[] = {Suite::xxhfs_aesgcm, Suite::xxhfs_chacha, Suite::xxhfskem_chacha, Suite::tls13};

SuiteIds ids_of(const std::vector<Suite>& suites) {
  SuiteIds ids;
  for (const Suite suite : suites) ids.push_back(id_of(suite));
  return ids;
}

// --- 6. Downgrade

TEST(SecureChannel, T06_EveryBitOfTheHelloCounts) {
  const std::vector<Suite> pairs[] = {{Suite::xxhfs_chacha, Suite::xxhfskem_chacha},
                                      {Suite::xxhfs_aesgcm, Suite::xxhfs_chacha},
                                      {Suite::xxhfs1024_chacha, Suite::xxhfs_chacha},
                                      {Suite::xxhfskem_chacha, Suite::tls13}};
  for (const auto& suites : pairs) {
    SCOPED_TRACE(suite_name(suites[0]));
    Nodes nodes(suites);
    nodes.handshake();
    ASSERT_EQ(nodes.agreed(), suites[0]);
    constexpr size_t hello = 20 + 2 * 2;
    for (size_t bit = 0; bit < hello * 8; ++bit) {
      nodes.tamper = [&, first = true](Role, Bytes& bytes) mutable {
        if (std::exchange(first, false)) bytes[2 + bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
      };
      nodes.handshake_again();
      EXPECT_EQ(nodes.established(Role::initiator), nullptr) << bit;
      EXPECT_EQ(nodes.established(Role::responder), nullptr) << bit;
    }
  }
}

// A retry that asks for another suite, one of a responder that admits, and one that leads to TLS.
TEST(SecureChannel, T06_EveryBitOfARetryCounts) {
  enum : int { of_suite, of_admission, to_tls };
  for (const int kind : {of_suite, of_admission, to_tls}) {
    AdmissionLimits limits;
    limits.unproven = {0, 0};
    limits.difficulty_group = 2;
    Admission admission(Secret<32>{}, limits);
    const Suite weak = kind == to_tls ? Suite::tls13 : Suite::xxhfs_chacha;
    Nodes nodes({Suite::xxhfs_aesgcm, Suite::xxhfs_chacha, Suite::tls13}, {weak});
    if (kind == of_admission) nodes.responder_config.admission = &admission;
    nodes.handshake();
    ASSERT_EQ(nodes.agreed(), weak);
    for (size_t bit = 0; bit < retry_bytes * 8; ++bit) {
      nodes.tamper = [&, first = true](Role from, Bytes& bytes) mutable {
        if (from != Role::responder || !std::exchange(first, false)) return;
        ASSERT_EQ(bytes.size(), 2 + retry_bytes);
        bytes[2 + bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
      };
      nodes.now += std::chrono::seconds{10};  // an honest initiator's allowance
      nodes.handshake_again();
      EXPECT_EQ(nodes.established(Role::initiator), nullptr) << kind << " " << bit;
      EXPECT_EQ(nodes.established(Role::responder), nullptr) << kind << " " << bit;
    }
  }
}

// Somebody between them answers the first hello with a retry, and passes the second one on: as it is, or with the offers
// stripped to what the retry asked for and nothing left of the retry.
TEST(SecureChannel, T06_StrippedOffersAndInventedRetries) {
  for (const Suite weak : weaker_suites) {
    for (const bool stripped : {false, true}) {
      SCOPED_TRACE(std::string(suite_name(weak)) + (stripped ? " stripped" : ""));
      Nodes nodes(all_of_them);
      size_t hellos = 0;
      nodes.tamper = [&](Role from, Bytes& bytes) {
        if (from != Role::initiator || ++hellos > 2) return;
        if (hellos == 1) {
          bytes.clear();
          const Retry retry{0, id_of(weak), 0, {}};
          return nodes.initiator->on_bytes(framed(encode_retry(nodes.initiator_config.magic, retry)), nodes.time());
        }
        if (!stripped || weak == Suite::tls13) return;
        wire::Reader reader(ByteView(bytes).subspan(2));
        Hello hello = read_hello(reader, nodes.initiator_config.magic).value();
        ASSERT_TRUE(hello.answer);
        hello.answer.reset();
        hello.offers = {id_of(weak)};
        Bytes message = encode_hello(hello);
        append(message, reader.rest());
        bytes = framed(message);
      };
      nodes.handshake();
      EXPECT_GE(hellos, 2u);
      expect_nobody_established(nodes);
    }
  }
  // All offers but the one that is chosen anyway, and one that was not made.
  for (const bool more : {false, true}) {
    Nodes nodes({Suite::xxhfs_aesgcm, Suite::xxhfs_chacha});
    nodes.tamper = [&, first = true](Role, Bytes& bytes) mutable {
      if (!std::exchange(first, false)) return;
      wire::Reader reader(ByteView(bytes).subspan(2));
      Hello hello = read_hello(reader, nodes.initiator_config.magic).value();
      hello.offers = more ? SuiteIds{2, 1, 0x0101} : SuiteIds{2};
      Bytes message = encode_hello(hello);
      append(message, reader.rest());
      bytes = framed(message);
    };
    nodes.handshake();
    expect_nobody_established(nodes);
    EXPECT_EQ(nodes.closed(Role::initiator), bad_handshake) << "the responder went along, the prologues differ";
  }
}

// Behind the prologue both make the choice again from the two lists of offers: a suite that is not the best of both is refused
// even where both ends have heard the same.
TEST(SecureChannel, T06_BothMakeTheChoiceAgain) {
  for (const Suite weak : weaker_suites) {
    for (const Role judge : {Role::initiator, Role::responder}) {
      for (const bool best : {false, true}) {
        SCOPED_TRACE(suite_name(weak));
        Nodes nodes(all_of_them);
        const SuiteIds offers = best ? SuiteIds{id_of(weak)} : ids_of(all_of_them);
        const Hello hello{{}, 0, {}, id_of(weak), offers, {}, {}};
        const bool initiates = judge == Role::responder;
        Introduction speaker(initiates ? nodes.initiator_config : nodes.responder_config, *nodes.provider, hello, offers);
        Bytes said;
        if (traits_of(weak).live_signature) {
          const SignWork sign = speaker.sign({});
          said = speaker.payload(std::get<SignDone>(run_work(sign, *nodes.provider)));
        } else {
          said = speaker.payload_without_signature();
        }
        Introduction listener(initiates ? nodes.responder_config : nodes.initiator_config, *nodes.provider, hello, offers);
        const DhPublic key = speaker.own().certificate.dh;
        const auto read = listener.read(said, &key, nodes.time().wall);
        EXPECT_EQ(read ? none : read.error().code, best ? none : downgrade);
      }
    }
  }
}

// What an attacker can do to Noise connections, it may do for ever: a dial never tries TLS for that.
TEST(SecureChannel, T06_FailuresNeverLeadToTls) {
  test::LinkPair pair;
  pair.initiator_config.suites = pair.responder_config.suites = {Suite::xxhfs_chacha, Suite::tls13};
  for (size_t dial = 0; dial < 20; ++dial) {
    size_t seen = 0;
    pair.tamper = [&](Role from, Bytes& bytes) {
      if (from == Role::initiator && seen++ == 0) {
        EXPECT_EQ(to_hex(ByteView(bytes).subspan(2, 4)), "face0001") << "a hello, not TLS";
        EXPECT_EQ(to_hex(ByteView(bytes).subspan(18, 2)), "0001");
      }
      if (dial % 2)
        bytes.clear();
      else
        bytes[bytes.size() - 1 - dial] ^= 1;
    };
    pair.handshake();
    pair.initiator->on_end(pair.time());
    pair.responder->on_end(pair.time());
    EXPECT_GT(seen, 0u);
  }
  test::expect_nobody_established(pair);
}

// --- 14. TLS

// TLS ends at the attacker on both sides, and what is said inside is passed on word for word.
TEST(SecureChannel, T14_ARelayBetweenTwoTlsSessionsFails) {
  TlsPeer towards_responder;
  TlsPair towards_initiator;
  auto server = towards_initiator.provider->tls(TlsSide::server);
  Link initiator(towards_initiator.initiator_config, *towards_initiator.provider, towards_initiator.time());
  towards_responder.connect_tls();
  Bytes from_initiator;
  size_t passed = 0;
  for (int i = 0; i < 10; ++i) {
    towards_initiator.work(initiator);
    const Bytes said = to_bytes(initiator.pending_output());
    initiator.on_sent(said.size());
    if (!server->on_bytes(said, from_initiator)) break;
    const Bytes words = std::exchange(from_initiator, {});
    passed += words.size();
    if (!words.empty()) towards_responder.say(words);
    if (server->established() && !towards_responder.heard.empty()) server->write(std::exchange(towards_responder.heard, {}));
    initiator.on_bytes(server->take_output(), towards_initiator.time());
  }
  towards_initiator.drain(initiator, towards_initiator.initiator_events);
  EXPECT_GT(passed, 0u);
  EXPECT_EQ(towards_initiator.established(Role::initiator), nullptr);
  EXPECT_EQ(towards_responder.established(Role::responder), nullptr);
  EXPECT_EQ(towards_initiator.closed(Role::initiator), bad_handshake) << "the responder's signature is over another exporter";
}

constexpr uint16_t our_group = 0x11ec;

// RFC 8446 section 4.1.2: a ClientHello with one group and its share.
Bytes client_hello(uint16_t group, ByteView share) {
  wire::Writer extensions;
  const auto extension = [&](uint16_t type, ByteView value) {
    extensions.u16(type).u16(static_cast<uint16_t>(value.size())).bytes(value);
  };
  extension(0x002b, Bytes{2, 0x03, 0x04});
  extension(0x000d, Bytes{0, 4, 0x08, 0x07, 0x04, 0x03});
  wire::Writer groups, shares;
  groups.u16(2).u16(group);
  extension(0x000a, groups.view());
  shares.u16(static_cast<uint16_t>(4 + share.size())).u16(group).u16(static_cast<uint16_t>(share.size())).bytes(share);
  extension(0x0033, shares.view());
  wire::Writer body;
  body.u16(0x0303).bytes(Bytes(32, 7)).u8(0).u16(4).u16(0x1302).u16(0x1303).u8(1).u8(0);
  body.u16(static_cast<uint16_t>(extensions.view().size())).bytes(extensions.view());
  wire::Writer record;
  record.u8(0x16).u16(0x0301).u16(static_cast<uint16_t>(4 + body.view().size()));
  record.u8(1).u8(0).u16(static_cast<uint16_t>(body.view().size())).bytes(body.view());
  return record.take();
}

TEST(SecureChannel, T14_ClassicalGroupsAreRefused) {
  TlsPair pair;
  const Bytes ours = pair.provider->tls(TlsSide::client)->take_output();
  const Bytes begin{0x11, 0xec, 0x04, 0xc0};
  const auto found = std::ranges::search(ours, begin);
  ASSERT_FALSE(found.empty());
  const Bytes hybrid_share(found.end(), found.end() + 1216);
  const auto provider = openssl_provider();
  const DhPublic x25519 = provider->dh_public(Secret<32>(ByteArray<32>{9}));
  const auto answer = [&](ByteView hello) {
    Link responder(pair.responder_config, *pair.provider, pair.time());
    responder.on_bytes(hello, pair.time());
    const size_t bytes = responder.pending_output().size();
    EXPECT_EQ(responder.closed(), bytes == 0);
    return bytes;
  };
  EXPECT_GT(answer(client_hello(our_group, hybrid_share)), 1000u) << "with our group it is a good one";
  EXPECT_EQ(answer(client_hello(0x001d, x25519)), 0u) << "X25519 alone: not a word";
  EXPECT_EQ(answer(client_hello(0x0201, ByteView(hybrid_share).first(1184))), 0u) << "ML-KEM-768 alone";
}

}  // namespace
}  // namespace lattice
