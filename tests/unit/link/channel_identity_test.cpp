// The tests that the secure channel must pass (docs/THREATS.md), by number: who may claim to be whom. Keys stolen, copied,
// swapped or recorded, in every suite that the number concerns.
#include <gtest/gtest.h>

#include <lattice/link/introduction.hpp>
#include <lattice/link/succession.hpp>

#include "nodes.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::certify_again;
using test::copy_of;
using test::every_suite;
using test::expect_nobody_established;
using test::Nodes;
using test::noise_suites;
using test::other;
using test::shown;
using test::stranger;

constexpr Role both_roles[] = {Role::initiator, Role::responder};
constexpr Suite signed_suites[] = {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha, Suite::tls13};

std::string_view name_of(Role role) { return role == Role::initiator ? " initiator" : " responder"; }

// The side of `liar` was not believed.
void expect_refused(Nodes& nodes, Role liar, std::initializer_list<ErrorCode> with) {
  const Role judge = other(liar);
  EXPECT_EQ(nodes.established(judge), nullptr);
  EXPECT_EQ(std::ranges::count(with, nodes.closed(judge)), 1) << static_cast<int>(nodes.closed(judge));
}

// The X25519 key and a recorded signature are not enough: the signature covers this handshake's hash. Where the certificate's
// own signature is all there is, the KEM key is what the attacker lacks.
TEST(SecureChannel, T01_RecordedSignatureIsRefused) {
  for (const Suite suite : signed_suites) {
    for (const Role liar : both_roles) {
      SCOPED_TRACE(std::string(suite_name(suite)) + std::string(name_of(liar)));
      Nodes nodes({suite});
      std::optional<WorkResult> recorded;
      nodes.worker = [&](const Work& work) {
        const auto* sign = std::get_if<SignWork>(&work);
        const bool by_liar = sign && as_text(sign->context) == handshake_context(suite, liar);
        if (by_liar && recorded) return *recorded;
        WorkResult result = run_work(work, *nodes.provider);
        if (by_liar) recorded = result;
        return result;
      };
      nodes.handshake();
      ASSERT_TRUE(nodes.both_established());
      nodes.handshake_again();
      expect_refused(nodes, liar, {bad_handshake});
    }
  }
  for (const Role liar : both_roles) {
    Nodes nodes({Suite::xxhfskem_chacha});
    auto thief = copy_of(shown(nodes, liar, Suite::xxhfskem_chacha));
    thief->kem = nodes.provider->kem_key(KemAlg::mlkem768, Secret<64>());
    shown(nodes, liar, Suite::xxhfskem_chacha) = thief;
    nodes.handshake();
    EXPECT_EQ(nodes.established(other(liar)), nullptr);
  }
}

// Key-compromise impersonation: whoever holds all of R's keys is not thereby I, even where one of I's keys is known as well.
TEST(SecureChannel, T02_KeysOfTheResponderDoNotMakeAnInitiator) {
  enum : int { none_of_i, dh_of_i, signing_of_i };
  for (const Suite suite : every_suite) {
    for (const int known : {none_of_i, dh_of_i, signing_of_i}) {
      // Without a static key of X25519, ML-DSA alone is the identity.
      if (suite == Suite::tls13 && known == signing_of_i) continue;
      SCOPED_TRACE(std::string(suite_name(suite)) + " " + std::to_string(known));
      Nodes nodes({suite});
      const Identity& responder = *shown(nodes, Role::responder, suite);
      auto attacker = copy_of(shown(nodes, Role::initiator, suite));
      if (known != dh_of_i) attacker->dh = responder.dh;
      if (known != signing_of_i) attacker->signing = responder.signing;
      if (known != signing_of_i) attacker->kem = responder.kem;
      shown(nodes, Role::initiator, suite) = attacker;
      nodes.handshake();
      expect_refused(nodes, Role::initiator, {bad_handshake, bad_certificate, ErrorCode::none});
    }
  }
}

