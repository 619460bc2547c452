#include <lattice/peers/reputation.hpp>

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include <lattice/peers/allowance.hpp>
#include <lattice/peers/backoff.hpp>

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Instant at(int s) { return Instant{seconds{s}}; }
const Endpoint far{IpAddress::v4(8, 8, 8, 8), 1};
const Endpoint far_other_port{IpAddress::v4(8, 8, 8, 8), 2};
NodeId node_of(uint16_t number) {
  NodeId node;
  node.bytes[0] = static_cast<uint8_t>(number >> 8);
  node.bytes[1] = static_cast<uint8_t>(number);
  return node;
}

TEST(reputation, one_grave_fault_is_enough_for_an_hour) {
  Reputation r;
  EXPECT_FALSE(r.avoided(far, at(0)));
  EXPECT_EQ(r.on_fault(far, ErrorCode::bad_proof_of_work, at(0)), 100u);
  EXPECT_EQ(r.avoided(far, at(1)), ErrorCode::bad_proof_of_work);
  EXPECT_EQ(r.avoided(far_other_port, at(1)), ErrorCode::bad_proof_of_work);  // the address, not the port
  EXPECT_TRUE(r.avoided(far, Instant{hours{1} - seconds{1}}));
  EXPECT_FALSE(r.avoided(far, Instant{hours{1}}));
}

// Each ban is longer than the one before; a day without one takes a step back.
TEST(reputation, bans_grow_and_shrink) {
  Reputation r;
  Instant now = at(0);
  const Duration grows[] = {hours{1}, hours{6}, hours{24}, hours{168}, hours{168}};
  for (const Duration time : grows) {
    r.on_fault(far, ErrorCode::bad_header, now);
    r.avoid(far, ErrorCode::bad_header, now);  // said twice is said once
    EXPECT_TRUE(r.avoided(far, now + time - seconds{1}));
    EXPECT_FALSE(r.avoided(far, now + time));
    EXPECT_EQ(r.response(far, {}, now + time), Response::discourage);
    now += time;
  }
  now += 3 * Reputation::step_time;  // two steps are left of five
  r.on_fault(far, ErrorCode::bad_header, now);
  EXPECT_TRUE(r.avoided(far, now + hours{6} - seconds{1}));
  EXPECT_FALSE(r.avoided(far, now + hours{6}));
  now += hours{6} + 3 * Reputation::step_time;
  EXPECT_EQ(r.response(far, {}, now), Response::none);
}

TEST(reputation, small_wrongs_begin_with_ten_minutes) {
  Reputation r;
  for (int i = 0; i < 5; ++i) r.on_fault(far, ErrorCode::unrequested, at(0));
  EXPECT_TRUE(r.avoided(far, at(599)));
  EXPECT_FALSE(r.avoided(far, at(600)));
}

TEST(reputation, the_response_is_graduated) {
  Reputation r;
  EXPECT_EQ(r.response(far, {}, at(0)), Response::none);
  r.on_fault(far, ErrorCode::unrequested, at(0));
  EXPECT_EQ(r.response(far, {}, at(0)), Response::none);
  r.on_fault(far, ErrorCode::unrequested, at(0));
  EXPECT_EQ(r.response(far, {}, at(0)), Response::throttle);
  r.on_fault(far, ErrorCode::unrequested, at(0));
  EXPECT_EQ(r.response(far, {}, at(0)), Response::discourage);
  EXPECT_EQ(r.response(far, {}, at(900)), Response::throttle);
  EXPECT_EQ(r.response(far, {}, at(3600)), Response::none);
  r.on_fault(far, ErrorCode::bad_header, at(3600));
  EXPECT_EQ(r.response(far, {}, at(3600)), Response::ban);
}

// Whoever was here before is judged with its group: 54.
TEST(reputation, a_fresh_identity_has_its_groups_standing) {
  Reputation r;
  const NodeId fresh = node_of(1), old = node_of(2), other = node_of(3);
  for (unsigned i = 0; i < Reputation::aged_uses; ++i) r.on_useful(old, at(0));
  const Instant now{hours{25}};
  for (uint8_t i = 1; i <= 3; ++i) r.on_fault({IpAddress::v4(8, 8, 1, i), 1}, ErrorCode::bad_header, now);
  const Endpoint neighbour{IpAddress::v4(8, 8, 200, 7), 1}, stranger{IpAddress::v4(8, 9, 200, 7), 1};
  EXPECT_FALSE(r.avoided(neighbour, now));  // many live there
  EXPECT_EQ(r.response(neighbour, {}, now), Response::discourage);
  EXPECT_EQ(r.response(neighbour, fresh, now), Response::discourage);
  EXPECT_EQ(r.response(neighbour, old, now), Response::none);  // it has a standing of its own
  EXPECT_EQ(r.response(stranger, other, now), Response::none);
  EXPECT_EQ(r.response(neighbour, fresh, now + hours{1}), Response::none);
}

