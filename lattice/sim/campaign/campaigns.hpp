// The campaigns by name: what each attacker has, and the same again with one defence less each time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lattice/sim/campaign/campaign.hpp>

namespace lattice::sim {

struct CampaignOptions {
  size_t fills = 10, starts = 10'000;
  uint64_t seed = 1;
  std::string scene;  // this one alone; empty: all
};

struct Campaign {
  std::string_view name, what;
  std::vector<Scene> (*scenes)();
};
const std::vector<Campaign>& campaigns();
const Campaign* find_campaign(std::string_view name);

// The scene itself, then without each defence in turn; then the same with the signed list suppressed.
std::vector<Scene> without_each(const Scene& scene);

// One line each, as they are found: the heading, then a row for each scene. False: there is no such scene.
bool run_campaign(const Campaign& campaign, const CampaignOptions& options,
                  const std::function<void(const std::string&)>& line);
std::string campaign_heading();
std::string campaign_row(const Scene& scene, const Outcome& outcome);

}  // namespace lattice::sim
