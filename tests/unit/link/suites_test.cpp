// Every suite between two links, and how one is chosen.
#include <gtest/gtest.h>

#include <lattice/wire/writer.hpp>

#include "nodes.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::Again;
using test::all_suites;
using test::expect_nobody_established;
using test::Nodes;
using test::noise_suites;
using test::WithKeys;

TEST(Suites, EachConnectsAndCarriesMessages) {
  for (const Suite suite : noise_suites) {
    Nodes nodes({suite});
    nodes.handshake();
    ASSERT_TRUE(nodes.both_established()) << suite_name(suite);
    EXPECT_EQ(nodes.agreed(), suite);
    EXPECT_EQ(nodes.established(Role::initiator)->handshake_hash, nodes.established(Role::responder)->handshake_hash);
    const auto& config = suite == Suite::xxhfs1024_chacha ? nodes.responder_config.identity87 : nodes.responder_config.identity;
    EXPECT_EQ(nodes.established(Role::initiator)->peer, config->id);
    ASSERT_TRUE(nodes.initiator->send(1, wire::Ping{7}));
    ASSERT_TRUE(nodes.responder->send(1, wire::Ping{8}));
    nodes.run();
    EXPECT_EQ(nodes.messages(Role::initiator), std::vector<wire::Message>{wire::Ping{8}});
    EXPECT_EQ(nodes.messages(Role::responder), std::vector<wire::Message>{wire::Ping{7}});
  }
}

TEST(Suites, EachFlightFitsTheFirstWindow) {
  for (const Suite suite : noise_suites) {
    Nodes nodes({suite});
    nodes.handshake();
    for (const size_t size : nodes.sizes) EXPECT_LT(size, 14'600u) << suite_name(suite);
  }
}

TEST(Suites, FlippedBytesEndEachOfThem) {
  for (const Suite suite : noise_suites) {
    for (const bool known : {false, true}) {
      Nodes whole({suite});
      whole.handshake();
      const std::vector<size_t> sizes = whole.sizes;
      for (size_t message = 0; message + 1 < sizes.size(); ++message) {
        for (size_t at = 2; at < sizes[message]; at += sizes[message] / 7) {
          Nodes nodes({suite});
          if (known) {
            nodes.handshake();
            nodes.initiator_config.expected = whole.established(Role::initiator)->peer;
          }
          size_t count = 0;
          nodes.tamper = [&](Role, Bytes& bytes) {
            if (count++ == message && at < bytes.size()) bytes[at] ^= 0x40;
          };
          if (known)
            nodes.handshake_again();
          else
            nodes.handshake();
          EXPECT_FALSE(nodes.both_established()) << suite_name(suite) << " message " << message << " byte " << at;
        }
        if (known) break;  // the first message; the others have other lengths then
      }
    }
  }
}

// ML-DSA signs certificates and not handshakes: between nodes that know each other's, nothing is signed or verified.
TEST(Suites, KemNeedsNoSignatureBetweenNodesThatKnowEachOther) {
  Nodes nodes({Suite::xxhfskem_chacha});
  nodes.handshake();
  ASSERT_TRUE(nodes.both_established());
  EXPECT_EQ(nodes.signatures, 0u);
  EXPECT_EQ(nodes.verifications, 2u) << "each certificate once";
  nodes.count_again();
  nodes.initiator_config.expected = nodes.responder_config.identity->id;
  nodes.handshake_again();
  ASSERT_TRUE(nodes.both_established());
  EXPECT_EQ(nodes.signatures + nodes.verifications, 0u);
  EXPECT_LT(nodes.sizes[1], 2500u) << "the hash stands for the certificate";
}

TEST(Suites, KemCertificateWithoutItsSignatureIsRefused) {
  for (const bool responder_lies : {false, true}) {
    Nodes nodes({Suite::xxhfskem_chacha});
    LinkConfig& config = responder_lies ? nodes.responder_config : nodes.initiator_config;
    auto liar = test::copy_of(config.identity);
    liar->self_signature[100] ^= 1;
    config.identity = liar;
    nodes.handshake();
    expect_nobody_established(nodes);
    EXPECT_EQ(nodes.closed(responder_lies ? Role::initiator : Role::responder), bad_handshake);
  }
}

// Two addresses of one node are dialled; at the first somebody else answers with another hash, before the second has answered.
TEST(Suites, KnownCertificateMayBeForgottenByAnotherDialMeanwhile) {
  for (const Suite suite : noise_suites) {
    Nodes nodes({suite});
    nodes.handshake();
    ASSERT_TRUE(nodes.both_established()) << suite_name(suite);
    const NodeId node = nodes.established(Role::initiator)->peer;
    nodes.initiator_config.expected = node;
    nodes.initiator_events.clear();
    nodes.responder_events.clear();
    nodes.connect();
    nodes.initiator_memory.forget_certificate(node);
    nodes.run();
    EXPECT_TRUE(nodes.both_established()) << suite_name(suite);
    EXPECT_EQ(nodes.initiator_memory.self_signed(node, certificate_hash(nodes.responder_config.identity->body)),
              suite == Suite::xxhfskem_chacha);
  }
}

TEST(Suites, ResponderAsksForTheSuiteToChoose) {
  // The initiator begins with its strongest; the responder's certificate and policy allow others.
  Nodes nodes({Suite::xxhfs_aesgcm, Suite::xxhfs_chacha, Suite::xxhfs1024_chacha}, {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm});
  nodes.handshake();
  EXPECT_EQ(nodes.agreed(), Suite::xxhfs_aesgcm);
  EXPECT_EQ(nodes.sizes[1], 2 + 44u) << "a retry";
  EXPECT_LE(nodes.sizes[1], nodes.sizes[0]) << "never more than was received";
}

TEST(Suites, NoneInCommonIsAnError) {
  Nodes nodes({Suite::xxhfs_aesgcm}, {Suite::xxhfs_chacha});
  nodes.handshake();
  expect_nobody_established(nodes);
  EXPECT_EQ(nodes.closed(Role::responder), no_common_suite);
}

TEST(Suites, SecondRetryIsRefused) {
  Nodes nodes({Suite::xxhfs_aesgcm, Suite::xxhfs_chacha});
  Link initiator(nodes.initiator_config, *nodes.provider, nodes.time());
  Bytes retry{0, 44};
  append(retry, encode_retry(nodes.initiator_config.magic, {0, 1, 0, {}}));
  initiator.on_bytes(retry, nodes.time());
  EXPECT_FALSE(initiator.closed());
  initiator.on_bytes(retry, nodes.time());
  const auto event = initiator.poll_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<LinkClosed>(*event).error.code, bad_handshake);
}

