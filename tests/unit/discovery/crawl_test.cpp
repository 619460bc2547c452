// Whom the crawler visits, and whom it puts into a list.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <lattice/discovery/crawl.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Endpoint at(int group, int number, uint16_t port = 4000) {
  return {IpAddress::v4(static_cast<uint8_t>(20 + group / 200), static_cast<uint8_t>(group % 200),
                        static_cast<uint8_t>(number / 250), static_cast<uint8_t>(1 + number % 250)),
          port};
}

struct CrawlTest : testing::Test {
  SeededRng rng{3};
  CrawlLimits limits;
  Instant now{hours{1}};
  std::optional<Crawl> crawl;

  void SetUp() override { crawl.emplace(limits); }
  CrawlOutcome good(const Endpoint& endpoint, std::vector<Endpoint> told = {}) {
    CrawlOutcome out;
    out.answered = true;
    out.node.bytes = {};
    std::ranges::copy(endpoint.ip.bytes, out.node.bytes.begin());
    out.node.bytes[20] = static_cast<uint8_t>(endpoint.port);
    out.node.bytes[21] = 1;
    out.services = wire::service_blocks;
    out.height = 1000;
    out.told = std::move(told);
    return out;
  }
  void answer(const Endpoint& endpoint, std::vector<Endpoint> told = {}) {
    crawl->on_visit(endpoint, good(endpoint, told), now, rng);
  }
  // Visits whom it names until nobody is due: those there answer.
  std::vector<Endpoint> round(auto&& is_there) {
    std::vector<Endpoint> visited;
    while (auto endpoint = crawl->next_visit(now, rng)) {
      visited.push_back(*endpoint);
      crawl->on_visit(*endpoint, is_there(*endpoint) ? good(*endpoint) : CrawlOutcome{}, now, rng);
    }
    return visited;
  }
  std::set<Endpoint> chosen(size_t count = 64) {
    std::set<Endpoint> out;
    for (const auto& entry : crawl->choose(count, now, rng)) out.insert(entry.endpoint);
    return out;
  }
};
constexpr auto everybody = [](const Endpoint&) { return true; };
constexpr auto nobody = [](const Endpoint&) { return false; };

TEST_F(CrawlTest, WalksFromOneToAll) {
  ASSERT_TRUE(crawl->add(at(0, 0), std::nullopt, now));
  EXPECT_FALSE(crawl->add(at(0, 0), std::nullopt, now));
  const auto first = crawl->next_visit(now, rng);
  ASSERT_EQ(first, at(0, 0));
  EXPECT_FALSE(crawl->next_visit(now, rng));  // one visit to an address at a time
  answer(*first, {at(1, 0), at(2, 0)});
  EXPECT_EQ(round(everybody).size(), 2u);
  EXPECT_EQ(chosen(), (std::set{at(0, 0), at(1, 0), at(2, 0)}));
  EXPECT_EQ(crawl->report(now).good, 3u);
  EXPECT_EQ(crawl->report(now).unvisited, 0u);
}

TEST_F(CrawlTest, NobodyIsVisitedTwiceInAnInterval) {
  crawl->add(at(0, 0), std::nullopt, now);
  std::vector<Instant> visits;
  for (int minute = 0; minute < 300; ++minute, now += minutes{1}) {
    if (!round(everybody).empty()) visits.push_back(now);
  }
  EXPECT_GE(visits.size(), 7u);
  for (size_t i = 1; i < visits.size(); ++i) EXPECT_GE(visits[i] - visits[i - 1], limits.visit_interval);
}

TEST_F(CrawlTest, FewVisitsAtOnceAndFewAMinuteInOneGroup) {
  for (int i = 0; i < 100; ++i) crawl->add(at(7, i), std::nullopt, now);
  for (size_t i = 0; i < limits.group_visits_max; ++i) EXPECT_TRUE(crawl->next_visit(now, rng));
  EXPECT_FALSE(crawl->next_visit(now, rng));
  now += seconds{59};
  EXPECT_FALSE(crawl->next_visit(now, rng));
  now += seconds{1};
  EXPECT_TRUE(crawl->next_visit(now, rng));
  for (int i = 0; i < 100; ++i) crawl->add(at(10 + i, 0), std::nullopt, now);
  size_t at_once = limits.group_visits_max + 1;
  while (crawl->next_visit(now, rng)) ++at_once;
  EXPECT_EQ(at_once, limits.visits_max);
}

