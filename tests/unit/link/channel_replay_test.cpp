// The tests that the secure channel must pass (docs/THREATS.md), by number: what is sent again, sent back, cut short or sent in
// masses, and when a link is believed to be one.
#include <gtest/gtest.h>

#include <lattice/link/admission.hpp>
#include <lattice/link/cookies.hpp>

#include "nodes.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::Again;
using test::every_suite;
using test::expect_nobody_established;
using test::Nodes;
using test::noise_suites;
using test::other;
using test::shown;
using test::WithKeys;

ErrorCode verdict(Link& link) {
  while (auto event = link.poll_event()) {
    if (const auto* end = std::get_if<LinkClosed>(&*event)) return end->error.code;
  }
  return none;
}

// --- 4. Reflection

TEST(SecureChannel, T04_OwnMessagesEchoedAreRefused) {
  for (const Suite suite : every_suite) {
    SCOPED_TRACE(suite_name(suite));
    Nodes nodes({suite});
    nodes.connect();
    for (int i = 0; i < 5 && !nodes.initiator->closed(); ++i) {
      const Bytes own = to_bytes(nodes.initiator->pending_output());
      nodes.initiator->on_sent(own.size());
      nodes.initiator->on_bytes(own, nodes.time());
      nodes.work(*nodes.initiator);
    }
    EXPECT_EQ(verdict(*nodes.initiator), bad_handshake);
  }
}

// Records have a key for each direction: one's own is nobody else's, also where the counters of both are alike.
TEST(SecureChannel, T04_OwnRecordsEchoedAreRefused) {
  for (const Suite suite : every_suite) {
    for (size_t sent_before = 0; sent_before <= 4; ++sent_before) {
      SCOPED_TRACE(suite_name(suite));
      Nodes nodes({suite});
      nodes.handshake();
      ASSERT_TRUE(nodes.both_established());
      for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(nodes.responder->send(1, wire::Ping{1}));
        nodes.run();
      }
      for (size_t i = 0; i < sent_before; ++i) {
        ASSERT_TRUE(nodes.initiator->send(1, wire::Ping{1}));
        nodes.run();
      }
      ASSERT_TRUE(nodes.initiator->send(1, wire::Ping{1}));
      nodes.initiator->on_bytes(to_bytes(nodes.initiator->pending_output()), nodes.time());
      EXPECT_EQ(verdict(*nodes.initiator), bad_record);
    }
  }
}

TEST(SecureChannel, T04_OwnNodeIdIsRefused) {
  for (const Suite suite : every_suite) {
    Nodes nodes({suite});
    nodes.responder_config.identity = nodes.initiator_config.identity;
    nodes.responder_config.identity87 = nodes.initiator_config.identity87;
    nodes.handshake();
    expect_nobody_established(nodes);
    EXPECT_EQ(nodes.closed(Role::initiator), self_connection) << suite_name(suite);
  }
}

// The secret of a resumption has two ends. A message that one end has made is nothing that the same end could take, not even
// where it holds the secret as a responder's.
TEST(SecureChannel, T04_RolesOfAPskDoNotSwap) {
  for (const Suite suite : noise_suites) {
    SCOPED_TRACE(suite_name(suite));
    Again nodes({suite});
    const NodeId peer = *nodes.initiator_config.expected;
    Ticket ticket = nodes.initiator_memory.take(peer, nodes.time()).value();
    nodes.initiator_memory.keep(ticket);
    ticket.role = Role::responder;
    nodes.initiator_memory.keep(ticket);
    Link initiator(nodes.initiator_config, *nodes.provider, nodes.time());
    const Bytes own = to_bytes(initiator.pending_output());
    LinkConfig mirrored = nodes.initiator_config;
    mirrored.role = Role::responder;
    mirrored.expected.reset();
    Link mirror(mirrored, *nodes.provider, nodes.time());
    mirror.on_bytes(own, nodes.time());
    EXPECT_EQ(verdict(mirror), bad_handshake);
    EXPECT_TRUE(mirror.pending_output().empty());
    // And back to where it came from.
    initiator.on_sent(own.size());
    initiator.on_bytes(own, nodes.time());
    EXPECT_EQ(verdict(initiator), bad_handshake);
  }
  // Who dialled before and is dialled now: a secret of the other direction is not tried.
  Again nodes({Suite::xxhfs_chacha});
  std::swap(nodes.initiator_config.identity, nodes.responder_config.identity);
  std::swap(nodes.initiator_config.identity87, nodes.responder_config.identity87);
  std::swap(nodes.initiator_config.memory, nodes.responder_config.memory);
  nodes.initiator_config.expected = nodes.responder_config.identity->id;
  nodes.handshake_again();
  ASSERT_TRUE(nodes.both_established());
  EXPECT_FALSE(nodes.established(Role::initiator)->resumed);
}

