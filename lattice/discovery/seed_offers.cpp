#include <lattice/discovery/seed_offers.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace lattice {

static size_t share_of_each(std::span<const SeedOffer> offers, bool complete) {
  std::vector<size_t> counts;
  for (const auto& offer : offers) {
    if (!offer.endpoints.empty()) counts.push_back(offer.endpoints.size());
  }
  std::ranges::sort(counts);
  if (counts.size() <= 1) return complete ? SIZE_MAX : offer_share_min;
  if (counts.size() == 2) return std::max(counts[0], offer_share_min);
  return counts[(counts.size() - 1) / 2];
}

MergedOffers merge_offers(std::span<const SeedOffer> offers, bool complete) {
  std::map<Endpoint, size_t> named;
  size_t providers = 0;
  for (const auto& offer : offers) {
    providers += offer.endpoints.empty() ? 0 : 1;
    for (const auto& endpoint : offer.endpoints) ++named[endpoint];
  }
  MergedOffers out;
  std::set<Endpoint> taken;
  const auto take = [&](const Endpoint& endpoint) {
    if (taken.insert(endpoint).second) out.endpoints.push_back(endpoint);
  };
  const auto by_most = [&](const Endpoint& endpoint) { return providers > 1 && 2 * named[endpoint] > providers; };

  for (const auto& offer : offers) {
    for (const auto& endpoint : offer.endpoints) {
      if (by_most(endpoint)) take(endpoint);
    }
  }
  std::ranges::stable_sort(out.endpoints, std::greater{}, [&](const Endpoint& endpoint) { return named[endpoint]; });

  // What too few agree on goes against the share of each that named it.
  const size_t share = share_of_each(offers, complete);
  std::vector<std::vector<Endpoint>> rest;
  size_t longest = 0;
  for (const auto& offer : offers) {
    std::vector<Endpoint> own;
    std::ranges::copy_if(offer.endpoints, std::back_inserter(own),
                         [&](const Endpoint& endpoint) { return !by_most(endpoint); });
    std::ranges::stable_sort(own, std::greater{}, [&](const Endpoint& endpoint) { return named[endpoint]; });
    own.resize(std::min(own.size(), share));
    longest = std::max(longest, own.size());
    rest.push_back(std::move(own));
  }
  for (size_t turn = 0; turn < longest; ++turn) {
    for (const auto& own : rest) {
      if (turn < own.size()) take(own[turn]);
    }
  }

  for (const auto& offer : offers) {
    OfferOutcome outcome;
    outcome.seed = offer.seed;
    for (const auto& endpoint : offer.endpoints) {
      outcome.shared += named[endpoint] > 1;
      ++(taken.contains(endpoint) ? outcome.used : outcome.dropped);
    }
    out.outcomes.push_back(outcome);
  }
  return out;
}

}  // namespace lattice