// Both ends agree on who they are and on the hash. A certificate of somebody else, a copied key, a signature that names another
// responder: nothing of it binds two nodes that did not mean each other.
TEST(SecureChannel, T03_MisbindingIsRefused) {
  for (const Suite suite : every_suite) {
    SCOPED_TRACE(suite_name(suite));
    Nodes honest({suite});
    honest.handshake();
    ASSERT_TRUE(honest.both_established());
    const auto *initiator = honest.established(Role::initiator), *responder = honest.established(Role::responder);
    EXPECT_EQ(initiator->peer, shown(honest, Role::responder, suite)->id);
    EXPECT_EQ(responder->peer, shown(honest, Role::initiator, suite)->id);
    EXPECT_EQ(initiator->own, responder->peer);
    EXPECT_EQ(responder->own, initiator->peer);
    EXPECT_EQ(initiator->handshake_hash, responder->handshake_hash);

    for (const Role liar : both_roles) {
      Nodes nodes({suite});
      auto swapped = copy_of(shown(nodes, liar, suite));
      const auto third = stranger(*nodes.provider, suite);
      swapped->body = third->body;
      swapped->self_signature = third->self_signature;
      shown(nodes, liar, suite) = swapped;
      nodes.handshake();
      expect_refused(nodes, liar, {bad_handshake, bad_certificate});
    }
    // A certificate that copies another's X25519 key and is signed honestly is another node, not that one.
    Nodes nodes({suite});
    const auto copied = shown(nodes, Role::responder, suite);
    nodes.initiator_config.expected = copied->id;
    if (suite == Suite::xxhfs1024_chacha) nodes.initiator_config.identity.reset();
    auto copier = stranger(*nodes.provider, suite);
    copier->dh = copied->dh;
    copier->certificate.dh = copied->certificate.dh;
    certify_again(*copier);
    shown(nodes, Role::responder, suite) = copier;
    nodes.handshake();
    expect_refused(nodes, Role::responder, {wrong_identity});
  }
}

TEST(SecureChannel, T03_SignatureNamesTheResponder) {
  for (const Suite suite : signed_suites) {
    for (const bool names_another : {false, true}) {
      SCOPED_TRACE(suite_name(suite));
      Nodes nodes({suite});
      nodes.worker = [&](const Work& work) {
        Work changed = work;
        if (auto* sign = std::get_if<SignWork>(&changed); sign && as_text(sign->context).ends_with("/init")) {
          EXPECT_TRUE(equal(ByteView(sign->message).last(32), shown(nodes, Role::responder, suite)->id.view()));
          sign->message.resize(sign->message.size() - 32);
          if (names_another) append(sign->message, stranger(*nodes.provider, suite)->id.view());
        }
        return run_work(changed, *nodes.provider);
      };
      nodes.handshake();
      expect_refused(nodes, Role::initiator, {bad_handshake});
    }
  }
}

// A signature is good for one use: each context's for that context alone, in the handshakes and outside of them.
TEST(SecureChannel, T11_SignatureOfAnotherContextIsRefused) {
  const std::string_view contexts[] = {
      "lattice/1/hs/init", "lattice/1/hs/resp", "lattice/1/tls/init", "lattice/1/tls/resp", "lattice/1/cert",
      "lattice/1/record",  succession_context,  "lattice/1/seed",     "lattice/1/vote",     ""};
  for (const Suite suite : signed_suites) {
    for (const Role liar : both_roles) {
      const std::string_view right = handshake_context(suite, liar);
      EXPECT_EQ(std::ranges::count(contexts, right), 1);
      for (const std::string_view context : contexts) {
        SCOPED_TRACE(std::string(suite_name(suite)) + " " + std::string(right) + " " + std::string(context));
        Nodes nodes({suite});
        nodes.worker = [&](const Work& work) {
          Work changed = work;
          auto* sign = std::get_if<SignWork>(&changed);
          if (sign && as_text(sign->context) == right) sign->context = to_bytes(as_bytes(context));
          return run_work(changed, *nodes.provider);
        };
        nodes.handshake();
        if (context == right)
          EXPECT_TRUE(nodes.both_established());
        else
          expect_refused(nodes, liar, {bad_handshake});
      }
    }
  }
  const auto provider = openssl_provider(std::make_unique<SeededRng>(5));
  for (const SignAlg alg : {SignAlg::mldsa65, SignAlg::mldsa87}) {
    const auto node = test::all_suites(*provider, 1, alg);
    for (const std::string_view context : contexts) {
      const Bytes signature = node->signing->sign(as_bytes(context), node->body, Secret<32>{});
      EXPECT_EQ(verify_self_signature(*provider, node->certificate, signature), context == certificate_context);
      for (const std::string_view use : contexts) {
        const bool valid = provider->verify(alg, node->certificate.sign_public, as_bytes(use), node->body, signature);
        EXPECT_EQ(valid, context == use) << context << " as " << use;
      }
    }
  }
}

