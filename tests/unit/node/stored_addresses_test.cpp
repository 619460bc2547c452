// What a node keeps of its addresses over a restart, and what becomes of it where the file is damaged or lies.
#include <gtest/gtest.h>

#include <algorithm>

#include <lattice/discovery/address_book_file.hpp>

#include "world.hpp"

namespace lattice::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr int64_t wall_start = 1'800'000'000, day = 86'400;
constexpr ChainId chain{{7}};  // LineChain's
constexpr std::string_view damaged_event = "stored_addresses_damaged", loaded_event = "stored_addresses_loaded";

KnownAddress answered_at(const Endpoint& where, int64_t last_seen = wall_start - day) {
  KnownAddress one;
  one.endpoint = where;
  one.services = wire::service_blocks;
  one.answered = true;
  one.last_seen = last_seen;
  return one;
}

Bytes file_of(const std::vector<KnownAddress>& entries) {
  SeededRng rng(1);
  AddressBook book(rng);
  for (const auto& entry : entries)
    EXPECT_TRUE(book.restore({entry, 1, entry.answered, {}}, wall_from_unix(entry.last_seen), true));
  return encode_address_book(book, chain);
}

std::vector<KnownAddress> read(const Bytes& file) {
  SeededRng rng(1);
  AddressBook book(rng);
  EXPECT_TRUE(load_address_book(book, file, chain, wall_from_unix(wall_start + 3600), Instant{}));
  std::vector<KnownAddress> out;
  for (uint32_t slot = 0; slot < book.pool().slots_end(); ++slot) out.push_back(*book.find(book.pool().at(slot).endpoint()));
  return out;
}

// A seed that DNS names, and a node that has found it.
struct StoredAddresses : testing::Test {
  World world;
  Machine& seed = world.add(make_line(genesis().hash, 20, 200));
  Machine& first = world.add();

  void SetUp() override {
    DnsAnswer answer;
    answer.addresses = {endpoint(1).ip};
    world.zone["seed.test"] = answer;
    first.config.seeds = {{"seed.test", {}, 0}};
    seed.start();
  }
  void sync(Machine& machine) {
    machine.start();
    ASSERT_TRUE(world.run([&] { return machine.report().synced; }, seconds{30}));
    world.run([] { return false; }, seconds{2});
  }
  // The same once more, with what a file says and without DNS.
  Machine& restarted(Bytes file) {
    world.zone.clear();
    Machine& out = world.add();
    out.config.seeds = first.config.seeds;
    out.config.stored_addresses = std::move(file);
    out.start();
    return out;
  }
  bool finds_seed(Machine& machine, Duration limit) {
    return world.run([&] { return machine.report().synced; }, limit);
  }
};

TEST_F(StoredAddresses, ARestartFindsItsPeersWhereDnsIsDead) {
  sync(first);
  ASSERT_EQ(first.saved.size(), 1u);  // soon after the sync, and no more while nothing changes
  Machine& again = restarted(first.saved.back());
  EXPECT_TRUE(finds_seed(again, seconds{10}));
  EXPECT_EQ(again.log.count(loaded_event), 1u);
  EXPECT_EQ(again.log.count(damaged_event), 0u);
  ASSERT_FALSE(again.report().peers.empty());
  EXPECT_EQ(again.report().peers[0].source, PeerSource::peer_exchange);
  Machine& without = restarted({});
  EXPECT_FALSE(finds_seed(without, minutes{2}));
}

TEST_F(StoredAddresses, DamageCostsThemAndNothingElse) {
  sync(first);
  Bytes flipped = first.saved.back(), cut = flipped, other = flipped;
  flipped[flipped.size() / 2] ^= 1;
  cut.pop_back();
  std::ranges::fill(other, uint8_t{0xff});
  for (const Bytes& file : {flipped, cut, other, Bytes{0}, Bytes(2 * address_book_bytes_max)}) {
    Machine& again = restarted(file);
    EXPECT_FALSE(finds_seed(again, seconds{20}));
    EXPECT_EQ(again.log.count(damaged_event), 1u);
    EXPECT_EQ(again.log.count(loaded_event), 0u);
    EXPECT_TRUE(again.report().loaded);
    EXPECT_EQ(again.report().known_addresses, 0u);
    EXPECT_FALSE(again.report().failed);
    EXPECT_TRUE(again.saved.empty());
  }
  first.node->stop(world.now);
  // And a file that tells of nobody is written over as soon as somebody is known.
  Machine& again = world.add();
  again.config.stored_addresses = cut;
  again.config.bootstrap = {{endpoint(1), {}}};
  sync(again);
  EXPECT_EQ(again.log.count(damaged_event), 1u);
  ASSERT_FALSE(again.saved.empty());
  EXPECT_EQ(read(again.saved.back())[0].endpoint, endpoint(1));
}

