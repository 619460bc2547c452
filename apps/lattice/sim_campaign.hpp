// lattice sim --campaign NAME: how often a node whose address book an attacker filled starts among the attacker's peers alone.
#pragma once

#include <optional>
#include <string>

#include "files.hpp"

namespace lattice::app {

struct CampaignRequest {
  std::string name, scene;
  size_t fills = 10, starts = 10'000;
};

std::string campaign_names();
HostResult<void> run_campaign(const CampaignRequest& request, uint64_t seed);

}  // namespace lattice::app
