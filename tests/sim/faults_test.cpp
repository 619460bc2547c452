// What can go wrong in the simulated world: each fault by itself, seen by hosts that only count bytes and by production nodes.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include <lattice/sim/tcp.hpp>

#include "sim_chains.hpp"

namespace lattice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

IpAddress address(uint8_t index) { return IpAddress::v4(20, index, 7, 1); }
Endpoint endpoint(uint8_t index) { return {address(index), 9000}; }

// What a Talker has seen; outlives it.
struct Seen {
  std::vector<SocketId> opened, failed, closed;
  std::vector<Endpoint> remotes;
  Bytes bytes;
  std::vector<Now> woken;
  Instant last_bytes{};
  size_t unsent = 0;
};

// Dials, says a numbered byte each tenth of a second, and notes what happens to it.
class Talker final : public RawHost {
 public:
  struct Script {
    std::optional<Endpoint> dials;
    std::optional<IpAddress> from;
    size_t says = 0;     // how many bytes, one at a time ...
    size_t at_once = 0;  // ... and these together, when it opens
    bool reads = true;
  };
  Talker(Script script, Seen& seen) : script_(std::move(script)), seen_(seen) {}

  void on_start(RawNet& net) override {
    if (script_.dials) net.dial(*script_.dials, script_.from);
  }
  void on_open(RawNet& net, SocketId socket, const Endpoint& remote, bool) override {
    seen_.opened.push_back(socket);
    seen_.remotes.push_back(remote);
    Bytes bytes(script_.at_once);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251);
    if (!bytes.empty()) net.send(socket, bytes);
    net.wake_at(net.now().mono);
  }
  void on_dial_failed(RawNet&, SocketId socket) override { seen_.failed.push_back(socket); }
  void on_bytes(RawNet& net, SocketId, ByteView bytes) override {
    append(seen_.bytes, bytes);
    seen_.last_bytes = net.now().mono;
  }
  void on_closed(RawNet&, SocketId socket) override { seen_.closed.push_back(socket); }
  void on_wake(RawNet& net) override {
    seen_.woken.push_back(net.now());
    if (!seen_.opened.empty()) {
      if (said_ < script_.says) net.send(seen_.opened.back(), Bytes{static_cast<uint8_t>(said_++)});
      seen_.unsent = net.unsent(seen_.opened.back());
    }
    net.wake_at(net.now().mono + milliseconds{100});
    net.wake_at(net.now().mono + seconds{5});  // the earlier wish counts
  }
  bool reads(SocketId) const override { return script_.reads; }

 private:
  Script script_;
  Seen& seen_;
  size_t said_ = 0;
};

// Two hosts, the first of which dials the second and talks.
struct Pair {
  explicit Pair(Talker::Script script, WorldOptions options = {}) : world(options) {
    b = world.add_raw({endpoint(2)}, std::make_unique<Talker>(Talker::Script{}, heard));
    script.dials = endpoint(2);
    a = world.add_raw({endpoint(1)}, std::make_unique<Talker>(script, said));
  }
  bool in_order() const {
    for (size_t i = 0; i < heard.bytes.size(); ++i)
      if (heard.bytes[i] != static_cast<uint8_t>(i)) return false;
    return true;
  }
  Seen said, heard;
  World world;
  HostId a = 0, b = 0;
};

TEST(RawHost, DialsFromEachOfItsAddressesAndIsHeardAtEach) {
  World world({});
  Seen target, source;
  world.add_raw({endpoint(2), endpoint(3)}, std::make_unique<Talker>(Talker::Script{}, target));
  world.add_raw({endpoint(1), endpoint(4)},
                std::make_unique<Talker>(Talker::Script{.dials = endpoint(3), .from = address(4), .says = 3}, source));
  world.run_for(seconds{2});
  ASSERT_EQ(target.remotes.size(), 1u);
  EXPECT_EQ(target.remotes[0].ip, address(4));
  EXPECT_EQ(source.remotes.at(0), endpoint(3));
  EXPECT_EQ(target.bytes, (Bytes{0, 1, 2}));
  ASSERT_GT(source.woken.size(), 5u);
  EXPECT_EQ(source.woken[3].mono - source.woken[2].mono, milliseconds{100});
}

