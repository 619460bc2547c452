#include <lattice/peers/reputation.hpp>

#include <gtest/gtest.h>

#include <lattice/peers/allowance.hpp>
#include <lattice/peers/backoff.hpp>

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Instant at(int s) { return Instant{seconds{s}}; }
const Endpoint far{IpAddress::v4(8, 8, 8, 8), 1};
const Endpoint far_other_port{IpAddress::v4(8, 8, 8, 8), 2};

TEST(reputation, one_grave_fault_is_enough_for_a_day) {
  Reputation r;
  EXPECT_FALSE(r.avoided(far, at(0)));
  EXPECT_EQ(r.on_fault(far, ErrorCode::bad_proof_of_work, at(0)), 100u);
  EXPECT_EQ(r.avoided(far, at(1)), ErrorCode::bad_proof_of_work);
  EXPECT_EQ(r.avoided(far_other_port, at(1)), ErrorCode::bad_proof_of_work);  // the address, not the port
  EXPECT_TRUE(r.avoided(far, Instant{hours{24} - seconds{1}}));
  EXPECT_FALSE(r.avoided(far, Instant{hours{24}}));
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

TEST(reputation, memory_is_bounded_and_bans_stay) {
  Reputation r;
  r.avoid(far, ErrorCode::bad_header, at(0));
  for (uint32_t i = 0; i < Reputation::entries_max + 50; ++i) {
    const auto ip = IpAddress::v4(9, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
    r.on_fault({ip, 1}, ErrorCode::idle_timeout, at(1));
  }
  EXPECT_EQ(r.size(), Reputation::entries_max);
  EXPECT_TRUE(r.avoided(far, at(2)));
}

NodeId node_of(uint16_t number) {
  NodeId node;
  node.bytes[0] = static_cast<uint8_t>(number >> 8);
  node.bytes[1] = static_cast<uint8_t>(number);
  return node;
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
  EXPECT_TRUE(r.node_avoided(node_of(2), Instant{hours{24} - seconds{1}}));
  EXPECT_FALSE(r.node_avoided(node_of(2), Instant{hours{24}}));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(r.on_node_fault(node_of(3), ErrorCode::bad_record, at(0)), 0u);
}

TEST(reputation, new_keys_are_no_way_out) {
  Reputation r;
  r.avoid_node(node_of(1), at(0));
  r.succeed(node_of(1), node_of(2), at(10));
  EXPECT_TRUE(r.node_avoided(node_of(2), Instant{hours{24} - seconds{1}}));
  EXPECT_FALSE(r.node_avoided(node_of(2), Instant{hours{24}}));
  r.succeed(node_of(1), node_of(2), Instant{hours{25}});  // what is over is over
  EXPECT_FALSE(r.node_avoided(node_of(2), Instant{hours{25}}));
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
  r.avoid_node(node_of(1), at(0));
  for (uint16_t i = 2; i < Reputation::entries_max + 100; ++i) r.on_node_fault(node_of(i), ErrorCode::idle_timeout, at(1));
  EXPECT_TRUE(r.node_avoided(node_of(1), at(2)));
}

TEST(reputation, who_is_remembered_wherever_it_comes_from) {
  Reputation r;
  NodeId node;
  node.bytes[0] = 1;
  EXPECT_FALSE(r.node_avoided(node, at(0)));
  r.avoid_node(node, at(0));
  EXPECT_TRUE(r.node_avoided(node, at(100)));
  EXPECT_FALSE(r.node_avoided(node, Instant{hours{24}}));
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
