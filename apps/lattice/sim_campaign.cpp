#include "sim_campaign.hpp"

#include <cstdio>

#include <fmt/format.h>

#include <lattice/sim/campaign/campaigns.hpp>

#include "program.hpp"

namespace lattice::app {

std::string campaign_names() {
  std::string out;
  for (const auto& campaign : sim::campaigns())
    out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", campaign.name, campaign.what);
  return out;
}

HostResult<void> run_campaign(const CampaignRequest& request, uint64_t seed) {
  const auto* campaign = sim::find_campaign(request.name);
  if (!campaign) return failure(request.name + " is no campaign", "the name is not known", "there are: " + campaign_names());
  fmt::print("{}: {}; {} lives of {} starts each, seeds {} to {}\n", campaign->name, campaign->what, request.fills,
             request.starts, seed, seed + request.fills - 1);
  const bool known =
      sim::run_campaign(*campaign, {request.fills, request.starts, seed, request.scene}, [](const std::string& line) {
        fmt::print("{}\n", line);
        std::fflush(stdout);
      });
  if (!known)
    return failure(request.scene + " is no row of " + request.name, "its name is not known", "run the campaign without --row");
  return {};
}

}  // namespace lattice::app
