#include <lattice/discovery/address_table.hpp>

#include <gtest/gtest.h>

namespace lattice {
namespace {

using std::chrono::seconds;

Now at(int s) { return {Instant{seconds{s}}, wall_from_unix(1'700'000'000 + s)}; }
NodeId node(uint8_t n) {
  NodeId id;
  id.bytes[0] = n;
  return id;
}
KnownAddress known(const char* text, PeerSource source = PeerSource::peer_exchange) {
  KnownAddress address;
  address.endpoint = *Endpoint::parse(text);
  address.source = source;
  return address;
}
const auto any = [](const KnownAddress&) { return true; };

TEST(address_table, what_is_worth_keeping) {
  const auto local = *IpAddress::parse("127.0.0.9"), far = *IpAddress::parse("9.9.9.9");
  const auto ok = [](const char* text, const IpAddress& from) {
    return AddressTable::acceptable(*Endpoint::parse(text), from);
  };
  EXPECT_TRUE(ok("8.8.8.8:1", far));
  EXPECT_FALSE(ok("8.8.8.8:0", far));
  EXPECT_FALSE(ok("127.0.0.2:1", far));
  EXPECT_TRUE(ok("127.0.0.2:1", local));
  EXPECT_FALSE(ok("10.0.0.1:1", local));
  EXPECT_FALSE(ok("10.0.0.1:1", far));
}

TEST(address_table, trusted_sources_come_first) {
  SeededRng rng(1);
  AddressTable table;
  table.add(known("8.8.8.1:1"), rng);
  table.add(known("8.8.8.2:1", PeerSource::dns_unsigned), rng);
  table.add(known("8.8.8.3:1", PeerSource::dns_signed), rng);
  const auto first = table.choose(at(0).mono, AddressTable::pause_max, any, rng);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->source, PeerSource::dns_signed);
  table.on_dialing(first->endpoint, at(0).mono);
  EXPECT_EQ(table.choose(at(0).mono, AddressTable::pause_max, any, rng)->source, PeerSource::dns_unsigned);
}

TEST(address_table, failures_pause_longer_and_hearsay_is_forgotten) {
  SeededRng rng(1);
  AddressTable table;
  table.add(known("8.8.8.1:1"), rng);
  const Endpoint endpoint = *Endpoint::parse("8.8.8.1:1");
  table.on_failed(endpoint, at(0).mono, rng);
  EXPECT_FALSE(table.choose(at(9).mono, AddressTable::pause_max, any, rng));
  EXPECT_TRUE(table.choose(at(16).mono, AddressTable::pause_max, any, rng));
  for (unsigned i = 1; i < AddressTable::failures_max; ++i) table.on_failed(endpoint, at(0).mono, rng);
  EXPECT_EQ(table.size(), 0u);
  table.add(known("8.8.8.2:1", PeerSource::dns_signed), rng);
  for (unsigned i = 0; i < 20; ++i) table.on_failed(*Endpoint::parse("8.8.8.2:1"), at(0).mono, rng);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_FALSE(table.choose(at(100).mono, AddressTable::pause_max, any, rng));
  EXPECT_TRUE(table.choose(at(100).mono, AddressTable::pause_alone, any, rng));  // alone: sooner
}

TEST(address_table, own_addresses_stay_out) {
  SeededRng rng(1);
  AddressTable table;
  table.add(known("8.8.8.1:1"), rng);
  table.mark_own(*Endpoint::parse("8.8.8.1:1"));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(table.add(known("8.8.8.1:1"), rng));
}

TEST(address_table, bounded_and_keeps_what_answered) {
  SeededRng rng(1);
  AddressTable table;
  table.add(known("8.8.8.8:1"), rng);
  table.on_answered(*Endpoint::parse("8.8.8.8:1"), node(1), 1, at(0));
  for (uint32_t i = 0; i < AddressTable::entries_max + 500; ++i) {
    KnownAddress address;
    address.endpoint = {IpAddress::v4(9, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)),
                        1};
    table.add(std::move(address), rng);
  }
  EXPECT_EQ(table.size(), AddressTable::entries_max);
  EXPECT_NE(table.find(*Endpoint::parse("8.8.8.8:1")), nullptr);
}

TEST(address_table, others_are_told_of_what_serves_only) {
  SeededRng rng(1);
  AddressTable table;
  table.add(known("8.8.8.1:1"), rng);  // hearsay without a node
  auto inbound = known("8.8.8.2:1");
  inbound.node = node(2);
  inbound.services = 1;
  table.add(inbound, rng);
  table.add(known("127.0.0.3:1"), rng);
  table.on_answered(*Endpoint::parse("127.0.0.3:1"), node(3), 1, at(0));
  EXPECT_EQ(table.sample(*IpAddress::parse("9.9.9.9"), 100, rng).size(), 1u);
  EXPECT_EQ(table.sample(*IpAddress::parse("127.0.0.1"), 100, rng).size(), 2u);
  EXPECT_EQ(table.sample(*IpAddress::parse("127.0.0.1"), 1, rng).size(), 1u);
}

TEST(address_table, hearsay_does_not_rename_who_answered) {
  SeededRng rng(1);
  AddressTable table;
  table.add(known("8.8.8.1:1"), rng);
  table.on_answered(*Endpoint::parse("8.8.8.1:1"), node(1), 1, at(0));
  auto lie = known("8.8.8.1:1");
  lie.node = node(9);
  table.add(lie, rng);
  EXPECT_EQ(table.find(*Endpoint::parse("8.8.8.1:1"))->node, node(1));
}

}  // namespace
}  // namespace lattice
