// Nodes that tell the network where they are.
#include <gtest/gtest.h>

#include <lattice/discovery/announcements.hpp>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;

struct announcement : ::testing::Test {
  World world;

  // Dials those numbers, and nobody else.
  Machine& add(std::vector<uint8_t> dials, bool announces = true) {
    Machine& machine = world.add();
    for (const uint8_t other : dials) machine.config.connect.push_back({endpoint(other), std::nullopt});
    machine.config.outbound_target = 0;
    if (announces) machine.config.announce_endpoints = {endpoint(machine.number)};
    return machine;
  }
  void start_all() {
    for (auto& machine : world.machines) machine->start();
  }
  static size_t announced(const Machine& machine) { return machine.report().announced_nodes; }
  bool run_until_all(size_t count, Duration limit = seconds{20}) {
    return world.run([&] { return std::ranges::all_of(world.machines, [&](auto& m) { return announced(*m) == count; }); },
                     limit);
  }
};

TEST_F(announcement, both_sides_of_a_link_register_each_other) {
  Machine& server = add({});
  Machine& client = add({1});
  start_all();
  ASSERT_TRUE(run_until_all(1));
  // The one that was dialled knows where the other can be reached.
  EXPECT_EQ(server.report().known_addresses, 1u);
  EXPECT_EQ(client.report().known_addresses, 1u);
  EXPECT_EQ(server.log.count("announced_self"), 1u);
}

// 1 - 2 - 3 - 4: each hears of all others, from its neighbours.
TEST_F(announcement, is_passed_on) {
  add({});
  for (uint8_t other = 1; other <= 3; ++other) add({other});
  start_all();
  EXPECT_TRUE(run_until_all(3));
  for (auto& machine : world.machines) EXPECT_EQ(machine->report().left_total, 0u);
}

// In a full mesh nobody passes on for ever what everybody has.
TEST_F(announcement, ends) {
  for (uint8_t n = 0; n < 6; ++n) {
    std::vector<uint8_t> others;
    for (uint8_t other = 1; other <= n; ++other) others.push_back(other);
    add(others);
  }
  start_all();
  ASSERT_TRUE(run_until_all(5));
  world.run([] { return false; }, seconds{5});
  uint64_t received = 0;
  for (auto& machine : world.machines) received += machine->report().announcements_received;
  world.run([] { return false; }, minutes{30});
  uint64_t later = 0;
  for (auto& machine : world.machines) later += machine->report().announcements_received;
  EXPECT_EQ(received, later);
  EXPECT_LE(received, 6u * 5 * 5);
}

TEST_F(announcement, who_takes_no_connections_or_knows_no_place_says_nothing) {
  Machine& server = add({});
  Machine& nowhere = add({1}, false);
  Machine& deaf = add({1});
  deaf.config.listen_port = 0;
  start_all();
  ASSERT_TRUE(world.run([&] { return announced(nowhere) == 1 && announced(deaf) == 1; }, seconds{20}));
  world.run([] { return false; }, seconds{5});
  EXPECT_EQ(announced(server), 0u);
}

TEST_F(announcement, is_renewed_before_it_expires_and_forgotten_with_its_node) {
  Machine& server = add({});
  Machine& client = add({1});
  start_all();
  ASSERT_TRUE(run_until_all(1));
  bool gone = false;
  world.run([&] { return gone |= announced(server) != 1; }, announcement_lifetime + hours{2});
  EXPECT_FALSE(gone);
  EXPECT_GE(client.log.count("announced_self"), 2u);
  EXPECT_LE(client.log.count("announced_self"), 4u);
  client.node->stop(world.now);
  client.drain();
  client.listening = false;
  world.settle();
  client.node.reset();
  EXPECT_TRUE(world.run([&] { return announced(server) == 0; }, announcement_lifetime + minutes{1}));
}

TEST_F(announcement, who_has_moved_says_so) {
  Machine& server = add({});
  Machine& client = add({1}, false);
  start_all();
  client.node->set_own_endpoints({endpoint(2)}, world.now);
  client.drain();
  ASSERT_TRUE(world.run([&] { return announced(server) == 1; }, seconds{20}));
  EXPECT_EQ(server.report().known_addresses, 1u);
  // Not at once: peers take a word of each node now and then only.
  client.node->set_own_endpoints({endpoint(3)}, world.now);
  client.drain();
  world.run([] { return false; }, minutes{1});
  EXPECT_EQ(client.log.count("announced_self"), 1u);
  EXPECT_TRUE(world.run([&] { return server.report().known_addresses == 2; }, Announcements::spacing_own));
  EXPECT_EQ(client.log.count("announced_self"), 2u);
}

// A node that was only heard of is dialled as anybody is.
TEST_F(announcement, whoever_is_announced_is_found) {
  add({});
  add({1});
  Machine& third = add({2});
  third.config.outbound_target = 10;
  start_all();
  EXPECT_TRUE(world.run(
      [&] {
        const auto peers = third.report().peers;
        return std::ranges::any_of(peers, [&](const PeerReport& p) { return p.established && p.endpoint == endpoint(1); });
      },
      seconds{30}));
}

}  // namespace
}  // namespace lattice::test