TEST_F(CrawlTest, WhoIsNotThereIsAskedEverMoreSeldomAndForgotten) {
  crawl->add(at(0, 0), std::nullopt, now);
  round(everybody);
  std::vector<Instant> visits{now};
  for (int step = 0; step < 30 * 24 * 4 && crawl->report(now).known > 0; ++step, now += minutes{15}) {
    if (!round(nobody).empty()) visits.push_back(now);
  }
  EXPECT_EQ(crawl->report(now).known, 0u);
  ASSERT_EQ(visits.size(), limits.failures_known + 1);
  for (size_t i = 2; i + 1 < visits.size(); ++i) EXPECT_GE(visits[i + 1] - visits[i] + minutes{30}, visits[i] - visits[i - 1]);
  EXPECT_GE(visits[visits.size() - 1] - visits[visits.size() - 2], limits.pause_max);
  crawl->add(at(0, 1), std::nullopt, now);
  for (int step = 0; step < 200; ++step, now += minutes{15}) round(nobody);
  EXPECT_EQ(crawl->report(now).known, 0u);
}

TEST_F(CrawlTest, WhoIsGoneStandsInNoList) {
  for (int i = 0; i < 5; ++i) crawl->add(at(i, 0), std::nullopt, now);
  round(everybody);
  EXPECT_EQ(chosen().size(), 5u);
  now += 2 * limits.visit_interval;
  round([](const Endpoint& endpoint) { return endpoint != at(3, 0); });
  EXPECT_EQ(chosen(), (std::set{at(0, 0), at(1, 0), at(2, 0), at(4, 0)}));
}

TEST_F(CrawlTest, OnlyWhoServesBlocksAndKeepsUpIsChosen) {
  for (int i = 0; i < 5; ++i) crawl->add(at(i, 0), std::nullopt, now);
  while (auto endpoint = crawl->next_visit(now, rng)) {
    auto outcome = good(*endpoint);
    if (*endpoint == at(0, 0)) outcome.services = 0;
    if (*endpoint == at(1, 0)) outcome.height = 1000 - limits.height_lag_max - 1;
    if (*endpoint == at(2, 0)) outcome.height = UINT64_MAX;  // a claim moves the median by one place at most
    crawl->on_visit(*endpoint, outcome, now, rng);
  }
  EXPECT_EQ(chosen(), (std::set{at(2, 0), at(3, 0), at(4, 0)}));
}

TEST(ReliabilityTest, WhoIsThereOftenEnoughInSomeWindowIsGood) {
  const auto after = [](int looks, auto&& there) {
    Reliability seen;
    Instant now{hours{1}};
    for (int look = 0; look < looks; ++look, now += minutes{30}) seen.add(there(look), now);
    return seen;
  };
  EXPECT_FALSE(Reliability{}.is_good());
  EXPECT_TRUE(after(1, [](int) { return true; }).is_good());
  EXPECT_FALSE(after(2, [](int look) { return look == 1; }).is_good());
  EXPECT_TRUE(after(3, [](int look) { return look > 0; }).is_good());
  // Comes and goes, and is there now.
  const auto third = after(301, [](int look) { return look % 3 == 0; });
  EXPECT_FALSE(third.is_good());
  EXPECT_NEAR(third.share(3), 0.33, 0.02);
  EXPECT_TRUE(after(301, [](int look) { return look % 4 != 0; }).is_good());
  // A day of trouble: lately good again.
  EXPECT_TRUE(after(100, [](int look) { return look < 40 || look > 80; }).is_good());
  EXPECT_FALSE(after(100, [](int look) { return look < 5 || look > 98; }).is_good());
}

TEST_F(CrawlTest, WhoIsNotReliableIsNotChosen) {
  limits.failures_known = 1000;
  limits.pause_max = limits.visit_interval;
  SetUp();
  crawl->add(at(0, 0), std::nullopt, now);
  crawl->add(at(1, 0), std::nullopt, now);
  for (int turn = 0; turn < 301; ++turn, now += minutes{40})
    round([&](const Endpoint& endpoint) { return endpoint == at(0, 0) || turn % 3 == 0; });
  EXPECT_EQ(crawl->report(now).answered, 2u);
  EXPECT_EQ(chosen(), std::set{at(0, 0)});
}

TEST_F(CrawlTest, AnotherIdentityBeginsAnew) {
  crawl->add(at(0, 0), std::nullopt, now);
  for (int turn = 0; turn < 20; ++turn, now += minutes{60}) round(everybody);
  ASSERT_EQ(crawl->next_visit(now, rng), at(0, 0));
  auto other = good(at(0, 0));
  other.node.bytes[30] = 9;
  crawl->on_visit(at(0, 0), other, now, rng);
  EXPECT_EQ(crawl->choose(1, now, rng).at(0).node, other.node);
}

