#include <lattice/peers/slots.hpp>

#include <algorithm>
#include <ranges>

#include <lattice/base/assert.hpp>

namespace lattice {
namespace {

// The address with everything behind its first `kept` bytes zero.
IpAddress cut(IpAddress ip, size_t kept) {
  std::fill(ip.bytes.begin() + static_cast<ptrdiff_t>(kept), ip.bytes.end(), uint8_t{0});
  return ip;
}

template <class Key>
size_t count_of(const std::map<Key, size_t>& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

// One more or one less; what is at zero is not kept.
template <class Key>
void change(std::map<Key, size_t>& counts, const Key& key, bool in) {
  if (in) {
    ++counts[key];
    return;
  }
  const auto found = counts.find(key);
  ASSERT(found != counts.end());
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

std::string_view slot_kind_name(SlotKind kind) {
  switch (kind) {
    case SlotKind::named: return "named";
    case SlotKind::full_relay: return "full_relay";
    case SlotKind::block_only: return "block_only";
    case SlotKind::feeler: return "feeler";
    case SlotKind::inbound: return "inbound";
  }
  return "unknown";
}

std::string_view slot_refusal_name(SlotRefusal refusal) {
  switch (refusal) {
    case SlotRefusal::kind_full: return "kind_full";
    case SlotRefusal::all_full: return "all_full";
    case SlotRefusal::ip_full: return "ip_full";
    case SlotRefusal::subnet_full: return "subnet_full";
    case SlotRefusal::group_taken: return "group_taken";
    case SlotRefusal::as_full: return "as_full";
    case SlotRefusal::region_crowded: return "region_crowded";
    case SlotRefusal::region_full: return "region_full";
  }
  return "unknown";
}

SlotPlan::SlotPlan(const SlotLimits& limits, std::span<const Endpoint> anchors) : limits_(limits) {
  for (const Endpoint& anchor : anchors.first(std::min(anchors.size(), anchors_max)))
    if (std::ranges::find(anchors_, anchor) == anchors_.end()) anchors_.push_back(anchor);
}

IpAddress SlotPlan::machine_of(const IpAddress& ip) { return ip.is_v4() ? ip : cut(ip, 8); }
IpAddress SlotPlan::subnet_of(const IpAddress& ip) { return ip.is_v4() ? cut(ip, 15) : cut(ip, 6); }

size_t SlotPlan::wanted(SlotKind kind) const {
  return kind == SlotKind::full_relay ? limits_.full_relay + extra_ : limits_.block_only;
}

size_t SlotPlan::inbound_max() const {
  const size_t own = limits_.full_relay + limits_.block_only + 1;
  const size_t left = limits_.connections_max - std::min(own, limits_.connections_max / 2);
  return std::min(left, inbound_per_region_ * region_count);
}

std::optional<SlotPlan::Opening> SlotPlan::next(Instant now) const {
  if (size() >= limits_.connections_max) return std::nullopt;
  const auto missing = [&](SlotKind kind) { return count(kind) < wanted(kind); };
  if (!anchors_.empty() && missing(SlotKind::block_only)) return Opening{SlotKind::block_only, anchors_.front()};
  if (missing(SlotKind::full_relay)) return Opening{SlotKind::full_relay, std::nullopt};
  if (missing(SlotKind::block_only)) return Opening{SlotKind::block_only, std::nullopt};
  if (count(SlotKind::feeler) == 0 && !feeler_due(now)) return Opening{SlotKind::feeler, std::nullopt};
  return std::nullopt;
}

void SlotPlan::anchor_tried(const Endpoint& anchor) { std::erase(anchors_, anchor); }

std::optional<Instant> SlotPlan::feeler_due(Instant now) const {
  if (count(SlotKind::feeler) > 0 || !last_feeler_ || now - *last_feeler_ >= limits_.feeler_interval) return std::nullopt;
  return *last_feeler_ + limits_.feeler_interval;
}

std::optional<SlotRefusal> SlotPlan::refusal(SlotKind kind, const SlotAddress& address, Spread spread) const {
  if (kind == SlotKind::named) return std::nullopt;
  if (kind == SlotKind::inbound) return inbound_refusal(address);
  if (size() >= limits_.connections_max) return SlotRefusal::all_full;
  if (kind == SlotKind::feeler) return count(kind) > 0 ? std::optional(SlotRefusal::kind_full) : std::nullopt;
  if (count(kind) >= wanted(kind)) return SlotRefusal::kind_full;
  return diversity_refusal(address, spread);
}

// What cannot be helped by somebody else's going comes first. Many nodes share a loopback address when they are tried out on one
// machine, and nobody else can come from there; a private network is often one subnet.
std::optional<SlotRefusal> SlotPlan::inbound_refusal(const SlotAddress& address) const {
  const IpAddress& ip = address.endpoint.ip;
  if (!ip.is_loopback()) {
    if (count_of(machines_, machine_of(ip)) >= limits_.per_ip) return SlotRefusal::ip_full;
    if (ip.is_routable() && count_of(subnets_, subnet_of(ip)) >= limits_.per_subnet) return SlotRefusal::subnet_full;
  }
  if (address.region && inbound_regions_[*address.region] >= inbound_per_region_) return SlotRefusal::region_full;
  if (count(SlotKind::inbound) >= inbound_max()) return SlotRefusal::kind_full;
  if (size() >= limits_.connections_max) return SlotRefusal::all_full;
  return std::nullopt;
}

std::optional<SlotRefusal> SlotPlan::diversity_refusal(const SlotAddress& address, Spread spread) const {
  if (count_of(groups_, group_of(address.endpoint.ip)) >= limits_.per_group) return SlotRefusal::group_taken;
  if (address.asn != 0 && count_of(systems_, address.asn) >= limits_.per_as) return SlotRefusal::as_full;
  if (spread == Spread::any || !address.region) return std::nullopt;
  ASSERT(*address.region < region_count);
  if (regions_[*address.region] > *std::ranges::min_element(regions_)) return SlotRefusal::region_crowded;
  return std::nullopt;
}

std::optional<ConnId> SlotPlan::redundant() const {
  const size_t fewest = *std::ranges::min_element(regions_);
  for (const auto& [conn, taken] : std::views::reverse(taken_)) {
    if (taken.kind != SlotKind::full_relay) continue;
    const SlotAddress& address = taken.address;
    if (count_of(groups_, group_of(address.endpoint.ip)) > limits_.per_group) return conn;
    if (address.asn != 0 && count_of(systems_, address.asn) > limits_.per_as) return conn;
    if (address.region && regions_[*address.region] >= fewest + 2) return conn;
  }
  return std::nullopt;
}

std::optional<uint8_t> SlotPlan::region_of(ConnId conn) const {
  const auto found = taken_.find(conn);
  return found == taken_.end() ? std::nullopt : found->second.address.region;
}

void SlotPlan::add(ConnId conn, SlotKind kind, const SlotAddress& address, Instant now) {
  const auto [place, is_new] = taken_.emplace(conn, Taken{kind, address});
  ASSERT(is_new);
  count_in(place->second, true);
  if (kind == SlotKind::feeler) last_feeler_ = now;
}

void SlotPlan::remove(ConnId conn) {
  const auto found = taken_.find(conn);
  if (found == taken_.end()) return;
  count_in(found->second, false);
  taken_.erase(found);
}

void SlotPlan::count_in(const Taken& taken, bool in) {
  const auto step = [&](size_t& count) { in ? ++count : --count; };
  const IpAddress& ip = taken.address.endpoint.ip;
  step(counts_[static_cast<size_t>(taken.kind)]);
  if (taken.kind == SlotKind::inbound) {
    change(machines_, machine_of(ip), in);
    change(subnets_, subnet_of(ip), in);
    if (taken.address.region) step(inbound_regions_[*taken.address.region]);
  }
  if (!is_diverse(taken.kind)) return;
  change(groups_, group_of(ip), in);
  if (taken.address.asn != 0) change(systems_, taken.address.asn, in);
  if (taken.address.region) {
    ASSERT(*taken.address.region < region_count);
    step(regions_[*taken.address.region]);
  }
}

}  // namespace lattice
