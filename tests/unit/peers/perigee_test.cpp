#include <lattice/peers/perigee.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

#include "../../model_operations.hpp"

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Instant at(Duration since) { return Instant{since}; }

ArrivalId id_of(uint64_t number) {
  ArrivalId id{};
  std::memcpy(id.data(), &number, sizeof number);
  return id;
}

constexpr ConnId stranger{1000};

// Blocks a minute apart, of which each peer brings word so much later than the first.
class Feed {
 public:
  explicit Feed(PerigeeLimits limits) : perigee(limits) {}

  void add(uint64_t conn, Duration lag) {
    perigee.add(ConnId{conn}, now);
    lags[ConnId{conn}] = lag;
  }
  void remove(ConnId conn) {
    perigee.remove(conn);
    lags.erase(conn);
  }
  void blocks(size_t count) {
    for (; count > 0; --count) {
      now += minutes{1};
      const ArrivalId id = id_of(++block);
      perigee.on_announced(stranger, id, now);
      for (const auto& [conn, lag] : lags)
        if (lag >= Duration{}) perigee.on_announced(conn, id, now + lag);
      perigee.on_valid(id, now + milliseconds{100});
    }
    now += minutes{1};
  }

  Perigee perigee;
  std::map<ConnId, Duration> lags;  // below zero: says nothing
  Instant now = at(hours{1});
  uint64_t block = 0;
};

PerigeeLimits few() {
  PerigeeLimits limits;
  limits.slots = 4;
  limits.learned = 2;
  return limits;
}

Feed four(PerigeeLimits limits = few()) {
  Feed feed(limits);
  for (uint64_t conn = 1; conn <= 4; ++conn) feed.add(conn, milliseconds{100 * conn});
  return feed;
}

TEST(Perigee, OfTheLearnedOnesTheSlowestGoes) {
  Feed feed = four();
  feed.blocks(50);
  const auto exchange = feed.perigee.exchange(feed.now);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(*exchange, ConnId{2}) << "slower than the other learned one; slower ones were drawn at random";
  const auto score = feed.perigee.score(ConnId{2});
  ASSERT_TRUE(score);
  EXPECT_TRUE(score->learned);
  EXPECT_EQ(score->samples, 50u);
  EXPECT_EQ(score->lag, milliseconds{200});
}

TEST(Perigee, OneARoundAndNoneWhileTheNextIsUnknown) {
  Feed feed = four();
  feed.blocks(50);
  ASSERT_TRUE(feed.perigee.exchange(feed.now));
  feed.remove(ConnId{2});
  EXPECT_FALSE(feed.perigee.exchange(feed.now)) << "a place is free";
  feed.add(5, milliseconds{1});
  EXPECT_TRUE(feed.perigee.score(ConnId{5})->learned) << "it takes the place that became free";
  feed.blocks(39);
  EXPECT_FALSE(feed.perigee.exchange(feed.now)) << "too new";
  feed.blocks(11);
  ASSERT_EQ(feed.perigee.exchange(feed.now), ConnId{1}) << "slower than the newcomer";
  feed.remove(ConnId{1});
  feed.add(6, milliseconds{900});
  feed.blocks(49);
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
  feed.blocks(1);
  EXPECT_EQ(feed.perigee.exchange(feed.now), ConnId{6});
}

TEST(Perigee, RoundsLastSomeTimeHoweverFastTheBlocks) {
  PerigeeLimits limits = few();
  limits.round_min = hours{3};
  Feed feed = four(limits);
  feed.blocks(50);
  ASSERT_EQ(feed.perigee.exchange(feed.now), ConnId{2});
  const Instant before = feed.now;
  feed.remove(ConnId{2});
  feed.add(5, milliseconds{900});
  feed.blocks(100);
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
  EXPECT_EQ(feed.perigee.exchange(before + hours{3}), ConnId{5});
}