TEST(Suites, PuzzleAboveTheCapIsRefused) {
  Nodes nodes({Suite::xxhfs_chacha});
  nodes.tamper = [&](Role from, Bytes& bytes) {
    if (from != Role::responder) return;
    bytes = {0, 44};
    append(bytes, encode_retry(nodes.initiator_config.magic, {0, 1, 21, {}}));
  };
  nodes.handshake();
  EXPECT_EQ(nodes.closed(Role::initiator), limit_reached);
}

// A node with two identities shows the one of the suite; who dials it by NodeID meets that one.
TEST(Suites, ANodeWithTwoIdentitiesIsFoundByBoth) {
  const std::vector<Suite> both{Suite::xxhfs1024_chacha, Suite::xxhfs_chacha};
  Nodes nodes(both);
  nodes.handshake();
  EXPECT_EQ(nodes.agreed(), Suite::xxhfs1024_chacha) << "the strongest";
  EXPECT_EQ(nodes.established(Role::responder)->peer, nodes.initiator_config.identity87->id);
  EXPECT_EQ(nodes.established(Role::initiator)->own, nodes.initiator_config.identity87->id);

  nodes.initiator_config.expected = nodes.responder_config.identity->id;
  nodes.handshake_again();
  EXPECT_EQ(nodes.agreed(), Suite::xxhfs_chacha);
  nodes.initiator_config.expected = nodes.responder_config.identity87->id;  // its certificate is remembered
  nodes.handshake_again();
  EXPECT_EQ(nodes.agreed(), Suite::xxhfs1024_chacha);
}

// --- keys from outside ---

TEST(OutsideKey, GoesIntoTheLink) {
  for (const Suite suite : {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha}) {
    WithKeys nodes(suite);
    nodes.handshake();
    EXPECT_EQ(nodes.agreed(), suite);
    EXPECT_EQ(nodes.fetched, 2u);
  }
}

TEST(OutsideKey, PolicyIsOfBothSides) {
  WithKeys off(Suite::xxhfs_chacha);
  off.responder_config.outside_keys = OutsideKeys::off;
  off.handshake();
  EXPECT_EQ(off.closed(Role::responder), no_common_suite);
  WithKeys needs(Suite::xxhfs_chacha);
  needs.responder_config.outside_keys = OutsideKeys::require;
  needs.initiator_config.outside_keys = OutsideKeys::accept;
  needs.handshake();
  EXPECT_EQ(needs.closed(Role::responder), no_common_suite);
}

// --- resumption ---

TEST(Resumption, NeedsNoSignatureAndNamesTheSamePeers) {
  for (const Suite suite : noise_suites) {
    Again nodes({suite});
    const NodeId initiator = nodes.established(Role::responder)->peer;
    const Digest hash = nodes.established(Role::initiator)->handshake_hash;
    for (int i = 0; i < 3; ++i) {
      nodes.handshake_again();
      ASSERT_TRUE(nodes.resumed()) << suite_name(suite);
      EXPECT_EQ(nodes.signatures + nodes.verifications, 0u);
      EXPECT_EQ(nodes.agreed(), suite);
      EXPECT_EQ(nodes.established(Role::responder)->peer, initiator);
      EXPECT_EQ(nodes.established(Role::initiator)->peer, *nodes.initiator_config.expected);
      EXPECT_NE(nodes.established(Role::initiator)->handshake_hash, hash);
      ASSERT_TRUE(nodes.responder->send(1, wire::Ping{8}));
      nodes.run();
      EXPECT_EQ(nodes.messages(Role::initiator).size(), 1u);
    }
  }
}

