#include <lattice/peers/slots.hpp>

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>

namespace lattice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using enum SlotKind;

Instant at(int64_t s) { return Instant{seconds{s}}; }
SlotAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint32_t asn = 0, std::optional<uint8_t> region = {}) {
  return {{IpAddress::v4(a, b, c, d), 8333}, asn, region};
}
SlotAddress v6(const char* text) { return {{*IpAddress::parse(text), 8333}, 0, {}}; }

// The same by counting what is there, for every question anew.
struct Model {
  struct Taken {
    ConnId conn;
    SlotKind kind;
    SlotAddress address;
  };
  SlotLimits limits;
  std::vector<Taken> taken;
  std::optional<Instant> last_feeler;

  template <class What>
  size_t count(What what) const {
    return static_cast<size_t>(std::ranges::count_if(taken, what));
  }
  size_t of(SlotKind kind) const {
    return count([&](const Taken& t) { return t.kind == kind; });
  }
  static bool alike(const IpAddress& a, const IpAddress& b, size_t v4_bytes, size_t v6_bytes) {
    if (a.is_v4() != b.is_v4()) return false;
    const size_t kept = a.is_v4() ? 12 + v4_bytes : v6_bytes;
    return std::equal(a.bytes.begin(), a.bytes.begin() + static_cast<ptrdiff_t>(kept), b.bytes.begin());
  }
  std::optional<SlotRefusal> refusal(SlotKind kind, const SlotAddress& address, Spread spread) const {
    const IpAddress& ip = address.endpoint.ip;
    const auto near = [&](size_t v4_bytes, size_t v6_bytes) {
      return count([&](const Taken& t) { return t.kind == inbound && alike(t.address.endpoint.ip, ip, v4_bytes, v6_bytes); });
    };
    const auto ours = [](const Taken& t) { return t.kind != inbound && t.kind != feeler; };
    switch (kind) {
      case named: return std::nullopt;
      case inbound:
        if (!ip.is_loopback() && near(4, 8) >= limits.per_ip) return SlotRefusal::ip_full;
        if (!ip.is_loopback() && near(3, 6) >= limits.per_subnet) return SlotRefusal::subnet_full;
        if (of(inbound) >= 125 - 11) return SlotRefusal::kind_full;
        if (taken.size() >= 125) return SlotRefusal::all_full;
        return std::nullopt;
      case feeler:
        if (taken.size() >= 125) return SlotRefusal::all_full;
        if (of(feeler) >= 1) return SlotRefusal::kind_full;
        return std::nullopt;
      default: break;
    }
    if (taken.size() >= 125) return SlotRefusal::all_full;
    if (of(kind) >= (kind == full_relay ? 8u : 2u)) return SlotRefusal::kind_full;
    const AddressGroup group = group_of(ip);
    if (count([&](const Taken& t) { return ours(t) && group_of(t.address.endpoint.ip) == group; }) >= 1)
      return SlotRefusal::group_taken;
    if (address.asn != 0 && count([&](const Taken& t) { return ours(t) && t.address.asn == address.asn; }) >= 2)
      return SlotRefusal::as_full;
    if (spread == Spread::any || !address.region) return std::nullopt;
    const auto in_region = [&](uint8_t region) {
      return count([&](const Taken& t) { return ours(t) && t.address.region == region; });
    };
    for (uint8_t region = 0; region < region_count; ++region)
      if (in_region(region) < in_region(*address.region)) return SlotRefusal::region_crowded;
    return std::nullopt;
  }
  std::optional<SlotKind> next(Instant now) const {
    if (taken.size() >= 125) return std::nullopt;
    if (of(full_relay) < 8) return full_relay;
    if (of(block_only) < 2) return block_only;
    if (of(feeler) == 0 && (!last_feeler || *last_feeler + minutes{2} <= now)) return feeler;
    return std::nullopt;
  }
};

SlotAddress random_address(Rng& rng) {
  SlotAddress out;
  const auto byte = [&](uint64_t bound) { return static_cast<uint8_t>(rng.below(bound)); };
  out.endpoint.port = static_cast<uint16_t>(1 + rng.below(3));
  switch (rng.below(8)) {
    case 0: out.endpoint.ip = IpAddress::v4(127, 0, 0, byte(4)); break;
    case 1: out.endpoint.ip.bytes = {0x2a, 0, byte(3), 0, 0, byte(3), 0, byte(3), 0, byte(9)}; break;
    case 2: out.endpoint.ip = IpAddress::v4(20, 0, 0, byte(16)); break;
    default: out.endpoint.ip = IpAddress::v4(20 + byte(3), byte(8), byte(4), byte(8));
  }
  if (rng.below(4) != 0) out.asn = 1 + static_cast<uint32_t>(rng.below(8));
  if (rng.below(4) != 0) out.region = byte(region_count);
  return out;
}

