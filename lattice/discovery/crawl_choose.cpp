// Which of the visited nodes others may begin with.
#include <algorithm>

#include <lattice/discovery/crawl.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

// Of those that serve blocks and are there. One of them may claim any height; half of them may not.
uint64_t Crawl::median_height() const {
  std::vector<uint64_t> heights;
  for (const auto& [endpoint, place] : places_) {
    if (place.answered && place.failures == 0 && (place.services & wire::service_blocks)) heights.push_back(place.height);
  }
  if (heights.empty()) return 0;
  const auto middle = heights.begin() + static_cast<ptrdiff_t>((heights.size() - 1) / 2);
  std::ranges::nth_element(heights, middle);
  return *middle;
}

bool Crawl::is_good(const Place& place, uint64_t median, Instant now) const {
  if (!place.answered || place.failures > 0) return false;
  if (now - place.answered_at > 3 * limits_.visit_interval) return false;
  if ((place.services & wire::service_blocks) == 0) return false;
  if (place.height < median && median - place.height > limits_.height_lag_max) return false;
  return place.reliability.is_good();
}

template <class T>
static void shuffle(std::vector<T>& items, Rng& rng) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng.below(i)]);
}

std::vector<SeedEntry> Crawl::choose(size_t count, Instant now, Rng& rng) const {
  std::map<AddressGroup, std::vector<SeedEntry>> by_group;
  const uint64_t median = median_height();
  for (const auto& [endpoint, place] : places_) {
    if (is_good(place, median, now)) by_group[place.group].push_back({endpoint, place.node});
  }
  std::vector<std::vector<SeedEntry>> groups;
  for (auto& [group, entries] : by_group) {
    shuffle(entries, rng);
    groups.push_back(std::move(entries));
  }
  shuffle(groups, rng);

  std::vector<SeedEntry> chosen;
  std::set<NodeId> nodes;
  for (size_t turn = 0; chosen.size() < count; ++turn) {
    bool any = false;
    for (const auto& entries : groups) {
      if (turn >= entries.size() || chosen.size() >= count) continue;
      any = true;
      const auto& entry = entries[turn];
      if (turn >= limits_.zone_group_max && !entry.endpoint.ip.is_loopback()) continue;
      if (nodes.insert(entry.node).second) chosen.push_back(entry);
    }
    if (!any) break;
  }
  return chosen;
}

CrawlReport Crawl::report(Instant now) const {
  CrawlReport out;
  const uint64_t median = median_height();
  out.known = places_.size();
  for (const auto& [endpoint, place] : places_) {
    out.unvisited += !place.visited;
    out.answered += place.answered && place.failures == 0;
    out.good += is_good(place, median, now);
  }
  out.visiting = visiting_;
  out.visits = visits_;
  out.failed = failed_;
  out.refused = refused_;
  out.forgotten = forgotten_;
  return out;
}

}  // namespace lattice
