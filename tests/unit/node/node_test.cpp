// Whole nodes, joined in memory: sync, discovery, duplicates, relay.
#include <gtest/gtest.h>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::seconds;

std::vector<LineBlock> line(size_t count, size_t body_bytes = 200) { return make_line(genesis().hash, count, body_bytes); }

TEST(node, two_nodes_one_syncs_from_the_other) {
  World world;
  const auto blocks = line(3000);
  Machine& seed = world.add(blocks);
  Machine& fresh = world.add();
  fresh.config.connect = {{endpoint(1), seed.config.identity->id}};
  fresh.config.discovery = false;
  seed.start();
  fresh.start();
  ASSERT_TRUE(world.run([&] { return fresh.report().synced; }, seconds{20}));
  const auto report = fresh.report();
  EXPECT_EQ(report.tip.block.hash, blocks.back().hash);
  EXPECT_EQ(report.tip.block.height, 3000u);
  EXPECT_EQ(report.blocks_received, 3000u);
  EXPECT_EQ(report.headers_received, 3000u);
  ASSERT_EQ(report.peers.size(), 1u);
  EXPECT_TRUE(report.peers[0].established);
  EXPECT_EQ(report.peers[0].node, seed.config.identity->id);
  EXPECT_EQ(report.peers[0].source, PeerSource::operator_given);
  EXPECT_EQ(report.peers[0].blocks, 3000u);
  EXPECT_EQ(report.peers[0].headers, 3000u);
  EXPECT_TRUE(report.left.empty());
  EXPECT_EQ(fresh.log.count("synced"), 1u);
  EXPECT_EQ(fresh.log.count("peer_connected"), 1u);
  EXPECT_LT(seconds_of(world.now.mono.time_since_epoch()), 101.5);
}

TEST(node, alone_it_is_never_synced) {
  World world;
  Machine& one = world.add(line(3));
  one.start();
  EXPECT_FALSE(world.run([&] { return one.report().synced; }, seconds{30}));
  EXPECT_TRUE(one.report().loaded);
  EXPECT_FALSE(one.report().discovering);
}

// The main job: nothing is known but a seed's name; the others are learned of by peer exchange.
TEST(node, fresh_node_syncs_through_dns_alone) {
  World world;
  const auto blocks = line(500);
  for (int i = 0; i < 4; ++i) world.add(blocks);
  for (int i = 1; i < 4; ++i) world.machines[static_cast<size_t>(i)]->config.connect = {{endpoint(1), std::nullopt}};
  Machine& fresh = world.add();
  fresh.config.seeds = {{"seed.test", {}, 0}};
  DnsAnswer answer;
  answer.addresses = {endpoint(1).ip};
  world.zone["seed.test"] = answer;
  for (int i = 0; i < 4; ++i) world.machines[static_cast<size_t>(i)]->start();
  world.run([&] { return world.machines[0]->report().peers.size() == 3; }, seconds{20});
  fresh.start();
  ASSERT_TRUE(world.run([&] { return fresh.report().synced && fresh.report().peers.size() == 4; }, seconds{60}));
  const auto report = fresh.report();
  EXPECT_EQ(report.tip.block.height, 500u);
  ASSERT_EQ(report.dns.size(), 1u);
  EXPECT_EQ(report.dns[0].addresses, 1u);
  EXPECT_FALSE(report.dns[0].is_signed);
  EXPECT_EQ(report.peers[0].source, PeerSource::dns_unsigned);
  std::set<NodeId> nodes;
  for (const auto& peer : report.peers) nodes.insert(*peer.node);
  EXPECT_EQ(nodes.size(), 4u);
}

