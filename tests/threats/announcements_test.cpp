// Signed records of where nodes are, made to cost more than they weigh, to speak for others, or to have others blamed.
#include <gtest/gtest.h>

#include <lattice/discovery/announcements.hpp>
#include <lattice/wire/writer.hpp>

#include "target.hpp"

namespace lattice::threats {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Endpoint somewhere(size_t n) {
  return {IpAddress::v4(static_cast<uint8_t>(20 + n / 250 % 60), static_cast<uint8_t>(1 + n % 250), 7, 7), 8333};
}

struct Records {
  Target& target;
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(99));

  Announcement of(size_t who, std::optional<WallTime> issued = {}) {
    const WallTime from = issued.value_or(target.now.wall);
    return make_announcement(*provider, *identity_of(who), target.config.chain.id, static_cast<uint64_t>(unix_seconds(from)),
                             from, from + announcement_lifetime, wire::service_blocks, {somewhere(who)});
  }
};

wire::Message message_of(const Announcement& record) { return wire::Announcement{SharedBytes(encode_announcement(record))}; }

size_t count_of(const Caller& caller) {
  return static_cast<size_t>(std::ranges::count_if(
      caller.received, [](const wire::Message& message) { return std::holds_alternative<wire::Announcement>(message); }));
}

struct Discovering : Target {
  Discovering() {
    config.discovery = true;
    config.outbound_target = 0;
    start();
  }
};