TEST(Perigee, WhoIsNotWorseWithConfidenceStays) {
  PerigeeLimits limits = few();
  SeededRng rng(7);
  Feed feed(limits);
  for (uint64_t conn = 1; conn <= 4; ++conn) feed.add(conn, Duration{});
  for (int i = 0; i < 150; ++i) {
    for (auto& [conn, lag] : feed.lags) lag = milliseconds{rng.below(1000)};  // all alike
    feed.blocks(1);
    EXPECT_FALSE(feed.perigee.exchange(feed.now)) << i;
  }
}

TEST(Perigee, WhoSaysNothingCountsWithTheWholeWindow) {
  Feed feed = four();
  feed.lags[ConnId{1}] = Duration{-1};
  feed.blocks(50);
  EXPECT_EQ(feed.perigee.score(ConnId{1})->lag, few().window);
  const auto exchange = feed.perigee.exchange(feed.now);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(*exchange, ConnId{1});
}

// It is first with every announcement, and gives none of the blocks.
TEST(Perigee, WhoAnnouncesFirstAndWithholdsCountsWithTheWholeWindow) {
  Feed feed = four();
  for (int i = 0; i < 50; ++i) {
    feed.now += minutes{1};
    const ArrivalId id = id_of(++feed.block);
    feed.perigee.on_announced(ConnId{1}, id, feed.now - milliseconds{50});
    feed.perigee.on_withheld(ConnId{1});
    feed.perigee.on_announced(ConnId{1}, id, feed.now);  // said again: no better
    feed.perigee.on_announced(ConnId{2}, id, feed.now + milliseconds{20});
    feed.perigee.on_announced(ConnId{3}, id, feed.now + milliseconds{30});
    feed.perigee.on_announced(ConnId{4}, id, feed.now + milliseconds{40});
    feed.perigee.on_valid(id, feed.now + seconds{1});
  }
  feed.now += minutes{1};
  const auto exchange = feed.perigee.exchange(feed.now);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(*exchange, ConnId{1});
  EXPECT_EQ(feed.perigee.score(ConnId{1})->lag, few().window);
  EXPECT_EQ(feed.perigee.score(ConnId{2})->lag, Duration{}) << "it is the first of those that gave it";
}

TEST(Perigee, OnlyWhatBecomesValidInTimeCounts) {
  Feed feed = four();
  for (uint64_t i = 0; i < 60; ++i) feed.perigee.on_announced(ConnId{1}, id_of(100 + i), feed.now);
  feed.now += hours{1};
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
  EXPECT_EQ(feed.perigee.score(ConnId{1})->samples, 0u) << "none of it was valid";
  for (uint64_t i = 0; i < 60; ++i) feed.perigee.on_valid(id_of(100 + i), feed.now);
  feed.now += hours{1};
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
  EXPECT_EQ(feed.perigee.score(ConnId{1})->samples, 0u) << "its maker told one an hour before all others";
}

TEST(Perigee, NothingCountsTwice) {
  Feed feed = four();
  for (int i = 0; i < 50; ++i) {
    const ArrivalId id = id_of(1);
    feed.perigee.on_announced(ConnId{1}, id, feed.now);
    feed.perigee.on_valid(id, feed.now);
    feed.now += minutes{1};
    feed.perigee.exchange(feed.now);
  }
  EXPECT_EQ(feed.perigee.score(ConnId{1})->samples, 1u);
}

// Strangers that announce nonsense push out what strangers announced, and nothing else.
TEST(Perigee, NonsenseCostsNobodyElse) {
  Feed feed = four();
  uint64_t nonsense = 1'000'000;
  for (int i = 0; i < 50; ++i) {
    feed.now += minutes{1};
    const ArrivalId id = id_of(++feed.block);
    feed.perigee.on_announced(ConnId{3}, id, feed.now);
    feed.perigee.on_announced(ConnId{1}, id, feed.now + milliseconds{10});
    for (int k = 0; k < 300; ++k) feed.perigee.on_announced(stranger, id_of(++nonsense), feed.now);
    for (int k = 0; k < 100; ++k) feed.perigee.on_announced(ConnId{2}, id_of(++nonsense), feed.now);
    feed.perigee.on_valid(id, feed.now + milliseconds{100});
  }
  feed.now += minutes{1};
  const auto exchange = feed.perigee.exchange(feed.now);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(*exchange, ConnId{2});
  EXPECT_EQ(feed.perigee.score(ConnId{1})->lag, milliseconds{10});
}

