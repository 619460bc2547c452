// Whom a node chooses, and who gets in: slots, anchors, feelers, diversity, exchange.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <lattice/discovery/address_book_file.hpp>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// Nodes that DNS names, and one that begins with nothing else.
struct outbound : testing::Test {
  World world;
  std::vector<LineBlock> line = make_line(genesis().hash, 3, 200);

  Machine& add(const char* ip = nullptr, bool runs = true) {
    Machine& machine = world.add(line);
    if (ip != nullptr) machine.ip = *IpAddress::parse(ip);
    world.zone["seed.test"].addresses.push_back(machine.ip);
    if (runs) machine.start();
    return machine;
  }
  Machine& chooser(size_t target, const char* ip = nullptr) {
    Machine& machine = world.add();
    if (ip != nullptr) machine.ip = *IpAddress::parse(ip);
    machine.config.seeds = {{"seed.test", {}, 0}};
    machine.config.outbound_target = target;
    machine.config.listen_port = 0;
    return machine;
  }
  static size_t open(const Machine& machine) {
    return static_cast<size_t>(std::ranges::count(machine.report().peers, true, &PeerReport::established));
  }
  static size_t open(const Machine& machine, SlotKind slot) {
    return static_cast<size_t>(std::ranges::count_if(
        machine.report().peers, [&](const PeerReport& row) { return row.established && row.slot == slot; }));
  }
  static bool has(const Machine& machine, const Machine& other) {
    return std::ranges::any_of(machine.report().peers,
                               [&](const PeerReport& row) { return row.established && row.node == other.config.identity->id; });
  }
  void pass(Duration time) {
    world.run([] { return false; }, time);
  }
};

TEST_F(outbound, a_feeler_learns_who_answers_and_ends) {
  for (int i = 0; i < 4; ++i) add();
  Machine& one = chooser(1);
  one.start();
  ASSERT_TRUE(world.run([&] { return one.report().synced; }, seconds{30}));
  EXPECT_LE(one.report().tried_addresses, 2u);  // the one, and the first feeler's
  ASSERT_TRUE(world.run([&] { return one.report().tried_addresses == 4; }, minutes{10}));
  const NodeReport report = one.report();
  EXPECT_GE(report.feelers_answered, 3u);
  EXPECT_LE(report.feelers, 6u);  // one in two minutes
  EXPECT_EQ(open(one), 1u);
  EXPECT_TRUE(std::ranges::all_of(report.left, [](const LeftReport& row) { return row.reason == ErrorCode::not_needed; }));
  EXPECT_TRUE(report.avoided.empty());
}

TEST_F(outbound, a_feeler_that_finds_nobody_costs_only_itself) {
  add();
  Machine& gone = add(nullptr, false);
  Machine& one = chooser(1);
  one.start();
  pass(minutes{7});
  EXPECT_EQ(open(one), 1u);
  EXPECT_GE(one.report().dials_failed, 1u);
  EXPECT_EQ(one.report().tried_addresses, 1u);
  gone.start();
  EXPECT_TRUE(world.run([&] { return one.report().tried_addresses == 2; }, minutes{20}));
}

TEST_F(outbound, two_of_ten_are_for_blocks_alone) {
  for (int i = 0; i < 11; ++i) add();
  Machine& one = chooser(10);
  one.start();
  ASSERT_TRUE(
      world.run([&] { return open(one, SlotKind::full_relay) == 8 && open(one, SlotKind::block_only) == 2; }, minutes{2}));
  const auto vote = [](const char* text) { return PublishConsensus{SharedBytes(to_bytes(as_bytes(text)))}; };
  // What such a peer says of consensus or addresses is not heard, and nothing of it is said to it.
  const auto rows = one.report().peers;
  const auto machine_of = [&](SlotKind slot) -> Machine& {
    const auto row = std::ranges::find(rows, slot, &PeerReport::slot);
    return **std::ranges::find_if(world.machines, [&](const auto& m) { return m->config.identity->id == row->node; });
  };
  Machine& quiet = machine_of(SlotKind::block_only);
  Machine& loud = machine_of(SlotKind::full_relay);
  quiet.chain->outbox.push_back(vote("not heard"));
  loud.chain->outbox.push_back(vote("heard"));
  pass(seconds{5});
  EXPECT_EQ(one.chain->consensus_seen, std::vector<std::string>{"heard"});
  EXPECT_TRUE(quiet.chain->consensus_seen.empty());
  EXPECT_GE(one.report().consensus_received, 2u);
}