TEST(slots, agree_with_a_naive_model) {
  SeededRng rng(30);
  SlotPlan plan{SlotLimits{}};
  Model model;
  uint64_t next_conn = 1;
  Instant now = at(0);
  size_t refusals[7] = {}, allowed = 0;  // region_full has a test of its own
  for (int step = 0; step < 1'000'000; ++step) {
    now += std::chrono::milliseconds{rng.below(3'000)};
    const bool filling = step / 5'000 % 2 == 0;
    if (!model.taken.empty() && rng.below(filling ? 40 : 2) == 0) {
      const size_t victim = rng.below(model.taken.size());
      plan.remove(model.taken[victim].conn);
      model.taken.erase(model.taken.begin() + static_cast<ptrdiff_t>(victim));
    }
    const auto kind = rng.below(3) == 0 ? static_cast<SlotKind>(rng.below(slot_kind_count)) : inbound;
    const Spread spread = rng.below(2) == 0 ? Spread::regions : Spread::any;
    const SlotAddress address = random_address(rng);
    const auto refused = plan.refusal(kind, address, spread);
    ASSERT_EQ(refused, model.refusal(kind, address, spread)) << "step " << step;
    refused ? ++refusals[static_cast<size_t>(*refused)] : ++allowed;
    const bool enters = !refused && (kind != named || rng.below(filling ? 6 : 30) == 0);
    if (enters || rng.below(500) == 0) {  // some come before another goes
      plan.add(ConnId{next_conn}, kind, address, now);
      model.taken.push_back({ConnId{next_conn++}, kind, address});
      if (kind == feeler) model.last_feeler = now;
    }
    const auto wants = plan.next(now);
    ASSERT_EQ(wants ? std::optional(wants->kind) : std::nullopt, model.next(now)) << "step " << step;
    ASSERT_EQ(plan.size(), model.taken.size());
    ASSERT_EQ(plan.count(kind), model.of(kind));
  }
  for (size_t i = 0; i < std::size(refusals); ++i)
    EXPECT_GT(refusals[i], 100u) << slot_refusal_name(static_cast<SlotRefusal>(i));
  EXPECT_GT(allowed, 10'000u);
}

TEST(slots, an_address_has_three_and_a_subnet_ten) {
  SlotPlan plan{SlotLimits{}};
  uint64_t conn = 1;
  const auto come = [&](const SlotAddress& address) {
    const auto refused = plan.refusal(inbound, address);
    if (!refused) plan.add(ConnId{conn++}, inbound, address, at(0));
    return refused;
  };
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(come(v4(8, 8, 8, 8)));
  EXPECT_EQ(come(v4(8, 8, 8, 8)), SlotRefusal::ip_full);
  for (uint8_t i = 0; i < 7; ++i) EXPECT_FALSE(come(v4(8, 8, 8, 10 + i)));
  EXPECT_EQ(come(v4(8, 8, 8, 99)), SlotRefusal::subnet_full);
  EXPECT_FALSE(come(v4(8, 8, 9, 8)));
  for (uint8_t i = 0; i < 20; ++i) EXPECT_FALSE(come(v4(192, 168, 1, i)));  // somebody's own
  // Who has one IPv6 address has 2^64 of them.
  for (const char* text : {"2001:470::1", "2001:470::2", "2001:470::3"}) EXPECT_FALSE(come(v6(text)));
  EXPECT_EQ(come(v6("2001:470::4")), SlotRefusal::ip_full);
  EXPECT_FALSE(come(v6("2001:470:0:1::4")));
}

TEST(slots, inbound_ones_leave_room_for_our_own) {
  SlotPlan plan{SlotLimits{}};
  EXPECT_EQ(plan.inbound_max(), 114u);
  for (uint64_t i = 0; i < 114; ++i) {
    const auto address = v4(static_cast<uint8_t>(20 + i), 1, 1, 1);
    ASSERT_FALSE(plan.refusal(inbound, address));
    plan.add(ConnId{i + 1}, inbound, address, at(0));
  }
  EXPECT_EQ(plan.refusal(inbound, v4(200, 1, 1, 1)), SlotRefusal::kind_full);
  EXPECT_FALSE(plan.refusal(full_relay, v4(200, 1, 1, 1)));
  EXPECT_EQ(plan.next(at(0))->kind, full_relay);
  plan.remove(ConnId{1});
  EXPECT_FALSE(plan.refusal(inbound, v4(200, 1, 1, 1)));
  EXPECT_EQ(SlotPlan{SlotLimits{.connections_max = 4}}.inbound_max(), 2u);
}

TEST(slots, our_own_choice_is_spread) {
  SlotPlan plan{SlotLimits{}};
  plan.add(ConnId{1}, full_relay, v4(20, 1, 1, 1, 100, 0), at(0));
  EXPECT_EQ(plan.refusal(full_relay, v4(20, 1, 200, 1, 101, 1)), SlotRefusal::group_taken);
  EXPECT_FALSE(plan.refusal(feeler, v4(20, 1, 200, 1, 101, 1)));  // it only knocks
  plan.add(ConnId{2}, block_only, v4(20, 2, 1, 1, 100, 1), at(0));
  EXPECT_EQ(plan.refusal(full_relay, v4(20, 3, 1, 1, 100, 2)), SlotRefusal::as_full);
  const auto again_0 = v4(20, 3, 1, 1, 101, 0);
  EXPECT_EQ(plan.refusal(full_relay, again_0, Spread::regions), SlotRefusal::region_crowded);
  EXPECT_FALSE(plan.refusal(full_relay, again_0));
  for (uint8_t region = 2; region < 6; ++region)
    plan.add(ConnId{3u + region}, full_relay, v4(20, 10 + region, 1, 1, 200u + region, region), at(0));
  EXPECT_FALSE(plan.refusal(full_relay, again_0, Spread::regions));  // each region has one
  // The operator's count too, though nothing keeps them out.
  EXPECT_FALSE(plan.refusal(named, v4(20, 1, 1, 1, 100, 0)));
  plan.add(ConnId{20}, named, v4(30, 1, 1, 1), at(0));
  EXPECT_EQ(plan.refusal(full_relay, v4(30, 1, 7, 7)), SlotRefusal::group_taken);
  plan.remove(ConnId{20});
  EXPECT_FALSE(plan.refusal(full_relay, v4(30, 1, 7, 7)));
}

TEST(slots, anchors_come_first_and_are_remembered) {
  const std::vector<Endpoint> remembered{v4(20, 1, 1, 1).endpoint, v4(20, 2, 1, 1).endpoint, v4(20, 3, 1, 1).endpoint};
  SlotPlan plan{SlotLimits{}, remembered};
  for (uint64_t i = 0; i < 2; ++i) {
    const auto wants = plan.next(at(0));
    ASSERT_TRUE(wants && wants->anchor);
    EXPECT_EQ(wants->kind, block_only);
    EXPECT_EQ(*wants->anchor, remembered[i]);
    plan.anchor_tried(*wants->anchor);
    if (i == 0) plan.add(ConnId{1}, block_only, {*wants->anchor, 0, {}}, at(0));
  }
  EXPECT_EQ(plan.next(at(0))->kind, full_relay);  // two are enough
  EXPECT_FALSE(plan.next(at(0))->anchor);
  plan.add(ConnId{2}, block_only, v4(21, 1, 1, 1), at(0));
  plan.add(ConnId{3}, full_relay, v4(22, 1, 1, 1), at(0));
  EXPECT_EQ(plan.anchors([](ConnId) { return true; }), (std::vector{remembered[0], v4(21, 1, 1, 1).endpoint}));
  EXPECT_EQ(plan.anchors([](ConnId conn) { return conn == ConnId{2}; }), (std::vector{v4(21, 1, 1, 1).endpoint}));
}

TEST(slots, a_feeler_every_two_minutes) {
  SlotPlan plan{SlotLimits{.full_relay = 0, .block_only = 0}};
  EXPECT_EQ(plan.next(at(0))->kind, feeler);
  plan.add(ConnId{1}, feeler, v4(20, 1, 1, 1), at(0));
  EXPECT_FALSE(plan.next(at(500)));  // one at a time
  plan.remove(ConnId{1});
  EXPECT_FALSE(plan.next(at(119)));
  EXPECT_EQ(plan.feeler_due(at(119)), at(120));
  EXPECT_EQ(plan.next(at(120))->kind, feeler);
  EXPECT_FALSE(plan.feeler_due(at(120)));
}

TEST(slots, a_small_network_has_a_lower_ceiling_and_each_region_its_part) {
  SlotPlan plan{SlotLimits{}};
  plan.set_inbound_per_region(8);
  EXPECT_EQ(plan.inbound_max(), 48u);
  for (uint8_t i = 0; i < 8; ++i) plan.add(ConnId{1u + i}, inbound, v4(20 + i, 1, 1, 1, 0, 3), at(0));
  EXPECT_EQ(plan.refusal(inbound, v4(60, 1, 1, 1, 0, 3)), SlotRefusal::region_full);
  EXPECT_FALSE(plan.refusal(inbound, v4(60, 1, 1, 1, 0, 2)));
  EXPECT_FALSE(plan.refusal(inbound, v4(60, 1, 1, 1)));  // who knows where it is
  EXPECT_EQ(plan.region_of(ConnId{1}), 3);
  plan.remove(ConnId{1});
  EXPECT_FALSE(plan.refusal(inbound, v4(60, 1, 1, 1, 0, 3)));
  for (uint8_t i = 0; i < 41; ++i) plan.add(ConnId{100u + i}, inbound, v4(60 + i, 1, 1, 1), at(0));
  EXPECT_EQ(plan.refusal(inbound, v4(160, 1, 1, 1)), SlotRefusal::kind_full);
  plan.set_inbound_per_region(50);
  EXPECT_EQ(plan.inbound_max(), 114u);
}

TEST(slots, extra_ones_are_wanted_for_a_while) {
  SlotPlan plan{SlotLimits{.full_relay = 1, .block_only = 0}};
  plan.add(ConnId{1}, full_relay, v4(20, 1, 1, 1), at(0));
  EXPECT_EQ(plan.next(at(0))->kind, feeler);
  plan.set_extra(1);
  EXPECT_EQ(plan.next(at(0))->kind, full_relay);
  EXPECT_FALSE(plan.refusal(full_relay, v4(20, 2, 1, 1)));
  plan.set_extra(0);
  EXPECT_EQ(plan.refusal(full_relay, v4(20, 2, 1, 1)), SlotRefusal::kind_full);
}

// The same looked for pair by pair.
TEST(slots, redundant_is_who_would_not_be_chosen_now) {
  SeededRng rng(31);
  size_t found = 0, none = 0;
  for (int round = 0; round < 20'000; ++round) {
    SlotPlan plan{SlotLimits{}};
    std::vector<SlotAddress> all;
    const size_t count = 1 + rng.below(7);
    for (size_t i = 0; i < count; ++i) {
      all.push_back(v4(static_cast<uint8_t>(20 + rng.below(40)), static_cast<uint8_t>(rng.below(3)), 1, 1));
      if (rng.below(3) == 0) all.back().asn = 1 + static_cast<uint32_t>(rng.below(4));
      if (rng.below(3) == 0) all.back().region = static_cast<uint8_t>(rng.below(region_count));
      plan.add(ConnId{i + 1}, rng.below(4) == 0 ? block_only : full_relay, all.back(), at(0));
    }
    const auto worse = [&](size_t i) {
      size_t group = 0, system = 0;
      std::array<size_t, region_count> regions{};
      for (const auto& other : all) {
        group += group_of(other.endpoint.ip) == group_of(all[i].endpoint.ip);
        system += other.asn != 0 && other.asn == all[i].asn;
        if (other.region) ++regions[*other.region];
      }
      return group > 1 || system > 2 || (all[i].region && regions[*all[i].region] >= *std::ranges::min_element(regions) + 2);
    };
    std::optional<ConnId> expected;
    for (size_t i = 0; i < count; ++i) {
      const bool ours = plan.anchors([&](ConnId conn) { return conn == ConnId{i + 1}; }).empty();  // no block_only one
      if (ours && worse(i)) expected = ConnId{i + 1};
    }
    ASSERT_EQ(plan.redundant(), expected);
    ++(expected ? found : none);
  }
  EXPECT_GT(found, 1000u);
  EXPECT_GT(none, 1000u);
}

TEST(slots, every_refusal_has_a_name) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(SlotRefusal::region_full); ++i)
    EXPECT_NE(slot_refusal_name(static_cast<SlotRefusal>(i)), "unknown");
}

}  // namespace
}  // namespace lattice
