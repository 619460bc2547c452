#include <lattice/discovery/address_book.hpp>

#include <algorithm>

#include <gtest/gtest.h>

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int64_t wall_start = 1'800'000'000, day = 86'400;

Now at(int64_t s) { return {Instant{seconds{s}}, wall_from_unix(wall_start + s)}; }
NodeId node(uint8_t n) {
  NodeId id;
  id.bytes[0] = n;
  return id;
}
Endpoint where(const char* text) { return *Endpoint::parse(text); }
KnownAddress known(const Endpoint& endpoint, PeerSource source = PeerSource::peer_exchange) {
  KnownAddress address;
  address.endpoint = endpoint;
  address.source = source;
  address.last_seen = wall_start;
  return address;
}
KnownAddress known(const char* text, PeerSource source = PeerSource::peer_exchange) { return known(where(text), source); }
const auto any = [](const KnownAddress&) { return true; };
const auto teller = IpAddress::v4(30, 1, 0, 1);
IpAddress teller_of(uint32_t group) {
  return IpAddress::v4(static_cast<uint8_t>(40 + (group >> 8)), static_cast<uint8_t>(group), 0, 1);
}
// Addresses without end, `hosts` of them in each group.
Endpoint nth(uint32_t n, uint32_t hosts) {
  const uint32_t group = n / hosts, host = n % hosts;
  return {IpAddress::v4(static_cast<uint8_t>(64 + (group >> 8)), static_cast<uint8_t>(group), static_cast<uint8_t>(host >> 8),
                        static_cast<uint8_t>(host)),
          8333};
}
uint32_t slot_of(const AddressBook& book, const Endpoint& endpoint) {
  return book.pool().find(endpoint, book.places().mark(endpoint));
}

struct Book : testing::Test {
  SeededRng rng{1};
  AddressBook book{rng};
  bool add(const KnownAddress& address, int64_t s = 0) { return book.add(address, teller, at(s), rng); }
  std::optional<KnownAddress> choose(int64_t s, Duration limit = AddressBook::pause_max) {
    return book.choose(at(s).mono, limit, any, rng);
  }
};
using address_book = Book;

TEST_F(address_book, what_is_worth_keeping) {
  const auto local = *IpAddress::parse("127.0.0.9"), far = *IpAddress::parse("9.9.9.9");
  const auto ok = [](const char* text, const IpAddress& from) { return AddressBook::acceptable(where(text), from); };
  EXPECT_TRUE(ok("8.8.8.8:1", far));
  EXPECT_FALSE(ok("8.8.8.8:0", far));
  EXPECT_FALSE(ok("127.0.0.2:1", far));
  EXPECT_TRUE(ok("127.0.0.2:1", local));
  EXPECT_FALSE(ok("10.0.0.1:1", local));
  EXPECT_FALSE(add(known("8.8.8.8:0")));
  EXPECT_FALSE(add(known("0.0.0.0:1")));
  EXPECT_EQ(book.memory_bytes(), 0u);  // nothing is taken before there is something to keep
}

TEST_F(address_book, trusted_sources_come_first) {
  for (uint32_t i = 0; i < 500; ++i) add(known(nth(i, 4)));
  add(known("8.8.8.2:1", PeerSource::dns_unsigned));
  add(known("8.8.8.3:1", PeerSource::dns_signed));
  ASSERT_EQ(choose(0)->source, PeerSource::dns_signed);
  book.on_dialing(where("8.8.8.3:1"), at(0).mono);
  EXPECT_EQ(choose(1)->source, PeerSource::dns_unsigned);
  book.on_failed(where("8.8.8.2:1"), at(1).mono);
  // Who does not answer gives the others their turn.
  EXPECT_EQ(choose(2)->source, PeerSource::peer_exchange);
  EXPECT_EQ(choose(30)->source, PeerSource::dns_signed);
}

