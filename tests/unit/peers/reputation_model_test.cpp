// Reputation held against its rules as they are written, over what came, without a bound and without a thought for speed.
#include <gtest/gtest.h>

#include <map>

#include <lattice/base/random.hpp>
#include <lattice/peers/reputation.hpp>

#include "../../model_operations.hpp"

namespace lattice {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Of one address or identity: two counters, the bans it has had.
struct Record {
  double points = 0, mishaps = 0;
  Instant at{};
  struct Ban {
    Instant from, until;
    ErrorCode reason;
    size_t place;  // in the row of ban times
    bool mishap;
  };
  std::vector<Ban> bans;
  std::vector<Instant> uses;

  static double faded(double value, Duration passed) { return std::max(0.0, value - seconds_of(passed) / 30); }
  double points_at(Instant now) const { return faded(points, now - at); }
  void fade(Instant now) {
    points = faded(points, now - at);
    mishaps = faded(mishaps, now - at);
    at = now;
  }
  const Ban* running(Instant now) const {
    const Ban* last = nullptr;
    for (const Ban& b : bans)
      if (b.until > now && (last == nullptr || b.until > last->until)) last = &b;
    return last;
  }
  size_t step(Instant now) const {
    const Ban* last = nullptr;
    for (const Ban& b : bans)
      if (!b.mishap) last = &b;
    if (last == nullptr) return 0;
    size_t step = last->place + 1;
    for (Instant day = last->until + hours{24}; day <= now && step > 0; day += hours{24}) --step;
    return step;
  }
  void ban(ErrorCode code, Instant now) {
    if (Reputation::is_mishap(code)) {
      if (running(now) == nullptr || running(now)->until < now + minutes{2})
        bans.push_back({now, now + minutes{2}, code, 0, true});
      mishaps = std::min(mishaps, 50.0);
      return;
    }
    if (running(now) != nullptr && !running(now)->mishap) return;
    size_t place = step(now);
    if (error_info(code).penalty == 100 && place == 0) place = 1;
    if (place > 4) place = 4;
    const Duration times[] = {minutes{10}, hours{1}, hours{6}, hours{24}, hours{168}};
    bans.push_back({now, now + times[place], code, place, false});
  }
  unsigned fault(ErrorCode code, Instant now) {
    fade(now);
    double& which = Reputation::is_mishap(code) ? mishaps : points;
    which += error_info(code).penalty;
    const auto value = static_cast<unsigned>(which);
    if (value >= 100) ban(code, now);
    return value;
  }
  bool aged(Instant now) const {
    return uses.size() >= 16 && now - uses.front() >= hours{24} && running(now) == nullptr && step(now) == 0 &&
           points_at(now) < 25;
  }
  Response response(Instant now) const {
    if (running(now) != nullptr) return Response::ban;
    if (points_at(now) >= 50 || step(now) > 0) return Response::discourage;
    return points_at(now) >= 25 ? Response::throttle : Response::none;
  }
};

struct GroupRecord {
  double points = 0;
  Instant at{};
};

TEST(reputation, holds_against_its_model) {
  const auto operations = static_cast<int>(model_operations());
  SeededRng rng(3);
  Reputation r;
  std::map<size_t, Record> machines, nodes;
  std::map<size_t, GroupRecord> groups;
  const ErrorCode codes[] = {ErrorCode::stalled,     ErrorCode::idle_timeout,       ErrorCode::bad_record,
                             ErrorCode::unrequested, ErrorCode::bad_header,         ErrorCode::wrong_chain,
                             ErrorCode::no_slot,     ErrorCode::unexpected_message, ErrorCode::unknown_parent};
  Instant now = Instant{hours{1}};
  size_t responses[4] = {};
  for (int i = 0; i < operations; ++i) {
    if (rng.below(3) == 0) now += seconds{rng.below(rng.below(20) == 0 ? 40'000 : 60)};
    const size_t m = rng.below(40), group = m / 5, n = rng.below(40);
    const Endpoint remote{IpAddress::v4(50, static_cast<uint8_t>(group), 1, static_cast<uint8_t>(m)),
                          static_cast<uint16_t>(rng.next())};
    NodeId node;
    node.bytes[3] = static_cast<uint8_t>(n);
    const ErrorCode code = codes[rng.below(std::size(codes))];
    const bool counts = code != ErrorCode::bad_record && code != ErrorCode::no_slot;
    switch (rng.below(12)) {
      case 0:
      case 1: {
        const unsigned value = r.on_fault(remote, code, now);
        ASSERT_EQ(value, counts ? machines[m].fault(code, now) : 0u) << i;
        if (counts && !Reputation::is_mishap(code)) {
          GroupRecord& g = groups[group];
          g.points = std::min(3000.0, Record::faded(g.points, now - g.at) + error_info(code).penalty);
          g.at = now;
        }
        break;
      }
      case 2: ASSERT_EQ(r.on_node_fault(node, code, now), counts ? nodes[n].fault(code, now) : 0u) << i; break;
      case 3:
        if (rng.below(20) != 0) break;
        r.avoid(remote, code, now);
        machines[m].ban(code, now);
        break;
      case 4:
        if (rng.below(20) != 0) break;
        r.avoid_node(node, code, now);
        nodes[n].ban(code, now);
        break;
      case 5:
      case 6:
      case 7:
        r.on_useful(node, now);
        nodes[n].uses.push_back(now);
        break;
      default: break;
    }
    const Record::Ban* ban = machines[m].running(now);
    const auto avoided = r.avoided(remote, now);
    ASSERT_EQ(avoided.has_value(), ban != nullptr) << i;
    ASSERT_TRUE(ban == nullptr || *avoided == ban->reason) << i;
    ASSERT_EQ(r.node_avoided(node, now), nodes[n].running(now) != nullptr) << i;
    ASSERT_EQ(r.aged(node, now), nodes[n].aged(now)) << i;
    Response expected = std::max(machines[m].response(now), nodes[n].response(now));
    const bool bad_group = Record::faded(groups[group].points, now - groups[group].at) >= 300;
    if (bad_group && !nodes[n].aged(now)) expected = std::max(expected, Response::discourage);
    ASSERT_EQ(r.response(remote, node, now), expected) << i;
    ++responses[static_cast<size_t>(expected)];
  }
  for (const size_t count : responses) EXPECT_GT(count, static_cast<size_t>(operations) / 1000);
}

}  // namespace
}  // namespace lattice
