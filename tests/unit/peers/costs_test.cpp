#include <lattice/peers/costs.hpp>

#include <algorithm>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

namespace lattice {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using wire::Command;
using Kind = PeerBudget::Kind;
using Verdict = PeerBudget::Verdict;

Instant at(int64_t s) { return Instant{seconds{s}}; }
uint16_t number(Command command) { return static_cast<uint16_t>(command); }

constexpr Command commands[] = {Command::open_channel, Command::status,     Command::ping,      Command::pong,
                                Command::reject,       Command::succession, Command::addresses, Command::get_addresses,
                                Command::get_headers,  Command::headers,    Command::inventory, Command::get_blocks,
                                Command::block,        Command::not_found,  Command::consensus, Command::announcement};

// What is owed is the most that came in any time up to now beyond what that time pays off: found by looking at each of them.
struct ModelDebt {
  Rate rate;
  std::vector<std::pair<Instant, uint64_t>> charges;

  int64_t owed(Instant now) const {
    int64_t most = 0, sum = 0;
    for (size_t i = charges.size(); i-- > 0;) {
      sum += static_cast<int64_t>(charges[i].second) * 60'000'000'000;
      most = std::max(most, sum - (now - charges[i].first).count() * static_cast<int64_t>(rate.per_minute));
    }
    return most;
  }
  void charge(uint64_t cost, Instant now) {
    if (owed(now) == 0) charges.clear();  // the past makes no difference any more
    charges.emplace_back(now, cost);
  }
  Duration wait(Instant now, uint64_t allowed) const {
    const int64_t over = owed(now) - static_cast<int64_t>(allowed) * 60'000'000'000;
    const auto rest = static_cast<int64_t>(rate.per_minute);
    return nanoseconds{over <= 0 ? 0 : (over + rest - 1) / rest};
  }
  Duration wait(Instant now) const { return wait(now, rate.burst); }
};

struct ModelPeer {
  ModelDebt messages, bytes, news, news_bytes, work, answers;
};

Verdict model_charge(const CostLimits& limits, ModelDebt& all, ModelPeer& peer, uint16_t command, size_t bytes, bool solicited,
                     Instant now) {
  const bool request = command == number(Command::get_addresses) || command == number(Command::get_headers) ||
                       command == number(Command::get_blocks);
  Duration wait{};
  if (command == number(Command::inventory) || command == number(Command::consensus)) {
    peer.news.charge(1, now);
    peer.news_bytes.charge(bytes, now);
    wait = std::max(peer.news.wait(now), peer.news_bytes.wait(now));
    if (wait > limits.patience) return {Kind::fault, {}};
  } else if (solicited && !request) {
    peer.answers.charge(bytes, now);
    wait = peer.answers.wait(now);
  } else {
    const uint64_t cost = price_of(command).each + (price_of(command).per_kib * bytes + 1023) / 1024;
    peer.work.charge(cost, now);
    all.charge(cost, now);
    if (!request) peer.messages.charge(1, now), peer.bytes.charge(bytes, now);
    wait = std::max({peer.messages.wait(now), peer.bytes.wait(now), peer.work.wait(now)});
    if (wait > limits.patience) return {Kind::fault, {}};
    if (peer.work.wait(now, limits.work.burst / 2) > Duration{}) wait = std::max(wait, all.wait(now));
  }
  return {wait > Duration{} ? Kind::throttle : Kind::ok, wait};
}

TEST(costs, agree_with_a_naive_model) {
  SeededRng rng(60);
  const CostLimits limits{.messages = {101, 40},
                          .bytes = {70'001, 50'000},
                          .news = {203, 30},
                          .news_bytes = {90'001, 40'000},
                          .work = {2'003, 700},
                          .answer_bytes = {999'999, 300'000},
                          .work_of_all = {9'001, 2'000},
                          .patience = seconds{15}};
  SharedBudget all(limits);
  ModelDebt model_all{limits.work_of_all, {}};
  std::map<uint64_t, std::pair<PeerBudget, ModelPeer>> peers;
  Instant now = at(0);
  size_t kinds[3] = {};
  for (int step = 0; step < 1'000'000; ++step) {
    // Busy for a while, then a rest.
    now += nanoseconds{rng.below(200) == 0 ? rng.below(60'000'000'000) : rng.below(500'000'000)};
    const uint64_t id = rng.below(6);
    if (rng.below(300) == 0) peers.erase(id);
    const auto fresh = std::pair(PeerBudget(limits), ModelPeer{{limits.messages, {}},
                                                               {limits.bytes, {}},
                                                               {limits.news, {}},
                                                               {limits.news_bytes, {}},
                                                               {limits.work, {}},
                                                               {limits.answer_bytes, {}}});
    auto& [budget, model] = peers.try_emplace(id, fresh).first->second;
    const auto command = rng.below(10) == 0 ? static_cast<uint16_t>(rng.below(60)) : number(commands[rng.below(15)]);
    const size_t bytes = rng.below(rng.below(10) == 0 ? 100'000 : 2'000);
    const bool solicited = rng.below(3) == 0;
    const Verdict verdict = budget.charge(all, command, bytes, solicited, now);
    ASSERT_EQ(verdict, model_charge(limits, model_all, model, command, bytes, solicited, now)) << "step " << step;
    ++kinds[static_cast<size_t>(verdict.kind)];
  }
  for (const size_t count : kinds) EXPECT_GT(count, 10'000u);
}

TEST(costs, a_hundred_messages_a_minute_that_nobody_asked_for) {
  const CostLimits limits;
  SharedBudget all(limits);
  PeerBudget budget(limits);
  const auto send = [&](Instant now) { return budget.charge(all, number(Command::ping), 20, false, now); };
  for (int i = 0; i < 100; ++i) EXPECT_EQ(send(at(0)).kind, Kind::ok);
  EXPECT_EQ(send(at(0)), (Verdict{Kind::throttle, milliseconds{600}}));
  EXPECT_EQ(send(Instant{milliseconds{1'200}}).kind, Kind::ok);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(send(Instant{milliseconds{1'200}}).kind, Kind::throttle);
  EXPECT_EQ(send(Instant{milliseconds{1'200}}).kind, Kind::fault);
}

// Who waits as long as it was told to is never at fault, however much it has to say.
TEST(costs, who_waits_is_never_at_fault) {
  const CostLimits limits;
  SharedBudget all(limits);
  PeerBudget budget(limits);
  SeededRng rng(61);
  Instant now = at(0);
  size_t sent = 0;
  for (; now < at(3'600); ++sent) {
    const auto verdict = budget.charge(all, number(commands[rng.below(15)]), rng.below(100'000), false, now);
    ASSERT_NE(verdict.kind, Kind::fault);
    now += verdict.wait;
  }
  EXPECT_LE(sent, 2'000u);  // by the bytes: 1 MB a minute, four fifths of the messages are no requests
  EXPECT_GE(sent, 1'200u);
}

TEST(costs, a_megabyte_a_minute_that_nobody_asked_for_and_much_more_that_we_did) {
  const CostLimits limits;
  SharedBudget all(limits);
  PeerBudget budget(limits);
  EXPECT_EQ(budget.charge(all, number(Command::addresses), 1'000'000, false, at(0)).kind, Kind::ok);
  EXPECT_EQ(budget.charge(all, number(Command::addresses), 500'000, false, at(0)), (Verdict{Kind::throttle, seconds{30}}));
  // Its blocks come all the same.
  for (int i = 0; i < 25; ++i) EXPECT_EQ(budget.charge(all, number(Command::block), 4'000'000, true, at(0)).kind, Kind::ok);
  const auto late = budget.charge(all, number(Command::block), 4'000'000, true, at(0));
  EXPECT_EQ(late, (Verdict{Kind::throttle, milliseconds{240}}));
  for (int i = 0; i < 1'000; ++i)  // what we asked for is never a fault
    EXPECT_EQ(budget.charge(all, number(Command::block), 4'000'000, true, at(0)).kind, Kind::throttle);
  EXPECT_EQ(budget.charge(all, number(Command::addresses), 0, false, at(31)).kind, Kind::ok);
}

// A thousand bytes that make us send a hundred megabytes are not cheap.
TEST(costs, small_questions_with_large_answers_are_paid_for) {
  EXPECT_GT(cost_of(number(Command::get_blocks), 12 + 2 + 128 * 32), 200u);
  EXPECT_LT(cost_of(number(Command::ping), 20), 5u);
  EXPECT_EQ(cost_of(9'999, 0), 5u);
  EXPECT_EQ(cost_of(number(Command::ping), 1'024), 2u);
  EXPECT_EQ(cost_of(number(Command::ping), 1'025), 3u);
  const CostLimits limits;
  SharedBudget all(limits);
  PeerBudget budget(limits);
  int answered = 0;
  while (budget.charge(all, number(Command::get_blocks), 4'110, false, at(0)).kind == Kind::ok) ++answered;
  EXPECT_GT(answered, 100);
  EXPECT_LT(answered, 300);
}

TEST(costs, a_flood_of_many_does_not_slow_who_is_quiet) {
  const CostLimits limits;
  SharedBudget all(limits);
  std::vector<PeerBudget> flood(100, PeerBudget(limits));
  PeerBudget quiet(limits);
  for (int i = 0; i < 150; ++i)
    for (auto& peer : flood) peer.charge(all, number(Command::get_blocks), 4'110, false, at(0));
  // It has done no more than half of what it may: what makes it wait is that all together have.
  PeerBudget busy(limits);
  Verdict verdict;
  for (int i = 0; i < 120; ++i) verdict = busy.charge(all, number(Command::get_blocks), 4'110, false, at(0));
  EXPECT_EQ(verdict.kind, Kind::throttle);
  EXPECT_EQ(quiet.charge(all, number(Command::get_headers), 3'300, false, at(0)).kind, Kind::ok);
}

// What the chain makes is not held against who passes it on, and takes nothing from the other classes.
TEST(costs, news_have_room_of_their_own) {
  const CostLimits limits = node_costs();
  SharedBudget all(limits);
  PeerBudget budget(limits);
  for (int s = 0; s < 120; ++s)
    for (int i = 0; i < 1'000; ++i) ASSERT_EQ(budget.charge(all, number(Command::consensus), 300, false, at(s)).kind, Kind::ok);
  EXPECT_EQ(budget.charge(all, number(Command::ping), 20, false, at(120)).kind, Kind::ok);
  EXPECT_EQ(budget.charge(all, number(Command::get_headers), 3'300, false, at(120)).kind, Kind::ok);
  PeerBudget flood(limits);
  Kind last = Kind::ok;
  int sent = 0;
  for (; last != Kind::fault; ++sent) last = flood.charge(all, number(Command::consensus), 300, false, at(120)).kind;
  EXPECT_EQ(sent, 80'001);
}

// A fresh node that asks for each block by itself, as fast as they come.
TEST(costs, the_first_sync_is_not_slowed) {
  const CostLimits limits = node_costs();
  SharedBudget all(limits);
  PeerBudget budget(limits);
  Instant now = at(0);
  for (int i = 0; i < 100'000; ++i, now += std::chrono::microseconds{200})
    ASSERT_EQ(budget.charge(all, number(Command::get_blocks), 12 + 1 + 32, false, now).kind, Kind::ok) << i;
}

TEST(costs, nothing_overflows) {
  Debt debt({1, Rate::burst_max});
  for (int i = 0; i < 10; ++i) debt.charge(UINT64_MAX, at(0));
  EXPECT_GT(debt.wait(at(0)), Duration{});
  EXPECT_EQ(debt.wait(Instant{Duration::max()}), Duration{});
  Debt slow({1, 1});
  for (int i = 0; i < 10; ++i) slow.charge(UINT64_MAX, at(0));
  EXPECT_EQ(slow.wait(at(0)), Duration::max());
  Debt fast({UINT64_MAX, 1});
  fast.charge(UINT64_MAX, at(5));
  EXPECT_EQ(fast.wait(at(5)), Duration{1});
  EXPECT_EQ(fast.wait(at(4)), Duration{1});  // time does not go back
  EXPECT_EQ(fast.wait(Instant{seconds{5} + nanoseconds{1}}), Duration{});
}

}  // namespace
}  // namespace lattice