TEST(reputation, an_identity_ages_by_being_useful_for_a_day) {
  Reputation r;
  for (unsigned i = 0; i + 1 < Reputation::aged_uses; ++i) r.on_useful(node_of(1), at(0));
  EXPECT_FALSE(r.aged(node_of(1), Instant{hours{30}}));
  r.on_useful(node_of(1), at(1));
  EXPECT_FALSE(r.aged(node_of(1), Instant{hours{23}}));
  EXPECT_TRUE(r.aged(node_of(1), Instant{hours{24}}));
  r.on_node_fault(node_of(1), ErrorCode::bad_header, Instant{hours{24}});
  EXPECT_FALSE(r.aged(node_of(1), Instant{hours{26}}));
}

// A bad line is no reason against the neighbours.
TEST(reputation, mishaps_count_for_no_group) {
  Reputation r;
  for (uint8_t i = 1; i <= 200; ++i)
    for (int k = 0; k < 10; ++k) r.on_fault({IpAddress::v4(8, 8, 1, i), 1}, ErrorCode::stalled, at(0));
  EXPECT_EQ(r.response({IpAddress::v4(8, 8, 2, 1), 1}, {}, at(0)), Response::none);
}

TEST(reputation, what_the_operator_says_is_for_ever) {
  Reputation r({{*Subnet::parse("203.0.112.0/20"), *Subnet::parse("2a01:4f8::/32")}, {node_of(9)}});
  const Instant later{hours{24 * 365}};
  EXPECT_EQ(r.response({*IpAddress::parse("203.0.127.255"), 1}, {}, later), Response::ban);
  EXPECT_EQ(r.response({*IpAddress::parse("203.0.128.0"), 1}, {}, later), Response::none);
  EXPECT_EQ(r.response({*IpAddress::parse("2a01:4f8:1::1"), 1}, {}, later), Response::ban);
  EXPECT_EQ(r.response({*IpAddress::parse("2a01:4f9::1"), 1}, {}, later), Response::none);
  EXPECT_TRUE(r.node_avoided(node_of(9), later));
  EXPECT_EQ(r.response(far, node_of(9), later), Response::ban);
}

