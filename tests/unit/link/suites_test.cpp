// Every suite between two links, and how one is chosen.
#include <gtest/gtest.h>

#include <lattice/link/peer_memory.hpp>
#include <lattice/wire/writer.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::expect_nobody_established;
using test::LinkPair;
using test::wall_start;

constexpr Suite noise_suites[] = {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha, Suite::xxhfskem_chacha};

std::shared_ptr<const Identity> all_suites(Provider& provider, uint8_t seed, SignAlg alg, uint64_t serial = 1) {
  IdentityOptions options;
  options.sign_alg = alg;
  options.allowed_suites = alg == SignAlg::mldsa87 ? SuiteIds{0x0011} : SuiteIds{1, 2, 0x0021, 0x0101};
  options.serial = serial;
  options.not_before = wall_from_unix(wall_start - 1000);
  options.not_after = wall_from_unix(wall_start + 1'000'000);
  return test::identity(provider, seed, &options);
}

// Two nodes that have every key and remember each other.
struct Nodes : LinkPair {
  PeerMemory initiator_memory, responder_memory;
  size_t signatures = 0, verifications = 0;
  std::vector<size_t> sizes;

  explicit Nodes(std::vector<Suite> suites) : Nodes(suites, suites) {}
  Nodes(std::vector<Suite> initiators, std::vector<Suite> responders) {
    initiator_config.suites = std::move(initiators);
    responder_config.suites = std::move(responders);
    initiator_config.identity = all_suites(*provider, 11, SignAlg::mldsa65);
    initiator_config.identity87 = all_suites(*provider, 11, SignAlg::mldsa87);
    responder_config.identity = all_suites(*provider, 22, SignAlg::mldsa65);
    responder_config.identity87 = all_suites(*provider, 22, SignAlg::mldsa87);
    initiator_config.memory = &initiator_memory;
    responder_config.memory = &responder_memory;
    initiator_config.resumes = responder_config.resumes = false;
    worker = [this](const Work& work) {
      signatures += std::holds_alternative<SignWork>(work);
      verifications += std::holds_alternative<VerifyWork>(work);
      return run_work(work, *provider);
    };
    tamper = [this](Role, Bytes& bytes) { sizes.push_back(bytes.size()); };
  }
  void count_again() {
    signatures = verifications = 0;
    sizes.clear();
  }
  Suite agreed() { return both_established() ? established(Role::responder)->suite : Suite{}; }
};

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

// Somebody who has the whole certificate, its signature and the X25519 key, but not the KEM key.
TEST(Suites, KemKeyMustBeHeld) {
  for (const bool responder_lies : {false, true}) {
    Nodes nodes({Suite::xxhfskem_chacha});
    LinkConfig& config = responder_lies ? nodes.responder_config : nodes.initiator_config;
    auto thief = test::copy_of(config.identity);
    thief->kem = nodes.provider->kem_key(KemAlg::mlkem768, Secret<64>());
    config.identity = thief;
    nodes.handshake();
    EXPECT_EQ(nodes.established(responder_lies ? Role::initiator : Role::responder), nullptr);
  }
}