TEST(SecureChannel, T11_TwoSignaturesOfOneMessageDiffer) {
  for (const Suite suite : signed_suites) {
    std::vector<Bytes> entropies, signatures;
    Nodes nodes({suite});
    nodes.worker = [&](const Work& work) {
      if (const auto* sign = std::get_if<SignWork>(&work)) {
        entropies.push_back(to_bytes(sign->entropy.view()));
        SignWork again = *sign;
        nodes.provider->rng().fill(again.entropy.span());
        EXPECT_NE(std::get<SignDone>(run_work(work, *nodes.provider)).signature,
                  std::get<SignDone>(run_work(again, *nodes.provider)).signature);
      }
      return run_work(work, *nodes.provider);
    };
    nodes.handshake();
    ASSERT_EQ(entropies.size(), 2u);
    EXPECT_NE(entropies[0], entropies[1]) << "the hedge is drawn for each";
    EXPECT_NE(entropies[0], Bytes(32));
  }
}

bool holds(ByteView bytes, ByteView part) { return !std::ranges::search(bytes, part).empty(); }

void expect_unseen(ByteView wire, const Identity& identity) {
  const Certificate& certificate = identity.certificate;
  EXPECT_FALSE(holds(wire, identity.id.view()));
  EXPECT_FALSE(holds(wire, certificate.dh));
  EXPECT_FALSE(holds(wire, certificate_hash(identity.body).view()));
  for (size_t at = 0; at + 32 <= identity.body.size(); at += 32)
    EXPECT_FALSE(holds(wire, ByteView(identity.body).subspan(at, 32)));
}

// No byte of a NodeID, key or certificate goes in clear: at first contact, between nodes that know each other, and on resumption.
TEST(SecureChannel, T17_NoIdentityInClear) {
  for (const Suite suite : every_suite) {
    SCOPED_TRACE(suite_name(suite));
    Nodes nodes({suite});
    Bytes wire;
    nodes.tamper = [&](Role, Bytes& bytes) { append(wire, bytes); };
    nodes.initiator_config.resumes = nodes.responder_config.resumes = true;
    nodes.handshake();
    ASSERT_TRUE(nodes.both_established());
    const size_t first = wire.size();
    nodes.initiator_config.expected = nodes.established(Role::initiator)->peer;
    nodes.handshake_again();
    ASSERT_TRUE(nodes.both_established());
    nodes.initiator_config.resumes = false;
    nodes.handshake_again();
    ASSERT_TRUE(nodes.both_established());
    EXPECT_GT(wire.size(), first);
    for (const Role role : both_roles) expect_unseen(wire, *shown(nodes, role, suite));
  }
}

// The initiator shows nothing of itself to a responder that it did not accept by NodeID: what it sends then is shorter than any
// certificate, and what it would have sent is not made.
TEST(SecureChannel, T17_InitiatorHidesFromWhomItDidNotAccept) {
  for (const Suite suite : every_suite) {
    for (const bool wanted : {true, false}) {
      SCOPED_TRACE(std::string(suite_name(suite)) + (wanted ? " wanted" : " not wanted"));
      Nodes nodes({suite});
      if (suite == Suite::xxhfs1024_chacha) nodes.initiator_config.identity.reset();
      const auto third = stranger(*nodes.provider, suite);
      nodes.initiator_config.expected = wanted ? shown(nodes, Role::responder, suite)->id : third->id;
      size_t sent = 0;
      nodes.tamper = [&](Role from, Bytes& bytes) { sent += from == Role::initiator ? bytes.size() : 0; };
      nodes.handshake();
      EXPECT_EQ(nodes.both_established(), wanted);
      if (wanted)
        EXPECT_GT(sent, 4000u);
      else
        EXPECT_LT(sent, 2000u);
      if (!wanted) expect_refused(nodes, Role::responder, {wrong_identity});
    }
  }
}

// A genesis peer or seed is dialled by its NodeID, and its certificate may be known beforehand: it is authenticated by the
// handshake like everybody, and not without ML-DSA, or its KEM key.
TEST(SecureChannel, T20_NoBootstrapBypass) {
  for (const Suite suite : every_suite) {
    for (const bool known : {false, true}) {
      for (const bool honest : {true, false}) {
        SCOPED_TRACE(std::string(suite_name(suite)) + (known ? " known" : "") + (honest ? " honest" : ""));
        Nodes nodes({suite});
        if (suite == Suite::xxhfs1024_chacha) nodes.initiator_config.identity.reset();
        const auto seed = shown(nodes, Role::responder, suite);
        nodes.initiator_config.expected = seed->id;
        if (known) nodes.initiator_memory.on_proven(seed->id, seed->certificate, seed->body, true);
        if (!honest) {
          auto claimant = copy_of(seed);
          const auto own = stranger(*nodes.provider, suite);
          claimant->signing = own->signing;
          claimant->kem = own->kem;
          shown(nodes, Role::responder, suite) = claimant;
        }
        nodes.handshake();
        EXPECT_EQ(nodes.both_established(), honest);
        EXPECT_EQ(nodes.established(Role::initiator) != nullptr, honest);
      }
    }
  }
}