// --- 5. Replay

TEST(SecureChannel, T05_Message1AgainGivesFreshKeysAndTheRestFails) {
  for (const Suite suite : every_suite) {
    SCOPED_TRACE(suite_name(suite));
    Nodes nodes({suite});
    std::vector<Bytes> said, answers;
    nodes.tamper = [&](Role from, Bytes& bytes) { (from == Role::initiator ? said : answers).push_back(bytes); };
    nodes.handshake();
    ASSERT_TRUE(nodes.both_established());
    const Digest hash = nodes.established(Role::responder)->handshake_hash;
    Link again(nodes.responder_config, *nodes.provider, nodes.time());
    again.on_bytes(said[0], nodes.time());
    nodes.work(again);
    const Bytes answer = to_bytes(again.pending_output());
    again.on_sent(answer.size());
    // Its ephemeral key, or the server's random of TLS.
    const size_t at = suite == Suite::tls13 ? 11 : 2;
    ASSERT_GT(answer.size(), at + 32);
    EXPECT_FALSE(equal(ByteView(answer).subspan(at, 32), ByteView(answers[0]).subspan(at, 32)));
    for (size_t i = 1; i < said.size(); ++i) {
      again.on_bytes(said[i], nodes.time());
      nodes.work(again);
    }
    EXPECT_FALSE(again.established());
    EXPECT_EQ(verdict(again), bad_handshake);
    EXPECT_TRUE(again.pending_output().empty());

    nodes.handshake_again();
    ASSERT_TRUE(nodes.both_established());
    EXPECT_NE(nodes.established(Role::responder)->handshake_hash, hash);
  }
}

TEST(SecureChannel, T05_AResumptionSecretWorksOnce) {
  for (const Suite suite : noise_suites) {
    SCOPED_TRACE(suite_name(suite));
    Again nodes({suite});
    Bytes first;
    nodes.tamper = [&](Role from, Bytes& bytes) {
      if (from == Role::initiator && first.empty()) first = bytes;
    };
    const Ticket ticket = nodes.initiator_memory.take(*nodes.initiator_config.expected, nodes.time()).value();
    nodes.initiator_memory.keep(ticket);
    nodes.handshake_again();
    ASSERT_TRUE(nodes.resumed());
    Link replayed(nodes.responder_config, *nodes.provider, nodes.time());
    replayed.on_bytes(first, nodes.time());
    EXPECT_EQ(replayed.pending_output().size(), 2 + retry_bytes) << "a full handshake is asked for";
    EXPECT_FALSE(replayed.established());
    // The initiator that keeps it against the rules does not get in by it either.
    nodes.initiator_memory.take(*nodes.initiator_config.expected, nodes.time());
    nodes.initiator_memory.keep(ticket);
    nodes.handshake_again();
    EXPECT_FALSE(nodes.resumed());
    // And a dial uses its secret up, whatever comes of it.
    Again dials({suite});
    Link dial(dials.initiator_config, *dials.provider, dials.time());
    EXPECT_FALSE(dials.initiator_memory.take(*dials.initiator_config.expected, dials.time()));
  }
}