struct Operators {
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(99));
  std::vector<std::shared_ptr<const SigningKey>> keys;
  DnsSeed seed{"seed.test", {}, 2};
  Operators() {
    for (int i = 0; i < 3; ++i) {
      Secret<32> secret;
      provider->rng().fill(secret.span());
      keys.push_back(provider->signing_key(SignAlg::mldsa65, secret));
      seed.operators.push_back(blake2s(keys.back()->public_key()));
    }
  }
  std::string text(const Machine& machine, size_t signers, WallTime expires, uint64_t sequence = 1) {
    SeedList list;
    list.chain = machine.config.chain.id;
    list.sequence = sequence;
    list.expires = expires;
    list.entries = {{endpoint(machine.number), machine.config.identity->id}};
    for (size_t i = 0; i < signers; ++i) {
      Secret<32> entropy;
      provider->rng().fill(entropy.span());
      sign_seed_list(list, *keys[i], entropy);
    }
    return seed_list_text(list);
  }
};

TEST(node, signed_seed_list_is_used_and_unsigned_answers_are_not) {
  World world;
  Operators operators;
  Machine& seed = world.add(line(10));
  Machine& other = world.add(line(20));
  Machine& fresh = world.add();
  fresh.config.seeds = {operators.seed};
  DnsAnswer answer;
  answer.addresses = {endpoint(2).ip};
  answer.services = {endpoint(2)};
  answer.texts = {operators.text(seed, 2, world.now.wall + std::chrono::hours{1})};
  world.zone["seed.test"] = answer;
  seed.start();
  other.start();
  fresh.start();
  ASSERT_TRUE(world.run([&] { return fresh.report().synced; }, seconds{20}));
  const auto report = fresh.report();
  EXPECT_EQ(report.tip.block.height, 10u);
  EXPECT_TRUE(report.dns[0].is_signed);
  EXPECT_EQ(report.dns[0].listed, 1u);
  EXPECT_EQ(report.peers[0].source, PeerSource::dns_signed);
  EXPECT_EQ(other.report().peers.size(), 0u);
}

TEST(node, seed_lists_that_are_not_good_are_refused_with_a_reason) {
  World world;
  Operators operators;
  Machine& seed = world.add(line(10));
  seed.start();
  const auto soon = world.now.wall + std::chrono::hours{1};
  const auto refused = [&](const std::string& text) {
    Machine& fresh = world.add();
    fresh.config.seeds = {operators.seed};
    DnsAnswer answer;
    answer.addresses = {endpoint(1).ip};
    if (!text.empty()) answer.texts = {text};
    world.zone["seed.test"] = answer;
    fresh.start();
    world.run([&] { return !fresh.report().discovering; }, seconds{3});
    const auto report = fresh.report();
    EXPECT_TRUE(report.peers.empty());
    EXPECT_FALSE(report.dns[0].is_signed);
    EXPECT_EQ(fresh.log.count("seed_list_rejected"), 1u);
    return report.dns[0].rejected;
  };
  EXPECT_NE(refused(operators.text(seed, 2, world.now.wall - seconds{1})).find("seed_list_expired"), std::string::npos);
  EXPECT_NE(refused(operators.text(seed, 1, soon)).find("unknown_operator"), std::string::npos);
  EXPECT_NE(refused("lattice-seeds-1:garbage").find("bad_seed_list"), std::string::npos);
  EXPECT_NE(refused("").find("ignored"), std::string::npos);
  // One byte of the second signature changed.
  std::string text = operators.text(seed, 2, soon);
  text[text.size() - 100] = text[text.size() - 100] == 'A' ? 'B' : 'A';
  EXPECT_NE(refused(text).find("1 of 2"), std::string::npos);
}

TEST(node, bootstrap_list_when_dns_is_dead) {
  World world;
  Machine& seed = world.add(line(10));
  Machine& fresh = world.add();
  fresh.config.seeds = {{"dead.test", {}, 0}};
  fresh.config.bootstrap = {{endpoint(1), std::nullopt}};
  seed.start();
  fresh.start();
  ASSERT_TRUE(world.run([&] { return fresh.report().synced; }, seconds{60}));
  EXPECT_TRUE(fresh.report().dns[0].failed);
  EXPECT_EQ(fresh.report().peers[0].source, PeerSource::bootstrap);
}

