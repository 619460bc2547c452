// Unsigned answers of several DNS seeds, compared. Nobody can tell which provider lies; so what most of them name comes first, and
// of the rest none gives more than its share.
//
//   Share: of three or more that named somebody, the lower median of how many each named, so that one poisoned provider among
//   honest ones gives at most half. Of two, as many as the one that named fewer, but eight at least: between two nobody can say who
//   lies. One alone gives all; while others have not answered yet, eight.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <lattice/base/address.hpp>

namespace lattice {

struct SeedOffer {
  size_t seed = 0;
  std::vector<Endpoint> endpoints;  // each once, best first
};
struct OfferOutcome {
  size_t seed = 0;
  size_t shared = 0;   // named by at least one other too
  size_t used = 0;     // of all it named
  size_t dropped = 0;  // above its share
};
struct MergedOffers {
  std::vector<Endpoint> endpoints;  // best first: those that most name, then one of each provider in turn
  std::vector<OfferOutcome> outcomes;
};
constexpr size_t offer_share_min = 8;
// Offers that name nobody do not count. `complete`: no other seed is going to answer.
MergedOffers merge_offers(std::span<const SeedOffer> offers, bool complete);

}  // namespace lattice
