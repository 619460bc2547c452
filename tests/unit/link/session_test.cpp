#include <gtest/gtest.h>

#include <lattice/base/crc32c.hpp>
#include <lattice/wire/writer.hpp>

#include "link_pair.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::LinkPair;

struct OpenPair : LinkPair {
  OpenPair() {
    handshake();
    EXPECT_TRUE(established(Role::initiator) && established(Role::responder));
    clear();
  }
  void clear() {
    initiator_events.clear();
    responder_events.clear();
  }
};

wire::Block block_of(size_t bytes, uint8_t fill = 7) { return {SharedBytes(Bytes(bytes, fill))}; }

TEST(Link, MessagesGoBothWays) {
  OpenPair pair;
  ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
  ASSERT_TRUE(pair.responder->send(1, wire::Pong{2}));
  ASSERT_TRUE(pair.initiator->send(2, block_of(1'000'000)));
  pair.run();
  const auto at_responder = pair.messages(Role::responder);
  ASSERT_EQ(at_responder.size(), 2u);
  EXPECT_EQ(at_responder[0], wire::Message{wire::Ping{1}});
  EXPECT_EQ(at_responder[1], wire::Message{block_of(1'000'000)});
  EXPECT_EQ(pair.messages(Role::initiator), std::vector<wire::Message>{wire::Pong{2}});
  const auto& block = std::get<LinkMessage>(pair.responder_events[1]);
  EXPECT_EQ(block.channel, 2);
  EXPECT_EQ(block.wire_bytes, 1'000'012u);
}

