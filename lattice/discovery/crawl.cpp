#include <lattice/discovery/crawl.hpp>

#include <algorithm>
#include <cmath>

#include <lattice/base/assert.hpp>

namespace lattice {

static constexpr Duration a_minute = std::chrono::minutes{1};
static constexpr Duration look_max = std::chrono::minutes{30};
static constexpr Duration postponed_pause = std::chrono::seconds{30};
static constexpr size_t agent_bytes_max = 64;

void Reliability::add(bool there, Instant now) {
  // A look stands for half an hour at most: that nobody looked for long says nothing of the time between.
  const double age = looks_ == 0 ? seconds_of(look_max) : std::max(0.0, seconds_of(now - last_));
  for (size_t i = 0; i < windows.size(); ++i) {
    const double window = seconds_of(windows[i]), keep = std::exp(-age / window);
    const double weight = 1 - std::exp(-std::min(age, seconds_of(look_max)) / window);
    there_[i] = there_[i] * keep + (there ? weight : 0);
    seen_[i] = seen_[i] * keep + weight;
  }
  last_ = now;
  ++looks_;
  times_there_ += there ? 1 : 0;
}

double Reliability::share(size_t window) const { return seen_[window] > 0 ? there_[window] / seen_[window] : 0; }

bool Reliability::is_good() const {
  if (looks_ <= 3) return looks_ > 0 && 3 * times_there_ >= 2 * looks_;
  constexpr std::array<double, 4> least_share{0.85, 0.7, 0.6, 0.5};
  for (size_t i = 0; i < windows.size(); ++i) {
    if (seen_[i] >= 0.1 && share(i) >= least_share[i]) return true;
  }
  return false;
}

bool Crawl::add(const Endpoint& endpoint, const std::optional<IpAddress>& teller, Instant now) {
  if (endpoint.port == 0 || endpoint.ip.is_unspecified()) return false;
  // As the address book takes them: loopback is told on loopback only, a private network by nobody but the operator.
  if (teller && !endpoint.ip.is_routable() && !(endpoint.ip.is_loopback() && teller->is_loopback())) return false;
  if (places_.contains(endpoint)) return false;
  const auto teller_group = teller ? std::optional(group_of(*teller)) : std::nullopt;
  if (!has_room(endpoint, teller_group)) {
    ++refused_;
    return false;
  }
  Place& place = places_[endpoint];
  place.group = group_of(endpoint.ip);
  place.teller = teller_group;
  if (teller_group) told_by_[*teller_group].insert(endpoint);
  ++groups_[place.group].places;
  schedule(endpoint, place, now);
  return true;
}

bool Crawl::has_room(const Endpoint& endpoint, const std::optional<AddressGroup>& teller) {
  if (!endpoint.ip.is_loopback()) {
    const auto group = groups_.find(group_of(endpoint.ip));
    if (group != groups_.end() && group->second.places >= limits_.group_places_max) return false;
  }
  const auto own = teller ? told_by_.find(*teller) : told_by_.end();
  if (own != told_by_.end() && own->second.size() >= limits_.teller_places_max) return false;
  if (places_.size() < limits_.places_max) return true;
  // Who told most gives one up, unless that is the teller itself.
  const auto most = std::ranges::max_element(told_by_, {}, [](const auto& entry) { return entry.second.size(); });
  const size_t has = own == told_by_.end() ? 0 : own->second.size();
  if (most == told_by_.end() || (teller && most->second.size() <= has + 1)) return false;
  for (const Endpoint& one : most->second) {
    const auto place = places_.find(one);
    if (place->second.visiting) continue;
    forget(place);
    return true;
  }
  return false;
}

void Crawl::schedule(const Endpoint& endpoint, Place& place, Instant due) {
  place.due = due;
  queue_of(place).insert({due, endpoint});
}

void Crawl::unschedule(const Endpoint& endpoint, const Place& place) { queue_of(place).erase({place.due, endpoint}); }

void Crawl::keep_for_good(const Endpoint& endpoint, Place& place) {
  if (!place.teller) return;
  const auto told = told_by_.find(*place.teller);
  told->second.erase(endpoint);
  if (told->second.empty()) told_by_.erase(told);
  place.teller.reset();
}

void Crawl::forget(Places::iterator at) {
  auto& [endpoint, place] = *at;
  ASSERT(!place.visiting);
  unschedule(endpoint, place);
  keep_for_good(endpoint, place);
  const auto group = groups_.find(place.group);
  if (--group->second.places == 0) groups_.erase(group);
  places_.erase(at);
  ++forgotten_;
}

// Those who have answered and those who have not take turns: a flood of new addresses does not keep the others from being seen
// again.
std::optional<Endpoint> Crawl::next_visit(Instant now, Rng&) {
  if (visiting_ >= limits_.visits_max) return std::nullopt;
  new_turn_ = !new_turn_;
  if (auto endpoint = visit_from(new_turn_ ? due_new_ : due_known_, now)) return endpoint;
  return visit_from(new_turn_ ? due_known_ : due_new_, now);
}

std::optional<Endpoint> Crawl::visit_from(Due& due, Instant now) {
  while (!due.empty() && due.begin()->first <= now) {
    const Endpoint endpoint = due.begin()->second;
    Place& place = places_.at(endpoint);
    Group& group = groups_.at(place.group);
    unschedule(endpoint, place);
    if (!group_allows(endpoint, group, now)) {
      schedule(endpoint, place, group.minute + a_minute);
      continue;
    }
    ++group.visits;
    place.visiting = true;
    ++visiting_;
    ++visits_;
    return endpoint;
  }
  return std::nullopt;
}

bool Crawl::group_allows(const Endpoint& endpoint, Group& group, Instant now) const {
  if (group.visits == 0 || now - group.minute >= a_minute) {
    group.minute = now;
    group.visits = 0;
  }
  return endpoint.ip.is_loopback() || group.visits < limits_.group_visits_max;
}

void Crawl::on_postponed(const Endpoint& endpoint, Instant now) {
  const auto at = places_.find(endpoint);
  if (at == places_.end() || !at->second.visiting) return;
  at->second.visiting = false;
  --visiting_;
  schedule(endpoint, at->second, now + std::min(postponed_pause, limits_.visit_interval));
}

void Crawl::on_visit(const Endpoint& endpoint, const CrawlOutcome& outcome, Instant now, Rng& rng) {
  const auto at = places_.find(endpoint);
  if (at == places_.end() || !at->second.visiting) return;
  Place& place = at->second;
  place.visiting = false;
  --visiting_;
  place.visited = true;
  const Duration jitter = std::chrono::duration_cast<Duration>(limits_.visit_interval * (rng.unit() / 4));
  if (!outcome.answered) {
    ++failed_;
    ++place.failures;
    place.reliability.add(false, now);
    Duration pause = limits_.visit_interval;
    for (unsigned i = 1; i < place.failures && pause < limits_.pause_max; ++i) pause *= 2;
    schedule(endpoint, place, now + std::min(pause, limits_.pause_max) + jitter);
    if (place.failures >= (place.answered ? limits_.failures_known : limits_.failures_new)) forget(at);
    return;
  }
  // Somebody else is there now: what the one before was worth says nothing of it.
  if (place.answered && place.node != outcome.node) place.reliability = {};
  keep_for_good(endpoint, place);
  place.answered = true;
  place.failures = 0;
  place.answered_at = now;
  place.node = outcome.node;
  place.services = outcome.services;
  place.height = outcome.height;
  place.agent = outcome.agent.substr(0, agent_bytes_max);
  place.reliability.add(true, now);
  schedule(endpoint, place, now + limits_.visit_interval + jitter);

  auto told = outcome.told;
  for (size_t i = 0; i < std::min(told.size(), limits_.told_max); ++i) {
    std::swap(told[i], told[i + rng.below(told.size() - i)]);
    add(told[i], endpoint.ip, now);
  }
}

}  // namespace lattice