// Whoever has the ML-DSA key and not the X25519 key would impersonate, were `s` not compared.
TEST(SecureChannel, T21_StaticKeyMustBeTheCertificates) {
  for (const Suite suite : noise_suites) {
    for (const Role liar : both_roles) {
      SCOPED_TRACE(std::string(suite_name(suite)) + std::string(name_of(liar)));
      Nodes nodes({suite});
      auto thief = copy_of(shown(nodes, liar, suite));
      thief->dh = stranger(*nodes.provider, suite)->dh;
      shown(nodes, liar, suite) = thief;
      nodes.handshake();
      expect_refused(nodes, liar, {bad_certificate});
    }
  }
}

// On the way, by the AEAD; and behind it, where the signature covers what it stands beside.
TEST(SecureChannel, T22_ChangedExtensionsOfMessage2AreRefused) {
  for (const Suite suite : noise_suites) {
    Nodes nodes({suite});
    nodes.handshake();
    ASSERT_TRUE(nodes.both_established());
    constexpr size_t extensions_and_tag = 6 + 16;
    for (size_t from_end = 1; from_end <= extensions_and_tag; ++from_end) {
      nodes.tamper = [&, first = true](Role from, Bytes& bytes) mutable {
        if (from == Role::responder && std::exchange(first, false)) bytes[bytes.size() - from_end] ^= 1;
      };
      nodes.handshake_again();
      expect_nobody_established(nodes);
    }
  }
}

TEST(SecureChannel, T22_SignatureCoversExtensionsAndOffers) {
  for (const Suite suite : signed_suites) {
    SCOPED_TRACE(suite_name(suite));
    Nodes nodes({suite});
    const SuiteIds offers{id_of(suite)};
    const Hello hello{{}, 0, {}, id_of(suite), offers, {}, {}};
    Digest hash{};
    Introduction responder(nodes.responder_config, *nodes.provider, hello, offers);
    const SignWork sign = responder.sign(hash);
    const Bytes payload = responder.payload(std::get<SignDone>(run_work(sign, *nodes.provider)));
    const DhPublic key = shown(nodes, Role::responder, suite)->certificate.dh;
    const auto verified = [&](const Bytes& said) {
      Introduction initiator(nodes.initiator_config, *nodes.provider, hello, offers);
      EXPECT_TRUE(initiator.read(said, &key, nodes.time().wall)) << "in form";
      return std::get<VerifyDone>(run_work(initiator.verify_live(hash), *nodes.provider)).valid;
    };
    EXPECT_TRUE(verified(payload));
    const Bytes more = {0x7f, 0xf0, 0, 0};  // an extension that nobody knows
    Bytes longer = payload;
    append(longer, more);
    longer[6] = static_cast<uint8_t>(longer[6] + more.size());
    EXPECT_FALSE(verified(longer));
    Bytes offered = payload;  // one offer more, behind the one that is chosen
    append(offered, Bytes{0x77, 0x77});
    offered[6] = static_cast<uint8_t>(offered[6] + 2);
    offered[offered.size() - 5] = static_cast<uint8_t>(offered[offered.size() - 5] + 2);
    EXPECT_FALSE(verified(offered));
  }
}

// A certificate with a lower serial than was seen could bring a weak suite back.
TEST(SecureChannel, T23_OlderSerialIsRefused) {
  for (const Suite suite : every_suite) {
    for (const Role liar : both_roles) {
      SCOPED_TRACE(std::string(suite_name(suite)) + std::string(name_of(liar)));
      Nodes nodes({suite});
      const auto old = shown(nodes, liar, suite);
      const uint8_t seed = liar == Role::initiator ? 11 : 22;
      shown(nodes, liar, suite) = test::all_suites(*nodes.provider, seed, traits_of(suite).sign, 2);
      ASSERT_EQ(shown(nodes, liar, suite)->id, old->id);
      nodes.handshake();
      ASSERT_TRUE(nodes.both_established());
      nodes.handshake_again();
      ASSERT_TRUE(nodes.both_established()) << "the same serial is no older one";
      shown(nodes, liar, suite) = old;
      nodes.handshake_again();
      expect_refused(nodes, liar, {serial_too_old});
    }
  }
}

}  // namespace
}  // namespace lattice