TEST(Perigee, ThoseDrawnAtRandomStayHoweverLittleTheyBring) {
  Feed feed = four();
  feed.lags[ConnId{3}] = feed.lags[ConnId{4}] = Duration{-1};
  feed.lags[ConnId{1}] = feed.lags[ConnId{2}] = milliseconds{5};
  feed.blocks(500);
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
  feed.lags[ConnId{1}] = Duration{-1};
  feed.blocks(200);
  EXPECT_EQ(feed.perigee.exchange(feed.now), ConnId{1});
  EXPECT_TRUE(feed.perigee.is_learned(ConnId{1}));
  EXPECT_FALSE(feed.perigee.is_learned(ConnId{3}));
}

// Nobody else may be to be had: then who was named stays, and is named again until it has gone, or has got better.
TEST(Perigee, WhoIsNamedIsNamedUntilItGoesOrIsBetter) {
  Feed feed = four();
  feed.blocks(50);
  EXPECT_EQ(feed.perigee.exchange(feed.now), ConnId{2});
  feed.lags[ConnId{2}] = milliseconds{50};
  feed.blocks(49);
  EXPECT_EQ(feed.perigee.exchange(feed.now), ConnId{2});
  feed.blocks(200);
  EXPECT_EQ(feed.perigee.exchange(feed.now), ConnId{1});
  feed.remove(ConnId{3});
  EXPECT_FALSE(feed.perigee.exchange(feed.now)) << "a slot is free";
  feed.add(5, Duration{});
  EXPECT_EQ(feed.perigee.exchange(feed.now), ConnId{1});
  feed.remove(ConnId{1});
  feed.add(6, Duration{});
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
}

TEST(Perigee, NobodyGoesWhileSlotsAreFree) {
  Feed feed = four();
  feed.remove(ConnId{3});
  feed.blocks(100);
  feed.now += hours{10};
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
}

TEST(Perigee, NothingIsLearnedWithoutLearnedPlaces) {
  PerigeeLimits limits = few();
  limits.learned = 0;
  Feed feed = four(limits);
  feed.blocks(100);
  feed.now += hours{10};
  EXPECT_FALSE(feed.perigee.exchange(feed.now));
  EXPECT_EQ(feed.perigee.score(ConnId{1})->samples, 0u);
}

TEST(Perigee, OtherRules) {
  PerigeeLimits limits = few();
  limits.rule = PerigeeRule::vanilla;
  Feed worst = four(limits);
  worst.blocks(50);
  EXPECT_EQ(worst.perigee.exchange(worst.now), ConnId{2});

  // Peer 1 is the slower one, but of every second block the only one to bring word: without it all would be late.
  limits.rule = PerigeeRule::subset;
  Feed missed = four(limits);
  for (int i = 0; i < 60; ++i) {
    for (auto& [conn, lag] : missed.lags) lag = i % 2 == 0 ? seconds{3} : milliseconds{900};
    missed.lags[ConnId{1}] = i % 2 == 0 ? Duration{} : Duration{seconds{9}};
    missed.blocks(1);
  }
  EXPECT_EQ(missed.perigee.exchange(missed.now), ConnId{2});
}

// The same said in the simplest way: everything is kept in lists and found by looking through them.
class Model {
 public:
  explicit Model(const PerigeeLimits& limits) : limits_(limits) {}

  struct Said {
    ArrivalId id;
    Instant when;
    bool withheld;
  };
  struct Row {
    ConnId conn;
    Instant since;
    bool learned;
    std::vector<Said> said;
    std::vector<Duration> lags;
  };

