// What one peer does moves nothing that belongs to another, or to the node itself.
#include <gtest/gtest.h>

#include <lattice/wire/writer.hpp>

#include "target.hpp"

namespace lattice::threats {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using wire::Lane;

// 7. CVE-2024-52912. A time is said in addresses and in certificates; nothing is ever averaged, so that nothing moves.
TEST(Threats, PeersClocksAtTheEndsOfTime) {
  Target target;
  target.config.discovery = true;
  target.start();
  const int64_t wall = unix_seconds(target.now.wall);
  size_t who = 1;
  for (const uint64_t time : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 40, (uint64_t{1} << 40) + 1, uint64_t{INT64_MAX},
                              uint64_t{1} << 63, UINT64_MAX, static_cast<uint64_t>(wall - 60), static_cast<uint64_t>(wall)}) {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    wire::Writer address;
    address.u16(1)
        .bytes(IpAddress::v4(8, 8, 8, static_cast<uint8_t>(who)).bytes)
        .u16(4000)
        .u8(1)
        .bytes(Bytes(32, static_cast<uint8_t>(who)));
    address.u64(wire::service_blocks).u64(time);
    const size_t before = target.report().known_addresses;
    peer.send_frames(frames_of(forged(17, address.view()), Lane::transactions));
    const bool possible = time <= uint64_t{1} << 40;
    EXPECT_EQ(peer.closed, !possible) << time;
    EXPECT_EQ(target.report().known_addresses - before, possible ? 1u : 0u) << time;
  }
  // Whoever asks is told of no time that is later than now; of those whose time cannot be, nothing (told_age).
  Caller curious(target, ++who);
  ASSERT_TRUE(curious.open());
  curious.received.clear();
  curious.send(wire::GetAddresses{});
  ASSERT_EQ(curious.received.size(), 1u);
  const auto* told = std::get_if<wire::Addresses>(&curious.received[0]);
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->entries.size(), 2u);
  for (const auto& entry : told->entries) {
    EXPECT_GE(entry.last_seen, 0);
    EXPECT_LE(entry.last_seen, wall);
  }
  EXPECT_EQ(unix_seconds(target.now.wall), wall);
}

// 7. Certificates that begin or end at the ends of time: taken or refused, and never a sum that overflows.
TEST(Threats, CertificatesAtTheEndsOfTime) {
  const auto provider = openssl_provider(std::make_unique<SeededRng>(77));
  struct Life {
    int64_t from, to;
    bool good;
  };
  for (const Life life :
       {Life{INT64_MIN, INT64_MAX, false}, Life{INT64_MAX - 1, INT64_MAX, false}, Life{INT64_MIN, INT64_MIN + 1, false},
        Life{0, INT64_MAX, true}, Life{-1, INT64_MAX, false}, Life{0, 1'800'000'001, true}, Life{0, 1'800'000'000, false},
        Life{1'800'000'600, INT64_MAX, true}, Life{1'800'000'601, INT64_MAX, false}}) {
    Target target;
    target.start();
    Caller peer(target, 1);
    Secret<64> secret;
    provider->rng().fill(secret.span());
    IdentityOptions options;
    options.not_before = wall_from_unix(life.from);
    options.not_after = wall_from_unix(life.to);
    options.serial = UINT64_MAX;
    peer.identity = make_identity(*provider, secret, options);
    EXPECT_EQ(peer.open(), life.good) << life.from << " " << life.to;
  }
}