TEST_F(CrawlTest, ListsAreDrawnAnewAndHoldFewOfOneGroup) {
  limits.group_visits_max = 1000;
  SetUp();
  for (int group = 0; group < 100; ++group) {
    for (int i = 0; i < 3; ++i) crawl->add(at(group, i), std::nullopt, now);
  }
  for (int i = 0; i < 200; ++i) crawl->add(at(150, i), std::nullopt, now);
  round(everybody);
  std::set<std::set<Endpoint>> draws;
  for (int draw = 0; draw < 20; ++draw) {
    const auto list = chosen();
    EXPECT_EQ(list.size(), 64u);
    std::set<AddressGroup> groups;
    for (const auto& endpoint : list) groups.insert(group_of(endpoint.ip));
    EXPECT_EQ(groups.size(), 64u);  // of 101 groups none comes twice
    draws.insert(list);
  }
  EXPECT_EQ(draws.size(), 20u);
}

TEST_F(CrawlTest, OneNodeAtManyAddressesStandsInAListOnce) {
  for (int i = 0; i < 10; ++i) crawl->add(at(i, 0), std::nullopt, now);
  while (auto endpoint = crawl->next_visit(now, rng)) crawl->on_visit(*endpoint, good(at(0, 0)), now, rng);
  EXPECT_EQ(crawl->choose(64, now, rng).size(), 1u);
}

