// The address book held against the model of its rules: a million random inputs, no difference.
#include <lattice/discovery/address_book_file.hpp>

#include <bit>

#include <gtest/gtest.h>

#include "address_book_model.hpp"

namespace lattice::test {
namespace {

using std::chrono::seconds;

constexpr ChainId chain{{7}};
constexpr size_t capacity = 512;
constexpr int operations = 1'000'000;

NodeId node_of(uint64_t n) {
  NodeId id;
  for (size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<uint8_t>(n >> (8 * i));
  id.bytes[31] = 1;
  return id;
}

struct Pair {
  SeededRng key{7}, in_book{11}, in_model{11}, choice{13}, world{17};
  AddressBook book{key, capacity};
  ModelBook model{book};
  Now now{Instant{seconds{100}}, wall_from_unix(1'800'000'000)};

  uint64_t below(uint64_t bound) { return world.below(bound); }

  // Many addresses of few groups, so that places are wanted by several; now and then one that nobody could have.
  Endpoint endpoint() {
    if (below(200) == 0) return {IpAddress{}, 1};
    const auto group = static_cast<uint8_t>(below(120)), host = static_cast<uint8_t>(below(24));
    Endpoint out{IpAddress::v4(20, group, 0, host), 8333};
    if (group % 5 == 0) {
      out.ip = IpAddress{{0x2a, group, 0, 1}};
      out.ip.bytes[15] = host;
    }
    if (group % 7 == 0) out.ip = IpAddress::v4(127, 0, group, host);
    if (below(300) == 0) out.port = 0;
    return out;
  }
  IpAddress teller() { return IpAddress::v4(30, static_cast<uint8_t>(below(60)), 0, 1); }

  void add() {
    KnownAddress address;
    address.endpoint = endpoint();
    const bool trusted = below(60) == 0;
    address.source = static_cast<PeerSource>(trusted ? below(4) : 4 + below(2));
    if (below(3) == 0) address.node = node_of(below(1000));
    address.services = below(4) == 0 ? world.next() : below(2);
    switch (below(8)) {
      case 0: address.last_seen = INT64_MAX; break;
      case 1: address.last_seen = INT64_MIN; break;
      case 2: address.last_seen = static_cast<int64_t>(world.next()); break;
      default: address.last_seen = unix_seconds(now.wall) - static_cast<int64_t>(below(40 * 86'400));
    }
    // Before 2020 is the beginning of time in the book.
    const auto from = teller();
    const bool taken = book.add(address, from, now, in_book);
    if (address.last_seen < 1'577'836'801) address.last_seen = 0;
    ASSERT_EQ(taken, model.add(address, from, now, in_model));
    same(address.endpoint);
  }

  void same(const Endpoint& where) {
    const auto found = book.find(where);
    const auto wanted = model.entries().find(where);
    ASSERT_EQ(found.has_value(), wanted != model.entries().end()) << where.text();
    if (!found) return;
    const ModelEntry& entry = wanted->second;
    ASSERT_EQ(found->node, entry.node) << where.text();
    ASSERT_EQ(found->source, entry.source);
    ASSERT_EQ(found->services, entry.services);
    ASSERT_EQ(found->last_seen, entry.last_seen);
    ASSERT_EQ(found->answered, entry.answered);
    ASSERT_EQ(found->stored, entry.stored);
    ASSERT_EQ(found->failures, entry.failures);
    ASSERT_EQ(book.sources_of(where), entry.named_by.size());
    const uint32_t slot = book.pool().find(where, book.places().mark(where));
    const auto places = book.pool().new_places_of(slot);
    ASSERT_EQ(std::set<uint32_t>(places.begin(), places.end()), entry.places);
    ASSERT_EQ(places.size(), entry.places.size());
    ASSERT_EQ(book.pool().at(slot).tried != 0, entry.tried.has_value());
    if (entry.tried) {
      ASSERT_EQ(book.pool().at_tried(*entry.tried), slot);
    }
    ASSERT_EQ(book.terrible(book.pool().at(slot), now), model.terrible(where, now));
    if (entry.last_try) {
      const Duration pause = found->next_try - found->last_try;
      const auto whole =
          entry.failures == 0
              ? AddressBook::pause_first
              : std::min<Duration>(AddressBook::pause_max, AddressBook::pause_first * (1 << std::min(entry.failures - 1, 6u)));
      ASSERT_GE(pause, whole);
      ASSERT_LE(pause, whole * 3 / 2);
      ASSERT_LE(*entry.last_try - found->last_try, seconds{1});
    }
  }

  void all_same() {
    ASSERT_EQ(book.size(), model.entries().size());
    ASSERT_EQ(book.tried_size(), model.tried_size());
    ASSERT_EQ(book.waiting(), model.waiting());
    for (const auto& [where, entry] : model.entries()) same(where);
  }

  // Whoever is chosen may be, and somebody is chosen where somebody may be.
  void choose() {
    const auto parity = static_cast<uint8_t>(below(3));  // two: anybody
    const auto usable = [&](const KnownAddress& a) { return parity == 2 || a.endpoint.ip.bytes[15] % 2 == parity; };
    const auto chosen = book.choose(now.mono, AddressBook::pause_max, usable, choice);
    const auto may = [&](const auto& entry) {
      const auto found = book.find(entry.first);
      return found && usable(*found) && found->next_try <= now.mono;
    };
    std::optional<PeerSource> best;
    bool any = false;
    for (const auto& entry : model.entries()) {
      if (!may(entry)) continue;
      any = true;
      const ModelEntry& who = entry.second;
      if (!who.trusted() || (!who.answered && who.failures > 0)) continue;
      best = best ? std::min(*best, who.source) : who.source;
    }
    ASSERT_EQ(chosen.has_value(), any);
    if (!chosen) return;
    const auto found = model.entries().find(chosen->endpoint);
    ASSERT_TRUE(found != model.entries().end());
    ASSERT_TRUE(may(*found));
    if (best) {
      ASSERT_EQ(chosen->source, *best);
    }
  }

  void feeler() {
    const auto chosen = book.choose_feeler(now.mono, [](const KnownAddress&) { return true; }, choice);
    model.end_old_waiting(now.mono);
    if (!chosen) return;
    ASSERT_TRUE(model.entries().contains(chosen->endpoint));
    // A test for a newcomer's sake, one that was not seen for a day, or one that never answered.
    const ModelEntry& entry = model.entries().at(chosen->endpoint);
    const bool old = unix_seconds(now.wall) - book.find(chosen->endpoint)->last_seen > AddressBook::old_after;
    ASSERT_TRUE(entry.tried ? old || book.waiting() > 0 : !entry.answered);
  }

  void sample() {
    const IpAddress to = below(2) == 0 ? IpAddress::v4(9, 9, 9, 9) : IpAddress::v4(127, 0, 0, 1);
    const auto told = book.sample(to, 1000, now, choice);
    std::set<Endpoint> allowed, given;
    for (const auto& [where, entry] : model.entries()) {
      if (!entry.answered && entry.services == 0) continue;
      if (AddressBook::acceptable(where, to) && !model.terrible(where, now)) allowed.insert(where);
    }
    const size_t most = std::max<size_t>(64, model.entries().size() * 23 / 100);
    ASSERT_EQ(told.size(), std::min(allowed.size(), most));
    for (const auto& one : told) {
      ASSERT_TRUE(allowed.contains(one.endpoint));
      ASSERT_TRUE(given.insert(one.endpoint).second);
      const auto entry = book.find(one.endpoint);  // hearsay about who answers goes no further
      ASSERT_EQ(one.node, entry->answered || entry->source < PeerSource::peer_exchange ? entry->node : std::nullopt);
    }
  }

  void reload() {
    SeededRng other(below(1000));
    AddressBook read(other, capacity), again(other, capacity);
    for (const Endpoint& own : owned) read.mark_own(own);
    ASSERT_TRUE(load_address_book(read, encode_address_book(book, chain), chain, now.wall, now.mono));
    const Bytes file = encode_address_book(read, chain);
    ASSERT_TRUE(load_address_book(again, file, chain, now.wall, now.mono));
    ASSERT_EQ(encode_address_book(again, chain), file);
    book = std::move(read);
    model.reload(now);
    for (const auto& [where, entry] : model.entries()) same(where);
  }
  std::vector<Endpoint> owned;

  void step() {
    const uint64_t kind = below(1000);
    const Endpoint where = endpoint();
    if (kind < 500) return add();
    if (kind < 600) {
      const NodeId node = node_of(below(1000));
      const uint64_t services = below(3);
      book.on_answered(where, node, services, now);
      model.on_answered(where, node, services, now);
    } else if (kind < 780) {
      book.on_failed(where, now.mono);
      model.on_failed(where, now.mono);
    } else if (kind < 860) {
      book.on_dialing(where, now.mono);
      model.on_dialing(where, now.mono);
    } else if (kind < 900) {
      book.on_connected(where, now);
      model.on_connected(where, now);
    } else if (kind < 930) {
      book.erase(where);
      model.erase(where);
    } else if (kind < 998) {
      pass_time();
    } else if (below(4) == 0) {
      choose();
    } else if (below(4) == 0) {
      feeler();
    } else if (below(4) == 0) {
      sample();
    } else if (below(10) == 0 && owned.size() < 5) {
      owned.push_back(where);
      book.mark_own(where);
      model.mark_own(where);
    }
    same(where);
  }

  // Seconds mostly, days at times; and the wall clock is set back now and then.
  void pass_time() {
    const auto passed = static_cast<int64_t>(below(50) == 0 ? below(3 * 86'400) : below(20));
    now.mono += seconds{passed} + Duration{static_cast<int64_t>(below(1'000'000'000))};
    now.wall += seconds{below(500) == 0 ? -passed * 30 : passed};
  }
};

TEST(address_book_model, a_million_operations_as_the_model_has_them) {
  Pair pair;
  uint64_t fullest = 0, waiting = 0, tried = 0;
  for (int i = 0; i < operations; ++i) {
    pair.step();
    if (i % 5000 == 0) pair.all_same();
    if (i % 50'000 == 49'999) pair.reload();
    if (testing::Test::HasFatalFailure()) FAIL() << "operation " << i;
    fullest = std::max<uint64_t>(fullest, pair.book.size());
    waiting = std::max<uint64_t>(waiting, pair.book.waiting());
    tried = std::max<uint64_t>(tried, pair.book.tried_size());
  }
  pair.all_same();
  // What was to be tried out was there.
  EXPECT_GT(fullest, capacity / 2);
  EXPECT_GT(tried, capacity / 10);
  EXPECT_GE(waiting, 3u);
}

}  // namespace
}  // namespace lattice::test