  void add(ConnId conn, Instant now) {
    if (rows_.size() == 32) return;
    size_t learned = 0;
    for (const Row& row : rows_) learned += row.learned;
    rows_.push_back({conn, now, learned < limits_.learned, {}, {}});
  }
  void remove(ConnId conn) {
    std::erase_if(rows_, [&](const Row& row) { return row.conn == conn; });
    if (named_ == conn) named_ = std::nullopt;
  }
  void announced(ConnId conn, const ArrivalId& id, Instant when) {
    if (done(id)) return;
    std::vector<Said>& said = row(conn) != nullptr ? row(conn)->said : others_;
    if (said_of(said, id) != nullptr) return;
    said.push_back({id, when, false});
    if (said.size() > (row(conn) != nullptr ? 64u : 256u)) said.erase(said.begin());
  }
  void withheld(ConnId conn) {
    if (row(conn) == nullptr) return;
    for (Said& said : row(conn)->said) said.withheld = true;
  }
  void valid(const ArrivalId& id, Instant now) {
    pass(now);
    if (done(id)) return;
    for (const auto& [open, first] : open_)
      if (open == id) return;
    Instant first = Instant::max();
    for (const Said& said : others_)
      if (said.id == id) first = std::min(first, said.when);
    for (const Row& row : rows_)
      for (const Said& said : row.said)
        if (said.id == id && !said.withheld) first = std::min(first, said.when);
    if (first == Instant::max()) return;
    if (now - first > limits_.window) return drop(id);
    if (open_.size() < 64) open_.emplace_back(id, first);
  }
  void pass(Instant now) {
    std::vector<std::pair<ArrivalId, Instant>> still;
    for (const auto& [id, first] : std::vector(open_)) {
      if (now < first + limits_.window) {
        still.emplace_back(id, first);
        continue;
      }
      ++blocks_;
      for (Row& row : rows_) {
        if (row.since > first) continue;
        const Said* said = said_of(row.said, id);
        Duration lag = limits_.window;
        if (said != nullptr && !said->withheld) lag = std::max(Duration{}, std::min(lag, said->when - first));
        row.lags.push_back(lag);
        if (row.lags.size() > 200) row.lags.erase(row.lags.begin());
      }
      drop(id);
    }
    open_ = still;
  }
  // Low, middle, high: by counting how many are not above each.
  std::array<Duration, 3> bounds(const Row& row) const {
    const double n = static_cast<double>(row.lags.size()), q = limits_.quantile;
    const double spread = limits_.confidence * std::sqrt(n * q * (1 - q));
    const auto smallest = [&](double place) {
      Duration out = limits_.window;
      for (const Duration lag : row.lags) {
        double not_above = 0;
        for (const Duration other : row.lags) not_above += other <= lag;
        if (not_above >= place) out = std::min(out, lag);
      }
      return out;
    };
    if (row.lags.empty()) return {Duration{}, limits_.window, limits_.window};
    return {smallest(std::max(1.0, std::floor(n * q - spread))), smallest(std::ceil(n * q)),
            smallest(std::ceil(n * q + spread))};
  }
  std::optional<ConnId> exchange(Instant now) {
    pass(now);
    size_t learned = 0, unknown = 0;
    for (const Row& row : rows_) {
      learned += row.learned;
      unknown += row.learned && row.lags.size() < limits_.samples_min;
    }
    if (rows_.size() < limits_.slots || learned < limits_.learned) return std::nullopt;
    if (unknown > 0 || blocks_ < limits_.round_blocks || (round_ && now < *round_ + limits_.round_min)) return named_;
    blocks_ = 0;
    round_ = now;
    named_ = std::nullopt;
    const Row* worst = nullptr;
    for (const Row& row : rows_)
      if (row.learned && (!worst || bounds(row)[0] >= bounds(*worst)[0])) worst = &row;
    for (const Row& row : rows_)
      if (row.lags.size() >= limits_.samples_min && bounds(row)[2] < bounds(*worst)[0]) named_ = worst->conn;
    return named_;
  }
  std::vector<Row>& rows() { return rows_; }