// Everybody is asked to solve a puzzle.
struct Asking {
  static AdmissionLimits limits() {
    AdmissionLimits limits;
    limits.unproven = {0, 0};
    return limits;
  }
  Admission admission{Secret<32>{}, limits()};
};

TEST(SecureChannel, T05_ACookieWorksOnce) {
  for (const Suite suite : noise_suites) {
    SCOPED_TRACE(suite_name(suite));
    Asking asking;
    Nodes nodes({suite});
    nodes.responder_config.admission = &asking.admission;
    nodes.responder_config.remote = {IpAddress::v4(192, 0, 2, 1), 4000};
    std::vector<Bytes> said;
    nodes.tamper = [&](Role from, Bytes& bytes) {
      if (from == Role::initiator) said.push_back(bytes);
    };
    nodes.handshake();
    ASSERT_TRUE(nodes.both_established());
    EXPECT_EQ(asking.admission.counts().solved, 1u);
    Link again(nodes.responder_config, *nodes.provider, nodes.time());
    again.on_bytes(said[1], nodes.time());
    EXPECT_FALSE(again.poll_work()) << "nothing is signed for it";
    EXPECT_EQ(verdict(again), bad_handshake);
  }
}

// --- 15. A cut

TEST(SecureChannel, T15_CutWithoutCloseIsAnError) {
  for (const Suite suite : every_suite) {
    for (const Role role : {Role::initiator, Role::responder}) {
      SCOPED_TRACE(suite_name(suite));
      Nodes nodes({suite});
      const auto link = [&]() -> Link& { return role == Role::initiator ? *nodes.initiator : *nodes.responder; };
      nodes.connect();
      link().on_end(nodes.time());
      EXPECT_EQ(verdict(link()), cut_without_close) << "in the handshake";
      nodes.handshake_again();
      ASSERT_TRUE(nodes.both_established());
      link().on_end(nodes.time());
      EXPECT_EQ(verdict(link()), cut_without_close);
      EXPECT_FALSE(link().established());
      // In the middle of a message as well; and a close that was said is none.
      nodes.handshake_again();
      Link& sender = role == Role::initiator ? *nodes.responder : *nodes.initiator;
      ASSERT_TRUE(sender.send(1, wire::Block{SharedBytes(Bytes(50'000, 7))}));
      link().on_bytes(sender.pending_output().first(20'000), nodes.time());
      link().on_end(nodes.time());
      EXPECT_EQ(verdict(link()), cut_without_close);
      nodes.handshake_again();
      (role == Role::initiator ? *nodes.responder : *nodes.initiator).close(no_slot);
      nodes.run();
      link().on_end(nodes.time());
      EXPECT_EQ(nodes.closed(role), no_slot);
    }
  }
}

// --- 18. Keys from outside

TEST(SecureChannel, T18_WrongZeroAndUnknownPskFailAlike) {
  enum : int { unknown, wrong, zero_at_both, zero_at_responder };
  for (const Suite suite : {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha}) {
    for (const int way : {unknown, wrong, zero_at_both, zero_at_responder}) {
      SCOPED_TRACE(std::string(suite_name(suite)) + " " + std::to_string(way));
      WithKeys nodes(suite);
      const auto usual = nodes.worker;
      nodes.lost = way == unknown;
      nodes.worker = [&](const Work& work) {
        WorkResult result = usual(work);
        auto* done = std::get_if<OutsideKeyDone>(&result);
        if (!done || !done->key) return result;
        const bool at_responder = std::get<OutsideKeyWork>(work).id.has_value();
        if (way == wrong && at_responder) done->key->key.span()[5] ^= 1;
        if (way == zero_at_both || (way == zero_at_responder && at_responder)) done->key->key = {};
        return result;
      };
      nodes.handshake();
      expect_nobody_established(nodes);
      const Role finder = way == zero_at_both ? Role::initiator : Role::responder;
      EXPECT_EQ(nodes.closed(finder), bad_handshake);
      EXPECT_TRUE((finder == Role::initiator ? *nodes.initiator : *nodes.responder).pending_output().empty()) << "not a word";
    }
  }
  for (const Suite suite : noise_suites) {
    for (const bool zero : {false, true}) {
      Again nodes({suite});
      Ticket ticket = nodes.initiator_memory.take(*nodes.initiator_config.expected, nodes.time()).value();
      if (zero)
        ticket.psk = {};
      else
        ticket.psk.span()[3] ^= 1;
      nodes.initiator_memory.keep(std::move(ticket));
      nodes.handshake_again();
      expect_nobody_established(nodes);
      EXPECT_EQ(nodes.closed(Role::responder), bad_handshake);
      EXPECT_TRUE(nodes.responder->pending_output().empty());
    }
  }
}

// --- 19. Revocation

TEST(SecureChannel, T19_RevokedIsRefusedOnResumptionToo) {
  for (const Suite suite : every_suite) {
    for (const bool resumes : {true, false}) {
      for (const Role judge : {Role::initiator, Role::responder}) {
        SCOPED_TRACE(suite_name(suite));
        Again nodes({suite});
        nodes.initiator_config.resumes = nodes.responder_config.resumes = resumes;
        PeerMemory& memory = judge == Role::initiator ? nodes.initiator_memory : nodes.responder_memory;
        memory.revoke(shown(nodes, other(judge), suite)->id);
        nodes.handshake_again();
        EXPECT_EQ(nodes.established(judge), nullptr);
        EXPECT_EQ(nodes.closed(judge), certificate_revoked);
      }
    }
  }
}

// --- 24. Established

// The responder's `ready`, or what stands for it, is lost: it may have established, the initiator has not and may not send.
TEST(SecureChannel, T24_NotEstablishedBeforeReady) {
  for (const Suite suite : every_suite) {
    if (suite == Suite::xxhfskem_chacha) continue;
    SCOPED_TRACE(suite_name(suite));
    Nodes nodes({suite});
    bool responder_done = false;
    nodes.tamper = [&](Role from, Bytes& bytes) {
      responder_done = nodes.responder->established();
      if (from == Role::responder && responder_done) bytes.clear();
    };
    nodes.handshake();
    EXPECT_TRUE(responder_done);
    EXPECT_NE(nodes.established(Role::responder), nullptr);
    EXPECT_EQ(nodes.established(Role::initiator), nullptr);
    EXPECT_FALSE(nodes.initiator->send(1, wire::Ping{1}));
    // It waits no longer than for the handshake.
    nodes.now = nodes.initiator_config.handshake_timeout;
    nodes.initiator->on_timeout(nodes.time());
    nodes.drain(*nodes.initiator, nodes.initiator_events);
    EXPECT_EQ(nodes.closed(Role::initiator), handshake_timeout);
  }
}

// Message 4 proves the responder, the first record the initiator; on resumption message 2 and the first record.
TEST(SecureChannel, T24_KemAndResumptionEstablishLate) {
  const auto lose_from = [](Nodes& nodes, size_t first) {
    nodes.tamper = [first, count = size_t{0}](Role, Bytes& bytes) mutable {
      if (count++ >= first) bytes.clear();
    };
    nodes.handshake_again();
  };
  for (const size_t first : {2, 3, 4}) {  // message 3, 4, the first record
    Nodes nodes({Suite::xxhfskem_chacha});
    lose_from(nodes, first);
    EXPECT_EQ(nodes.established(Role::responder), nullptr) << first;
    EXPECT_FALSE(nodes.responder->send(1, wire::Ping{1}));
    EXPECT_EQ(nodes.established(Role::initiator) != nullptr, first == 4) << first;
  }
  for (const Suite suite : noise_suites) {
    for (const size_t first : {1, 2}) {  // message 2, the first record
      SCOPED_TRACE(suite_name(suite));
      Again nodes({suite});
      lose_from(nodes, first);
      EXPECT_EQ(nodes.established(Role::responder), nullptr) << first;
      EXPECT_EQ(nodes.established(Role::initiator) != nullptr, first == 2) << first;
    }
  }
}

}  // namespace
}  // namespace lattice
