// Nodes that change their keys: known to their peers, bans and good standing follow; and genesis peers.
#include <gtest/gtest.h>

#include <lattice/link/succession.hpp>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::seconds;

struct SuccessionTest : ::testing::Test {
  World world;

  std::shared_ptr<const Identity> identity(uint8_t seed) {
    ByteArray<64> bytes;
    bytes.fill(seed);
    IdentityOptions options;
    options.not_before = wall_from_unix(1'799'000'000);
    options.not_after = wall_from_unix(1'810'000'000);
    return make_identity(*world.machines[0]->provider, Secret<64>(bytes), options);
  }
  Succession step(const Identity& before, const Identity& after) {
    return make_succession(*world.machines[0]->provider, before, after, world.now.wall);
  }
  // Gives the machine new keys and the statement for it.
  NodeId rotate(Machine& machine, uint8_t seed) {
    const auto before = machine.config.identity;
    machine.config.identity = identity(seed);
    SuccessionChain chain;
    if (!machine.config.succession.empty()) chain = *decode_successions(machine.config.succession);
    chain.push_back(make_succession(*machine.provider, *before, *machine.config.identity, world.now.wall,
                                    chain.empty() ? std::nullopt : std::optional(chain.back().made)));
    machine.config.succession = encode_successions(chain);
    return before->id;
  }
  void quit(Machine& machine) {
    machine.node->stop(world.now);
    machine.drain();
    world.settle();
  }
  static bool open_with(const Machine& machine, const NodeId& node) {
    return std::ranges::any_of(machine.report().peers, [&](const PeerReport& p) { return p.established && p.node == node; });
  }
  static bool left_for(const Machine& machine, ErrorCode reason) {
    return std::ranges::any_of(machine.report().left, [&](const LeftReport& l) { return l.reason == reason; });
  }
  bool run_until_open(Machine& machine, const NodeId& node, Duration limit = seconds{30}) {
    return world.run([&] { return open_with(machine, node); }, limit);
  }
  void start_all() {
    for (auto& machine : world.machines) {
      machine->config.discovery = false;
      machine->start();
    }
  }
};

TEST_F(SuccessionTest, whom_the_operator_named_is_found_again_after_a_change_of_keys) {
  Machine& server = world.add();
  Machine& client = world.add();
  const NodeId first = rotate(server, 101);
  const NodeId second = rotate(server, 102);
  const NodeId last = server.config.identity->id;
  client.config.connect = {{endpoint(1), first}};
  start_all();
  ASSERT_TRUE(run_until_open(client, last));
  EXPECT_TRUE(left_for(client, ErrorCode::wrong_identity));
  EXPECT_EQ(client.log.count("peer_changed_keys"), 2u);
  EXPECT_EQ(client.report().peers.size(), 1u);
  EXPECT_NE(second, last);
  // It stays: from now on the newest identity is expected.
  quit(server);
  server.start();
  ASSERT_TRUE(world.run([&] { return !open_with(client, last); }));
  const size_t dials = world.dials;
  ASSERT_TRUE(run_until_open(client, last, std::chrono::minutes{3}));
  EXPECT_LE(world.dials, dials + 3);
  EXPECT_EQ(client.log.count("peer_changed_keys"), 2u);
}

// Asking who is there must not tell a stranger who asks.
TEST_F(SuccessionTest, a_stranger_learns_nobodys_name) {
  Machine& stranger = world.add();
  Machine& client = world.add();
  client.config.connect = {{endpoint(1), identity(7)->id}};
  start_all();
  EXPECT_FALSE(run_until_open(client, stranger.config.identity->id, seconds{60}));
  EXPECT_GT(world.dials, 3u);
  for (const auto& line : stranger.log.lines) EXPECT_EQ(line.find(node_id_text(client.config.identity->id)), std::string::npos);
  for (const auto& peer : client.report().peers) EXPECT_FALSE(peer.established && !peer.inbound && peer.headers > 0);
}

// A thief of the new key alone, or somebody with a statement of two others, is not taken for the one expected.
TEST_F(SuccessionTest, anothers_statement_is_no_succession) {
  Machine& thief = world.add();
  Machine& client = world.add();
  const auto honest = identity(7), next = identity(8);
  thief.config.succession = encode_successions({step(*honest, *next)});  // not to the thief: never shown
  client.config.connect = {{endpoint(1), honest->id}};
  start_all();
  EXPECT_FALSE(run_until_open(client, thief.config.identity->id, seconds{30}));
  EXPECT_EQ(client.log.count("peer_changed_keys"), 0u);
}

TEST_F(SuccessionTest, a_forged_signature_is_left_and_changes_nothing) {
  Machine& thief = world.add();
  Machine& client = world.add();
  const auto honest = identity(7);
  Succession forged = step(*honest, *thief.config.identity);
  forged.before_signature[100] ^= 1;
  thief.config.succession = encode_successions({forged});
  thief.config.connect = {{endpoint(2), std::nullopt}};
  start_all();
  world.run([&] { return left_for(client, ErrorCode::bad_signature); }, seconds{10});
  EXPECT_TRUE(left_for(client, ErrorCode::bad_signature));
  EXPECT_EQ(client.log.count("peer_changed_keys"), 0u);
}

TEST_F(SuccessionTest, a_ban_follows_to_the_new_keys) {
  const auto blocks = make_line(genesis().hash, 20, 200), more = make_line(genesis().hash, 40, 200, 9);
  Machine& target = world.add(blocks);
  Machine& liar = world.add(more, LineChain::Lie::bad_mark);
  liar.config.connect = {{endpoint(1), std::nullopt}};
  start_all();
  ASSERT_TRUE(world.run([&] { return left_for(target, ErrorCode::bad_proof_of_work); }, seconds{30}));
  quit(liar);
  const NodeId before = rotate(liar, 55);
  const NodeId after = liar.config.identity->id;
  EXPECT_NE(before, after);
  liar.start();  // from another port: on loopback the address tells nothing
  ASSERT_TRUE(world.run([&] { return target.log.count("peer_changed_keys") == 1; }, std::chrono::minutes{3}));
  EXPECT_FALSE(open_with(target, after));
  // And not by showing it no more.
  quit(liar);
  liar.config.succession.clear();
  liar.start();
  EXPECT_FALSE(run_until_open(target, after, std::chrono::minutes{3}));
}

TEST_F(SuccessionTest, two_successors_of_one_are_seen_and_neither_is_trusted) {
  Machine& client = world.add();
  Machine& honest = world.add();
  Machine& thief = world.add();
  const auto first = honest.config.identity;
  client.config.genesis = {first->id};
  thief.config.identity = first;
  rotate(thief, 66);
  rotate(honest, 77);
  thief.config.connect = honest.config.connect = {{endpoint(1), std::nullopt}};
  client.config.discovery = thief.config.discovery = honest.config.discovery = false;
  client.start();
  thief.start();
  ASSERT_TRUE(run_until_open(client, thief.config.identity->id));
  world.run([] { return false; }, seconds{1});
  EXPECT_TRUE(client.report().peers[0].genesis);
  honest.start();
  ASSERT_TRUE(run_until_open(client, honest.config.identity->id));
  world.run([] { return false; }, seconds{1});
  EXPECT_EQ(client.log.count("succession_forked"), 1u);
  for (const auto& peer : client.report().peers) EXPECT_FALSE(peer.genesis);
}

TEST_F(SuccessionTest, said_once_a_link) {
  Machine& server = world.add();
  Machine& client = world.add();
  rotate(server, 101);
  client.config.connect = {{endpoint(1), std::nullopt}};
  start_all();
  ASSERT_TRUE(world.run([&] { return client.log.count("peer_changed_keys") == 1; }));
  world.run([] { return false; }, std::chrono::minutes{5});
  EXPECT_EQ(client.log.count("peer_changed_keys"), 1u);
  EXPECT_TRUE(client.report().left.empty());
}

TEST_F(SuccessionTest, an_expired_one_is_not_shown) {
  Machine& server = world.add();
  Machine& client = world.add();
  rotate(server, 101);
  world.now.wall += std::chrono::hours{24 * 366};
  for (auto& machine : world.machines)
    machine->config.identity = renew_identity(*machine->provider, *machine->config.identity, world.now.wall);
  client.config.connect = {{endpoint(1), std::nullopt}};
  start_all();
  ASSERT_TRUE(run_until_open(client, server.config.identity->id));
  world.run([] { return false; }, seconds{5});
  EXPECT_EQ(client.log.count("peer_changed_keys"), 0u);
  EXPECT_TRUE(client.report().left.empty());
}

// --- genesis peers ---

TEST_F(SuccessionTest, a_genesis_peer_gets_a_link_where_no_slot_is_free) {
  Machine& full = world.add();
  full.config.connections_max = 4;
  full.config.outbound_target = 2;
  for (int i = 0; i < 4; ++i) world.add().config.connect = {{endpoint(1), std::nullopt}};
  Machine& genesis = world.add();
  genesis.config.connect = {{endpoint(1), std::nullopt}};
  full.config.genesis = {genesis.config.identity->id};
  for (auto& machine : world.machines) machine->config.discovery = false;
  for (size_t i = 0; i < 5; ++i) world.machines[i]->start();
  ASSERT_TRUE(world.run([&] { return full.report().peers.size() >= 2; }, seconds{10}));
  world.run([] { return false; }, seconds{10});
  const auto open = [&] { return std::ranges::count(full.report().peers, true, &PeerReport::established); };
  EXPECT_EQ(open(), 2);
  genesis.start();
  ASSERT_TRUE(run_until_open(full, genesis.config.identity->id));
  EXPECT_EQ(open(), 3);
  const auto report = full.report();
  const auto row = std::ranges::find(report.peers, genesis.config.identity->id, &PeerReport::node);
  EXPECT_TRUE(row->genesis);
  world.run([] { return false; }, std::chrono::minutes{5});
  EXPECT_EQ(open(), 3);
  EXPECT_TRUE(open_with(full, genesis.config.identity->id));
}

// Row T6: what the operator names skips slots, never the handshake.
TEST_F(SuccessionTest, whoever_sits_at_a_genesis_address_is_not_taken_for_it) {
  Machine& impostor = world.add(make_line(genesis().hash, 5, 200));
  Machine& client = world.add();
  const auto named = identity(9);
  client.config.genesis = {named->id};
  client.config.bootstrap = {{endpoint(1), named->id}};
  client.start();
  impostor.start();
  EXPECT_FALSE(world.run([&] { return client.report().tip.block.height > 0; }, std::chrono::minutes{2}));
  EXPECT_GE(world.dials, 1u);
  EXPECT_TRUE(left_for(client, ErrorCode::wrong_identity));
  for (const auto& peer : client.report().peers) EXPECT_FALSE(peer.genesis);
  EXPECT_FALSE(open_with(client, impostor.config.identity->id));
}

}  // namespace
}  // namespace lattice::test
