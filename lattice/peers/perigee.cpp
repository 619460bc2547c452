#include <lattice/peers/perigee.hpp>

#include <algorithm>
#include <cmath>

#include <lattice/base/assert.hpp>

namespace lattice {
namespace {

template <class Entries>
auto find_id(Entries& entries, const ArrivalId& id) {
  return std::ranges::find_if(entries, [&](const auto& entry) { return entry.id == id; });
}

// Counted from one; of `count` values, at least one.
size_t rank_of(double place, size_t count) { return std::clamp<size_t>(static_cast<size_t>(std::max(place, 1.0)), 1, count); }

}  // namespace

size_t Perigee::learned() const {
  return static_cast<size_t>(std::ranges::count_if(watched_, [](const auto& entry) { return entry.second.learned; }));
}

void Perigee::add(ConnId conn, Instant now) {
  if (watched_.size() >= watched_max) return;
  const bool free = learned() < limits_.learned;
  const auto [at, fresh] = watched_.try_emplace(conn);
  ASSERT(fresh);
  at->second.since = now;
  at->second.learned = free;
}

void Perigee::remove(ConnId conn) {
  watched_.erase(conn);
  if (named_ == conn) named_.reset();
}

bool Perigee::is_learned(ConnId conn) const {
  const auto peer = watched_.find(conn);
  return peer != watched_.end() && peer->second.learned;
}

bool Perigee::is_over(const ArrivalId& id) const { return std::ranges::find(closed_, id) != closed_.end(); }

void Perigee::on_announced(ConnId conn, const ArrivalId& id, Instant when) {
  if (limits_.learned == 0 || is_over(id)) return;
  const auto peer = watched_.find(conn);
  auto& list = peer == watched_.end() ? others_ : peer->second.announced;
  if (find_id(list, id) != list.end()) return;
  list.push_back({id, when});
  if (list.size() > (&list == &others_ ? others_max : announced_max)) list.pop_front();
}

void Perigee::on_withheld(ConnId conn) {
  const auto peer = watched_.find(conn);
  if (peer == watched_.end()) return;
  for (auto& announced : peer->second.announced) announced.withheld = true;
}

std::optional<Instant> Perigee::first_of(const ArrivalId& id) const {
  std::optional<Instant> first;
  const auto consider = [&](const std::deque<Announced>& list) {
    const auto found = find_id(list, id);
    if (found != list.end() && !found->withheld) first = first ? std::min(*first, found->when) : found->when;
  };
  consider(others_);
  for (const auto& [conn, peer] : watched_) consider(peer.announced);
  return first;
}

void Perigee::forget(const ArrivalId& id) {
  const auto erase = [&](std::deque<Announced>& list) {
    if (const auto found = find_id(list, id); found != list.end()) list.erase(found);
  };
  erase(others_);
  for (auto& [conn, peer] : watched_) erase(peer.announced);
  closed_.push_back(id);
  if (closed_.size() > closed_max) closed_.pop_front();
}

void Perigee::on_valid(const ArrivalId& id, Instant now) {
  close_windows(now);
  if (is_over(id) || find_id(counted_, id) != counted_.end()) return;
  const auto first = first_of(id);
  if (!first) return;
  // Told long before anybody could have it: a first place that its maker gave away, or our own slowness. Either says nothing.
  if (now - *first > limits_.window) return forget(id);
  if (counted_.size() < counted_max) counted_.push_back({id, *first});
}

void Perigee::close_windows(Instant now) {
  for (size_t i = 0; i < counted_.size();) {
    if (now - counted_[i].first < limits_.window) {
      ++i;
      continue;
    }
    close(counted_[i]);
    counted_.erase(counted_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Perigee::close(const Counted& counted) {
  ++serial_;
  ++round_;
  for (auto& [conn, peer] : watched_) {
    if (peer.since > counted.first) continue;  // could not have been the first
    const auto found = find_id(peer.announced, counted.id);
    const bool said = found != peer.announced.end() && !found->withheld;
    const Duration lag = said ? std::clamp(found->when - counted.first, Duration{}, limits_.window) : limits_.window;
    peer.samples.push_back({serial_, lag});
    if (peer.samples.size() > samples_max) peer.samples.pop_front();
  }
  forget(counted.id);
}

// The number of samples below the percentile is binomial; so the ranks some standard deviations away bound it.
Perigee::Score Perigee::score_of(const Watched& peer) const {
  Score out{peer.learned, peer.samples.size(), Duration{}, limits_.window, limits_.window};
  if (peer.samples.empty()) return out;
  std::vector<Duration> lags;
  for (const auto& sample : peer.samples) lags.push_back(sample.lag);
  std::ranges::sort(lags);
  const auto count = static_cast<double>(lags.size());
  const double middle = limits_.quantile * count;
  const double spread = limits_.confidence * std::sqrt(count * limits_.quantile * (1 - limits_.quantile));
  out.low = lags[rank_of(std::floor(middle - spread), lags.size()) - 1];
  out.lag = lags[rank_of(std::ceil(middle), lags.size()) - 1];
  const double above = std::ceil(middle + spread);
  if (above <= count) out.high = lags[rank_of(above, lags.size()) - 1];
  return out;
}

std::optional<Perigee::Score> Perigee::score(ConnId conn) const {
  const auto peer = watched_.find(conn);
  return peer == watched_.end() ? std::nullopt : std::optional(score_of(peer->second));
}

// Of the learned ones; those drawn at random are what they are measured against, too.
std::optional<ConnId> Perigee::slowest() const {
  const bool bounds = limits_.rule == PerigeeRule::ucb;
  Duration best = Duration::max();
  std::optional<std::pair<Duration, ConnId>> worst;
  for (const auto& [conn, peer] : watched_) {
    if (peer.samples.size() < limits_.samples_min) continue;
    const Score score = score_of(peer);
    best = std::min(best, bounds ? score.high : score.lag);
    if (!peer.learned) continue;
    const auto entry = std::pair(bounds ? score.low : score.lag, conn);
    if (!worst || entry > *worst) worst = entry;
  }
  return worst && worst->first > best ? std::optional(worst->second) : std::nullopt;
}

// The percentile of what the first of all others brings: of what each of them was there for.
Duration Perigee::lag_without(ConnId conn) const {
  std::map<uint64_t, std::pair<Duration, size_t>> first;  // by serial, and how many
  size_t judged = 0;
  for (const auto& [other, peer] : watched_) {
    if (other == conn || peer.samples.size() < limits_.samples_min) continue;
    ++judged;
    for (const auto& sample : peer.samples) {
      auto& [lag, count] = first.try_emplace(sample.serial, limits_.window, 0).first->second;
      lag = std::min(lag, sample.lag);
      ++count;
    }
  }
  std::vector<Duration> lags;
  for (const auto& [serial, entry] : first)
    if (entry.second == judged) lags.push_back(entry.first);
  if (lags.empty()) return limits_.window;
  std::ranges::sort(lags);
  return lags[rank_of(std::ceil(limits_.quantile * static_cast<double>(lags.size())), lags.size()) - 1];
}

std::optional<ConnId> Perigee::least_missed() const {
  std::optional<std::pair<Duration, ConnId>> best;
  for (const auto& [conn, peer] : watched_) {
    if (!peer.learned || peer.samples.size() < limits_.samples_min) continue;
    const auto entry = std::pair(lag_without(conn), conn);
    if (!best || entry < *best) best = entry;
  }
  return best ? std::optional(best->second) : std::nullopt;
}

std::optional<ConnId> Perigee::exchange(Instant now) {
  close_windows(now);
  if (limits_.learned == 0 || watched_.size() < limits_.slots || learned() < limits_.learned) return std::nullopt;
  if (round_ < limits_.round_blocks || (last_round_ && now - *last_round_ < limits_.round_min)) return named_;
  const bool all_known = std::ranges::all_of(
      watched_, [&](const auto& entry) { return !entry.second.learned || entry.second.samples.size() >= limits_.samples_min; });
  if (!all_known) return named_;
  round_ = 0;
  last_round_ = now;
  named_ = limits_.rule == PerigeeRule::subset ? least_missed() : slowest();
  return named_;
}

}  // namespace lattice
