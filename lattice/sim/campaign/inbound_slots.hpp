// Who has a node's inbound slots, some hours after an attacker began to knock.
#pragma once

#include <lattice/sim/campaign/campaign.hpp>

namespace lattice::sim {

struct InboundSlots {
  size_t honest = 0, hostile = 0;
};
// SlotPlan says who may come in, eviction_victim who goes. Honest peers come twice a minute and stay four hours in the mean;
// they bring blocks and messages first, the attacker answers pings sooner and brings some messages.
InboundSlots inbound_slots(const Population& population, const Siege& attack, bool merits, Duration time, uint64_t seed);

}  // namespace lattice::sim