TEST(Link, RecordsWorkByteByByte) {
  for (const size_t step : {1, 2, 7, 65'535, 65'536, 65'537, 65'538, 100'000}) {
    OpenPair pair;
    pair.bytes_each = step;
    ASSERT_TRUE(pair.initiator->send(1, block_of(200'000)));
    ASSERT_TRUE(pair.initiator->send(1, wire::Ping{3}));
    pair.run();
    EXPECT_EQ(pair.messages(Role::responder).size(), 2u) << step;
  }
}

TEST(Link, SmallMessageOvertakesLargeOne) {
  OpenPair pair;
  ASSERT_TRUE(pair.initiator->send(1, block_of(limits::block_bytes_max)));
  ASSERT_TRUE(pair.carry(*pair.initiator, *pair.responder, Role::initiator));  // the block is under way
  ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
  pair.run();
  const auto messages = pair.messages(Role::responder);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<wire::Ping>(messages[0]));
  EXPECT_TRUE(std::holds_alternative<wire::Block>(messages[1]));
}

TEST(Link, SealsLate) {
  OpenPair pair;
  ASSERT_TRUE(pair.initiator->send(1, block_of(limits::block_bytes_max)));
  EXPECT_LE(pair.initiator->pending_output().size(), limits::send_buffer_bytes_max);
  const size_t queued = pair.initiator->queued_bytes();
  EXPECT_GT(queued, limits::block_bytes_max - limits::send_buffer_bytes_max);
  pair.initiator->pending_output();
  EXPECT_EQ(pair.initiator->queued_bytes(), queued) << "nothing more is sealed while nothing is sent";
}

// A socket may be writing from the view while the node seals more behind it.
TEST(Link, PendingOutputStaysWhereItIs) {
  OpenPair pair;
  ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
  const ByteView first = pair.initiator->pending_output();
  const Bytes copy = to_bytes(first);
  ASSERT_TRUE(pair.initiator->send(1, block_of(1'000'000)));
  const ByteView second = pair.initiator->pending_output();
  EXPECT_EQ(first.data(), second.data());
  EXPECT_GT(second.size(), first.size());
  EXPECT_TRUE(equal(first, copy));
}

TEST(Link, AnyPieceOfTheOutputMayBeSent) {
  OpenPair pair;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pair.initiator->send(1, block_of(100'000, static_cast<uint8_t>(i))));
  size_t step = 1;
  for (ByteView pending = pair.initiator->pending_output(); !pending.empty(); pending = pair.initiator->pending_output()) {
    const ByteView piece = pending.first(std::min(pending.size(), step));
    pair.responder->on_bytes(piece, pair.time());
    pair.initiator->on_sent(piece.size());
    step = step * 7 % 99'991 + 1;
  }
  pair.run();
  const auto messages = pair.messages(Role::responder);
  ASSERT_EQ(messages.size(), 20u);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(messages[i], wire::Message{block_of(100'000, static_cast<uint8_t>(i))});
}

TEST(Link, QueueFullIsSaidAndNothingIsLost) {
  OpenPair pair;
  size_t accepted = 0;
  while (pair.initiator->send(1, block_of(1'000'000))) ++accepted;
  EXPECT_EQ(accepted, limits::send_queue_bytes_max / 1'000'012);
  EXPECT_EQ(pair.initiator->send(1, block_of(1'000'000)).error().code, queue_full);
  pair.run();
  EXPECT_EQ(pair.messages(Role::responder).size(), accepted);
}

TEST(Link, CloseHasAReasonAndIsTheLastWord) {
  OpenPair pair;
  ASSERT_TRUE(pair.initiator->send(1, block_of(3'000'000)));
  ASSERT_TRUE(pair.initiator->send(1, wire::Reject{36, bad_merkle_root, {}, "no"}));
  pair.initiator->close(bad_merkle_root);
  EXPECT_TRUE(pair.initiator->closed());
  EXPECT_FALSE(pair.initiator->established());
  EXPECT_FALSE(pair.initiator->send(1, wire::Ping{1}));
  pair.run();
  EXPECT_EQ(pair.messages(Role::responder).size(), 1u) << "the reject, not the block";
  const auto& end = std::get<LinkClosed>(pair.responder_events.back());
  EXPECT_EQ(end.error.code, bad_merkle_root);
  EXPECT_TRUE(end.by_peer);
  EXPECT_EQ(pair.closed(Role::initiator), bad_merkle_root);
  EXPECT_FALSE(std::get<LinkClosed>(pair.initiator_events.back()).by_peer);
  // The end of the stream after it is no fault, and no second event.
  pair.responder->on_end(pair.time());
  pair.initiator->on_end(pair.time());
  EXPECT_FALSE(pair.responder->poll_event());
  EXPECT_FALSE(pair.initiator->poll_event());
}

TEST(Link, BrokenRecordClosesWithAReason) {
  OpenPair pair;
  pair.tamper = [](Role from, Bytes& bytes) {
    if (from == Role::initiator) bytes[5] ^= 1;
  };
  ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
  pair.run();
  EXPECT_EQ(pair.closed(Role::responder), bad_record);
  EXPECT_TRUE(pair.messages(Role::responder).empty());
  EXPECT_EQ(pair.closed(Role::initiator), bad_record) << "the close frame says why";
}

TEST(Link, ReplayedSwappedOrLostRecordsAreBroken) {
  for (const int trick : {0, 1, 2}) {
    OpenPair pair;
    std::vector<Bytes> records;
    for (uint64_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(pair.initiator->send(1, wire::Ping{i}));
      records.push_back(to_bytes(pair.initiator->pending_output()));
      pair.initiator->on_sent(records.back().size());
    }
    const std::vector<size_t> order = trick == 0   ? std::vector<size_t>{0, 0}
                                      : trick == 1 ? std::vector<size_t>{1, 0}
                                                   : std::vector<size_t>{0, 2};
    for (const size_t which : order) pair.responder->on_bytes(records[which], pair.time());
    pair.drain(*pair.responder, pair.responder_events);
    EXPECT_EQ(pair.closed(Role::responder), bad_record) << trick;
  }
}

TEST(Link, OwnRecordsEchoedAreBroken) {
  OpenPair pair;
  ASSERT_TRUE(pair.initiator->send(1, wire::Ping{1}));
  pair.initiator->on_bytes(to_bytes(pair.initiator->pending_output()), pair.time());
  pair.drain(*pair.initiator, pair.initiator_events);
  EXPECT_EQ(pair.closed(Role::initiator), bad_record);
}

TEST(Link, RekeysAfterItsTimeAndGoesOn) {
  OpenPair pair;
  for (uint64_t i = 0; i < 10; ++i) {
    pair.now += std::chrono::seconds{70};
    ASSERT_TRUE(pair.initiator->send(1, wire::Ping{i}));
    ASSERT_TRUE(pair.responder->send(1, wire::Ping{i}));
    pair.initiator->on_timeout(pair.time());
    pair.responder->on_timeout(pair.time());
    pair.run();
  }
  EXPECT_EQ(pair.messages(Role::responder).size(), 10u);
  EXPECT_EQ(pair.messages(Role::initiator).size(), 10u);
}

// --- sessions with known keys: what a peer can put into records that open ---

struct Keys {
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(3));
  NoiseCipher cipher(uint8_t byte) {
    ByteArray<32> key;
    key.fill(byte);
    return {AeadAlg::chacha20_poly1305, Secret<32>(key), *provider};
  }
  NoiseSession session(Role role) {
    const bool initiates = role == Role::initiator;
    return {cipher(initiates ? 1 : 2), cipher(initiates ? 2 : 1), {}, {}};
  }
};

struct RawPeer : Keys {
  Session session;
  RecordSealer sealer;
  explicit RawPeer(Role role)
      : session(Keys::session(role), role == Role::responder, Instant{}),
        sealer(cipher(role == Role::initiator ? 2 : 1), Instant{}) {}

  ErrorCode give(ByteView text) {
    Bytes record(2);
    append(record, text);
    record.resize(record.size() + 16);
    EXPECT_TRUE(sealer.seal(record.data(), text.size()));
    const auto read = session.on_record(ByteView(record).subspan(2), Instant{});
    return read ? none : read.error().code;
  }
};

Bytes frame(wire::ChannelId channel, wire::Lane lane, uint8_t flags, ByteView chunk) {
  Bytes bytes(6);
  wire::write_frame_header(bytes.data(), channel, lane, flags, chunk.size());
  append(bytes, chunk);
  return bytes;
}
Bytes ping_frame() { return frame(1, wire::Lane::control, 3, wire::encode(wire::Ping{1}, 1).head); }
Bytes ready_frame() { return frame(0, wire::Lane::control, 0x0b, {}); }
Bytes rekey_frame() { return frame(0, wire::Lane::control, 0x13, {}); }

TEST(Session, InitiatorTakesNothingBeforeReady) {
  EXPECT_EQ(RawPeer(Role::initiator).give(ping_frame()), bad_handshake);
  EXPECT_EQ(RawPeer(Role::initiator).give(frame(0, wire::Lane::control, 7, Bytes{0, 1})), bad_handshake);
  RawPeer peer(Role::initiator);
  Bytes both = ready_frame();
  append(both, ping_frame());
  EXPECT_FALSE(peer.session.ready());
  EXPECT_EQ(peer.give(both), none);
  EXPECT_TRUE(peer.session.ready());
  EXPECT_TRUE(peer.session.poll_message());
  EXPECT_EQ(peer.give(ready_frame()), bad_frame) << "ready comes once";
}

TEST(Session, ResponderIsNeverToldReady) { EXPECT_EQ(RawPeer(Role::responder).give(ready_frame()), bad_frame); }

TEST(Session, UnknownMessagesAreSkippedAndCounted) {
  RawPeer peer(Role::responder);
  wire::Writer unknown;
  unknown.u16(1).u16(0x7777).u32(0);
  unknown.u32(crc32c(unknown.view()));
  Bytes text = frame(1, wire::Lane::transactions, 3, unknown.view());
  append(text, ping_frame());
  EXPECT_EQ(peer.give(text), none);
  EXPECT_EQ(peer.session.unknown_messages(), 1u);
  EXPECT_EQ(peer.session.poll_message()->message, wire::Message{wire::Ping{1}});
  EXPECT_FALSE(peer.session.poll_message());
}

TEST(Session, NothingFollowsRekeyInItsRecord) {
  Bytes text = rekey_frame();
  append(text, ping_frame());
  EXPECT_EQ(RawPeer(Role::responder).give(text), bad_frame);
}

TEST(Session, OldKeyIsDeadAfterRekey) {
  RawPeer peer(Role::responder);
  EXPECT_EQ(peer.give(rekey_frame()), none);
  EXPECT_EQ(peer.give(ping_frame()), bad_record) << "sealed under the old key";
  peer.sealer.rekey(Instant{});
  RawPeer other(Role::responder);
  EXPECT_EQ(other.give(rekey_frame()), none);
  other.sealer.rekey(Instant{});
  EXPECT_EQ(other.give(ping_frame()), none);
}

TEST(Session, NothingAfterCloseIsRead) {
  RawPeer peer(Role::responder);
  Bytes text = frame(0, wire::Lane::control, 7, Bytes{0, 1});
  append(text, ping_frame());
  EXPECT_EQ(peer.give(text), none);
  EXPECT_EQ(peer.session.closed_by_peer(), shutting_down);
  EXPECT_FALSE(peer.session.poll_message());
}

// --- records ---

struct Records : Keys {
  RecordSealer sealer{cipher(9), Instant{}};
  RecordOpener opener{cipher(9)};
  Bytes out = Bytes(record_text_bytes_max);

  Bytes sealed(size_t text_bytes) {
    Bytes record(2 + text_bytes + 16);
    EXPECT_TRUE(sealer.seal(record.data(), text_bytes));
    return {record.begin() + 2, record.end()};
  }
};

TEST(Record, ShorterThanAnyFrameIsRefused) {
  Records records;
  EXPECT_EQ(records.opener.open(records.sealed(0), records.out).error().code, bad_record);
  EXPECT_EQ(records.opener.open(records.sealed(5), records.out).error().code, bad_record);
  EXPECT_EQ(records.opener.open({}, records.out).error().code, bad_record);
}

TEST(Record, AKeyEndsAfterItsRecords) {
  Records records;
  for (uint64_t i = 0; i + 1 < rekey_records_max; ++i) {
    ASSERT_FALSE(records.sealer.rekey_due(Instant{})) << i;
    ASSERT_TRUE(records.opener.open(records.sealed(6), records.out));
  }
  EXPECT_TRUE(records.sealer.rekey_due(Instant{}));
  ASSERT_TRUE(records.opener.open(records.sealed(6), records.out));
  EXPECT_EQ(records.opener.open(records.sealed(6), records.out).error().code, nonce_exhausted) << "the peer did not rekey";
  RecordSealer other(records.cipher(9), Instant{});
  EXPECT_FALSE(other.rekey_due(Instant{} + rekey_age_max - Duration{1}));
  EXPECT_TRUE(other.rekey_due(Instant{} + rekey_age_max));
}

// The last record may be as long as a record can be, and still end within the limit.
TEST(Record, AKeyEndsAfterItsBytes) {
  constexpr uint64_t most = rekey_bytes_max - 2 * limits::record_bytes_max;
  EXPECT_FALSE(last_record_of_key(0, most, {}));
  EXPECT_TRUE(last_record_of_key(0, most + 1, {}));
  EXPECT_LE(most + limits::record_bytes_max + limits::record_bytes_max, rekey_bytes_max);
}

}  // namespace
}  // namespace lattice