// 17. CVE-2023-40583: the table alone, for nobody could sign so many here, and no rate holds it back.
TEST(Threats, AMillionSignedRecordsOfRandomIds) {
  SeededRng rng(17);
  const auto random_record = [&](size_t i) {
    Announcement record;
    rng.fill(record.head.node.bytes);
    record.head.sequence = i;
    record.head.issued = wall_from_unix(1'800'000'000);
    record.head.expires = record.head.issued + announcement_lifetime;
    for (size_t n = 0; n < announcement_endpoints_max; ++n) {
      Endpoint endpoint{{}, static_cast<uint16_t>(1 + n)};
      rng.fill(endpoint.ip.bytes);  // IPv6 anywhere: a group of its own each
      record.endpoints.push_back(endpoint);
    }
    return record;
  };
  const Now now{Instant{hours{1}}, wall_from_unix(1'800'000'000)};
  const size_t before = heap::held();
  Announcements table;
  size_t at_full = 0;
  for (size_t i = 0; i < 1'000'000; ++i) {
    const Announcement record = random_record(i);
    heap::Counted counted;
    table.take(record, now);
    if (i == 2 * AnnouncementLimits{}.entries) at_full = heap::held() - before;
  }
  const size_t at_end = heap::held() - before;
  EXPECT_LE(table.size(), AnnouncementLimits{}.entries);
  EXPECT_LE(at_end, AnnouncementLimits{}.entries * Announcements::entry_bytes_max);
  EXPECT_LE(at_end, at_full + at_full / 50);
}

// 17. Through the node: what a link brings beyond its allowance is not even looked at by a worker, nobody is left for it, and
// what is passed on is bounded too.
TEST(Threats, SignedRecordsByTheHundred) {
  Discovering target;
  Records records{target};
  Caller listener(target, 500), speaker(target, 501);
  ASSERT_TRUE(listener.open() && speaker.open());
  listener.received.clear();
  for (size_t who = 1; who <= 200; ++who) speaker.send(message_of(records.of(who)));
  EXPECT_FALSE(speaker.closed);
  EXPECT_EQ(target.report().announcements_received, 200u);
  EXPECT_LE(target.report().announced_nodes, 64u);
  EXPECT_GE(target.report().announced_nodes, 60u);
  EXPECT_LE(count_of(listener), 64u);
  // A second speaker has an allowance of its own, and shares what others' links may have passed on.
  Caller second(target, 502);
  ASSERT_TRUE(second.open());
  listener.received.clear();
  for (size_t who = 201; who <= 260; ++who) second.send(message_of(records.of(who)));
  EXPECT_GE(target.report().announced_nodes, 120u);
  EXPECT_EQ(count_of(listener), 0u);
  // A node's own word has a budget that those records have not touched.
  Caller third(target, 503);
  ASSERT_TRUE(third.open());
  third.send(message_of(records.of(503)));
  EXPECT_EQ(count_of(listener), 1u);
}

// 18. CVE-2023-39533: a key or a signature that is too long or too short, and an algorithm that does not fit: refused by form.
TEST(Threats, OversizedKeysInRecords) {
  Discovering target;
  Records records{target};
  const Bytes good = encode_announcement(records.of(1));
  const size_t algorithm_at = 98 + 18 + 2;
  std::vector<std::pair<Bytes, ErrorCode>> bad;
  Bytes longer = good;
  longer.resize(good.size() + 640);
  bad.emplace_back(longer, ErrorCode::trailing_bytes);
  bad.emplace_back(Bytes(good.begin(), good.end() - 640), ErrorCode::truncated);
  Bytes other = good;
  other[algorithm_at + 1] = 2;  // ML-DSA-87, with the key of ML-DSA-65
  bad.emplace_back(other, ErrorCode::truncated);
  other[algorithm_at] = 0x7f;  // none that is known, with 8 KB of key
  other.resize(limits::announcement_bytes_max);
  bad.emplace_back(other, ErrorCode::bad_value);
  size_t who = 10;
  for (const auto& [bytes, reason] : bad) {
    Caller peer(target, ++who);
    ASSERT_TRUE(peer.open());
    target.verifies = false;  // whoever waits for a worker waits for ever
    peer.send(wire::Announcement{SharedBytes(Bytes(bytes))});
    target.verifies = true;
    ASSERT_TRUE(peer.closed) << who;
    EXPECT_EQ(target.left(peer.endpoint)->reason, reason) << who;
  }
  // Longer than any record: not taken off the link.
  Caller peer(target, ++who);
  ASSERT_TRUE(peer.open());
  peer.send_frames(frames_of(forged(18, Bytes(limits::announcement_bytes_max + 1, 1)), wire::Lane::transactions));
  EXPECT_TRUE(peer.closed);
  EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::too_large);
}

// 19. A record in another's name is refused before its signature, which is good, is looked at.
TEST(Threats, ARecordWhoseKeyIsNotItsNode) {
  Discovering target;
  Records records{target};
  const auto provider = openssl_provider(std::make_unique<SeededRng>(5));
  Identity thief = *identity_of(1);
  thief.id = identity_of(2)->id;
  const WallTime from = target.now.wall;
  const Announcement stolen =
      make_announcement(*provider, thief, target.config.chain.id, 1, from, from + announcement_lifetime, 1, {somewhere(1)});
  Caller peer(target, 10);
  ASSERT_TRUE(peer.open());
  target.verifies = false;
  peer.send(message_of(stolen));
  ASSERT_TRUE(peer.closed);
  EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::contradiction);
  EXPECT_EQ(target.report().announced_nodes, 0u);
}

// 39. Whoever passes on what is not signed has not looked; whoever passes on what is only old, early, known or of a later
// version has done nothing wrong.
TEST(Threats, OnlyWhoPassesOnABadSignatureIsBlamed) {
  Discovering target;
  Records records{target};
  Caller honest(target, 1), other(target, 2), liar(target, 3);
  ASSERT_TRUE(honest.open() && other.open() && liar.open());
  const Announcement good = records.of(50);
  Bytes spoilt = encode_announcement(records.of(51));
  spoilt.back() ^= 1;
  honest.send(message_of(good));
  other.send(message_of(good));
  for (const WallTime issued : {target.now.wall - hours{13}, target.now.wall + hours{3}}) {
    honest.send(message_of(records.of(52, issued)));
  }
  Bytes later = encode_announcement(records.of(53));
  later[0] = 2;
  honest.send(wire::Announcement{SharedBytes(std::move(later))});
  const size_t heard_before = count_of(honest) + count_of(other);
  liar.send(wire::Announcement{SharedBytes(Bytes(spoilt))});
  EXPECT_TRUE(liar.closed);
  EXPECT_EQ(target.left(liar.endpoint)->reason, ErrorCode::bad_signature);
  EXPECT_FALSE(honest.closed);
  EXPECT_FALSE(other.closed);
  EXPECT_EQ(target.report().announced_nodes, 1u);
  EXPECT_EQ(count_of(honest) + count_of(other), heard_before);  // a bad one goes nowhere
  // The same node's good record, from somebody else, is not kept out by the bad one.
  honest.send(message_of(records.of(51)));
  EXPECT_EQ(target.report().announced_nodes, 2u);
}

// A spoilt copy under way to a worker does not swallow the good one.
TEST(Threats, ASpoiltCopyDoesNotHideTheGoodOne) {
  Discovering target;
  Records records{target};
  Caller honest(target, 1), liar(target, 3);
  ASSERT_TRUE(honest.open() && liar.open());
  const Bytes good = encode_announcement(records.of(50));
  Bytes spoilt = good;
  spoilt.back() ^= 1;
  target.verifies = false;  // the spoilt one stays at the worker
  liar.send(wire::Announcement{SharedBytes(std::move(spoilt))});
  target.verifies = true;
  honest.send(wire::Announcement{SharedBytes(Bytes(good))});
  EXPECT_EQ(target.report().announced_nodes, 1u);
}

// An address that a stranger signs is hearsay like any other: the book's bound for one group of tellers holds.
TEST(Threats, AnnouncedAddressesAreHearsay) {
  Discovering target;
  Records records{target};
  Caller speaker(target, 1);
  ASSERT_TRUE(speaker.open());
  const size_t before = target.report().known_addresses;
  Announcement own_lan = records.of(60);
  own_lan =
      make_announcement(*records.provider, *identity_of(60), target.config.chain.id, 1, target.now.wall,
                        target.now.wall + hours{1}, 1, {{IpAddress::v4(192, 168, 1, 1), 22}, {IpAddress::v4(10, 0, 0, 1), 80}});
  speaker.send(message_of(own_lan));
  EXPECT_EQ(target.report().known_addresses, before);
  EXPECT_EQ(target.report().announced_nodes, 0u);
  EXPECT_FALSE(speaker.closed);
  speaker.send(message_of(records.of(61)));
  EXPECT_EQ(target.report().known_addresses, before + 1);
}

}  // namespace
}  // namespace lattice::threats
