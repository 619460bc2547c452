#include <lattice/peers/costs.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice {

Price price_of(uint16_t command) {
  switch (static_cast<wire::Command>(command)) {
    case wire::Command::open_channel:
    case wire::Command::status:
    case wire::Command::ping:
    case wire::Command::pong:
    case wire::Command::reject:
    case wire::Command::not_found: return {1, 1};
    case wire::Command::succession: return {60, 20};   // signatures
    case wire::Command::announcement: return {20, 4};  // a signature, and it is passed on
    case wire::Command::get_addresses: return {10, 1};
    case wire::Command::addresses: return {2, 4};     // into the table, one by one
    case wire::Command::get_headers: return {20, 2};  // 2,000 headers are found and sent
    case wire::Command::headers: return {5, 10};      // a hash each
    case wire::Command::inventory: return {2, 4};
    case wire::Command::get_blocks: return {10, 64};  // 32 hashes in a KiB, for each a body is read and sent
    case wire::Command::block: return {10, 4};
    case wire::Command::consensus: return {20, 4};  // a signature, and it is passed on
  }
  return {5, 1};
}

uint64_t cost_of(uint16_t command, size_t bytes) {
  const Price price = price_of(command);
  return price.each + (price.per_kib * bytes + 1023) / 1024;
}

Traffic traffic_of(uint16_t command, bool solicited) {
  switch (static_cast<wire::Command>(command)) {
    case wire::Command::get_addresses:
    case wire::Command::get_headers:
    case wire::Command::get_blocks: return Traffic::request;
    case wire::Command::inventory:
    case wire::Command::consensus: return Traffic::news;
    default: return solicited ? Traffic::answer : Traffic::unasked;
  }
}

Debt::Debt(const Rate& rate) : rate_(rate) { ASSERT(rate.per_minute > 0 && rate.burst > 0 && rate.burst <= Rate::burst_max); }

uint64_t Debt::owed(Instant now) const {
  const auto passed = static_cast<uint64_t>(std::max<int64_t>(0, (now - updated_).count()));
  // Divided, not multiplied: the product need not fit.
  return passed > ticks_ / rate_.per_minute ? 0 : ticks_ - passed * rate_.per_minute;
}

// Nobody owes more than two bursts of the largest kind: with one more it fits, whatever is charged.
void Debt::charge(uint64_t cost, Instant now) {
  static_assert(Rate::burst_max <= UINT64_MAX / ticks_per_unit / 3);
  constexpr uint64_t ticks_max = 2 * Rate::burst_max * ticks_per_unit;
  const uint64_t more = std::min(cost, Rate::burst_max) * ticks_per_unit;
  ticks_ = std::min(ticks_max, owed(now) + more);
  updated_ = std::max(updated_, now);
}

Duration Debt::wait_for(uint64_t allowed, Instant now) const {
  const uint64_t ticks = owed(now), free = allowed * ticks_per_unit;
  if (ticks <= free) return {};
  const uint64_t over = ticks - free;
  const uint64_t wait = over / rate_.per_minute + (over % rate_.per_minute != 0);
  return Duration{static_cast<int64_t>(std::min<uint64_t>(wait, INT64_MAX))};
}

PeerBudget::Verdict PeerBudget::charge(SharedBudget& all, uint16_t command, size_t bytes, bool solicited, Instant now) {
  const Traffic traffic = traffic_of(command, solicited);
  if (traffic == Traffic::answer) {
    answer_bytes_.charge(bytes, now);
    const Duration wait = answer_bytes_.wait(now);
    return {wait > Duration{} ? Kind::throttle : Kind::ok, wait};
  }
  if (traffic == Traffic::news) {
    news_.charge(1, now);
    news_bytes_.charge(bytes, now);
    const Duration wait = std::max(news_.wait(now), news_bytes_.wait(now));
    if (wait > patience_) return {Kind::fault, {}};
    return {wait > Duration{} ? Kind::throttle : Kind::ok, wait};
  }
  const uint64_t cost = cost_of(command, bytes);
  work_.charge(cost, now);
  all.work_.charge(cost, now);
  if (traffic == Traffic::unasked) {
    messages_.charge(1, now);
    bytes_.charge(bytes, now);
  }
  const Duration own = std::max({messages_.wait(now), bytes_.wait(now), work_.wait(now)});
  if (own > patience_) return {Kind::fault, {}};
  const Duration wait = work_.light(now) ? own : std::max(own, all.work_.wait(now));
  return {wait > Duration{} ? Kind::throttle : Kind::ok, wait};
}

}  // namespace lattice
