#include <lattice/sim/campaign/campaign.hpp>

#include <algorithm>
#include <cmath>

#include <lattice/sim/campaign/inbound_slots.hpp>
#include <lattice/sim/campaign/victim.hpp>

namespace lattice::sim {

double Outcome::mean_hostile() const {
  double sum = 0;
  for (size_t i = 0; i < hostile_slots.size(); ++i) sum += static_cast<double>(i * hostile_slots[i]);
  return starts == 0 ? 0 : sum / static_cast<double>(starts);
}

Interval wilson(size_t hits, size_t of) {
  if (of == 0) return {};
  constexpr double z = 1.959963984540054;
  const auto n = static_cast<double>(of);
  const double p = static_cast<double>(hits) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {hits == 0 ? 0 : std::max(0.0, middle - half), hits == of ? 1 : std::min(1.0, middle + half)};
}

static void run_fill(const Scene& scene, size_t starts, uint64_t seed, Outcome& out) {
  const Population population(scene.crowd, scene.attack.resources, seed);
  Victim victim(scene, population, seed ^ 0x5eed);
  victim.live(scene.before, 0);
  const bool any = scene.attack.resources.addresses > 0;
  const auto captured =
      any ? inbound_slots(population, scene.attack, scene.defences.merits, std::chrono::hours{6}, seed) : InboundSlots{};
  victim.live(scene.attack.time, captured.hostile);
  victim.end();

  const auto shares = victim.hostile_shares();
  out.hostile_tried += shares.tried;
  out.hostile_heard += shares.heard;
  if (any)
    out.hostile_inbound += static_cast<double>(captured.hostile) / static_cast<double>(captured.honest + captured.hostile);
  SeededRng rng(seed ^ 0x57a2);
  std::vector<Endpoint> anchors;
  size_t eclipsed = 0;
  for (size_t i = 0; i < starts; ++i) {
    if (i % scene.chain == 0) anchors = victim.anchors();
    auto start = victim.start(anchors, rng);
    ++out.hostile_slots[start.hostile];
    eclipsed += start.hostile > 0 && start.hostile == start.taken;
    anchors = std::move(start.anchors);
  }
  ++out.fills;
  out.starts += starts;
  out.eclipsed += eclipsed;
  out.worst_fill = std::max(out.worst_fill, eclipsed);
}

Outcome run_fills(const Scene& scene, size_t fills, size_t starts, uint64_t seed) {
  Outcome out;
  for (size_t i = 0; i < fills; ++i) run_fill(scene, starts, seed + i, out);
  const auto count = static_cast<double>(std::max<size_t>(fills, 1));
  out.hostile_tried /= count;
  out.hostile_heard /= count;
  out.hostile_inbound /= count;
  return out;
}

}  // namespace lattice::sim