 private:
  Row* row(ConnId conn) {
    for (Row& row : rows_)
      if (row.conn == conn) return &row;
    return nullptr;
  }
  static const Said* said_of(const std::vector<Said>& list, const ArrivalId& id) {
    for (const Said& said : list)
      if (said.id == id) return &said;
    return nullptr;
  }
  bool done(const ArrivalId& id) const { return std::ranges::find(done_, id) != done_.end(); }
  void drop(const ArrivalId& id) {
    const auto is = [&](const Said& said) { return said.id == id; };
    std::erase_if(others_, is);
    for (Row& row : rows_) std::erase_if(row.said, is);
    done_.push_back(id);
    if (done_.size() > 64) done_.erase(done_.begin());
  }

  PerigeeLimits limits_;
  std::vector<Row> rows_;
  std::vector<Said> others_;
  std::vector<std::pair<ArrivalId, Instant>> open_;
  std::vector<ArrivalId> done_;
  size_t blocks_ = 0;
  std::optional<Instant> round_;
  std::optional<ConnId> named_;
};

TEST(Perigee, DoesAsTheModel) {
  const size_t steps = model_operations();
  PerigeeLimits limits = few();
  limits.slots = 5;
  limits.samples_min = 12;
  limits.confidence = 1;
  limits.round_blocks = 15;
  limits.round_min = minutes{2};
  limits.window = seconds{20};
  limits.quantile = 0.6;
  SeededRng rng(20201);
  Perigee perigee(limits);
  Model model(limits);
  Instant now = at(hours{1});
  uint64_t next_conn = 1, next_id = 1;
  size_t gone = 0;
  const auto some_conn = [&]() -> ConnId {
    if (model.rows().empty() || rng.below(8) == 0) return ConnId{1'000'000'000 + rng.below(3)};
    return model.rows()[rng.below(model.rows().size())].conn;
  };
  const auto some_id = [&] { return id_of(next_id - rng.below(std::min<uint64_t>(next_id, rng.below(20) == 0 ? 300 : 4))); };
  const auto remove = [&](ConnId conn) {
    perigee.remove(conn);
    model.remove(conn);
  };
  for (size_t step = 0; step < steps; ++step) {
    now += milliseconds{rng.below(1200)};
    const uint64_t what = rng.below(100);
    const size_t wanted = step % 10'000 >= 9000 ? 40 : 6;  // at times more than are watched
    if (what < 3 || model.rows().size() < 5) {
      if (model.rows().size() < wanted) {
        perigee.add(ConnId{next_conn}, now);
        model.add(ConnId{next_conn++}, now);
      }
    } else if (what < 4 && (rng.below(30) == 0 || model.rows().size() > wanted)) {
      remove(some_conn());
    } else if (what < 12) {
      ++next_id;
    } else if (what < 70) {
      // One of them, or, for most blocks, all: some always later than others.
      const ArrivalId id = some_id();
      std::vector<ConnId> conns{some_conn()};
      if (what < 30)
        for (const auto& row : model.rows()) conns.push_back(row.conn);
      for (const ConnId conn : conns) {
        const Instant when = now + milliseconds{conn.value % 7 * 300};
        perigee.on_announced(conn, id, when);
        model.announced(conn, id, when);
      }
    } else if (what < 71 && rng.below(10) == 0) {
      const ConnId conn = some_conn();
      perigee.on_withheld(conn);
      model.withheld(conn);
    } else if (what < 90) {
      const ArrivalId id = some_id();
      perigee.on_valid(id, now);
      model.valid(id, now);
    } else {
      const auto ours = perigee.exchange(now);
      const auto theirs = model.exchange(now);
      ASSERT_EQ(ours, theirs) << "step " << step;
      if (ours && rng.below(4) != 0) {
        ++gone;
        remove(*ours);
      }
      ASSERT_EQ(perigee.watched(), model.rows().size());
      if (step % 50 > 9) continue;
      for (const auto& row : model.rows()) {
        const auto score = perigee.score(row.conn);
        ASSERT_TRUE(score);
        ASSERT_EQ(score->learned, row.learned);
        ASSERT_EQ(score->samples, row.lags.size()) << "step " << step;
        ASSERT_EQ((std::array{score->low, score->lag, score->high}), model.bounds(row)) << "step " << step;
      }
    }
  }
  EXPECT_GE(gone, steps / 10'000) << "the steps must lead to exchanges";
}

}  // namespace
}  // namespace lattice