TEST(RawHost, AnAddressWithoutAHostIsADialThatFails) {
  World world({});
  Seen seen;
  world.add_raw({endpoint(1)}, std::make_unique<Talker>(Talker::Script{.dials = endpoint(9)}, seen));
  world.run_for(seconds{4});
  EXPECT_TRUE(seen.failed.empty());
  world.run_for(seconds{2});
  EXPECT_EQ(seen.failed.size(), 1u);
  EXPECT_TRUE(seen.opened.empty());
}

TEST(RawHost, WhoDoesNotReadLeavesBytesInTheSendersWindow) {
  World world({});
  Seen target, source;
  world.add_raw({endpoint(2)}, std::make_unique<Talker>(Talker::Script{.reads = false}, target));
  world.add_raw({endpoint(1)},
                std::make_unique<Talker>(Talker::Script{.dials = endpoint(2), .at_once = 2 * receive_window_bytes}, source));
  world.run_for(seconds{20});
  EXPECT_TRUE(target.bytes.empty());
  EXPECT_GE(source.unsent, receive_window_bytes);
}

TEST(RawHost, AKilledOneIsResetAndComesBackAnew) {
  Pair pair({.says = 1000});
  pair.world.run_for(seconds{2});
  pair.world.kill(pair.b);
  pair.world.run_for(seconds{1});
  EXPECT_EQ(pair.said.closed.size(), 1u);
  EXPECT_TRUE(pair.heard.closed.empty());
  const size_t heard = pair.heard.bytes.size();
  pair.world.start(pair.b);
  pair.world.run_for(seconds{2});
  EXPECT_EQ(pair.heard.bytes.size(), heard);
}

TEST(Faults, APartitionThatHealsCarriesOnInOrder) {
  Pair pair({.says = 250});
  pair.world.run_for(seconds{2});
  pair.world.set_side(pair.b, 1);
  pair.world.run_for(milliseconds{300});
  const size_t before = pair.heard.bytes.size();
  EXPECT_GT(before, 10u);
  pair.world.run_for(seconds{12});
  EXPECT_EQ(pair.heard.bytes.size(), before);
  pair.world.set_side(pair.b, 0);
  pair.world.run_for(seconds{30});
  EXPECT_EQ(pair.heard.bytes.size(), 250u);
  EXPECT_TRUE(pair.in_order());
  EXPECT_TRUE(pair.said.closed.empty() && pair.heard.closed.empty());
}

TEST(Faults, APartitionThatComesAndGoesNeverMixesUpAStream) {
  Pair pair({.says = 250});
  for (int i = 0; i < 40; ++i) {
    pair.world.set_side(pair.b, static_cast<uint8_t>(i % 2));
    pair.world.run_for(milliseconds{50 + 37 * i});
  }
  pair.world.set_side(pair.b, 0);
  pair.world.run_for(minutes{3});
  EXPECT_EQ(pair.heard.bytes.size(), 250u);
  EXPECT_TRUE(pair.in_order());
}

TEST(Faults, AnEndlessPartitionEndsTheSendersConnectionOnly) {
  Pair pair({.says = 20});
  pair.world.run_for(seconds{1});
  pair.world.set_side(pair.a, 1);
  pair.world.run_for(minutes{10});
  EXPECT_TRUE(pair.said.closed.empty());
  pair.world.run_for(minutes{20});
  EXPECT_EQ(pair.said.closed.size(), 1u);
  EXPECT_TRUE(pair.heard.closed.empty());
}

TEST(Faults, AConnectionRequestVanishesAndIsMadeAgain) {
  World world({});
  Seen target, source, late;
  const HostId b = world.add_raw({endpoint(2)}, std::make_unique<Talker>(Talker::Script{}, target));
  world.set_side(b, 1);
  world.add_raw({endpoint(1)}, std::make_unique<Talker>(Talker::Script{.dials = endpoint(2)}, source));
  world.run_for(seconds{6});
  EXPECT_EQ(source.failed.size(), 1u);
  world.add_raw({endpoint(3)}, std::make_unique<Talker>(Talker::Script{.dials = endpoint(2)}, late));
  world.run_for(seconds{2});
  world.set_side(b, 0);
  world.run_for(seconds{6});
  EXPECT_EQ(late.opened.size(), 1u);
  EXPECT_TRUE(late.failed.empty());
}

