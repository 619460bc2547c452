// A peer that keeps its word and listens: it asks every node that it reaches for addresses, again and again, and tells what it
// was told. It shows what leaks.
#pragma once

#include <functional>
#include <memory>

#include <lattice/sim/adversaries/adversaries.hpp>

namespace lattice::sim {

std::unique_ptr<RawHost> address_spy(AttackContext context, std::function<void(const Endpoint&)> on_told);

}  // namespace lattice::sim