// Established is not reported before message 4 has come, nor by the responder before the initiator's first record.
TEST(Suites, KemEstablishesLate) {
  for (const size_t lost : {2, 3, 4}) {  // message 3, 4, the first record
    Nodes nodes({Suite::xxhfskem_chacha});
    size_t count = 0;
    nodes.tamper = [&](Role, Bytes& bytes) {
      if (count++ >= lost) bytes.clear();
    };
    nodes.handshake();
    EXPECT_EQ(nodes.established(Role::responder), nullptr) << lost;
    EXPECT_EQ(nodes.established(Role::initiator) != nullptr, lost == 4) << lost;
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

// Whoever changes or invents a retry moves nobody to a suite that both ends would not choose.
TEST(Suites, InventedRetryIsNoDowngrade) {
  for (const uint16_t wanted : {0x0001, 0x0021, 0x0101, 0x7777}) {
    Nodes nodes({Suite::xxhfs_aesgcm, Suite::xxhfs_chacha, Suite::xxhfskem_chacha});
    bool told = false;
    nodes.tamper = [&](Role from, Bytes& bytes) {
      if (from != Role::responder || std::exchange(told, true)) return;
      bytes = {0, 44};
      append(bytes, encode_retry(nodes.initiator_config.magic, {0, wanted, 0, {}}));
    };
    nodes.handshake();
    expect_nobody_established(nodes);
  }
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

struct WithKeys : Nodes {
  Secret<32> shared;
  KeyId named{0x42};
  bool lost = false;
  size_t fetched = 0;

  explicit WithKeys(Suite suite) : Nodes({suite}) {
    shared.span()[0] = 1;
    initiator_config.outside_keys = OutsideKeys::require;
    responder_config.outside_keys = OutsideKeys::accept;
    worker = [this](const Work& work) -> WorkResult {
      const auto* fetch = std::get_if<OutsideKeyWork>(&work);
      if (fetch == nullptr) return run_work(work, *provider);
      ++fetched;
      if (lost && fetch->id) return OutsideKeyDone{};
      return OutsideKeyDone{OutsideKey{fetch->id.value_or(named), shared}};
    };
  }
};

TEST(OutsideKey, GoesIntoTheLink) {
  for (const Suite suite : {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha}) {
    WithKeys nodes(suite);
    nodes.handshake();
    EXPECT_EQ(nodes.agreed(), suite);
    EXPECT_EQ(nodes.fetched, 2u);
  }
}

TEST(OutsideKey, WrongZeroAndUnknownFailAlike) {
  for (const int way : {0, 1, 2, 3}) {
    WithKeys nodes(Suite::xxhfs_chacha);
    const auto usual = nodes.worker;
    nodes.lost = way == 0;
    nodes.worker = [&](const Work& work) {
      WorkResult result = usual(work);
      auto* done = std::get_if<OutsideKeyDone>(&result);
      const bool at_responder = done && std::get<OutsideKeyWork>(work).id.has_value();
      if (done && done->key && way == 1 && at_responder) done->key->key.span()[5] ^= 1;
      if (done && done->key && way == 2) done->key->key = {};
      if (done && done->key && way == 3 && at_responder) done->key->key = {};
      return result;
    };
    nodes.handshake();
    expect_nobody_established(nodes);
    const Role finder = way == 2 ? Role::initiator : Role::responder;
    EXPECT_EQ(nodes.closed(finder), bad_handshake) << way;
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

struct Again : Nodes {
  explicit Again(std::vector<Suite> suites) : Nodes(suites) { meet(); }
  void meet() {
    initiator_config.resumes = responder_config.resumes = true;
    handshake();
    initiator_config.expected = established(Role::initiator)->peer;
    count_again();
  }
  bool resumed() {
    return both_established() && established(Role::initiator)->resumed && established(Role::responder)->resumed;
  }
};

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

TEST(Resumption, ASecretWorksOnce) {
  Again nodes({Suite::xxhfs_chacha});
  Bytes first;
  nodes.tamper = [&](Role from, Bytes& bytes) {
    if (from == Role::initiator && first.empty()) first = bytes;
  };
  nodes.handshake_again();
  ASSERT_TRUE(nodes.resumed());
  Link replayed(nodes.responder_config, *nodes.provider, nodes.time());
  replayed.on_bytes(first, nodes.time());
  EXPECT_EQ(replayed.pending_output().size(), 2 + retry_bytes) << "a full handshake is asked for";
  EXPECT_FALSE(replayed.established());
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

TEST(Resumption, RolesDoNotSwap) {
  Again nodes({Suite::xxhfs_chacha});
  std::swap(nodes.initiator_config.identity, nodes.responder_config.identity);
  std::swap(nodes.initiator_config.memory, nodes.responder_config.memory);
  nodes.initiator_config.expected = nodes.responder_config.identity->id;
  nodes.handshake_again();
  ASSERT_TRUE(nodes.both_established());
  EXPECT_FALSE(nodes.established(Role::initiator)->resumed);
}

TEST(Resumption, EchoedMessageIsRefused) {
  Again nodes({Suite::xxhfs_chacha});
  Bytes own;
  nodes.tamper = [&](Role from, Bytes& bytes) {
    if (from == Role::initiator && own.empty()) own = bytes;
    if (from == Role::responder) bytes = own;
  };
  nodes.handshake_again();
  EXPECT_EQ(nodes.established(Role::initiator), nullptr);
}

TEST(Resumption, RevokedPeersAreRefused) {
  for (const bool at_responder : {false, true}) {
    Again nodes({Suite::xxhfs_chacha});
    if (at_responder)
      nodes.responder_memory.revoke(nodes.initiator_config.identity->id);
    else
      nodes.initiator_memory.revoke(nodes.responder_config.identity->id);
    nodes.handshake_again();
    EXPECT_FALSE(nodes.both_established());
    EXPECT_EQ(nodes.closed(at_responder ? Role::responder : Role::initiator), certificate_revoked);
  }
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
