#include <lattice/discovery/address_file.hpp>

#include <algorithm>
#include <tuple>

#include <gtest/gtest.h>

#include <lattice/base/crc32c.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {
namespace {

using std::chrono::seconds;

constexpr ChainId chain{{7, 7, 7}};

NodeId node(uint8_t n) {
  NodeId id;
  id.bytes[0] = n;
  return id;
}

KnownAddress known(const char* text, int64_t last_seen = 0, PeerSource source = PeerSource::peer_exchange) {
  KnownAddress address;
  address.endpoint = *Endpoint::parse(text);
  address.source = source;
  address.last_seen = last_seen;
  return address;
}

AddressTable few() {
  SeededRng rng(1);
  AddressTable table;
  KnownAddress signed_one = known("8.8.8.1:8333", 50, PeerSource::dns_signed);
  signed_one.node = node(1);
  signed_one.services = 0x8000000000000001;
  table.add(signed_one, rng);
  table.add(known("[2a00::7]:1", 1'700'000'000), rng);
  table.add(known("127.0.0.2:65535", INT64_MAX), rng);
  table.add(known("8.8.4.4:8333"), rng);
  table.on_answered(*Endpoint::parse("8.8.4.4:8333"), node(2), 3, {Instant{seconds{1}}, wall_from_unix(1'600'000'000)});
  for (int i = 0; i < 3; ++i) table.on_failed(*Endpoint::parse("[2a00::7]:1"), Instant{seconds{1}}, rng);
  return table;
}

// Writes the sum anew: what is left to find is everything but the sum.
Bytes with_sum(Bytes file) {
  file.resize(file.size() - address_file_sum_bytes);
  wire::Writer out;
  out.bytes(file).u32(crc32c(file));
  return out.take();
}

ErrorCode reason(ByteView file) {
  const auto read = decode_addresses(file, chain);
  return read ? ErrorCode::none : read.error().code;
}

constexpr size_t version_at = 8, chain_at = 9, count_at = 41, entries_at = 45;
constexpr size_t port_at = 16, flags_at = 18, node_at = 19, services_at = 51, last_seen_at = 59, failures_at = 67;
size_t field(size_t entry, size_t at) { return entries_at + entry * address_file_entry_bytes + at; }

TEST(address_file, round_trip_the_best_first) {
  const auto read = decode_addresses(encode_addresses(few(), chain), chain);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 4u);
  const auto& [answered, newest, failing, signed_one] = std::tie((*read)[0], (*read)[1], (*read)[2], (*read)[3]);
  EXPECT_EQ(answered.endpoint.text(), "8.8.4.4:8333");
  EXPECT_TRUE(answered.answered);
  EXPECT_EQ(answered.node, node(2));
  EXPECT_EQ(answered.services, 3u);
  EXPECT_EQ(answered.last_seen, 1'600'000'000);
  EXPECT_EQ(newest.endpoint.text(), "127.0.0.2:65535");
  EXPECT_EQ(newest.last_seen, INT64_MAX);
  EXPECT_FALSE(newest.node);
  EXPECT_EQ(failing.endpoint.text(), "[2a00::7]:1");
  EXPECT_EQ(failing.failures, 3u);
  EXPECT_FALSE(failing.answered);
  EXPECT_EQ(signed_one.endpoint.text(), "8.8.8.1:8333");
  EXPECT_EQ(signed_one.services, 0x8000000000000001u);
  EXPECT_EQ(signed_one.node, node(1));
}

TEST(address_file, an_empty_table) {
  const auto read = decode_addresses(encode_addresses(AddressTable{}, chain), chain);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->empty());
}

// Who can write the file gains nobody's trust, and what it says of who is where gives way to whoever is trusted.
TEST(address_file, trust_is_not_kept) {
  SeededRng rng(1);
  AddressTable table;
  for (const auto source : {PeerSource::operator_given, PeerSource::dns_signed, PeerSource::dns_unsigned, PeerSource::bootstrap,
                            PeerSource::peer_exchange, PeerSource::inbound}) {
    auto one = known("8.8.8.1:1", 0, source);
    one.endpoint.port = static_cast<uint16_t>(1 + static_cast<int>(source));
    table.add(one, rng);
    table.on_answered(one.endpoint, node(9), 1, {Instant{seconds{1}}, wall_from_unix(1)});
  }
  const auto read = decode_addresses(encode_addresses(table, chain), chain);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 6u);
  AddressTable again;
  for (const auto& entry : *read) {
    EXPECT_EQ(entry.source, PeerSource::peer_exchange);
    EXPECT_TRUE(entry.stored);
    EXPECT_TRUE(again.add(entry, rng));
  }
  auto said = known("8.8.8.1:2", 0, PeerSource::dns_signed);
  said.node = node(4);
  again.add(said, rng);
  EXPECT_EQ(again.find(said.endpoint)->node, node(4));
  EXPECT_EQ(again.find(said.endpoint)->source, PeerSource::dns_signed);
  // What this process saw itself stays, as ever.
  const auto seen = *Endpoint::parse("8.8.8.1:3");
  again.on_answered(seen, node(5), 1, {Instant{seconds{1}}, wall_from_unix(1)});
  said.endpoint = seen;
  again.add(said, rng);
  EXPECT_EQ(again.find(seen)->node, node(5));
  // Hearsay moves nothing.
  auto rumour = known("8.8.8.1:4");
  rumour.node = node(6);
  again.add(rumour, rng);
  EXPECT_EQ(again.find(rumour.endpoint)->node, node(9));
}

TEST(address_file, every_truncation_is_refused) {
  const Bytes file = encode_addresses(few(), chain);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(decode_addresses(ByteView(file).first(size), chain)) << size;
    // Also where the end looks like a sum of the rest.
    if (size < address_file_sum_bytes) continue;
    Bytes cut(file.begin(), file.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(decode_addresses(with_sum(cut), chain)) << size;
  }
}

TEST(address_file, every_flipped_bit_is_refused) {
  Bytes file = encode_addresses(few(), chain);
  ASSERT_TRUE(decode_addresses(file, chain));
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(1u << (bit % 8));
    file[bit / 8] ^= mask;
    EXPECT_FALSE(decode_addresses(file, chain)) << "bit " << bit;
    file[bit / 8] ^= mask;
  }
  EXPECT_TRUE(decode_addresses(file, chain));
}

TEST(address_file, bytes_more_are_refused) {
  Bytes file = encode_addresses(few(), chain);
  file.push_back(0);
  EXPECT_EQ(reason(file), ErrorCode::bad_checksum);
  EXPECT_EQ(reason(with_sum(file)), ErrorCode::trailing_bytes);
  EXPECT_EQ(reason(Bytes(address_file_bytes_max + 1)), ErrorCode::too_large);
  EXPECT_EQ(reason(Bytes(address_file_bytes_max)), ErrorCode::bad_checksum);
}

TEST(address_file, a_count_that_lies) {
  const Bytes file = encode_addresses(few(), chain);
  const auto counted = [&](uint32_t count) {
    Bytes lying = file;
    wire::store_be(&lying[count_at], count);
    return reason(with_sum(lying));
  };
  EXPECT_EQ(counted(4), ErrorCode::none);
  EXPECT_EQ(counted(3), ErrorCode::trailing_bytes);
  EXPECT_EQ(counted(0), ErrorCode::trailing_bytes);
  EXPECT_EQ(counted(5), ErrorCode::truncated);
  EXPECT_EQ(counted(AddressTable::entries_max), ErrorCode::truncated);
  EXPECT_EQ(counted(AddressTable::entries_max + 1), ErrorCode::too_large);
  EXPECT_EQ(counted(UINT32_MAX), ErrorCode::too_large);
}

// A good sum proves nothing: every field is looked at.
TEST(address_file, fields_that_cannot_be) {
  const Bytes file = encode_addresses(few(), chain);  // 0: answered; 3: has a NodeID
  const auto with = [&](size_t at, std::initializer_list<uint8_t> bytes) {
    Bytes changed = file;
    std::ranges::copy(bytes, changed.begin() + static_cast<ptrdiff_t>(at));
    return reason(with_sum(changed));
  };
  EXPECT_EQ(with(0, {'L'}), ErrorCode::bad_value);
  EXPECT_EQ(with(version_at, {2}), ErrorCode::wrong_version);
  EXPECT_EQ(with(chain_at, {8}), ErrorCode::wrong_chain);
  EXPECT_EQ(with(field(0, port_at), {0, 0}), ErrorCode::bad_address);
  EXPECT_EQ(with(field(0, flags_at), {4}), ErrorCode::bad_value);
  EXPECT_EQ(with(field(0, flags_at), {1}), ErrorCode::bad_value);  // a NodeID that is said to be none
  EXPECT_EQ(with(field(3, node_at), {9}), ErrorCode::none);
  EXPECT_EQ(with(field(3, services_at), {0xff}), ErrorCode::none);
  EXPECT_EQ(with(field(3, last_seen_at), {0x80}), ErrorCode::bad_value);
  EXPECT_EQ(with(field(3, last_seen_at), {0x7f}), ErrorCode::none);
  EXPECT_EQ(with(field(3, failures_at), {AddressTable::failures_max}), ErrorCode::none);
  EXPECT_EQ(with(field(3, failures_at), {AddressTable::failures_max + 1}), ErrorCode::bad_value);
  // 8.8.8.1 becomes 10.8.8.1: only where somebody answered; unspecified: never.
  EXPECT_EQ(with(field(3, 12), {10}), ErrorCode::bad_address);
  EXPECT_EQ(with(field(0, 12), {10}), ErrorCode::none);
  EXPECT_EQ(with(field(0, 10), {0, 0, 0, 0, 0, 0}), ErrorCode::bad_address);
}

// What is written can be read, whatever the table holds.
TEST(address_file, what_could_not_be_read_is_not_written) {
  SeededRng rng(1);
  AddressTable table;
  table.add(known("10.0.0.1:1", -5, PeerSource::dns_unsigned), rng);
  table.add(known("10.0.0.2:1", -5, PeerSource::dns_unsigned), rng);
  table.add(known("8.8.8.8:1", -5), rng);
  table.on_answered(*Endpoint::parse("10.0.0.1:1"), node(1), 1, {Instant{seconds{1}}, wall_from_unix(-7)});
  for (int i = 0; i < 1000; ++i) table.on_failed(*Endpoint::parse("10.0.0.1:1"), Instant{seconds{1}}, rng);
  const auto read = decode_addresses(encode_addresses(table, chain), chain);
  ASSERT_TRUE(read) << error_name(read.error().code);
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].endpoint.text(), "10.0.0.1:1");
  EXPECT_EQ((*read)[0].failures, AddressTable::failures_max);
  EXPECT_EQ((*read)[0].last_seen, 0);
  EXPECT_EQ((*read)[1].endpoint.text(), "8.8.8.8:1");
}

TEST(address_file, the_limit_keeps_the_best) {
  SeededRng rng(1);
  AddressTable table;
  for (uint8_t i = 0; i < 200; ++i) {
    const Endpoint endpoint{IpAddress::v4(8, 8, 8, i), 1};
    KnownAddress one;
    one.endpoint = endpoint;
    one.last_seen = 1000 + i;
    table.add(one, rng);
    if (i % 50 == 7) table.on_answered(endpoint, node(i), 1, {Instant{seconds{1}}, wall_from_unix(i)});
  }
  const auto read = decode_addresses(encode_addresses(table, chain, 6), chain);
  ASSERT_TRUE(read);
  std::vector<int> last;
  for (const auto& entry : *read) last.push_back(entry.endpoint.ip.bytes[15]);
  EXPECT_EQ(last, (std::vector<int>{157, 107, 57, 7, 199, 198}));
}

TEST(address_file, a_full_table_fits) {
  SeededRng rng(1);
  AddressTable table(AddressTable::entries_max + 500);
  for (uint32_t i = 0; i < AddressTable::entries_max + 500; ++i) {
    KnownAddress one;
    one.endpoint = {IpAddress::v4(8, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)), 1};
    table.add(one, rng);
  }
  ASSERT_EQ(table.size(), AddressTable::entries_max + 500);
  const Bytes file = encode_addresses(table, chain);
  EXPECT_EQ(file.size(), address_file_bytes_max);
  const auto read = decode_addresses(file, chain);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), AddressTable::entries_max);
}

}  // namespace
}  // namespace lattice