TEST_F(StoredAddresses, SavedAtTheEndAndWhenSomethingChanged) {
  first.config.listen_port = 0;  // nobody is told of it
  first.start();
  world.settle();
  first.node->stop(world.now);
  first.drain();
  world.settle();
  EXPECT_EQ(first.saved.size(), 1u);  // the seed's address at least
  Machine& long_lived = world.add();
  long_lived.config.seeds = first.config.seeds;
  sync(long_lived);
  ASSERT_EQ(long_lived.saved.size(), 1u);
  world.run([] { return false; }, minutes{11});
  EXPECT_EQ(long_lived.saved.size(), 1u);  // nothing new
  world.machines[0]->listening = false;
  long_lived.config.seeds.clear();
  Machine& late = world.add();
  late.config.connect = {{endpoint(long_lived.number), {}}};
  late.start();
  world.run([] { return false; }, minutes{6});
  ASSERT_EQ(long_lived.saved.size(), 2u);  // who came has a listener of its own
  const auto knows = [&](const Bytes& file) {
    return std::ranges::any_of(read(file), [&](const KnownAddress& one) { return one.endpoint == endpoint(late.number); });
  };
  EXPECT_FALSE(knows(long_lived.saved.front()));
  EXPECT_TRUE(knows(long_lived.saved.back()));
}

TEST_F(StoredAddresses, WhatADnsNameSaysIsDialledFirst) {
  Machine& other = world.add(make_line(genesis().hash, 20, 200));
  other.start();
  for (const bool asks : {true, false}) {
    Machine& machine = world.add();
    machine.config.outbound_target = 1;
    if (asks) machine.config.seeds = first.config.seeds;
    machine.config.stored_addresses = file_of({answered_at(endpoint(other.number))});
    machine.start();
    ASSERT_TRUE(finds_seed(machine, seconds{10}));
    ASSERT_EQ(machine.report().peers.size(), 1u);
    EXPECT_EQ(machine.report().peers[0].endpoint, asks ? endpoint(1) : endpoint(other.number));
  }
}

// Where a lying file says somebody else is at an address, whoever is there is taken all the same.
TEST_F(StoredAddresses, ANodeIdOfTheFileIsHearsay) {
  KnownAddress lie = answered_at(endpoint(1));
  lie.node = NodeId{{66}};
  Machine& again = restarted(file_of({lie}));
  EXPECT_TRUE(finds_seed(again, seconds{10}));
  EXPECT_EQ(again.report().peers[0].node, seed.config.identity->id);
}

TEST_F(StoredAddresses, TimesAndOldAnswersAreBounded) {
  KnownAddress future = answered_at(*Endpoint::parse("8.8.8.1:1"), INT64_MAX);
  KnownAddress old = answered_at(*Endpoint::parse("8.8.8.2:1"), wall_start - 31 * day);
  old.failures = 1;
  KnownAddress old_and_well = answered_at(*Endpoint::parse("8.8.8.3:1"), wall_start - 31 * day);
  KnownAddress recent = answered_at(*Endpoint::parse("8.8.8.4:1"), wall_start - 29 * day);
  recent.failures = 1;
  first.config.stored_addresses = file_of({future, old, old_and_well, recent});
  first.config.seeds.clear();
  first.config.outbound_target = 0;
  first.start();
  world.settle();
  first.node->stop(world.now);
  first.drain();
  world.settle();
  ASSERT_EQ(first.saved.size(), 1u);
  std::map<std::string, KnownAddress> kept;
  for (const auto& entry : read(first.saved[0])) kept[entry.endpoint.text()] = entry;
  EXPECT_EQ(kept.size(), 4u);
  EXPECT_EQ(kept["8.8.8.1:1"].last_seen, unix_seconds(world.now.wall));
  EXPECT_TRUE(kept["8.8.8.1:1"].answered);
  EXPECT_TRUE(kept["8.8.8.2:1"].answered);  // it gives way in `tried` when it fails for a newcomer's sake
  EXPECT_TRUE(kept["8.8.8.3:1"].answered);
  EXPECT_TRUE(kept["8.8.8.4:1"].answered);
}

TEST_F(StoredAddresses, NoMoreThanTheTableTakes) {
  std::vector<KnownAddress> many;
  for (uint8_t i = 0; i < 200; ++i) many.push_back(answered_at({IpAddress::v4(20, i, 8, 8), 1}));
  first.config.stored_addresses = file_of(many);
  first.config.seeds.clear();
  first.config.known_addresses_max = 50;
  first.start();
  world.settle();
  EXPECT_LE(first.report().known_addresses, 50u);
  EXPECT_GT(first.report().known_addresses, 20u);
}

TEST_F(StoredAddresses, NothingIsReadOrKeptWithoutDiscovery) {
  first.config.discovery = false;
  first.config.connect = {{endpoint(1), {}}};
  first.config.stored_addresses = file_of({answered_at(*Endpoint::parse("8.8.8.1:1"))});
  sync(first);
  first.node->stop(world.now);
  first.drain();
  world.settle();
  EXPECT_TRUE(first.saved.empty());
  EXPECT_EQ(first.log.count(loaded_event), 0u);
}

}  // namespace
}  // namespace lattice::test