TEST_F(outbound, anchors_are_dialled_first_after_a_restart) {
  std::vector<Machine*> all;
  for (int i = 0; i < 8; ++i) all.push_back(&add());
  Machine& one = chooser(5);
  one.start();
  ASSERT_TRUE(world.run([&] { return open(one, SlotKind::block_only) == 1; }, minutes{2}));
  const auto rows = one.report().peers;
  const Endpoint anchor = std::ranges::find(rows, SlotKind::block_only, &PeerReport::slot)->endpoint;
  one.node->stop(world.now);
  one.drain();
  world.settle();
  ASSERT_FALSE(one.saved.empty());

  Machine& again = chooser(5);
  again.config.stored_addresses = one.saved.back();
  again.start();
  ASSERT_TRUE(world.run([&] { return open(again) >= 1; }, seconds{30}));
  EXPECT_EQ(again.report().anchors_tried, 1u);
  const auto now_rows = again.report().peers;
  const auto kept = std::ranges::find(now_rows, SlotKind::block_only, &PeerReport::slot);
  ASSERT_NE(kept, now_rows.end());
  EXPECT_EQ(kept->endpoint, anchor);
}

TEST_F(outbound, no_two_of_a_group_while_others_are_there) {
  add("8.1.0.1"), add("8.1.0.2"), add("8.1.0.3"), add("8.2.0.1"), add("8.3.0.1"), add("8.4.0.1");
  Machine& one = chooser(4, "9.9.9.9");
  one.start();
  ASSERT_TRUE(world.run([&] { return open(one, SlotKind::full_relay) == 4; }, seconds{30}));
  std::set<AddressGroup> groups;
  for (const auto& row : one.report().peers) groups.insert(group_of(row.endpoint.ip));
  EXPECT_EQ(groups.size(), 4u);
}

TEST_F(outbound, one_group_alone_gives_half_of_the_slots) {
  for (const char* ip : {"8.1.0.1", "8.1.0.2", "8.1.0.3", "8.1.0.4", "8.1.0.5"}) add(ip);
  Machine& one = chooser(4, "9.9.9.9");
  one.start();
  pass(minutes{1});
  EXPECT_EQ(open(one, SlotKind::full_relay), 2u);
}

TEST_F(outbound, who_stands_beside_another_of_its_group_goes_for_somebody_better) {
  add("8.1.0.1"), add("8.1.0.2");
  Machine& far = add("8.2.0.1", false);
  Machine& farther = add("8.3.0.1", false);
  Machine& one = chooser(3, "9.9.9.9");
  one.start();
  ASSERT_TRUE(world.run([&] { return open(one, SlotKind::full_relay) == 2; }, minutes{2}));
  far.start();
  ASSERT_TRUE(world.run([&] { return has(one, far); }, minutes{30}));
  farther.start();
  ASSERT_TRUE(world.run([&] { return has(one, farther); }, minutes{30}));
  pass(seconds{1});
  EXPECT_EQ(open(one, SlotKind::full_relay), 3u);
  EXPECT_EQ(one.report().exchanged, 1u);
  std::set<AddressGroup> groups;
  for (const auto& row : one.report().peers)
    if (row.slot == SlotKind::full_relay) groups.insert(group_of(row.endpoint.ip));
  EXPECT_EQ(groups.size(), 3u);
}

TEST_F(outbound, one_changes_by_chance_now_and_then) {
  for (int i = 0; i < 4; ++i) add();
  Machine& one = chooser(2);
  one.config.churn_interval = minutes{1};
  one.start();
  ASSERT_TRUE(world.run([&] { return open(one, SlotKind::full_relay) == 2; }, seconds{30}));
  ASSERT_TRUE(world.run([&] { return one.report().exchanged >= 3; }, minutes{10}));
  EXPECT_EQ(open(one, SlotKind::full_relay), 2u);
  EXPECT_TRUE(one.report().synced);
}

// P8. Those who say of an address that a peer of ours answers there, or one that is banned.
struct Records : outbound {
  Machine* third = nullptr;  // in nobody's list but theirs
  Machine* peer = nullptr;

  Machine& begin(size_t liars, bool banned) {
    peer = &add();
    third = &world.add(line);
    third->config.discovery = false;
    for (size_t i = 0; i < liars; ++i) {
      Machine& liar = add(nullptr, false);
      SeededRng rng(i);
      AddressBook book(rng);
      KnownAddress known;
      known.endpoint = endpoint(third->number);
      known.services = wire::service_blocks;
      known.last_seen = unix_seconds(world.now.wall);
      book.add(known, known.endpoint.ip, world.now, rng);
      book.on_answered(known.endpoint, peer->config.identity->id, wire::service_blocks, world.now);
      liar.config.stored_addresses = encode_address_book(book, ChainId{{7}}, {});  // LineChain's
      liar.config.outbound_target = 0;
      liar.config.block_only_target = 0;
      liar.config.feeler_interval = std::chrono::hours{24};
      liar.start();
    }
    third->start();
    Machine& one = chooser(liars + 2);
    one.config.block_only_target = 0;
    one.config.feeler_interval = one.config.churn_interval = std::chrono::hours{24};
    if (banned) one.config.banned.nodes.push_back(peer->config.identity->id);
    one.start();
    return one;
  }
};