TEST_F(address_book, failures_pause_longer_and_hearsay_is_forgotten) {
  add(known("8.8.8.1:1"));
  const Endpoint endpoint = where("8.8.8.1:1");
  book.on_failed(endpoint, at(0).mono);
  EXPECT_FALSE(choose(9));
  EXPECT_TRUE(choose(16));
  for (unsigned i = 1; i < AddressBook::failures_max; ++i) {
    ASSERT_TRUE(book.find(endpoint));
    book.on_failed(endpoint, at(0).mono);
  }
  EXPECT_EQ(book.size(), 0u);
  add(known("8.8.8.2:1", PeerSource::dns_signed));
  for (unsigned i = 0; i < 200; ++i) book.on_failed(where("8.8.8.2:1"), at(0).mono);
  EXPECT_EQ(book.size(), 1u);
  EXPECT_FALSE(choose(100));
  EXPECT_TRUE(choose(100, AddressBook::pause_alone));  // alone: sooner
}

TEST_F(address_book, own_addresses_stay_out) {
  add(known("8.8.8.1:1"));
  book.mark_own(where("8.8.8.1:1"));
  EXPECT_EQ(book.size(), 0u);
  EXPECT_FALSE(add(known("8.8.8.1:1")));
}

TEST_F(address_book, hearsay_does_not_rename_who_answered) {
  add(known("8.8.8.1:1"));
  book.on_answered(where("8.8.8.1:1"), node(1), 1, at(0));
  auto lie = known("8.8.8.1:1");
  lie.node = node(9);
  lie.last_seen = wall_start + 50;
  add(lie, 100);
  EXPECT_EQ(book.find(where("8.8.8.1:1"))->node, node(1));
  EXPECT_EQ(book.find(where("8.8.8.1:1"))->last_seen, wall_start);
  book.on_connected(where("8.8.8.1:1"), at(70));
  EXPECT_EQ(book.find(where("8.8.8.1:1"))->last_seen, wall_start + 70);
}

