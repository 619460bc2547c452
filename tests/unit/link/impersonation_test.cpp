// Who claims to be another: keys stolen, copied, swapped or recorded.
#include <gtest/gtest.h>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::copy_of;
using test::expect_nobody_established;
using test::LinkPair;

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

}  // namespace
}  // namespace lattice
