#include <lattice/discovery/address_book_file.hpp>

#include <algorithm>

#include <gtest/gtest.h>

#include <lattice/base/crc32c.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {
namespace {

using std::chrono::seconds;

constexpr ChainId chain{{7, 7, 7}};
constexpr int64_t wall_start = 1'800'000'000;
const Now now{Instant{seconds{5}}, wall_from_unix(wall_start)};
const auto teller = IpAddress::v4(30, 1, 0, 1);

NodeId node(uint8_t n) {
  NodeId id;
  id.bytes[0] = n;
  return id;
}
KnownAddress known(const char* text, int64_t last_seen = wall_start, PeerSource source = PeerSource::peer_exchange) {
  KnownAddress address;
  address.endpoint = *Endpoint::parse(text);
  address.source = source;
  address.last_seen = last_seen;
  return address;
}

// Slots 0 to 3: trusted with a NodeID; IPv6 that fails; loopback in several places; one that answered.
AddressBook few(size_t capacity = 4096) {
  SeededRng rng(1);
  AddressBook book(rng, capacity);
  KnownAddress signed_one = known("8.8.8.1:8333", 50, PeerSource::dns_signed);
  signed_one.node = node(1);
  signed_one.services = 0x8001;
  book.add(signed_one, teller, now, rng);
  book.add(known("[2a00::7]:1", 1'700'000'000), teller, now, rng);
  for (uint8_t i = 0; i < 100; ++i) book.add(known("127.0.0.2:65535"), IpAddress::v4(40, i, 0, 1), now, rng);
  book.add(known("8.8.4.4:8333"), teller, now, rng);
  book.on_answered(*Endpoint::parse("8.8.4.4:8333"), node(2), 3, {now.mono, wall_from_unix(1'600'000'000)});
  for (int i = 0; i < 3; ++i) book.on_failed(*Endpoint::parse("[2a00::7]:1"), now.mono);
  return book;
}

ErrorCode load(AddressBook& book, ByteView file, Instant dial_after = {}) {
  const auto read = load_address_book(book, file, chain, now.wall, dial_after);
  return read ? ErrorCode::none : read.error().code;
}
ErrorCode reason(ByteView file) {
  AddressBook book = few();
  const Bytes before = encode_address_book(book, chain);
  const ErrorCode code = load(book, file);
  // What is refused leaves all as it was.
  EXPECT_TRUE(code == ErrorCode::none || encode_address_book(book, chain) == before);
  return code;
}
// Writes the sum anew: what is left to find is everything but the sum.
Bytes with_sum(Bytes file) {
  file.resize(file.size() - wire::kept_sum_bytes);
  wire::Writer out;
  out.bytes(file).u32(crc32c(file));
  return out.take();
}

constexpr size_t version_at = 8, chain_at = 9, key_at = 41, places_at = 73, count_at = 77, first_at = 81;
constexpr size_t ip_at = 1, port_at = 17, flags_at = 19, last_seen_at = 22, failures_at = 30, sources_at = 31, node_at = 33;
constexpr size_t second_at = first_at + node_at + 32 + 1 + 4, buckets_at = second_at + 33;

TEST(address_book_file, round_trip) {
  const AddressBook book = few();
  const Bytes file = encode_address_book(book, chain);
  SeededRng rng(99);
  AddressBook read(rng, 4096);
  ASSERT_EQ(load(read, file), ErrorCode::none);
  EXPECT_EQ(read.size(), 4u);
  EXPECT_EQ(read.tried_size(), 1u);
  const auto answered = read.find(*Endpoint::parse("8.8.4.4:8333"));
  ASSERT_TRUE(answered);
  EXPECT_TRUE(answered->answered && answered->stored);
  EXPECT_EQ(answered->node, node(2));
  EXPECT_EQ(answered->services, 3u);
  EXPECT_EQ(answered->last_seen, 1'600'000'000);
  const auto failing = read.find(*Endpoint::parse("[2a00::7]:1"));
  EXPECT_EQ(failing->failures, 3u);
  EXPECT_FALSE(failing->answered);
  EXPECT_EQ(read.find(*Endpoint::parse("8.8.8.1:8333"))->services, 0x8001u);
  const auto places = [](const AddressBook& one, const char* text) {
    const auto endpoint = *Endpoint::parse(text);
    auto out = one.pool().new_places_of(one.pool().find(endpoint, one.places().mark(endpoint)));
    std::ranges::sort(out);
    return out;
  };
  EXPECT_EQ(places(read, "127.0.0.2:65535"), places(book, "127.0.0.2:65535"));
  EXPECT_EQ(places(read, "127.0.0.2:65535").size(), AddressBook::refs_max);
  EXPECT_EQ(read.sources_of(*Endpoint::parse("127.0.0.2:65535")), AddressPlaces::source_bits);
  EXPECT_EQ(encode_address_book(read, chain), file);
}

TEST(address_book_file, an_empty_book) {
  SeededRng rng(1);
  EXPECT_EQ(reason(encode_address_book(AddressBook(rng, 4096), chain)), ErrorCode::none);
}

// Who can write the file gains nobody's trust, and what it says of who is where gives way to whoever is trusted.
TEST(address_book_file, trust_is_not_kept) {
  SeededRng rng(1);
  AddressBook book(rng, 4096);
  for (const auto source : {PeerSource::operator_given, PeerSource::dns_signed, PeerSource::dns_unsigned, PeerSource::bootstrap,
                            PeerSource::peer_exchange, PeerSource::inbound}) {
    auto one = known("8.8.8.1:1", 0, source);
    one.endpoint.port = static_cast<uint16_t>(1 + static_cast<int>(source));
    ASSERT_TRUE(book.add(one, teller, now, rng));
    book.on_answered(one.endpoint, node(9), 1, now);
  }
  AddressBook again(rng, 4096);
  ASSERT_EQ(load(again, encode_address_book(book, chain)), ErrorCode::none);
  ASSERT_EQ(again.size(), 6u);
  for (uint16_t port = 1; port <= 6; ++port) {
    const auto entry = again.find({*IpAddress::parse("8.8.8.1"), port});
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->source, PeerSource::peer_exchange);
    EXPECT_TRUE(entry->stored);
  }
  auto said = known("8.8.8.1:2", 0, PeerSource::dns_signed);
  said.node = node(4);
  again.add(said, teller, now, rng);
  EXPECT_EQ(again.find(said.endpoint)->node, node(4));
  EXPECT_EQ(again.find(said.endpoint)->source, PeerSource::dns_signed);
  // What this process saw itself stays, as ever.
  said.endpoint.port = 3;
  again.on_answered(said.endpoint, node(5), 1, now);
  again.add(said, teller, now, rng);
  EXPECT_EQ(again.find(said.endpoint)->node, node(5));
  // Hearsay moves nothing.
  auto rumour = known("8.8.8.1:4");
  rumour.node = node(6);
  again.add(rumour, teller, now, rng);
  EXPECT_EQ(again.find(rumour.endpoint)->node, node(9));
}

TEST(address_book_file, every_truncation_is_refused) {
  const Bytes file = encode_address_book(few(), chain);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(reason(ByteView(file).first(size)), ErrorCode::none) << size;
    // Also where the end looks like a sum of the rest.
    if (size < wire::kept_sum_bytes) continue;
    Bytes cut(file.begin(), file.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(reason(with_sum(cut)), ErrorCode::truncated) << size;
  }
}

TEST(address_book_file, every_flipped_bit_is_refused) {
  Bytes file = encode_address_book(few(), chain);
  ASSERT_EQ(reason(file), ErrorCode::none);
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    const auto mask = static_cast<uint8_t>(1u << (bit % 8));
    file[bit / 8] ^= mask;
    EXPECT_EQ(reason(file), ErrorCode::bad_checksum) << "bit " << bit;
    file[bit / 8] ^= mask;
  }
  file.push_back(0);
  EXPECT_EQ(reason(file), ErrorCode::bad_checksum);
  EXPECT_EQ(reason(with_sum(file)), ErrorCode::trailing_bytes);
}

TEST(address_book_file, a_count_that_lies) {
  const Bytes file = encode_address_book(few(), chain);
  const auto counted = [&](uint32_t count) {
    Bytes lying = file;
    wire::store_be(&lying[count_at], count);
    return reason(with_sum(lying));
  };
  EXPECT_EQ(counted(4), ErrorCode::none);
  EXPECT_EQ(counted(3), ErrorCode::trailing_bytes);
  EXPECT_EQ(counted(0), ErrorCode::trailing_bytes);
  EXPECT_EQ(counted(5), ErrorCode::truncated);
  EXPECT_EQ(counted(4096), ErrorCode::truncated);
  EXPECT_EQ(counted(4097), ErrorCode::too_large);
  EXPECT_EQ(counted(UINT32_MAX), ErrorCode::too_large);
}

TEST(address_book_file, anchors_come_back_and_are_bounded) {
  const auto at = [](const char* text) { return *Endpoint::parse(text); };
  const std::vector<Endpoint> anchors{at("10.0.0.1:5"), at("[2a00::1]:6")};
  AddressBook book = few();
  const auto load_anchors = [&](std::span<const Endpoint> given) {
    return load_address_book(book, encode_address_book(few(), chain, given), chain, now.wall, Instant{});
  };
  EXPECT_EQ(load_anchors({}).value(), std::vector<Endpoint>{});
  EXPECT_EQ(load_anchors(anchors).value(), anchors);
  // Twice the same, one too many, and none at all.
  const std::vector<Endpoint> more{at("0.0.0.0:1"), anchors[0], anchors[0], anchors[1], at("8.8.8.8:1")};
  EXPECT_EQ(load_anchors(more).value(), anchors);

  const Bytes file = encode_address_book(few(), chain, anchors);
  const size_t anchors_at = file.size() - 4 - 2 * 18 - 1;
  const auto with = [&](size_t where, ByteView bytes) {
    Bytes changed = file;
    std::ranges::copy(bytes, changed.begin() + static_cast<ptrdiff_t>(where));
    return reason(with_sum(changed));
  };
  ASSERT_EQ(file[anchors_at], 2);
  EXPECT_EQ(with(anchors_at, Bytes{3}), ErrorCode::too_large);
  EXPECT_EQ(with(anchors_at, Bytes{1}), ErrorCode::trailing_bytes);
  EXPECT_EQ(with(anchors_at + 17, Bytes{0, 0}), ErrorCode::bad_address);
  EXPECT_EQ(with(anchors_at + 19, Bytes(file.begin() + static_cast<ptrdiff_t>(anchors_at) + 1,
                                        file.begin() + static_cast<ptrdiff_t>(anchors_at) + 19)),
            ErrorCode::contradiction);
}

// A good sum proves nothing: every field is looked at.
TEST(address_book_file, fields_that_cannot_be) {
  const Bytes file = encode_address_book(few(), chain);
  const auto with = [&](size_t at, std::initializer_list<int> bytes) {
    Bytes changed = file;
    for (const int byte : bytes) changed[at++] = static_cast<uint8_t>(byte);
    return reason(with_sum(changed));
  };
  ASSERT_EQ(file[second_at], 2);  // IPv6
  ASSERT_EQ(file[buckets_at], 1);
  EXPECT_EQ(with(0, {'L'}), ErrorCode::bad_value);
  EXPECT_EQ(with(version_at, {1}), ErrorCode::wrong_version);
  EXPECT_EQ(with(chain_at, {8}), ErrorCode::wrong_chain);
  EXPECT_EQ(with(places_at, {0, 0, 0x10, 1}), ErrorCode::bad_value);  // no book has 4,097 places
  EXPECT_EQ(with(places_at, {0, 0, 0, 0}), ErrorCode::bad_value);
  EXPECT_EQ(with(places_at, {0xff, 0xff, 0xff, 0xff}), ErrorCode::bad_value);
  EXPECT_EQ(with(first_at, {2}), ErrorCode::bad_address);  // another network than the address's
  EXPECT_EQ(with(first_at, {0}), ErrorCode::bad_address);
  EXPECT_EQ(with(first_at + port_at, {0, 0}), ErrorCode::bad_address);
  EXPECT_EQ(with(first_at + ip_at + 12, {10}), ErrorCode::bad_address);  // 10.8.8.1, where nobody answered
  EXPECT_EQ(with(first_at + flags_at, {8 | 2}), ErrorCode::bad_value);
  EXPECT_EQ(with(first_at + flags_at, {4 | 2}), ErrorCode::bad_value);  // tried, and never answered
  EXPECT_EQ(with(first_at + node_at, {9}), ErrorCode::none);
  EXPECT_EQ(with(first_at + last_seen_at, {0x80}), ErrorCode::bad_value);
  EXPECT_EQ(with(first_at + last_seen_at, {0x7f}), ErrorCode::none);
  EXPECT_EQ(with(first_at + failures_at, {100}), ErrorCode::none);
  EXPECT_EQ(with(first_at + failures_at, {101}), ErrorCode::bad_value);
  EXPECT_EQ(with(first_at + sources_at, {0x0f}), ErrorCode::none);
  EXPECT_EQ(with(first_at + sources_at, {0x10}), ErrorCode::bad_value);
  EXPECT_EQ(with(buckets_at, {0}), ErrorCode::bad_value);
  EXPECT_EQ(with(buckets_at, {5}), ErrorCode::bad_value);
  EXPECT_EQ(with(buckets_at + 1, {0xff, 0xff, 0xff, 0xff}), ErrorCode::bad_value);
  EXPECT_EQ(with(buckets_at + 1, {0, 0, 0, 204}), ErrorCode::none);
  EXPECT_EQ(with(buckets_at + 1, {0, 0, 0, 205}), ErrorCode::bad_value);  // there are 205 of 16 places
  // The third entry has four buckets: not in their order, twice the same.
  const size_t third = buckets_at + 1 + 4 + 33;
  ASSERT_EQ(file[third], 4);
  EXPECT_EQ(with(third + 1, {0, 0, 0, 204}), ErrorCode::not_canonical);
  EXPECT_EQ(with(third + 1, {file[third + 5], file[third + 6], file[third + 7], file[third + 8]}), ErrorCode::not_canonical);
  // Under any key; only then the places are others.
  EXPECT_EQ(with(key_at, {1, 2, 3}), ErrorCode::none);
}

// The same address twice.
TEST(address_book_file, entries_that_contradict_each_other) {
  const Bytes file = encode_address_book(few(), chain);
  Bytes twice(file.begin(), file.begin() + second_at);
  twice.insert(twice.end(), file.begin() + first_at, file.begin() + second_at);
  twice.insert(twice.end(), file.begin() + second_at, file.end());
  wire::store_be(&twice[count_at], uint32_t{5});
  EXPECT_EQ(reason(with_sum(twice)), ErrorCode::contradiction);
}

TEST(address_book_file, a_book_of_another_capacity) {
  const AddressBook book = few();
  const Bytes file = encode_address_book(book, chain);
  SeededRng rng(5);
  for (const size_t capacity : {size_t{32}, size_t{1000}, size_t{80'000}}) {
    AddressBook read(rng, capacity);
    ASSERT_EQ(load(read, file), ErrorCode::none);
    EXPECT_LE(read.size(), 4u);
    EXPECT_GE(read.size(), capacity > 100 ? 4u : 2u);
    EXPECT_EQ(read.tried_size(), 1u);
    EXPECT_EQ(read.capacity(), layout_of(capacity).places());
    EXPECT_EQ(read.places().key(), book.places().key());
  }
}

TEST(address_book_file, own_addresses_stay_out_and_others_wait) {
  SeededRng rng(5);
  AddressBook read(rng, 4096);
  read.mark_own(*Endpoint::parse("8.8.8.1:8333"));
  ASSERT_EQ(load(read, encode_address_book(few(), chain), Instant{seconds{7}}), ErrorCode::none);
  EXPECT_EQ(read.size(), 3u);
  EXPECT_TRUE(read.is_own(*Endpoint::parse("8.8.8.1:8333")));
  const auto any = [](const KnownAddress&) { return true; };
  EXPECT_FALSE(read.choose(Instant{seconds{6}}, AddressBook::pause_max, any, rng));
  EXPECT_TRUE(read.choose(Instant{seconds{7}}, AddressBook::pause_max, any, rng));
}

// What is written can be read, whatever the book holds.
TEST(address_book_file, what_could_not_be_read_is_not_written) {
  SeededRng rng(1);
  AddressBook book(rng, 4096);
  book.add(known("10.0.0.1:1", -5, PeerSource::dns_unsigned), teller, now, rng);
  book.add(known("10.0.0.2:1", -5, PeerSource::dns_unsigned), teller, now, rng);
  book.add(known("8.8.8.8:1", -5), teller, now, rng);
  book.on_answered(*Endpoint::parse("10.0.0.1:1"), node(1), 1, {now.mono, wall_from_unix(-7)});
  for (int i = 0; i < 1000; ++i) book.on_failed(*Endpoint::parse("10.0.0.1:1"), now.mono);
  AddressBook read(rng, 4096);
  ASSERT_EQ(load(read, encode_address_book(book, chain)), ErrorCode::none);
  EXPECT_EQ(read.size(), 2u);
  EXPECT_EQ(read.find(*Endpoint::parse("10.0.0.1:1"))->failures, AddressBook::failures_max);
  EXPECT_EQ(read.find(*Endpoint::parse("10.0.0.1:1"))->last_seen, 0);
  EXPECT_TRUE(read.find(*Endpoint::parse("8.8.8.8:1")));
}

TEST(address_book_file, a_full_book_fits) {
  SeededRng rng(1);
  AddressBook book(rng, 20'000), read(rng, 20'000);
  for (uint32_t i = 0; i < 60'000; ++i) {
    auto one = known("8.8.8.8:1");
    one.endpoint.ip =
        IpAddress::v4(static_cast<uint8_t>(64 + (i >> 13)), static_cast<uint8_t>(i >> 5), 0, static_cast<uint8_t>(i));
    if (i % 2 == 0) one.node = node(1);
    book.add(one, IpAddress::v4(40, static_cast<uint8_t>(i), 0, 1), now, rng);
    if (i % 3 == 0) book.on_answered(one.endpoint, node(2), 1, now);
  }
  ASSERT_GT(book.size(), 17'000u);
  const Bytes file = encode_address_book(book, chain);
  ASSERT_EQ(load(read, file), ErrorCode::none);
  EXPECT_EQ(read.size(), book.size());
  EXPECT_EQ(encode_address_book(read, chain), file);
}

}  // namespace
}  // namespace lattice