TEST(Resumption, TicketUnknownToTheResponderGivesAFullHandshake) {
  Again nodes({Suite::xxhfs_chacha});
  PeerMemory empty;
  nodes.responder_config.memory = &empty;
  nodes.handshake_again();
  ASSERT_TRUE(nodes.both_established());
  EXPECT_FALSE(nodes.established(Role::initiator)->resumed);
  EXPECT_EQ(nodes.signatures, 2u);
}

// Whoever has seen a ticket's id cannot use it up for its owner.
TEST(Resumption, OnlyTheSecretBurnsATicket) {
  Again nodes({Suite::xxhfs_chacha});
  bool garbled = false;
  Bytes good;
  nodes.tamper = [&](Role from, Bytes& bytes) {
    if (from != Role::initiator || std::exchange(garbled, true)) return;
    good = bytes;
    bytes.back() ^= 1;
  };
  nodes.handshake_again();
  expect_nobody_established(nodes);
  EXPECT_EQ(nodes.closed(Role::responder), bad_handshake);
  Link again(nodes.responder_config, *nodes.provider, nodes.time());
  again.on_bytes(good, nodes.time());
  EXPECT_GT(again.pending_output().size(), 1000u) << "message 2";
}

TEST(Resumption, HasAGreatestAge) {
  Again late({Suite::xxhfs_chacha});
  late.now += ticket_age_max;
  late.handshake_again();
  ASSERT_TRUE(late.both_established());
  EXPECT_FALSE(late.established(Role::initiator)->resumed);

  Again chain({Suite::xxhfs_chacha});
  const Duration step = ticket_chain_age_max / 4;
  for (int i = 1; i <= 4; ++i) {
    chain.now += step;
    chain.handshake_again();
    ASSERT_TRUE(chain.both_established());
    EXPECT_EQ(chain.established(Role::initiator)->resumed, i < 4) << i;
  }
}

TEST(Resumption, EndsWithTheCertificate) {
  Again nodes({Suite::xxhfs_chacha});
  for (PeerMemory* memory : {&nodes.initiator_memory, &nodes.responder_memory}) {
    // The peer has shown a newer certificate in between: the ticket of the old one is worth nothing.
    const bool initiators = memory == &nodes.initiator_memory;
    const auto peer = all_suites(*nodes.provider, initiators ? 22 : 11, SignAlg::mldsa65, 5);
    memory->on_proven(peer->id, peer->certificate, peer->body, false);
  }
  nodes.initiator_config.identity = all_suites(*nodes.provider, 11, SignAlg::mldsa65, 5);
  nodes.responder_config.identity = all_suites(*nodes.provider, 22, SignAlg::mldsa65, 5);
  nodes.handshake_again();
  ASSERT_TRUE(nodes.both_established());
  EXPECT_FALSE(nodes.established(Role::initiator)->resumed);
}

TEST(Resumption, IsBoundToASuiteThatPolicyStillAllows) {
  Again nodes({Suite::xxhfs_chacha, Suite::xxhfs_aesgcm});
  EXPECT_EQ(nodes.agreed(), Suite::xxhfs_aesgcm);
  nodes.initiator_config.suites = nodes.responder_config.suites = {Suite::xxhfs_chacha};
  nodes.handshake_again();
  EXPECT_EQ(nodes.agreed(), Suite::xxhfs_chacha);
  EXPECT_FALSE(nodes.established(Role::initiator)->resumed);
}

TEST(PeerMemory, IsBounded) {
  PeerMemory memory;
  const auto node = [](size_t i) {
    NodeId id;
    wire::store_be(id.bytes.data(), static_cast<uint32_t>(i));
    return id;
  };
  Certificate certificate;
  for (size_t i = 0; i < PeerMemory::serials_max + 10; ++i) {
    certificate.serial = i + 1;
    memory.on_proven(node(i), certificate, Bytes{1, 2, 3}, false);
    Ticket ticket;
    ticket.peer = node(i);
    wire::store_be(ticket.id.data(), static_cast<uint32_t>(i));
    ticket.role = i % 2 == 0 ? Role::initiator : Role::responder;
    memory.keep(std::move(ticket));
    memory.revoke(node(i + 1'000'000));
  }
  EXPECT_EQ(memory.serial_min(node(0)), 0u) << "the oldest went";
  EXPECT_EQ(memory.serial_min(node(20)), 21u);
  EXPECT_EQ(memory.certificate_of(node(10'000)), nullptr);
  EXPECT_NE(memory.certificate_of(node(20'009)), nullptr);
  EXPECT_FALSE(memory.revoked(node(1'000'000)));
  EXPECT_TRUE(memory.revoked(node(1'020'009)));
}

}  // namespace
}  // namespace lattice