TEST(node, dns_is_asked_again_while_nobody_is_there) {
  World world;
  Machine& seed = world.add(line(10));
  Machine& fresh = world.add();
  fresh.config.seeds = {{"late.test", {}, 0}};
  seed.start();
  fresh.start();
  EXPECT_FALSE(world.run([&] { return fresh.report().synced; }, seconds{20}));
  DnsAnswer answer;
  answer.services = {endpoint(1)};
  world.zone["late.test"] = answer;
  EXPECT_TRUE(world.run([&] { return fresh.report().synced; }, seconds{60}));
}

TEST(node, kept_peer_is_dialled_again) {
  World world;
  Machine& seed = world.add(line(10));
  Machine& fresh = world.add();
  fresh.config.discovery = false;
  fresh.config.connect = {{endpoint(1), std::nullopt}};
  seed.listening = false;
  seed.start();
  fresh.start();
  EXPECT_FALSE(world.run([&] { return fresh.report().synced; }, seconds{30}));
  EXPECT_GE(fresh.report().dials_failed, 3u);
  EXPECT_LE(fresh.report().dials_failed, 7u);
  seed.listening = true;
  EXPECT_TRUE(world.run([&] { return fresh.report().synced; }, seconds{80}));
}

TEST(node, a_node_does_not_talk_to_itself) {
  World world;
  Machine& one = world.add(line(3));
  one.config.connect = {{endpoint(1), std::nullopt}};
  one.start();
  world.run([] { return false; }, seconds{30});
  const auto report = one.report();
  EXPECT_TRUE(report.peers.empty());
  ASSERT_GE(report.left.size(), 1u);
  EXPECT_EQ(report.left[0].reason, ErrorCode::self_connection);
  EXPECT_EQ(world.dials, 1u);
}

TEST(node, two_that_dial_each_other_keep_one_link) {
  World world;
  Machine& one = world.add(line(3));
  Machine& two = world.add(line(3));
  one.config.connect = {{endpoint(2), std::nullopt}};
  two.config.connect = {{endpoint(1), std::nullopt}};
  one.start();
  two.start();
  world.run([] { return false; }, seconds{100});
  ASSERT_EQ(one.report().peers.size(), 1u);
  ASSERT_EQ(two.report().peers.size(), 1u);
  const bool one_dialled = !one.report().peers[0].inbound;
  EXPECT_EQ(one_dialled, one.config.identity->id < two.config.identity->id);
  EXPECT_TRUE(one.report().synced);
  EXPECT_EQ(one.report().left[0].reason, ErrorCode::duplicate_link);
  EXPECT_LE(world.dials, 4u);
}

// A crash without a word: the old link is still there when its node comes back.
TEST(node, a_node_that_comes_back_replaces_its_dead_link) {
  World world;
  Machine& one = world.add(line(3));
  Machine& two = world.add();
  two.config.discovery = false;
  two.config.connect = {{endpoint(1), std::nullopt}};
  one.start();
  two.start();
  ASSERT_TRUE(world.run([&] { return two.report().synced; }, seconds{10}));
  for (auto& wire : world.wires) {
    if (wire->machine == &two) wire->closed = true;  // nobody tells the other end
  }
  two.start();
  ASSERT_TRUE(world.run([&] { return two.report().synced; }, seconds{40}));
  EXPECT_EQ(one.report().peers.size(), 1u);
  EXPECT_EQ(one.report().left.back().reason, ErrorCode::duplicate_link);
}

TEST(node, a_new_block_reaches_everybody) {
  World world;
  const auto blocks = line(11);
  const std::vector<LineBlock> first(blocks.begin(), blocks.end() - 1);
  for (int i = 0; i < 3; ++i) world.add(first);
  for (size_t i = 1; i < 3; ++i) world.machines[i]->config.connect = {{endpoint(static_cast<uint8_t>(i)), std::nullopt}};
  for (auto& machine : world.machines) {
    machine->config.discovery = false;
    machine->start();
  }
  ASSERT_TRUE(world.run([&] { return world.machines[0]->report().synced && world.machines[2]->report().synced; }, seconds{10}));
  world.machines[0]->chain->mine(blocks.back());
  EXPECT_TRUE(world.run([&] { return world.machines[2]->report().tip.block.height == 11; }, seconds{5}));
}