TEST_F(Records, what_three_groups_say_keeps_nobody_away) {
  Machine& one = begin(3, false);
  EXPECT_TRUE(world.run([&] { return has(one, *third); }, minutes{5}));
  EXPECT_TRUE(has(one, *peer));
}

TEST_F(Records, not_by_naming_a_banned_one_either) {
  Machine& one = begin(3, true);
  EXPECT_TRUE(world.run([&] { return has(one, *third); }, minutes{5}));
}

// It does not answer until all have spoken.
TEST_F(Records, what_four_groups_say_counts) {
  for (const size_t liars : {3, 4}) {
    Machine& one = begin(liars, false);
    third->listening = false;
    ASSERT_TRUE(world.run([&] { return open(one) == liars + 1; }, minutes{2}));
    third->listening = true;
    EXPECT_EQ(world.run([&] { return has(one, *third); }, minutes{30}), liars == 3);
    world.zone["seed.test"] = {};
    if (liars == 3) continue;
    EXPECT_TRUE(has(one, *peer));
    peer->node->stop(world.now);
    EXPECT_TRUE(world.run([&] { return has(one, *third); }, minutes{30})) << "nobody is connected to that one any more";
  }
}

TEST_F(outbound, two_under_one_as_number_at_most) {
  const auto table = AsTable::parse("8.1.0.0/16 64500 0\n8.2.0.0/16 64500 0\n8.3.0.0/16 64500 0\n8.4.0.0/16 64501 1\n");
  ASSERT_TRUE(table);
  for (const char* ip : {"8.1.0.1", "8.2.0.1", "8.3.0.1", "8.4.0.1"}) add(ip);
  Machine& one = chooser(3, "9.9.9.9");
  one.config.as_table = std::make_shared<const AsTable>(*table);
  one.start();
  ASSERT_TRUE(world.run([&] { return open(one, SlotKind::full_relay) == 3; }, seconds{30}));
  EXPECT_EQ(std::ranges::count(one.report().peers, 64501u, &PeerReport::asn), 1);
  EXPECT_EQ(std::ranges::count(one.report().peers, std::optional<uint8_t>(1), &PeerReport::region), 1);
}

// Peers of a hub come from where they are told to.
struct inbound : outbound {
  Machine& hub = add("8.8.8.8");

  size_t in_from(const std::vector<const char*>& ips) {
    for (const char* ip : ips) {
      Machine& machine = world.add();
      machine.ip = *IpAddress::parse(ip);
      machine.config.discovery = false;
      machine.config.connect = {{{hub.ip, 4000}, std::nullopt}};
      machine.start();
    }
    pass(seconds{3});
    return open(hub, SlotKind::inbound);
  }
};

TEST_F(inbound, three_of_an_address) {
  EXPECT_EQ(in_from({"7.1.1.1", "7.1.1.1", "7.1.1.1", "7.1.1.1", "7.1.1.1"}), 3u);
  EXPECT_GE(hub.report().refused[SlotRefusal::ip_full], 2u);
  EXPECT_EQ(in_from({"7.1.1.2"}), 4u);
  EXPECT_TRUE(hub.report().avoided.empty());
}

TEST_F(inbound, ten_of_a_subnet) {
  EXPECT_EQ(in_from({"7.1.1.1", "7.1.1.2", "7.1.1.3", "7.1.1.4", "7.1.1.5", "7.1.1.6", "7.1.1.7", "7.1.1.8", "7.1.1.9",
                     "7.1.1.10", "7.1.1.11", "7.1.1.12"}),
            10u);
  EXPECT_GE(hub.report().refused[SlotRefusal::subnet_full], 2u);
  EXPECT_EQ(in_from({"7.1.2.1"}), 11u);
}

TEST_F(inbound, who_is_named_comes_in_beside_them) {
  ASSERT_EQ(in_from({"7.1.1.1", "7.1.1.1", "7.1.1.1"}), 3u);
  Machine& named = world.add();
  named.ip = *IpAddress::parse("7.1.1.1");
  named.config.discovery = false;
  named.config.connect = {{{hub.ip, 4000}, std::nullopt}};
  hub.node->stop(world.now);
  hub.drain();
  world.settle();
  hub.config.connect = {{endpoint(99), named.config.identity->id}};
  hub.start();
  ASSERT_TRUE(world.run([&] { return open(hub, SlotKind::inbound) == 3; }, minutes{5}));
  named.start();
  EXPECT_TRUE(world.run([&] { return has(hub, named); }, seconds{10}));
}

TEST_F(inbound, a_small_network_has_a_lower_ceiling) {
  EXPECT_EQ(hub.report().inbound_max, 114u);
  pass(seconds{2});
  EXPECT_EQ(hub.report().inbound_max, 48u);
  Machine& fixed = world.add();
  fixed.config.adaptive_limit = false;
  fixed.start();
  pass(seconds{2});
  EXPECT_EQ(fixed.report().inbound_max, 114u);
}

}  // namespace
}  // namespace lattice::test
