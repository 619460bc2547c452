// What an initiator may send right behind message 3, before the responder has verified it.
#include <gtest/gtest.h>

#include <lattice/link/handshake.hpp>
#include <lattice/wire/writer.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;

// An initiator that speaks before `ready`; a Link never does.
struct HastyInitiator : test::LinkPair {
  std::optional<Session> session;
  OutBuffer out;
  Bytes message3;

  HastyInitiator() {
    responder.emplace(responder_config, *provider, time());
    Handshake handshake(initiator_config, *provider, time());
    responder->on_bytes(framed(*handshake.poll_message()), time());
    work(*responder);
    const Bytes message2 = to_bytes(responder->pending_output());
    responder->on_sent(message2.size());
    EXPECT_TRUE(handshake.on_message(ByteView(message2).subspan(2), time()));
    while (const auto job = handshake.poll_work()) EXPECT_TRUE(handshake.on_work_done(run_work(*job, *provider), time()));
    message3 = framed(*handshake.poll_message());
    EXPECT_TRUE(handshake.done());
    session.emplace(std::move(handshake).finish().session, false, time().mono);
  }
};

TEST(EarlyRecords, AreReadAfterTheSignatureHolds) {
  for (const size_t step : {1, 100, 1'000'000}) {
    HastyInitiator pair;
    ASSERT_TRUE(pair.session->send(1, wire::Ping{1}));
    ASSERT_TRUE(pair.session->send(1, wire::Block{SharedBytes(Bytes(150'000, 7))}));
    pair.session->seal_into(pair.out, pair.time().mono);
    Bytes all = pair.message3;
    append(all, pair.out.pending());
    for (size_t offset = 0; offset < all.size(); offset += step) {
      pair.responder->on_bytes(ByteView(all).subspan(offset, std::min(step, all.size() - offset)), pair.time());
    }
    EXPECT_FALSE(pair.responder->poll_event()) << "nobody is established, nothing is read";
    EXPECT_FALSE(pair.responder->wants_bytes());
    pair.work(*pair.responder);
    EXPECT_TRUE(pair.responder->wants_bytes());
    pair.drain(*pair.responder, pair.responder_events);
    EXPECT_NE(pair.established(Role::responder), nullptr);
    EXPECT_EQ(pair.messages(Role::responder).size(), 2u);
  }
}

TEST(EarlyRecords, AreBounded) {
  HastyInitiator pair;
  pair.responder->on_bytes(pair.message3, pair.time());
  pair.responder->on_bytes(Bytes(limits::early_bytes_max), pair.time());
  EXPECT_FALSE(pair.responder->closed());
  pair.responder->on_bytes(Bytes(1), pair.time());
  pair.drain(*pair.responder, pair.responder_events);
  EXPECT_EQ(pair.closed(Role::responder), limit_reached);
}

TEST(EarlyRecords, OfAnInitiatorThatIsNotAcceptedAreNeverRead) {
  HastyInitiator pair;
  ASSERT_TRUE(pair.session->send(1, wire::Ping{1}));
  pair.session->seal_into(pair.out, pair.time().mono);
  Bytes all = pair.message3;
  append(all, pair.out.pending());
  pair.responder->on_bytes(all, pair.time());
  while (pair.responder->poll_work()) pair.responder->on_work_done(VerifyDone{false}, pair.time());
  pair.drain(*pair.responder, pair.responder_events);
  EXPECT_EQ(pair.closed(Role::responder), bad_handshake);
  EXPECT_TRUE(pair.messages(Role::responder).empty());
  EXPECT_EQ(pair.established(Role::responder), nullptr);
}

}  // namespace
}  // namespace lattice