TEST(node, the_longer_branch_wins_everywhere) {
  World world;
  const auto common = line(5);
  auto shorter = common, longer = common;
  for (auto& b : make_line(common.back().hash, 3, 100, 1)) shorter.push_back(b);
  for (auto& b : make_line(common.back().hash, 6, 100, 2)) longer.push_back(b);
  Machine& one = world.add(shorter);
  Machine& two = world.add(longer);
  two.config.connect = {{endpoint(1), std::nullopt}};
  one.start();
  two.start();
  ASSERT_TRUE(world.run([&] { return one.report().synced && one.report().tip.block.height == 11; }, seconds{10}));
  EXPECT_EQ(one.report().tip.block.hash, longer.back().hash);
  EXPECT_TRUE(one.report().left.empty());
}

TEST(node, consensus_messages_are_passed_on_once) {
  World world;
  for (int i = 0; i < 3; ++i) world.add();
  for (size_t i = 1; i < 3; ++i) world.machines[i]->config.connect = {{endpoint(static_cast<uint8_t>(i)), std::nullopt}};
  for (auto& machine : world.machines) {
    machine->config.discovery = false;
    machine->start();
  }
  world.run([] { return false; }, seconds{3});
  world.machines[0]->chain->outbox.push_back(PublishConsensus{SharedBytes(to_bytes(as_bytes("vote")))});
  world.run([] { return false; }, seconds{3});
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(world.machines[i]->chain->consensus_seen, std::vector<std::string>{"vote"});
  }
  EXPECT_TRUE(world.machines[0]->chain->consensus_seen.empty());
}

// A node runs longer than its certificate lives: it goes on with the same NodeID under a fresh one, and peers take it.
TEST(node, a_certificate_is_renewed_while_the_node_runs) {
  World world;
  Machine& old = world.add(line(5));
  old.start();
  world.run([] { return false; }, seconds{2});
  const NodeId id = old.config.identity->id;
  const auto lifetime = old.config.identity->certificate.not_after - old.config.identity->certificate.not_before;
  EXPECT_EQ(old.log.count("certificate_renewed"), 0u);
  world.now.wall += 2 * lifetime;
  world.run([] { return false; }, seconds{2});
  EXPECT_EQ(old.log.count("certificate_renewed"), 1u);

  Machine& fresh = world.add();
  fresh.config.connect = {{endpoint(old.number), id}};
  fresh.start();
  ASSERT_TRUE(world.run([&] { return fresh.report().synced; }));
}

TEST(node, stop_says_why) {
  World world;
  Machine& one = world.add(line(3));
  Machine& two = world.add();
  two.config.connect = {{endpoint(1), std::nullopt}};
  two.config.discovery = false;
  one.start();
  two.start();
  ASSERT_TRUE(world.run([&] { return two.report().synced; }, seconds{10}));
  one.node->stop(world.now);
  one.drain();
  world.settle();
  ASSERT_EQ(two.report().left.size(), 1u);
  EXPECT_EQ(two.report().left[0].reason, ErrorCode::shutting_down);
  EXPECT_TRUE(two.report().left[0].by_peer);
  EXPECT_FALSE(one.node->next_timeout());
}

TEST(node, slots_are_limited) {
  World world;
  Machine& hub = world.add(line(3));
  hub.config.connections_max = 4;
  hub.config.outbound_target = 2;
  hub.config.discovery = false;
  hub.start();
  for (int i = 0; i < 4; ++i) {
    Machine& peer = world.add();
    peer.config.discovery = false;
    peer.config.connect = {{endpoint(1), std::nullopt}};
    peer.start();
  }
  world.run([] { return false; }, seconds{5});
  EXPECT_EQ(hub.report().peers.size(), 2u);  // two slots are kept for outbound
}

