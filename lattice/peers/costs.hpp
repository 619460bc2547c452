// What a peer's messages cost us, in one unit, and how much of that one peer and all together may ask for.
//
//   unasked  what we did not ask for (addresses, pings, status, succession): 100 messages and 1 MB a minute, and its work
//   news     announcements of blocks and consensus messages: as many as the chain makes, so the chain's configuration says. Their
//            work is bounded by their number: a copy costs a hash, and whoever sends a false one pays with its standing
//   request  get_headers, get_blocks, get_addresses: their work, so that one small question that costs much is paid for
//   answer   what we asked for: a budget of bytes of its own, so that a fast answer leaves the others' room as it is
//
// A unit is about 10 microseconds of one core, or a read of the store's: estimates, in one table (price_of), for the order of
// things and not for their third digit. What has come is charged in any case; who owes more than a minute's burst is not read
// until that is paid off (throttle), and who got so far beyond it that this takes longer than patience sends without regard for
// it: a fault (ErrorCode::too_many_messages).
#pragma once

#include <lattice/base/time.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

struct Price {
  uint64_t each = 1, per_kib = 1;  // in proportion, rounded up
  bool operator==(const Price&) const = default;
};
// Of any number: unknown commands have a price too.
Price price_of(uint16_t command);
uint64_t cost_of(uint16_t command, size_t bytes);

enum class Traffic : uint8_t { unasked, news, request, answer };
// `solicited`: the node has asked for exactly this. No request is ever solicited.
Traffic traffic_of(uint16_t command, bool solicited);

struct Rate {
  uint64_t per_minute = 1;  // at least 1
  uint64_t burst = 1;       // at most burst_max
  static constexpr uint64_t burst_max = 100'000'000;
};

struct CostLimits {
  Rate messages{100, 100};           // unasked
  Rate bytes{1'000'000, 1'000'000};  // unasked
  Rate news{100, 100};               // messages
  Rate news_bytes{1'000'000, 1'000'000};
  Rate work{60'000, 60'000};                      // units, of what is unasked and of requests
  Rate answer_bytes{1'000'000'000, 100'000'000};  // 16 MB a second
  Rate work_of_all{600'000, 600'000};             // units: a tenth of one core
  Duration patience = std::chrono::seconds{60};
};

// Of a node whose chain says nothing else. An honest peer reaches none of them: a thousand consensus messages a second; the blocks
// of a chain from its beginning, 125,000 at once if need be and then 800 questions a second; whatever a network card carries.
constexpr CostLimits node_costs() {
  CostLimits limits;
  limits.news = {60'000, 20'000};
  limits.news_bytes = {300'000'000, 100'000'000};
  limits.work = {600'000, 1'500'000};
  limits.answer_bytes = {60'000'000'000, Rate::burst_max};
  limits.work_of_all = {3'000'000, 3'000'000};
  return limits;
}

// What is owed: grows with each charge, is paid off with time. Exact, in integers.
class Debt {
 public:
  explicit Debt(const Rate& rate);
  void charge(uint64_t cost, Instant now);
  // Until not more than `burst` is owed; zero where that is so now.
  Duration wait(Instant now) const { return wait_for(rate_.burst, now); }
  // Not more than half of the burst is owed.
  bool light(Instant now) const { return wait_for(rate_.burst / 2, now) == Duration{}; }

 private:
  static constexpr uint64_t ticks_per_unit = 60'000'000'000;  // rate_.per_minute of them are paid off in a nanosecond
  uint64_t owed(Instant now) const;
  Duration wait_for(uint64_t allowed, Instant now) const;

  Rate rate_;
  uint64_t ticks_ = 0;  // owed at updated_
  Instant updated_{};
};

// Of one node.
class SharedBudget {
 public:
  explicit SharedBudget(const CostLimits& limits) : work_(limits.work_of_all) {}

 private:
  friend class PeerBudget;
  Debt work_;
};

// Of one peer; it lives with the peer.
class PeerBudget {
 public:
  enum class Kind : uint8_t { ok, throttle, fault };
  struct Verdict {
    Kind kind = Kind::ok;
    Duration wait{};  // where throttled: read on after that
    bool operator==(const Verdict&) const = default;
  };

  explicit PeerBudget(const CostLimits& limits)
      : patience_(limits.patience),
        messages_(limits.messages),
        bytes_(limits.bytes),
        news_(limits.news),
        news_bytes_(limits.news_bytes),
        work_(limits.work),
        answer_bytes_(limits.answer_bytes) {}

  // A message has come, of `bytes` with its header. What others do is no fault of this one, and slows it down only if it owes
  // more than half of its own burst of work: a flood does not shut out who is quiet.
  Verdict charge(SharedBudget& all, uint16_t command, size_t bytes, bool solicited, Instant now);

 private:
  Duration patience_;
  Debt messages_, bytes_, news_, news_bytes_, work_, answer_bytes_;
};

}  // namespace lattice