TEST(Faults, AStalledHostHearsNothingAndIsNotHeard) {
  Pair pair({.says = 100});
  pair.world.run_for(seconds{1});
  pair.world.set_stalled(pair.b, true);
  pair.world.run_for(milliseconds{200});
  const size_t before = pair.heard.bytes.size(), woken = pair.heard.woken.size();
  pair.world.run_for(seconds{5});
  EXPECT_EQ(pair.heard.bytes.size(), before);
  EXPECT_GT(pair.heard.woken.size(), woken);  // its process goes on
  pair.world.set_stalled(pair.b, false);
  pair.world.run_for(seconds{20});
  EXPECT_EQ(pair.heard.bytes.size(), 100u);
  EXPECT_TRUE(pair.in_order());
}

TEST(Faults, ASilentBreakIsToldToNobody) {
  Pair pair({.says = 1000});
  pair.world.run_for(seconds{1});
  pair.world.break_silently(pair.b);
  pair.world.run_for(milliseconds{200});
  const size_t before = pair.heard.bytes.size();
  pair.world.run_for(minutes{5});
  EXPECT_EQ(pair.heard.bytes.size(), before);
  EXPECT_TRUE(pair.said.closed.empty() && pair.heard.closed.empty());
  Seen other;
  pair.world.add_raw({endpoint(3)}, std::make_unique<Talker>(Talker::Script{.dials = endpoint(2), .says = 5}, other));
  pair.world.run_for(seconds{5});
  EXPECT_EQ(pair.heard.bytes.size(), before + 5);  // a new one is carried
}

Bytes said_at_once(size_t count) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return bytes;
}