// A hub with two slots for who comes in, and machines that want to come.
struct FullHub {
  World world;
  Machine& hub;

  explicit FullHub(EvictionLimits limits, uint8_t peers) : hub(world.add(line(3))) {
    hub.config.connections_max = 4;
    hub.config.outbound_target = 2;
    hub.config.discovery = false;
    hub.config.eviction = limits;
    hub.start();
    for (uint8_t i = 0; i < peers; ++i) {
      Machine& peer = world.add();
      peer.config.discovery = false;
      peer.config.connect = {{endpoint(1), std::nullopt}};
    }
  }
  Machine& peer(size_t n) { return *world.machines[n]; }
  bool has(size_t n) {
    const auto rows = hub.report().peers;
    return std::ranges::any_of(
        rows, [&](const PeerReport& row) { return row.established && row.node == peer(n).config.identity->id; });
  }
  bool come(size_t n) {
    peer(n).start();
    return world.run([&] { return has(n); }, seconds{2});
  }
  bool was_told_no_slot(size_t n) {
    const auto left = peer(n).report().left;
    return std::ranges::any_of(left, [](const LeftReport& row) { return row.reason == ErrorCode::no_slot && row.by_peer; });
  }
};

TEST(node, who_came_in_last_goes_for_somebody_new) {
  FullHub full({.groups = 0, .pings = 0, .messages = 0, .blocks = 0}, 3);
  ASSERT_TRUE(full.come(1));
  ASSERT_TRUE(full.come(2));
  ASSERT_TRUE(full.come(3));
  EXPECT_TRUE(full.has(1));  // the older half stays
  EXPECT_FALSE(full.has(2));
  EXPECT_TRUE(full.was_told_no_slot(2));
  EXPECT_EQ(full.hub.report().evicted, 1u);
  EXPECT_EQ(full.hub.report().left.back().where, "evicted");
  full.world.run([] { return false; }, std::chrono::minutes{5});  // they go on changing places
  EXPECT_TRUE(full.has(1));
  EXPECT_EQ(full.hub.report().peers.size(), 2u);
}

TEST(node, who_answers_fastest_stays_and_the_newcomer_is_told_so) {
  FullHub full({.groups = 0, .pings = 2, .messages = 0, .blocks = 0}, 3);
  ASSERT_TRUE(full.come(1));
  ASSERT_TRUE(full.come(2));
  full.world.run([] { return false; }, seconds{130});  // each has been pinged
  EXPECT_FALSE(full.come(3));
  EXPECT_TRUE(full.was_told_no_slot(3));
  EXPECT_TRUE(full.has(1) && full.has(2));
  EXPECT_EQ(full.hub.report().evicted, 0u);
}

TEST(node, whom_the_operator_named_is_not_evicted) {
  FullHub full({.groups = 0, .pings = 0, .messages = 0, .blocks = 0}, 3);
  full.hub.config.connect = {{endpoint(99), full.peer(2).config.identity->id}};  // where nobody answers: it comes by itself
  full.hub.start();
  ASSERT_TRUE(full.come(2));
  ASSERT_TRUE(full.come(1));
  ASSERT_TRUE(full.come(3));
  EXPECT_TRUE(full.has(2));
  EXPECT_FALSE(full.has(1));
}

TEST(node, idle_peers_are_pinged_and_stay) {
  World world;
  Machine& one = world.add(line(3));
  Machine& two = world.add();
  two.config.discovery = false;
  two.config.connect = {{endpoint(1), std::nullopt}};
  one.start();
  two.start();
  world.run([] { return false; }, std::chrono::minutes{10});
  EXPECT_EQ(two.report().peers.size(), 1u);
  EXPECT_TRUE(two.report().left.empty());
  EXPECT_TRUE(two.report().synced);
}

}  // namespace
}  // namespace lattice::test