TEST(reputation, subnets_are_read_strictly) {
  for (const char* bad : {"", "/8", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/24", "1.2.3.0/-1", "1.2.3.0/24x", "x/8", "::1/129"})
    EXPECT_FALSE(Subnet::parse(bad)) << bad;
  EXPECT_EQ(Subnet::parse("1.2.3.4")->bits, 128u);
  EXPECT_EQ(Subnet::parse("0.0.0.0/0")->bits, 96u);
  EXPECT_FALSE(Subnet::parse("0.0.0.0/0")->contains(*IpAddress::parse("2a01::1")));
}

TEST(reputation, who_signed_twice_is_out_for_ever) {
  Reputation r;
  r.ban_for_ever(node_of(1));
  EXPECT_TRUE(r.node_avoided(node_of(1), Instant{hours{24 * 365}}));
  r.succeed(node_of(1), node_of(2), at(0));
  EXPECT_TRUE(r.node_avoided(node_of(2), at(0)));
  for (uint16_t i = 10; i < 10 + Reputation::for_ever_max; ++i) r.ban_for_ever(node_of(i));
  EXPECT_FALSE(r.node_avoided(node_of(1), at(0)));
  EXPECT_TRUE(r.node_avoided(node_of(10), at(0)));
}

TEST(reputation, a_machine_has_a_whole_64) {
  Reputation r;
  r.on_fault({*IpAddress::parse("2a01:4f8:1:2::1"), 1}, ErrorCode::bad_header, at(0));
  EXPECT_TRUE(r.avoided({*IpAddress::parse("2a01:4f8:1:2:ffff::9"), 7}, at(0)));
  EXPECT_FALSE(r.avoided({*IpAddress::parse("2a01:4f8:1:3::1"), 1}, at(0)));
}

TEST(reputation, small_faults_add_up_and_fade) {
  Reputation r;
  for (int i = 0; i < 4; ++i) EXPECT_LT(r.on_fault(far, ErrorCode::stalled, at(0)), score_limit);
  EXPECT_GE(r.on_fault(far, ErrorCode::stalled, at(0)), score_limit);
  Reputation slow;
  for (int i = 0; i < 20; ++i) EXPECT_LT(slow.on_fault(far, ErrorCode::stalled, at(i * 600)), score_limit);
}

// What somebody on the path can cause must not ban an honest peer's address.
TEST(reputation, injected_bytes_ban_nobody) {
  Reputation r;
  for (int i = 0; i < 100; ++i) {
    r.on_fault(far, ErrorCode::bad_record, at(0));
    r.on_fault(far, ErrorCode::cut_without_close, at(0));
    r.on_fault(far, ErrorCode::bad_handshake, at(0));
  }
  EXPECT_FALSE(r.avoided(far, at(0)));
}

TEST(reputation, loopback_nodes_are_told_apart_by_port) {
  Reputation r;
  const IpAddress local = IpAddress::v4(127, 0, 0, 1);
  r.avoid({local, 1000}, ErrorCode::bad_header, at(0));
  EXPECT_TRUE(r.avoided({local, 1000}, at(0)));
  EXPECT_FALSE(r.avoided({local, 1001}, at(0)));
}

Endpoint numbered(uint32_t i) {
  return {IpAddress::v4(static_cast<uint8_t>(9 + (i >> 24)), static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8),
                        static_cast<uint8_t>(i)),
          1};
}

TEST(reputation, memory_is_bounded_and_bans_stay) {
  Reputation r;
  r.avoid(far, ErrorCode::bad_header, at(0));
  for (uint32_t i = 0; i < 100'000; ++i) r.on_fault(numbered(i * 251), ErrorCode::idle_timeout, at(1));
  EXPECT_EQ(r.size(), Reputation::entries_max);
  EXPECT_TRUE(r.avoided(far, at(2)));
}

// Bans of its own do not help whoever wants another group's forgotten: its groups are the crowded ones.
TEST(reputation, bans_cannot_be_flushed_out) {
  Reputation r;
  r.on_fault(far, ErrorCode::bad_header, at(0));
  for (uint32_t i = 0; i < 50'000; ++i) r.on_fault(numbered((i % 500) << 16 | i / 500), ErrorCode::bad_header, at(1));
  EXPECT_EQ(r.size(), Reputation::entries_max);
  EXPECT_TRUE(r.avoided(far, at(2)));
  size_t of_one = 0;
  Reputation one;
  for (uint32_t i = 0; i < 10'000; ++i) one.on_fault(numbered(i), ErrorCode::bad_header, at(1));
  for (uint32_t i = 0; i < 10'000; ++i) of_one += one.avoided(numbered(i), at(2)).has_value();
  EXPECT_EQ(of_one, Reputation::group_entries_max);
  EXPECT_EQ(one.response(numbered(60'000), {}, at(2)), Response::discourage);  // what is forgotten the group remembers
}

TEST(reputation, what_matters_no_longer_is_forgotten) {
  Reputation r;
  for (uint32_t i = 0; i < 10'000; ++i) r.on_fault(numbered(i << 10), ErrorCode::idle_timeout, at(0));
  const size_t before = r.size();
  for (uint32_t i = 0; i < 8'000; ++i) r.on_fault(numbered(i << 10 | 1), ErrorCode::idle_timeout, at(1000));
  EXPECT_LT(r.size(), before);
}

// What the heap holds, from its own books: nothing is said of it where a sanitizer keeps others.
TEST(reputation, sixteen_megabytes_for_ten_million_addresses) {
  const uint32_t seen = std::getenv("LATTICE_MANY_OPERATIONS") ? 10'000'000 : 60'000;
  const size_t before = mallinfo2().uordblks;
  auto r = std::make_unique<Reputation>();
  const ErrorCode codes[] = {ErrorCode::idle_timeout, ErrorCode::unrequested, ErrorCode::bad_header};
  for (uint32_t i = 0; i < seen; ++i) {
    const Instant now{std::chrono::milliseconds{i}};
    // In turn from all over the address space, so that there are as many groups as there can be.
    r->on_fault(numbered(i * 2'654'435'761u), codes[i % 3], now);
    NodeId node;
    std::memcpy(node.bytes.data() + 8, &i, sizeof i);
    r->on_node_fault(node, codes[i % 3], now);
  }
  EXPECT_EQ(r->size(), Reputation::entries_max);
  EXPECT_EQ(r->nodes(), Reputation::entries_max);
  EXPECT_EQ(r->groups(), Reputation::entries_max);
  const size_t held = mallinfo2().uordblks - before;
  RecordProperty("bytes", static_cast<int>(held));
  EXPECT_LE(held, 16u << 20);
}

TEST(reputation, an_identity_is_judged_wherever_it_comes_from) {
  Reputation r;
  for (int i = 0; i < 4; ++i) EXPECT_LT(r.on_node_fault(node_of(1), ErrorCode::stalled, at(0)), score_limit);
  EXPECT_LT(r.on_node_fault(node_of(2), ErrorCode::unrequested, at(0)), score_limit);
  EXPECT_FALSE(r.node_avoided(node_of(1), at(0)));
  EXPECT_GE(r.on_node_fault(node_of(1), ErrorCode::stalled, at(0)), score_limit);
  EXPECT_TRUE(r.node_avoided(node_of(1), at(1)));
  EXPECT_FALSE(r.node_avoided(node_of(1), Instant{Reputation::pause_time}));  // mishaps alone
  EXPECT_GE(r.on_node_fault(node_of(2), ErrorCode::bad_header, at(0)), score_limit);
  EXPECT_TRUE(r.node_avoided(node_of(2), Instant{hours{1} - seconds{1}}));
  EXPECT_FALSE(r.node_avoided(node_of(2), Instant{hours{1}}));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(r.on_node_fault(node_of(3), ErrorCode::bad_record, at(0)), 0u);
}

TEST(reputation, new_keys_are_no_way_out) {
  Reputation r;
  r.avoid_node(node_of(1), ErrorCode::bad_header, at(0));
  r.succeed(node_of(1), node_of(2), at(10));
  EXPECT_TRUE(r.node_avoided(node_of(2), Instant{hours{1} - seconds{1}}));
  EXPECT_FALSE(r.node_avoided(node_of(2), Instant{hours{1}}));
  r.succeed(node_of(1), node_of(2), Instant{hours{2}});  // what is over is over
  EXPECT_FALSE(r.node_avoided(node_of(2), Instant{hours{2}}));
  r.avoid_node(node_of(2), ErrorCode::bad_header, Instant{hours{2}});  // and what it led to is not
  EXPECT_TRUE(r.node_avoided(node_of(2), Instant{hours{8} - seconds{1}}));
}

TEST(reputation, points_follow_to_new_keys_once) {
  Reputation r;
  EXPECT_EQ(r.on_node_fault(node_of(1), ErrorCode::bad_handshake, at(0)), 0u);
  for (int i = 0; i < 3; ++i) r.on_node_fault(node_of(1), ErrorCode::unrequested, at(0));
  for (int i = 0; i < 5; ++i) r.succeed(node_of(1), node_of(2), at(0));
  EXPECT_FALSE(r.node_avoided(node_of(2), at(0)));
  EXPECT_EQ(r.on_node_fault(node_of(2), ErrorCode::unrequested, at(0)), 80u);
  EXPECT_GE(r.on_node_fault(node_of(2), ErrorCode::unrequested, at(0)), score_limit);
  EXPECT_TRUE(r.node_avoided(node_of(2), at(1)));
  r.succeed(node_of(7), node_of(8), at(0));  // nothing is held against it
  EXPECT_FALSE(r.node_avoided(node_of(8), at(0)));
}

TEST(reputation, memory_of_identities_is_bounded_and_bans_stay) {
  Reputation r;
  r.avoid_node(node_of(1), ErrorCode::bad_header, at(0));
  for (uint16_t i = 2; i < Reputation::entries_max + 5000; ++i) r.on_node_fault(node_of(i), ErrorCode::idle_timeout, at(1));
  EXPECT_EQ(r.nodes(), Reputation::entries_max);
  EXPECT_TRUE(r.node_avoided(node_of(1), at(2)));
}

TEST(score, counts_one_link) {
  Score s;
  EXPECT_FALSE(s.add(ErrorCode::bad_record, at(0)));
  EXPECT_TRUE(s.add(ErrorCode::bad_record, at(0)));
  EXPECT_EQ(s.value(at(300)), 90u);
}

TEST(allowance, burst_then_rate) {
  Allowance a(10, 1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(a.take(1, at(100)));
  EXPECT_FALSE(a.take(1, at(100)));
  EXPECT_TRUE(a.take(1, at(101)));
  EXPECT_FALSE(a.take(1, at(101)));
  EXPECT_FALSE(a.take(11, at(1000)));  // never more than the burst
}

TEST(backoff, doubles_to_its_limit) {
  SeededRng rng(1);
  Backoff b{seconds{1}, seconds{60}};
  Duration nominal = seconds{1};
  for (int i = 0; i < 100; ++i) {
    const Duration pause = b.next(rng);
    EXPECT_GE(pause, nominal * 3 / 4);
    EXPECT_LT(pause, nominal * 5 / 4);
    nominal = std::min<Duration>(nominal * 2, seconds{60});
  }
  b.reset();
  EXPECT_LT(b.next(rng), seconds{2});
}

}  // namespace
}  // namespace lattice