TEST(Faults, CaughtCorruptionCostsTimeAndNoBit) {
  Pair clear({.at_once = 500'000}), foul({.at_once = 500'000}, {.weather = {.corrupt = 0.02}});
  clear.world.run_for(seconds{300});
  foul.world.run_for(seconds{300});
  EXPECT_EQ(clear.heard.bytes, said_at_once(500'000));
  EXPECT_EQ(foul.heard.bytes, said_at_once(500'000));
  EXPECT_GT(foul.heard.last_bytes, clear.heard.last_bytes);
  EXPECT_GT(foul.world.stats().sent_again, 0u);
}

TEST(Faults, UndetectedCorruptionFlipsBitsAndNothingElse) {
  Pair pair({.at_once = 500'000}, {.weather = {.corrupt = 0.02, .undetected = 1}});
  pair.world.run_for(seconds{300});
  const auto wanted = said_at_once(500'000);
  ASSERT_EQ(pair.heard.bytes.size(), wanted.size());
  size_t bits = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    bits += static_cast<size_t>(std::popcount(unsigned(wanted[i] ^ pair.heard.bytes[i])));
  EXPECT_GT(bits, 0u);
  EXPECT_LE(bits, 500'000 / segment_bytes);
}

TEST(Faults, ReorderingDuplicatesAndJitterCostTimeAndNoByte) {
  Pair clear({.says = 200, .at_once = 0});
  clear.world.run_for(seconds{40});
  for (const Weather& weather : {Weather{.reorder = 0.5}, Weather{.jitter = milliseconds{200}},
                                 Weather{.extra = milliseconds{200}}, Weather{.loss = 0.1}}) {
    Pair pair({.says = 200}, {.weather = weather});
    pair.world.run_for(seconds{40});
    EXPECT_EQ(pair.heard.bytes.size(), 200u);
    EXPECT_TRUE(pair.in_order());
    EXPECT_NE(pair.world.trace_hash(), clear.world.trace_hash());
  }
  Pair once({.at_once = 500'000}), twice({.at_once = 500'000}, {.weather = {.duplicate = 1}});
  for (Pair* pair : {&once, &twice}) pair->world.set_rate(pair->b, 100'000, 100'000);
  once.world.run_for(seconds{40});
  twice.world.run_for(seconds{40});
  EXPECT_EQ(once.heard.bytes, twice.heard.bytes);
  EXPECT_GT(twice.heard.last_bytes, once.heard.last_bytes);
  Pair far({.says = 1}, {.weather = {.extra = milliseconds{200}}});
  far.world.run_for(seconds{40});
  EXPECT_GE(far.heard.last_bytes - clear.said.woken[0].mono, milliseconds{300});
}

TEST(Faults, AHostsOwnWeatherStandsInPlaceOfTheWorlds) {
  Pair pair({.says = 100});
  pair.world.set_weather(pair.b, {.loss = 0.3});
  pair.world.run_for(seconds{60});
  EXPECT_GT(pair.world.stats().sent_again, 5u);
  EXPECT_TRUE(pair.in_order());
}

TEST(Faults, ALineIsAsFastAsItIsSet) {
  Pair pair({.at_once = 1'000'000});
  pair.world.set_rate(pair.a, 100'000, 12'500'000);
  pair.world.run_for(seconds{9});
  EXPECT_LT(pair.heard.bytes.size(), 900'000u);
  pair.world.run_for(seconds{9});
  EXPECT_EQ(pair.heard.bytes.size(), 1'000'000u);
  Pair down({.at_once = 1'000'000});
  down.world.set_rate(down.b, 12'500'000, 100'000);
  down.world.run_for(seconds{9});
  EXPECT_LT(down.heard.bytes.size(), 900'000u);
}

TEST(Faults, AClockStepsAndDriftsOnTheWallOnly) {
  Pair pair({});
  const auto skew = [&] {
    const Now now = pair.said.woken.back();
    return unix_seconds(now.wall) - 1'750'000'000 - std::chrono::floor<seconds>(now.mono.time_since_epoch()).count();
  };
  pair.world.run_for(seconds{2});
  EXPECT_EQ(skew(), 0);
  pair.world.step_clock(pair.a, -7200);
  pair.world.run_for(seconds{2});
  EXPECT_EQ(skew(), -7200);
  EXPECT_EQ(pair.said.woken.back().mono - pair.said.woken[pair.said.woken.size() - 2].mono, milliseconds{100});
  pair.world.set_drift(pair.a, 1000);  // a thousandth: a second each 1,000
  pair.world.run_for(seconds{5000});
  EXPECT_NEAR(static_cast<double>(skew()), -7195, 1);
  pair.world.set_drift(pair.a, 0);
  pair.world.run_for(seconds{5000});
  EXPECT_NEAR(static_cast<double>(skew()), -7195, 1);  // what it has run off it keeps
}

// Each fault drawn twice from one seed gives one trace, and another one than no fault.
TEST(Faults, TheSameSeedGivesTheSameTrace) {
  using Act = std::function<void(Pair&)>;
  const std::vector<Act> acts = {
      [](Pair&) {},
      [](Pair& pair) { pair.world.set_side(pair.b, 1); },
      [](Pair& pair) { pair.world.set_stalled(pair.a, true); },
      [](Pair& pair) { pair.world.break_silently(pair.a); },
      [](Pair& pair) { pair.world.set_rate(pair.a, 1000, 1000); },
      [](Pair& pair) { pair.world.set_weather({.loss = 0.2}); },
      [](Pair& pair) { pair.world.set_weather({.reorder = 0.5}); },
      [](Pair& pair) { pair.world.set_weather({.duplicate = 0.5, .jitter = milliseconds{5}}); },
      [](Pair& pair) { pair.world.set_weather({.corrupt = 0.5, .undetected = 0.5}); },
      [](Pair& pair) { pair.world.kill(pair.b, Crash::power); },
  };
  std::vector<std::string> hashes;
  for (const auto& act : acts) {
    const auto run = [&] {
      Pair pair({.says = 100, .at_once = 20'000});
      pair.world.run_for(milliseconds{1500});
      act(pair);
      pair.world.run_for(seconds{4});
      pair.world.set_side(pair.b, 0);
      pair.world.set_stalled(pair.a, false);
      pair.world.run_for(seconds{20});
      return pair.world.trace_hash();
    };
    hashes.push_back(run());
    EXPECT_EQ(hashes.back(), run()) << hashes.size();
    EXPECT_TRUE(hashes.size() == 1 || hashes.back() != hashes.front()) << hashes.size();
  }
}

}  // namespace
}  // namespace lattice::sim