// THREATS 33: one group tells of 100,000 addresses of 1,000 groups, and has its sixteenth of the buckets.
TEST_F(address_book, one_group_of_tellers_reaches_its_share_of_buckets) {
  std::set<uint32_t> buckets;
  for (uint32_t i = 0; i < 100'000; ++i) add(known(nth(i, 100)));
  const PlaceLayout& layout = book.places().layout();
  ASSERT_EQ(layout.new_buckets, 1000u);
  ASSERT_EQ(layout.new_buckets_of_source, 63u);
  for (uint32_t bucket = 0; bucket < layout.new_buckets; ++bucket) {
    if (book.pool().new_count(bucket) > 0) buckets.insert(bucket);
  }
  EXPECT_LE(buckets.size(), 63u);
  EXPECT_GT(buckets.size(), 50u);
  EXPECT_LE(book.size(), 63u * 64);
  EXPECT_GT(book.size(), 50u * 60);
}

// And is dialled no more often than that: who fills the book by far has the fifteenth part of the choices, not the most.
TEST_F(address_book, one_group_of_tellers_is_not_chosen_more_than_its_share) {
  std::set<Endpoint> honest;
  for (uint32_t i = 0; i < 3000; ++i) {
    const Endpoint one = nth(200'000 + 100 * i, 100);
    if (book.add(known(one), teller_of(1 + i % 250), at(0), rng)) honest.insert(one);
  }
  ASSERT_GT(honest.size(), 2900u);
  for (uint32_t i = 0; i < 100'000; ++i) add(known(nth(i, 100)));
  const size_t hostile_entries = book.size() - honest.size();
  EXPECT_GT(hostile_entries, honest.size());
  int hostile = 0;
  constexpr int draws = 5000;
  for (int i = 0; i < draws; ++i) hostile += honest.contains(choose(0)->endpoint) ? 0 : 1;
  // 63 buckets of the 950 or so that are not empty, with some spread.
  EXPECT_LT(hostile, draws * 9 / 100);
  EXPECT_GT(hostile, draws * 3 / 100);
}

TEST_F(address_book, one_group_of_addresses_reaches_its_share_of_tried) {
  for (uint32_t i = 0; i < 10'000; ++i) {
    const Endpoint one = nth(i, 65'536);
    book.add(known(one), teller_of(i % 300), at(0), rng);
    book.on_answered(one, node(1), 1, at(0));
  }
  size_t buckets = 0;
  for (uint32_t i = 0; i < book.places().layout().tried_buckets; ++i) buckets += book.pool().tried_count(i) > 0 ? 1 : 0;
  EXPECT_LE(buckets, 8u);
  EXPECT_GE(buckets, 6u);
  EXPECT_EQ(book.waiting(), AddressBook::waiting_max);  // bounded, whatever answers
}

// Under another key everything stands elsewhere.
TEST_F(address_book, places_are_secret) {
  SeededRng other_rng(2);
  AddressBook other(other_rng);
  size_t same = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    const auto place = [&](const AddressBook& one) {
      const auto mark = one.places().mark(nth(i, 1));
      return one.places().tried_place(mark, one.places().tried_bucket(group_of(nth(i, 1).ip), mark));
    };
    same += place(book) == place(other) ? 1 : 0;
  }
  EXPECT_LE(same, 5u);
}

// The more places an address has, the rarer it gets another: 1, then 1/2, 1/4, 1/8, of those who name it.
TEST_F(address_book, further_places_come_ever_more_rarely) {
  std::array<size_t, 6> counts{};
  for (uint32_t i = 0; i < 400; ++i) {
    const Endpoint one = nth(i, 1);
    for (uint32_t group = 1; group <= 4; ++group) book.add(known(one), teller_of(8 * i % 240 + group), at(0), rng);
    ++counts[book.pool().new_places_of(slot_of(book, one)).size()];
  }
  // Of four tellings: exactly one place (1/2)^3 of them, four places 1/2 * 1/4 * 1/8.
  EXPECT_EQ(counts[0], 0u);
  EXPECT_NEAR(static_cast<double>(counts[1]), 50, 25);
  EXPECT_NEAR(static_cast<double>(counts[4]), 6.25, 6.25);
  for (uint32_t group = 1; group < 250; ++group) {
    for (int again = 0; again < 10; ++again) book.add(known(nth(7, 1)), teller_of(group), at(0), rng);
  }
  EXPECT_EQ(book.pool().new_places_of(slot_of(book, nth(7, 1))).size(), AddressBook::refs_max);
  EXPECT_EQ(book.sources_of(nth(7, 1)), AddressPlaces::source_bits);
}

TEST_F(address_book, tellers_are_counted_by_groups) {
  for (int i = 0; i < 20; ++i) book.add(known("8.8.8.8:1"), IpAddress::v4(30, 1, 0, static_cast<uint8_t>(i)), at(0), rng);
  EXPECT_EQ(book.sources_of(where("8.8.8.8:1")), 1u);
  for (uint8_t i = 0; i < 20; ++i) book.add(known("8.8.8.8:1"), IpAddress::v4(31, i, 0, 1), at(0), rng);
  EXPECT_GT(book.sources_of(where("8.8.8.8:1")), 5u);
}

// Two addresses that want the same place of `tried`.
struct Collision : Book {
  Endpoint first = nth(0, 65'536), second;
  void SetUp() override {
    const auto place = [&](const Endpoint& one) {
      const auto mark = book.places().mark(one);
      return book.places().tried_place(mark, book.places().tried_bucket(group_of(one.ip), mark));
    };
    for (uint32_t i = 1; second.port == 0; ++i) {
      if (place(nth(i, 65'536)) == place(first)) second = nth(i, 65'536);
    }
    add(known(first));
    add(known(second));
    book.on_answered(first, node(1), 1, at(0));
    book.on_answered(second, node(2), 1, at(100));
  }
  bool tried(const Endpoint& one) { return book.pool().at(slot_of(book, one)).tried; }
  std::optional<KnownAddress> feeler(int64_t s) { return book.choose_feeler(at(s).mono, any, rng); }
};
using address_book_collision = Collision;

TEST_F(address_book_collision, the_old_one_is_tested_first) {
  EXPECT_TRUE(tried(first));
  EXPECT_FALSE(tried(second));
  EXPECT_EQ(book.waiting(), 1u);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(feeler(100 + i)->endpoint, first);
}
TEST_F(address_book_collision, it_fails_and_gives_way) {
  book.on_failed(first, at(120).mono);
  EXPECT_TRUE(tried(second));
  EXPECT_FALSE(tried(first));
  EXPECT_EQ(book.size(), 2u);  // in `new` once more
  EXPECT_EQ(book.waiting(), 0u);
  EXPECT_FALSE(feeler(140));  // nobody is left who never answered
}
TEST_F(address_book_collision, it_answers_and_stays) {
  book.on_answered(first, node(1), 1, at(120));
  EXPECT_TRUE(tried(first));
  EXPECT_FALSE(tried(second));
  EXPECT_EQ(book.waiting(), 0u);
  book.on_failed(first, at(130).mono);  // nobody waits any more
  EXPECT_TRUE(tried(first));
}
TEST_F(address_book_collision, a_link_that_stands_is_an_answer) {
  book.on_connected(first, at(120));
  EXPECT_EQ(book.waiting(), 0u);
  EXPECT_TRUE(tried(first));
}
TEST_F(address_book_collision, without_a_test_it_stays) {
  EXPECT_EQ(feeler(100 + 40 * 60)->endpoint, first);  // to the last moment
  EXPECT_FALSE(feeler(100 + 40 * 60 + 1));
  EXPECT_EQ(book.waiting(), 0u);
  book.on_failed(first, at(3000).mono);
  EXPECT_TRUE(tried(first));
}
TEST_F(address_book_collision, a_place_that_becomes_free_is_taken) {
  book.erase(first);
  EXPECT_TRUE(tried(second));
  EXPECT_EQ(book.size(), 1u);
}
TEST_F(address_book_collision, who_waits_may_go) {
  book.erase(second);
  EXPECT_EQ(book.waiting(), 0u);
  book.on_failed(first, at(120).mono);
  EXPECT_TRUE(tried(first));
}

TEST_F(address_book, feelers_go_to_who_never_answered) {
  for (uint32_t i = 0; i < 300; ++i) {
    add(known(nth(i, 1)));
    if (i % 3 != 0) book.on_answered(nth(i, 1), node(1), 1, at(0));
  }
  std::set<Endpoint> felt;
  for (int i = 0; i < 2000; ++i) felt.insert(book.choose_feeler(at(60).mono, any, rng)->endpoint);
  for (const Endpoint& one : felt) EXPECT_FALSE(book.find(one)->answered);
  EXPECT_GT(felt.size(), 90u);
}

TEST_F(address_book, feelers_see_whether_those_of_tried_are_still_there) {
  for (uint32_t i = 0; i < 300; ++i) {
    add(known(nth(i, 1)));
    if (i % 3 != 0) book.on_answered(nth(i, 1), node(1), 1, at(0));
  }
  constexpr int64_t later = AddressBook::old_after + 60;
  add(known(nth(400, 1)), later);  // what time it is
  int old = 0;
  for (int i = 0; i < 2000; ++i) old += book.choose_feeler(at(later).mono, any, rng)->answered;
  EXPECT_GT(old, 2000 / 4 - 100);
  EXPECT_LT(old, 2000 / 4 + 100);
}

TEST_F(address_book, of_four_choices_one_is_only_heard_of) {
  for (uint32_t i = 0; i < 600; ++i) {
    add(known(nth(i, 1)));
    if (i % 2 == 0) book.on_answered(nth(i, 1), node(1), 1, at(0));
  }
  int heard = 0;
  for (int i = 0; i < 2000; ++i) heard += !book.choose(at(60).mono, AddressBook::pause_max, any, rng)->answered;
  EXPECT_GT(heard, 2000 / 10);  // they were seen longer ago
  EXPECT_LT(heard, 2000 / 4);
}

TEST_F(address_book, who_fails_and_who_is_old_is_chosen_less) {
  std::array<Endpoint, 3> ones{nth(0, 1), nth(1, 1), nth(2, 1)};
  auto old = known(nth(3, 1));
  old.last_seen = wall_start - 20 * day;
  std::map<Endpoint, int> chosen;
  SeededRng small_rng(3);
  AddressBook small(small_rng, 32);  // one bucket: nothing but quality decides
  for (const auto& one : ones) small.add(known(one), teller, at(0), small_rng);
  small.add(old, teller, at(0), small_rng);
  ASSERT_EQ(small.size(), 4u);
  for (int i = 0; i < 3; ++i) small.on_failed(ones[0], at(0).mono);
  for (int i = 0; i < 4000; ++i) ++chosen[small.choose(at(500).mono, AddressBook::pause_max, any, small_rng)->endpoint];
  EXPECT_LT(chosen[ones[0]] * 2, chosen[ones[1]]);
  EXPECT_LT(chosen[old.endpoint] * 2, chosen[ones[1]]);
  EXPECT_GT(chosen[ones[0]], 50);
  EXPECT_GT(chosen[old.endpoint], 50);
}

TEST_F(address_book, what_is_terrible) {
  const auto judged = [&](const char* text, int64_t s) {
    return book.terrible(book.pool().at(slot_of(book, where(text))), at(s));
  };
  add(known("8.8.8.1:1"));
  EXPECT_FALSE(judged("8.8.8.1:1", 30 * day));
  EXPECT_TRUE(judged("8.8.8.1:1", 30 * day + 1));
  EXPECT_FALSE(judged("8.8.8.1:1", -600));  // our clock was set back
  EXPECT_TRUE(judged("8.8.8.1:1", -601));
  for (int i = 0; i < 3; ++i) book.on_failed(where("8.8.8.1:1"), at(10).mono);
  EXPECT_FALSE(judged("8.8.8.1:1", 69));
  EXPECT_TRUE(judged("8.8.8.1:1", 71));
  book.on_answered(where("8.8.8.1:1"), node(1), 1, at(100));
  for (int i = 0; i < 10; ++i) book.on_failed(where("8.8.8.1:1"), at(110).mono);
  EXPECT_FALSE(judged("8.8.8.1:1", 100 + 7 * day));
  EXPECT_TRUE(judged("8.8.8.1:1", 101 + 7 * day));
  add(known("8.8.8.2:1", PeerSource::dns_signed));
  EXPECT_FALSE(judged("8.8.8.2:1", 300 * day));
}

TEST_F(address_book, others_are_told_of_what_serves_only) {
  add(known("8.8.8.1:1"));  // hearsay without a node
  auto inbound = known("8.8.8.2:1");
  inbound.node = node(2);
  inbound.services = 1;
  add(inbound);
  add(known("127.0.0.3:1"));
  book.on_answered(where("127.0.0.3:1"), node(3), 1, at(0));
  const auto told = [&](const char* to, size_t most, int64_t s) {
    return book.sample(*IpAddress::parse(to), most, at(s), rng).size();
  };
  EXPECT_EQ(told("9.9.9.9", 100, 0), 1u);
  EXPECT_EQ(told("127.0.0.1", 100, 0), 2u);
  EXPECT_EQ(told("127.0.0.1", 1, 0), 1u);
  EXPECT_EQ(told("127.0.0.1", 0, 0), 0u);
  EXPECT_EQ(told("9.9.9.9", 100, 31 * day), 0u);
}

TEST_F(address_book, others_are_told_of_a_share_with_equal_chances) {
  for (uint32_t i = 0; i < 1000; ++i) {
    auto one = known(nth(i, 1));
    one.node = node(1);
    one.services = 1;
    book.add(one, teller_of(i % 250), at(0), rng);
  }
  const size_t all = book.size(), share = all * 23 / 100;
  ASSERT_GT(all, 800u);
  std::map<Endpoint, int> told;
  for (int i = 0; i < 400; ++i) {
    const auto sample = book.sample(IpAddress::v4(9, 9, 9, 9), 1000, at(0), rng);
    ASSERT_EQ(sample.size(), share);
    for (const auto& one : sample) ++told[one.endpoint];
  }
  ASSERT_EQ(told.size(), all);
  // Of 400 samples each is in 92, with a deviation of 8.4.
  for (const auto& [one, times] : told) EXPECT_NEAR(times, 92, 46) << one.text();
}

TEST_F(address_book, more_of_trusted_sources_is_hearsay) {
  for (uint32_t i = 0; i < 3000; ++i) add(known(nth(i, 1), PeerSource::dns_unsigned));
  size_t trusted = 0;
  for (uint32_t i = 0; i < book.pool().slots_end(); ++i) trusted += book.pool().at(i).trusted() ? 1 : 0;
  EXPECT_EQ(trusted, AddressBook::trusted_max);
  EXPECT_GT(book.size(), AddressBook::trusted_max);
  // And hearsay takes the place of none of them.
  for (uint32_t i = 0; i < 200'000; ++i) book.add(known(nth(10'000 + i, 10)), teller_of(i % 250), at(40 * day), rng);
  trusted = 0;
  for (uint32_t i = 0; i < book.pool().slots_end(); ++i) trusted += book.pool().at(i).trusted() ? 1 : 0;
  EXPECT_EQ(trusted, AddressBook::trusted_max);
}

TEST_F(address_book, networks_beside_each_other) {
  EXPECT_TRUE(add(known("8.8.8.8:1")));
  EXPECT_TRUE(add(known("[2a00::1]:1")));
  EXPECT_TRUE(add(known("[2a00::1]:2")));  // another port is another address
  EXPECT_EQ(book.size(), 3u);
  EXPECT_EQ(book.pool().at(slot_of(book, where("8.8.8.8:1"))).network, static_cast<uint32_t>(Network::ipv4));
  EXPECT_EQ(book.pool().at(slot_of(book, where("[2a00::1]:2"))).network, static_cast<uint32_t>(Network::ipv6));
}

// THREATS 7: whatever a peer's clock says, and ours, nothing wraps.
TEST_F(address_book, clocks_at_the_ends_of_time) {
  const Instant ends[] = {Instant::min(), Instant{}, Instant{seconds{int64_t{1} << 32}}, Instant::max()};
  const int64_t walls[] = {INT64_MIN, 0, wall_start, INT64_MAX};
  for (const Instant began : ends) {
    AddressBook book_then(rng, 100, began);
    for (const Instant mono : ends) {
      for (const int64_t wall : walls) {
        const Now now{mono, wall_from_unix(wall)};
        for (const int64_t seen : walls) {
          auto one = known("8.8.8.8:1");
          one.last_seen = seen;
          book_then.add(one, teller, now, rng);
        }
        const Endpoint endpoint = where("8.8.8.8:1");
        const auto found = book_then.find(endpoint);
        ASSERT_TRUE(found);
        EXPECT_GE(found->last_seen, 0);
        book_then.on_dialing(endpoint, mono);
        book_then.on_failed(endpoint, mono);
        book_then.choose(mono, AddressBook::pause_max, any, rng);
        book_then.sample(teller, 10, now, rng);
        book_then.on_answered(endpoint, node(1), 1, now);
        book_then.on_connected(endpoint, now);
        book_then.choose_feeler(mono, any, rng);
        book_then.erase(endpoint);
      }
    }
  }
  auto ahead = known("8.8.8.9:1");
  ahead.last_seen = INT64_MAX;
  add(ahead, 5);
  EXPECT_EQ(book.find(ahead.endpoint)->last_seen, wall_start + 5);
}

// THREATS 8: seconds are counted in 32 bits, and stop at their end; one second before it and long after it.
TEST_F(address_book, seconds_at_the_end_of_their_bits) {
  const Endpoint endpoint = where("8.8.8.1:1");
  add(known(endpoint));
  constexpr int64_t end = int64_t{UINT32_MAX};
  for (const int64_t s : {end - 2, end - 1, end, end + 1, end + 100, 2 * end}) {
    const Now now = at(s);
    book.on_dialing(endpoint, now.mono);
    const auto found = book.find(endpoint);
    EXPECT_EQ(found->last_try, Instant{seconds{std::min(s, end - 1)}});
    EXPECT_LE(found->next_try, now.mono + AddressBook::pause_first);
    EXPECT_TRUE(book.choose((now.mono + seconds{10}), AddressBook::pause_max, any, rng));
  }
  book.on_answered(endpoint, node(1), 1, {at(0).mono, wall_from_unix(int64_t{1} << 40)});
  EXPECT_EQ(book.find(endpoint)->last_seen, int64_t{1'577'836'800} + end);
}

// THREATS 8: numbers of slots are used again: as many addresses as one likes come and go, and none is ever beyond the capacity.
TEST_F(address_book, numbers_never_grow_beyond_the_capacity) {
  AddressBook small(rng, 1024);
  for (uint32_t i = 0; i < 300'000; ++i) {
    const Endpoint one = nth(i % 5'000'000, 7);
    small.add(known(one), teller_of(i % 250), at(0), rng);
    if (i % 2 == 0) small.erase(one);
    ASSERT_LE(small.pool().slots_end(), small.capacity());
  }
  EXPECT_GT(small.size(), 700u);
  EXPECT_LE(small.capacity(), 1024u);
}
TEST_F(address_book, capacities_at_their_ends) {
  for (const size_t wanted : {size_t{0}, size_t{1}, size_t{32}, size_t{33}, size_t{8191}, size_t{8192}, size_t{80'000},
                              size_t{1'000'000}, (size_t{1} << 24) - 3, size_t{1} << 24, size_t{1} << 32, SIZE_MAX}) {
    const PlaceLayout layout = layout_of(wanted);
    EXPECT_GE(layout.places(), address_capacity_min);
    EXPECT_LE(layout.places(), std::max(wanted, address_capacity_min));
    EXPECT_LE(layout.places(), SlotIndex::slot_max);
    EXPECT_EQ(layout_of(layout.places()).places(), layout.places());
    EXPECT_LE(layout.new_buckets_of_source, layout.new_buckets);
    AddressBook book_there(rng, wanted);
    EXPECT_EQ(book_there.capacity(), layout.places());
    EXPECT_EQ(book_there.memory_bytes(), 0u);
  }
  EXPECT_EQ(layout_of(80'000).places(), 80'000u);
  EXPECT_GT(layout_of(SIZE_MAX).places(), (size_t{1} << 24) - 100);
}

// B10: as many addresses as it holds, in 48 bytes each, and what it takes to find or to take one.
TEST_F(address_book, a_full_book_is_small) {
  for (uint32_t i = 0; i < 450'000; ++i) {
    const Endpoint one = nth(i, 20);
    if (book.add(known(one), teller_of(1 + i % 1000), at(0), rng) && i % 2 == 0) book.on_answered(one, node(1), 1, at(0));
  }
  ASSERT_GT(book.size(), 78'000u);
  EXPECT_LE(static_cast<double>(book.memory_bytes()) / static_cast<double>(book.size()), 48.0);
  EXPECT_LE(book.node_bytes(), size_t{80'000} * 3 / 8 * 42 + 1000);
  uint64_t before = book.pool().touched();
  constexpr uint32_t count = 10'000;
  for (uint32_t i = 0; i < count; ++i) ASSERT_TRUE(choose(100));
  EXPECT_LE(static_cast<double>(book.pool().touched() - before) / count, 6.0);
  before = book.pool().touched();
  for (uint32_t i = 0; i < count; ++i) book.add(known(nth(1'000'000 + i, 20)), teller_of(i % 1000), at(100), rng);
  EXPECT_LE(static_cast<double>(book.pool().touched() - before) / count, 6.0);
}

}  // namespace
}  // namespace lattice