// THREATS 35, of the crawler: one teller names 10^5 addresses of its own, and one address group has a thousand nodes that answer.
TEST_F(CrawlTest, NeitherATellerNorAGroupFillsIt) {
  limits.places_max = 3000;
  limits.told_max = 1000;
  SetUp();
  for (int i = 0; i < 40; ++i) crawl->add(at(i, 0), std::nullopt, now);
  round(everybody);
  std::vector<Endpoint> flood;
  for (int i = 0; i < 100'000; ++i) flood.push_back(at(100 + i % 700, i / 700));
  const IpAddress liar = at(90, 0).ip;
  for (const auto& endpoint : flood) crawl->add(endpoint, liar, now);
  EXPECT_EQ(crawl->report(now).known, 40 + limits.teller_places_max);
  // Many tellers fill it; honest news still comes in, and nobody who has answered goes.
  for (int teller = 0; teller < 8; ++teller) {
    for (size_t i = 0; i < 1000; ++i) crawl->add(flood[1000 * static_cast<size_t>(teller) + i], at(80 + teller, 0).ip, now);
  }
  EXPECT_EQ(crawl->report(now).known, limits.places_max);
  EXPECT_TRUE(crawl->add(at(95, 5), at(1, 0).ip, now));
  EXPECT_EQ(crawl->report(now).known, limits.places_max);
  EXPECT_EQ(crawl->report(now).answered, 40u);
  // What nobody answered at is in no list, whoever tells of it.
  EXPECT_EQ(chosen().size(), 40u);

  limits = {};
  limits.group_visits_max = 10'000;
  SetUp();
  for (int i = 0; i < 40; ++i) crawl->add(at(i, 0), std::nullopt, now);
  for (int i = 0; i < 1000; ++i) crawl->add(at(60, i), std::nullopt, now);
  EXPECT_EQ(crawl->report(now).known, 40 + limits.group_places_max);
  round(everybody);
  const auto list = chosen();
  EXPECT_EQ(std::ranges::count_if(list, [](const Endpoint& e) { return group_of(e.ip) == group_of(at(60, 0).ip); }),
            static_cast<ptrdiff_t>(limits.zone_group_max));
}

// A flood of addresses where nobody is does not keep those that were there from being seen again.
TEST_F(CrawlTest, NewAddressesAndKnownOnesTakeTurns) {
  for (int i = 0; i < 30; ++i) crawl->add(at(i, 0), std::nullopt, now);
  round(everybody);
  now += 2 * limits.visit_interval;
  for (int i = 0; i < 500; ++i) crawl->add(at(100 + i, 0), std::nullopt, now);
  size_t known = 0;
  for (size_t i = 0; i < limits.visits_max; ++i) known += crawl->next_visit(now, rng)->ip.bytes[13] < 100 ? 1 : 0;
  EXPECT_EQ(known, limits.visits_max / 2);
}

TEST_F(CrawlTest, AddressesForNoNodeAreNotTaken) {
  EXPECT_FALSE(crawl->add(at(0, 0, 0), std::nullopt, now));
  EXPECT_FALSE(crawl->add({IpAddress{}, 1}, std::nullopt, now));
  const IpAddress teller = at(0, 0).ip, own = IpAddress::v4(127, 0, 0, 1);
  EXPECT_FALSE(crawl->add({own, 1}, teller, now));
  EXPECT_FALSE(crawl->add({IpAddress::v4(192, 168, 0, 1), 1}, teller, now));
  EXPECT_TRUE(crawl->add({own, 1}, own, now));
}

TEST_F(CrawlTest, APostponedVisitComesSoonAgain) {
  crawl->add(at(0, 0), std::nullopt, now);
  ASSERT_TRUE(crawl->next_visit(now, rng));
  crawl->on_postponed(at(0, 0), now);
  EXPECT_EQ(crawl->report(now).unvisited, 1u);
  EXPECT_FALSE(crawl->next_visit(now, rng));
  now += seconds{30};
  EXPECT_TRUE(crawl->next_visit(now, rng));
}

// Against a second implementation that keeps a list of what happened and reads all of it.
struct CrawlModel {
  struct Visit {
    Instant begun;
    std::optional<Instant> ended;
    bool answered = false;
  };
  struct Place {
    std::optional<AddressGroup> teller;
    std::vector<Visit> visits;
    bool ever_answered() const { return std::ranges::any_of(visits, &Visit::answered); }
    bool visiting() const { return !visits.empty() && !visits.back().ended; }
    unsigned failures() const {
      unsigned count = 0;
      for (auto v = visits.rbegin(); v != visits.rend() && (!v->ended || !v->answered); ++v) count += v->ended ? 1 : 0;
      return count;
    }
  };
  CrawlLimits limits;
  std::map<Endpoint, Place> places;

  size_t in_group(const AddressGroup& group) const {
    return static_cast<size_t>(std::ranges::count_if(places, [&](const auto& p) { return group_of(p.first.ip) == group; }));
  }
  size_t told_by(const AddressGroup& teller) const {
    return static_cast<size_t>(
        std::ranges::count_if(places, [&](const auto& p) { return p.second.teller == teller && !p.second.ever_answered(); }));
  }
  bool admits(const Endpoint& endpoint, const std::optional<AddressGroup>& teller) const {
    return !places.contains(endpoint) && in_group(group_of(endpoint.ip)) < limits.group_places_max &&
           (!teller || told_by(*teller) < limits.teller_places_max);
  }
};

TEST(CrawlModelTest, HundredThousandOperationsAsTheModelHasThem) {
  SeededRng rng(17);
  CrawlModel model;
  model.limits.places_max = 60;
  model.limits.group_places_max = 8;
  model.limits.teller_places_max = 12;
  model.limits.visits_max = 6;
  model.limits.group_visits_max = 3;
  model.limits.visit_interval = minutes{5};
  model.limits.pause_max = minutes{15};
  model.limits.failures_new = 2;
  model.limits.failures_known = 3;
  Crawl crawl(model.limits);
  Instant now{hours{1}};
  std::map<AddressGroup, std::vector<Instant>> begun;
  size_t visits = 0, added = 0, made_room = 0;
  const auto some_endpoint = [&] { return at(static_cast<int>(rng.below(20)), static_cast<int>(rng.below(12))); };
  for (int i = 0; i < 100'000; ++i) {
    const auto draw = rng.below(100);
    if (draw < 40) {
      const Endpoint endpoint = some_endpoint();
      const std::optional<IpAddress> teller = rng.below(5) == 0 ? std::nullopt : std::optional(some_endpoint().ip);
      const auto group = teller ? std::optional(group_of(*teller)) : std::nullopt;
      const bool room = model.places.size() < model.limits.places_max;
      const bool admitted = model.admits(endpoint, group);
      const bool taken = crawl.add(endpoint, teller, now);
      if (!admitted) {
        ASSERT_FALSE(taken) << i;
      } else if (room) {
        ASSERT_TRUE(taken) << i;
      }
      if (!taken) continue;
      ++added;
      if (!room) {
        // One of the teller who told most gave way: nobody who answered, nobody under way.
        ++made_room;
        ASSERT_EQ(crawl.report(now).known, model.limits.places_max) << i;
        size_t most = 0;
        for (const auto& [e, p] : model.places) most = std::max(most, p.teller ? model.told_by(*p.teller) : 0);
        std::vector<Endpoint> gone;
        for (const auto& [e, p] : model.places) {
          // Whoever is still known is refused when it is added again; a stranger of that name would be taken by a copy.
          Crawl copy = crawl;
          const auto before = copy.report(now);
          copy.add(e, std::nullopt, now);
          const auto after = copy.report(now);
          if (after.refused != before.refused || after.known != before.known || after.forgotten != before.forgotten)
            gone.push_back(e);
        }
        ASSERT_EQ(gone.size(), 1u) << i;
        const auto& left = model.places.at(gone[0]);
        ASSERT_TRUE(left.teller && !left.ever_answered() && !left.visiting()) << i;
        ASSERT_EQ(model.told_by(*left.teller), most) << i;
        model.places.erase(gone[0]);
      }
      model.places[endpoint].teller = group;
    } else if (draw < 65) {
      const auto visit = crawl.next_visit(now, rng);
      const auto under_way =
          static_cast<size_t>(std::ranges::count_if(model.places, [](const auto& p) { return p.second.visiting(); }));
      if (!visit) {
        if (under_way == model.limits.visits_max) continue;
        for (const auto& [endpoint, place] : model.places) {
          // Somebody new whose group was left alone for a minute is due.
          if (!place.visits.empty()) continue;
          const auto& group = begun[group_of(endpoint.ip)];
          ASSERT_TRUE(!group.empty() && now - group.back() < minutes{1}) << i;
        }
        continue;
      }
      ++visits;
      ASSERT_LT(under_way, model.limits.visits_max) << i;
      ASSERT_TRUE(model.places.contains(*visit)) << i;
      auto& place = model.places.at(*visit);
      ASSERT_FALSE(place.visiting()) << i;
      if (!place.visits.empty()) {
        Duration least = model.limits.visit_interval;
        for (unsigned f = 1; f < place.failures() && least < model.limits.pause_max; ++f) least *= 2;
        ASSERT_GE(now - *place.visits.back().ended, std::min(least, model.limits.pause_max)) << i;
      }
      auto& group = begun[group_of(visit->ip)];
      group.push_back(now);
      const auto lately = std::ranges::count_if(group, [&](Instant at_time) { return now - at_time < minutes{1}; });
      ASSERT_LE(static_cast<size_t>(lately), 2 * model.limits.group_visits_max) << i;
      place.visits.push_back({now, std::nullopt});
    } else if (draw < 90) {
      std::vector<Endpoint> open;
      for (const auto& [endpoint, place] : model.places) {
        if (place.visiting()) open.push_back(endpoint);
      }
      if (open.empty()) continue;
      const Endpoint endpoint = open[rng.below(open.size())];
      CrawlOutcome outcome;
      outcome.answered = rng.below(2) != 0;
      outcome.node.bytes[0] = static_cast<uint8_t>(1 + endpoint.ip.bytes[15]);
      outcome.node.bytes[1] = endpoint.ip.bytes[13];
      outcome.services = wire::service_blocks;
      crawl.on_visit(endpoint, outcome, now, rng);
      auto& place = model.places.at(endpoint);
      place.visits.back().ended = now;
      place.visits.back().answered = outcome.answered;
      const unsigned most = place.ever_answered() ? model.limits.failures_known : model.limits.failures_new;
      if (place.failures() >= most) model.places.erase(endpoint);
    } else {
      now += seconds{rng.below(300)};
    }
    const auto report = crawl.report(now);
    ASSERT_EQ(report.known, model.places.size()) << i;
    ASSERT_EQ(report.visiting,
              static_cast<size_t>(std::ranges::count_if(model.places, [](const auto& p) { return p.second.visiting(); })))
        << i;
    ASSERT_EQ(report.answered,
              static_cast<size_t>(std::ranges::count_if(
                  model.places, [](const auto& p) { return p.second.ever_answered() && p.second.failures() == 0; })))
        << i;
    if (i % 50 == 0) {
      std::map<AddressGroup, size_t> groups;
      for (const auto& entry : crawl.choose(64, now, rng)) {
        const auto& place = model.places.at(entry.endpoint);
        ASSERT_TRUE(place.ever_answered() && place.failures() == 0) << i;
        ASSERT_LE(++groups[group_of(entry.endpoint.ip)], model.limits.zone_group_max) << i;
      }
    }
  }
  EXPECT_GT(visits, 10'000u);
  EXPECT_GT(added, 1000u);
  EXPECT_GT(made_room, 100u);
}

}  // namespace
}  // namespace lattice
