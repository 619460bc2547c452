// Admission before cryptography: its parts held against naive models, then the whole.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include <lattice/base/fifo.hpp>
#include <lattice/base/random.hpp>
#include <lattice/link/admission.hpp>
#include <lattice/link/puzzle.hpp>

namespace lattice {
namespace {

using enum ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant start = Instant{std::chrono::hours{1000}};
Secret<32> secret_of(uint8_t byte) {
  ByteArray<32> bytes;
  bytes.fill(byte);
  return Secret<32>(bytes);
}
Endpoint from(uint8_t a, uint8_t b, uint8_t c = 1, uint8_t d = 1, uint16_t port = 4000) {
  return {IpAddress::v4(a, b, c, d), port};
}
Digest filled(uint8_t byte) {
  Digest digest;
  digest.fill(byte);
  return digest;
}
FirstContact contact(const Endpoint& remote) { return {remote, filled(0xab), 1, 0}; }

// ---- LoadMeter

TEST(LoadMeter, RestsAtNothing) {
  LoadMeter meter;
  EXPECT_EQ(meter.expected_wait(start), Duration{0});
  meter.on_queued(start);
  EXPECT_LE(meter.expected_wait(start), milliseconds{1});
}

TEST(LoadMeter, SeesAQueueBeforeAnythingOfItIsDone) {
  LoadMeter meter;
  for (int i = 0; i < 200; ++i) meter.on_queued(start);
  EXPECT_EQ(meter.waiting(), 200u);
  EXPECT_GE(meter.expected_wait(start), milliseconds{199});
}

// One worker, each piece 4 ms, more than it can do: what the meter expects is what the newest piece will have waited.
TEST(LoadMeter, ExpectsWhatAQueueOfOneWorkerTakes) {
  LoadMeter meter;
  Fifo<Instant> queue;
  Instant now = start;
  for (int step = 0; step < 400; ++step) {
    for (int i = 0; i < (step < 100 ? 2 : 1); ++i) {
      queue.push_back(now);
      meter.on_queued(now);
    }
    now += milliseconds{4};
    meter.on_done(now - queue.front(), now);
    queue.pop_front();
  }
  const Duration truth = milliseconds{4} * 100;  // a hundred wait, and each of them 4 ms
  EXPECT_GE(meter.expected_wait(now), truth * 9 / 10);
  EXPECT_LE(meter.expected_wait(now), truth * 11 / 10);
}

TEST(LoadMeter, ForgetsWhatIsOver) {
  LoadMeter meter;
  for (int i = 0; i < 100; ++i) meter.on_queued(start);
  Instant now = start;
  for (int i = 0; i < 100; ++i) meter.on_done((now += milliseconds{5}) - start, now);
  const Duration end = meter.expected_wait(now);
  EXPECT_GE(end, milliseconds{300});
  EXPECT_LE(meter.expected_wait(now + LoadMeter::half_life), end * 11 / 20);
  EXPECT_LE(meter.expected_wait(now + seconds{10}), milliseconds{1});
}

TEST(LoadMeter, BelievesNoClock) {
  LoadMeter meter;
  meter.on_done(Duration::max(), start);  // more done than queued, and waited for ever
  EXPECT_EQ(meter.waiting(), 0u);
  EXPECT_LE(meter.expected_wait(start), LoadMeter::waited_max);
  meter.on_done(Duration::min(), start - seconds{5});
  EXPECT_GE(meter.expected_wait(start - seconds{9}), Duration{0});
}

// ---- GroupAllowances

TEST(Bucket, GivesItsBurstThenItsRate) {
  const BucketLimits limits{5, 2};
  Bucket bucket;
  Instant now = start;
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += bucket.take(limits, now);
  EXPECT_EQ(taken, 5);
  for (int i = 0; i < 1000; ++i) taken += bucket.take(limits, now += milliseconds{10});
  EXPECT_NEAR(taken, 5 + 2 * 10, 1);
  EXPECT_TRUE(bucket.take(limits, now + std::chrono::hours{24 * 365}));
  EXPECT_NEAR(bucket.left(limits, now + std::chrono::hours{24 * 365}), 4, 1e-6);
}

TEST(GroupAllowances, AgreesWithAMapWhileThereIsRoom) {
  const BucketLimits limits{4, 0.5};
  SeededRng rng(3);
  GroupAllowances groups(rng.next());
  std::map<AddressGroup, Bucket> naive;
  Instant now = start;
  for (int i = 0; i < 20'000; ++i) {
    const auto ip = IpAddress::v4(static_cast<uint8_t>(1 + rng.below(8)), static_cast<uint8_t>(rng.below(32)),
                                  static_cast<uint8_t>(rng.below(256)), 1);
    now += Duration{rng.below(2'000'000'000) / 100};
    EXPECT_EQ(groups.of(ip, now).unproven.take(limits, now), naive[group_of(ip)].take(limits, now));
  }
  EXPECT_EQ(naive.size(), 256u);
}

TEST(GroupAllowances, StaysSmallWhateverAddressesCome) {
  const BucketLimits limits{4, 1};
  SeededRng rng(4);
  GroupAllowances groups(rng.next());
  size_t most = 0;
  for (int i = 0; i < 300'000; ++i) {
    IpAddress ip;
    rng.fill(ip.bytes);
    groups.of(ip, start + Duration{i}).unproven.take(limits, start);
    most = std::max(most, groups.bytes());
  }
  EXPECT_EQ(groups.places_held(), GroupAllowances::places * GroupAllowances::sets_max);
  EXPECT_LE(most, 512u * 1024);
}

TEST(GroupAllowances, AGroupThatComesOftenKeepsItsPlace) {
  const BucketLimits limits{1, 0};
  SeededRng rng(4);
  GroupAllowances groups(rng.next());
  const auto often = IpAddress::v4(192, 0, 2, 1);
  Instant now = start;
  EXPECT_TRUE(groups.of(often, now).unproven.take(limits, now));
  for (int i = 0; i < 100'000; ++i) {
    IpAddress ip;
    rng.fill(ip.bytes);
    groups.of(ip, now += milliseconds{1});
    if (i % 100 == 0) {
      ASSERT_FALSE(groups.of(often, now).unproven.take(limits, now)) << i;
    }
  }
}

TEST(GroupAllowances, ANodeThatMeetsFewGroupsHoldsLittle) {
  GroupAllowances groups(1);
  for (uint8_t i = 0; i < 30; ++i) groups.of(IpAddress::v4(10, i, 0, 1), start);
  EXPECT_LE(groups.bytes(), 30u * 1024);
}

// ---- Cookies

TEST(Cookies, AreWhatTheProtocolSays) {
  Cookies cookies(secret_of(7));
  const Retry retry{1, 2, 9, {}};
  // Python: number, then 24 bytes of blake2s(key=blake2s(key=secret, (2).to_bytes(8))), number || address || port || hash || suite || difficulty || flags
  EXPECT_EQ(to_hex(cookies.make(from(192, 0, 2, 1, 8333), filled(0xab), retry, start)),
            "0000000000000000ac3c6b72a254aab380e4574f1709efee4a060fc40fd2c35e");
}

TEST(Cookies, AreGoodForNothingElse) {
  Cookies cookies(secret_of(7));
  const Endpoint remote = from(192, 0);
  const Digest hello = filled(3);
  Retry retry{0, 1, 9, {}};
  retry.cookie = cookies.make(remote, hello, retry, start);
  ASSERT_TRUE(cookies.good(remote, hello, retry, start));

  EXPECT_FALSE(cookies.good(from(192, 0, 1, 2), hello, retry, start));
  EXPECT_FALSE(cookies.good({remote.ip, 4001}, hello, retry, start));
  for (size_t bit = 0; bit < 256; ++bit) {
    Digest other = hello;
    other[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(cookies.good(remote, other, retry, start));
    Retry changed = retry;
    changed.cookie[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(cookies.good(remote, hello, changed, start));
  }
  for (int bit = 0; bit < 16; ++bit) {
    Retry suite = retry, flags = retry, difficulty = retry;
    suite.suite ^= static_cast<uint16_t>(1 << bit);
    flags.flags ^= static_cast<uint16_t>(1 << bit);
    difficulty.difficulty ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(cookies.good(remote, hello, suite, start));
    EXPECT_FALSE(cookies.good(remote, hello, flags, start));
    EXPECT_FALSE(cookies.good(remote, hello, difficulty, start));
  }
  Cookies other_node(secret_of(8));
  EXPECT_FALSE(other_node.good(remote, hello, retry, start));
}

TEST(Cookies, AKeyThatWasNeverMadeOpensNothing) {
  Cookies fresh(secret_of(7));
  ByteArray<55> input{};
  Retry retry;
  retry.cookie = blake2s_keyed(ByteArray<32>{}, input);
  EXPECT_FALSE(fresh.good({}, {}, retry, start));
}

TEST(Cookies, LiveForOneToTwoEpochs) {
  for (const Duration given : {Duration{0}, Duration{seconds{30}}, Duration{seconds{59}}}) {
    Cookies cookies(secret_of(7));
    const Endpoint remote = from(192, 0);
    cookies.make(remote, {}, {}, start);  // the first epoch begins
    Retry retry{0, 1, 9, {}};
    retry.cookie = cookies.make(remote, filled(1), retry, start + given);
    EXPECT_TRUE(cookies.good(remote, filled(1), retry, start + given + seconds{1}));
    Cookies follows = cookies;
    EXPECT_TRUE(follows.good(remote, filled(1), retry, start + Cookies::epoch_time));
    EXPECT_TRUE(follows.good(remote, filled(1), retry, start + 2 * Cookies::epoch_time - seconds{1}));
    EXPECT_FALSE(follows.good(remote, filled(1), retry, start + 2 * Cookies::epoch_time));
    Cookies sleeps = cookies;  // nobody came for two epochs
    EXPECT_FALSE(sleeps.good(remote, filled(1), retry, start + given + 2 * Cookies::epoch_time));
  }
}

TEST(Cookies, WorkOnceAlsoOverTheEndOfAnEpoch) {
  Cookies cookies(secret_of(7));
  const Endpoint remote = from(192, 0);
  Retry retry{0, 1, 9, {}};
  retry.cookie = cookies.make(remote, filled(1), retry, start);
  for (const Duration later : {Duration{0}, Duration{seconds{70}}}) {
    Cookies copy = cookies;
    ASSERT_TRUE(copy.good(remote, filled(1), retry, start + later));
    copy.use(retry.cookie, start + later);
    for (const Duration again :
         {Duration{0}, Duration{seconds{1}}, Duration{seconds{65}}, Duration{seconds{115}}, Duration{seconds{500}}}) {
      EXPECT_FALSE(copy.good(remote, filled(1), retry, start + std::max(later, again)));
    }
  }
}

// All hellos of one program are alike, and an address translator gives the same port again.
TEST(Cookies, OfTheSameAddressAndHelloAreNotTheSame) {
  Cookies cookies(secret_of(7));
  const Endpoint remote = from(192, 0);
  for (int i = 0; i < 3; ++i) {
    Retry retry{0, 1, 9, {}};
    retry.cookie = cookies.make(remote, filled(1), retry, start);
    ASSERT_TRUE(cookies.good(remote, filled(1), retry, start));
    cookies.use(retry.cookie, start);
  }
}

// Against a model that remembers everything: who was given what and when, and what was used.
TEST(Cookies, AgreeWithAModelThatRemembersAll) {
  SeededRng rng(9);
  Cookies cookies(secret_of(1));
  struct Given {
    Endpoint remote;
    Retry retry;
    uint64_t epoch;
    bool used = false;
  };
  std::vector<Given> given;
  Instant now = start;
  cookies.make({}, {}, {}, now);
  for (int i = 0; i < 3000; ++i) {
    now += Duration{rng.below(400'000'000)};
    Given fresh{from(10, 1, 1, 1, static_cast<uint16_t>(i)), {0, 1, static_cast<uint8_t>(rng.below(21)), {}}, 0};
    fresh.retry.cookie = cookies.make(fresh.remote, filled(1), fresh.retry, now);
    fresh.epoch = cookies.epoch();
    given.push_back(fresh);
    Given& old = given[given.size() - 1 - rng.below(std::min<size_t>(given.size(), 700))];
    const bool right = !old.used && old.epoch + 1 >= fresh.epoch;
    ASSERT_EQ(cookies.good(old.remote, filled(1), old.retry, now), right) << i;
    if (right && rng.below(2) == 0) {
      cookies.use(old.retry.cookie, now);
      old.used = true;
    }
  }
  EXPECT_NEAR(static_cast<double>(cookies.epoch()), 2 + seconds_of(now - start) / seconds_of(Cookies::epoch_time), 1);
}

TEST(Cookies, AFullEpochEndsEarlyAndForgetsNothingThatCouldBeUsed) {
  Cookies cookies(secret_of(2));
  std::vector<std::pair<Endpoint, Retry>> used;
  for (size_t i = 0; i < 3 * Cookies::used_max; ++i) {
    const Endpoint remote = from(10, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
    Retry retry{0, 1, 0, {}};
    retry.cookie = cookies.make(remote, filled(1), retry, start);
    ASSERT_TRUE(cookies.good(remote, filled(1), retry, start));
    cookies.use(retry.cookie, start);
    ASSERT_LE(cookies.used(), 2 * Cookies::used_max);
    used.emplace_back(remote, retry);
  }
  for (const auto& [remote, retry] : used) ASSERT_FALSE(cookies.good(remote, filled(1), retry, start));
}

// ---- Admission

struct AdmissionTest : testing::Test {
  Admission admission{secret_of(1)};
  Instant now = start;

  Admit come(const Endpoint& remote) { return admission.on_hello(contact(remote), now); }
  Retry ask(const Endpoint& remote) { return admission.make_retry(contact(remote), now); }
  Result<void> answer(const Endpoint& remote, const Retry& retry) {
    return admission.on_answer(remote, filled(0xab), retry, solve_puzzle(retry.cookie, retry.difficulty, {}), now);
  }
  // Signatures that queue and are not done.
  void load(int signatures) {
    for (int i = 0; i < signatures; ++i) admission.on_work_queued(now);
  }
};

TEST_F(AdmissionTest, WhoComesRarelyIsNeverAsked) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(come(from(10, static_cast<uint8_t>(i % 7))), Admit::yes);
    now += milliseconds{100};
  }
}

TEST_F(AdmissionTest, AGroupBeyondItsBucketIsAskedAndOthersAreNot) {
  int yes = 0, retry = 0;
  for (int i = 0; i < 5000; ++i) {
    const Admit admit = come(from(10, 1, static_cast<uint8_t>(i)));
    yes += admit == Admit::yes;
    retry += admit == Admit::retry;
    now += std::chrono::microseconds{200};
  }
  EXPECT_NEAR(yes, 16 + 2, 1);
  EXPECT_EQ(yes + retry, 5000);
  EXPECT_EQ(come(from(10, 2)), Admit::yes);
  EXPECT_EQ(ask(from(10, 2)).difficulty, 0);
  while (come(from(10, 1)) == Admit::yes) {
  }
  EXPECT_GE(ask(from(10, 1)).difficulty, AdmissionLimits{}.difficulty_group);
}

// As many groups as it likes: what they get free together is bounded, and no signature has to wait for that.
TEST_F(AdmissionTest, ManyGroupsTogetherHaveFewFree) {
  int yes = 0;
  for (int i = 0; i < 50'000; ++i) {
    yes += come(from(static_cast<uint8_t>(1 + i % 4), static_cast<uint8_t>(i / 4))) == Admit::yes;
    now += std::chrono::microseconds{200};
  }
  EXPECT_NEAR(yes, 64 + 64 * 10, 2);
}

TEST_F(AdmissionTest, AnHonestPeerOfAnAttackedGroupGetsInBySolving) {
  for (int i = 0; i < 5000; ++i) come(from(10, 1, static_cast<uint8_t>(i)));
  const Endpoint honest = from(10, 1, 200, 200);
  ASSERT_EQ(come(honest), Admit::retry);
  EXPECT_TRUE(answer(honest, ask(honest)));
}

TEST_F(AdmissionTest, UnderLoadEverybodyIsAskedAndAfterItNobody) {
  load(20);
  EXPECT_EQ(come(from(10, 3)), Admit::yes);  // a fifth of a tenth of a second is no load
  load(60);
  EXPECT_EQ(come(from(10, 4)), Admit::retry);
  EXPECT_GE(ask(from(10, 4)).difficulty, AdmissionLimits{}.difficulty_load);
  const Instant queued = now;
  for (int i = 0; i < 80; ++i) admission.on_work_done((now += milliseconds{1}) - queued, now);
  EXPECT_EQ(come(from(10, 5)), Admit::retry);
  now += seconds{3};
  EXPECT_EQ(come(from(10, 6)), Admit::yes);
}

TEST_F(AdmissionTest, ThePriceFollowsTheWaitUpToWhatAnInitiatorPays) {
  uint8_t last = 0;
  std::set<uint8_t> prices;
  for (int i = 0; i < 40; ++i) {
    load(50);
    const uint8_t price = ask(from(10, 4)).difficulty;
    EXPECT_GE(price, last);
    last = price;
    prices.insert(price);
  }
  EXPECT_EQ(last, puzzle_difficulty_max);
  EXPECT_GE(prices.size(), 8u);
  load(100'000);
  EXPECT_EQ(ask(from(10, 4)).difficulty, puzzle_difficulty_max);
}

TEST_F(AdmissionTest, AnAnswerWorksOnceAndOnlyWhereItBelongs) {
  load(100);
  const Endpoint remote = from(10, 4);
  const Retry retry = ask(remote);
  const PuzzleSolution solution = solve_puzzle(retry.cookie, retry.difficulty, {});
  const auto refused = [&](const Endpoint& who, const Digest& hello, const Retry& what, const PuzzleSolution& with) {
    const auto result = admission.on_answer(who, hello, what, with, now);
    return !result && result.error().code == bad_handshake;
  };
  Retry easier = retry, other_suite = retry;
  easier.difficulty = 0;
  other_suite.suite = 2;
  PuzzleSolution unsolved = solution;
  while (puzzle_solved(retry.cookie, retry.difficulty, unsolved)) ++unsolved[0];
  EXPECT_TRUE(refused(from(10, 5), filled(0xab), retry, solution));
  EXPECT_TRUE(refused(remote, filled(0xac), retry, solution));
  EXPECT_TRUE(refused(remote, filled(0xab), easier, solution));
  EXPECT_TRUE(refused(remote, filled(0xab), other_suite, solution));
  EXPECT_TRUE(refused(remote, filled(0xab), retry, unsolved));
  EXPECT_TRUE(admission.on_answer(remote, filled(0xab), retry, solution, now));
  EXPECT_TRUE(refused(remote, filled(0xab), retry, solution));
  EXPECT_EQ(admission.counts().solved, 1u);
  EXPECT_EQ(admission.counts().refused, 6u);
}

TEST_F(AdmissionTest, SolversOfOneGroupAreBoundedAndLeaveTheOthersTheirs) {
  const auto solve_all = [&](uint8_t group) {
    int in = 0;
    for (int i = 0; i < 200; ++i) {
      const Endpoint remote = from(10, group, static_cast<uint8_t>(i));
      in += answer(remote, ask(remote)).has_value();
    }
    return in;
  };
  EXPECT_EQ(solve_all(1), AdmissionLimits().solved.burst);
  EXPECT_EQ(solve_all(2), AdmissionLimits().solved.burst);
}

// Cookies hoarded while they cost nothing, in 10,000 groups: strangers get so many signatures and no more, and whoever comes
// now pays.
TEST_F(AdmissionTest, SolversOfAllGroupsTogetherAreBoundedAndThePriceRises) {
  std::vector<std::pair<Endpoint, Retry>> hoard;
  for (int i = 0; i < 10'000; ++i) {
    const Endpoint remote = from(static_cast<uint8_t>(1 + i % 100), static_cast<uint8_t>(i / 100));
    hoard.emplace_back(remote, ask(remote));
    ASSERT_EQ(hoard.back().second.difficulty, 0);
  }
  int in = 0;
  for (const auto& [remote, retry] : hoard) {
    now += milliseconds{1};
    in += answer(remote, retry).has_value();
  }
  EXPECT_LE(in, 256 + 256 * 10);
  EXPECT_GE(in, 256 * 10);
  EXPECT_EQ(ask(from(200, 1)).difficulty, puzzle_difficulty_max);
  EXPECT_EQ(come(from(200, 1)), Admit::retry);
  now += seconds{2};
  EXPECT_EQ(come(from(200, 1)), Admit::yes);
}

TEST_F(AdmissionTest, AKeyServerIsAskedAtABoundedRate) {
  int one_group = 0, all = 0;
  for (int i = 0; i < 1000; ++i) one_group += admission.may_ask_key_server(from(10, 1), now);
  EXPECT_EQ(one_group, 4);
  for (int i = 0; i < 10'000; ++i) {
    now += milliseconds{1};
    all += admission.may_ask_key_server(from(static_cast<uint8_t>(1 + i % 200), static_cast<uint8_t>(i % 256)), now);
  }
  EXPECT_LE(all, 16 + 8 * 10);
  EXPECT_GE(all, 8 * 10 - 1);
}

TEST_F(AdmissionTest, RetriesHaveALimitToo) {
  load(100);
  int retry = 0;
  for (int i = 0; i < 200'000; ++i)
    retry += come(from(static_cast<uint8_t>(1 + i % 200), static_cast<uint8_t>(i % 251))) == Admit::retry;
  EXPECT_EQ(retry, 50'000);
  EXPECT_EQ(admission.counts().dropped, 150'000u);
}

TEST_F(AdmissionTest, MemoryStaysFlatInAFlood) {
  SeededRng rng(8);
  for (int i = 0; i < 200'000; ++i) {
    Endpoint remote;
    rng.fill(remote.ip.bytes);
    remote.port = static_cast<uint16_t>(i);
    come(remote);
    if (i % 4 == 0) ask(remote);
    now += std::chrono::microseconds{200};
  }
  EXPECT_LE(admission.bytes(), 600u * 1024);
}

}  // namespace
}  // namespace lattice