// 10. CVE-2024-52921: what two hostile peers do with their blocks is theirs; the honest third one is asked, believed and kept.
TEST(Threats, MutatedAndRefusedBlocksTouchOnlyWhoGaveThem) {
  const auto line = test::make_line(test::genesis().hash, 200, 100);
  Target target;
  target.start();
  Caller mutator(target, 1), refuser(target, 2), silent(target, 3), honest(target, 4);
  size_t mutated = 0, refused = 0;
  for (Caller* peer : {&mutator, &refuser, &silent, &honest}) {
    peer->status.height = line.size();
    peer->status.tip = line.back().hash;
    peer->hear = [&](Caller& self, wire::Message& message) {
      auto* ask = std::get_if<wire::GetBlocks>(&message);
      if (ask == nullptr || &self == &honest) return answer_honestly(self, message, line);
      if (&self == &silent) return;
      if (&self == &refuser) {
        ++refused;
        return self.send(wire::NotFound{ask->hashes});
      }
      ++mutated;
      for (const BlockHash& hash : ask->hashes) {
        const auto at = std::ranges::find(line, hash, &test::LineBlock::hash);
        Bytes bytes = at->bytes();
        bytes.back() ^= 1;
        self.send(wire::Block{SharedBytes(std::move(bytes))});
      }
    };
  }
  mutator.open();  // it is left before this returns
  ASSERT_TRUE(refuser.open());
  ASSERT_TRUE(silent.open());
  ASSERT_TRUE(honest.open());
  target.pass(minutes{2});
  const auto report = target.report();
  EXPECT_EQ(report.tip.block.hash, line.back().hash);
  EXPECT_GE(mutated, 1u);
  EXPECT_GE(refused, 1u);
  EXPECT_TRUE(mutator.closed);
  EXPECT_EQ(target.left(mutator.endpoint)->reason, ErrorCode::bad_merkle_root);
  EXPECT_FALSE(honest.closed);
  EXPECT_FALSE(target.left(honest.endpoint));
  const auto row = target.peer(honest.conn);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->blocks, line.size()) << "nobody else gave a good one";
  // The mutator's address is avoided for a day, nobody else's.
  EXPECT_FALSE(target.node->on_accepted(mutator.endpoint, target.now));
  Caller again(target, 5);
  EXPECT_TRUE(again.open());
}

// 23. RUSTSEC-2024-0011: a record that does not open was never there, whatever stands in it.
TEST(Threats, ARecordThatDoesNotOpenChangesNothing) {
  for (const size_t at : {size_t{0}, size_t{1}, size_t{40}, SIZE_MAX}) {
    Target target;
    target.config.discovery = true;
    target.start();
    Caller peer(target, 1), other(target, 2);
    ASSERT_TRUE(peer.open());
    ASSERT_TRUE(other.open());
    const NodeReport before = target.report();
    const size_t commands = target.commands;
    BlockHash unknown;
    unknown.bytes.fill(3);
    std::vector<Bytes> frames;
    const wire::Message messages[] = {
        wire::Addresses{{{{IpAddress::v4(8, 8, 8, 8), 4000}, std::nullopt, 1, 0}}},
        wire::Inventory{{{wire::InventoryType::block, unknown}}},
        wire::GetHeaders{{test::genesis().hash}, {}},
        wire::Consensus{SharedBytes(Bytes{'a'})},
    };
    for (const auto& message : messages) {
      const auto some = frames_of(whole(message), wire::lane_of(wire::command_of(message)));
      frames.insert(frames.end(), some.begin(), some.end());
    }
    Bytes sealed = peer.seal(frames);
    const size_t changed = 2 + std::min(at, sealed.size() - 3);
    sealed[changed] ^= 1;
    const Bytes good = peer.seal({frames[0]});  // behind it: nothing of this may be read either
    append(sealed, good);
    peer.send_raw(sealed);
    EXPECT_TRUE(peer.closed);
    EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::bad_record);
    const NodeReport after = target.report();
    EXPECT_EQ(after.known_addresses, before.known_addresses);
    EXPECT_EQ(after.open_questions, before.open_questions);
    EXPECT_EQ(after.peers.size(), before.peers.size() - 1);
    EXPECT_EQ(target.commands, commands);
    EXPECT_EQ(after.held_bytes, 0u);
    // Anybody on the way can do this to two who trust each other: nobody is avoided for it.
    Caller again(target, 1);
    EXPECT_TRUE(again.open());
    EXPECT_FALSE(other.closed);
  }
}

}  // namespace
}  // namespace lattice::threats
