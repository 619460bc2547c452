// Plans drawn from a seed: the simple ones, and everything at once.
#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/sim/plan.hpp>

namespace lattice::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

Plan sync_plan(uint64_t seed, size_t nodes, size_t restarts) {
  Plan plan;
  plan.name = "sync";
  plan.seed = seed;
  plan.nodes = nodes;
  plan.seeds = std::min<size_t>(4, nodes);
  plan.weather.loss = 0.01;
  plan.recovery = std::chrono::hours{2};
  plan.faults_end = plan.arrive;
  SeededRng rng(seed ^ 0x73796e63);
  for (size_t i = 0; i < restarts; ++i) {
    Fault fault;
    fault.kind = rng.below(5) == 0 ? FaultKind::power_cut : FaultKind::kill;
    fault.at = milliseconds{6'000 + rng.below(40'000)};
    fault.lasts = milliseconds{500 + rng.below(9'500)};
    fault.nodes.push_back(static_cast<uint32_t>(rng.below(nodes)));
    plan.faults_end = std::max(plan.faults_end, fault.at + fault.lasts);
    plan.faults.push_back(std::move(fault));
  }
  return plan;
}

Plan hostile_plan(uint64_t seed, size_t nodes, size_t each) {
  Plan plan = sync_plan(seed, nodes, 0);
  plan.name = "hostile";
  plan.hostile_in_dns = SIZE_MAX;
  plan.least = seconds{40};  // the silent ones are left at a timeout
  for (const AttackKind kind :
       {AttackKind::garbage, AttackKind::silent, AttackKind::wrong_magic, AttackKind::withholding, AttackKind::corrupting}) {
    Attack attack;
    attack.kind = kind;
    attack.machines = each;
    plan.attacks.push_back(attack);
  }
  return plan;
}

namespace {

// One draw of everything. What it draws is bounded so that the network can recover: one seed's disk stays sound (somebody must
// have the old blocks), wild clocks are set right again, and attackers have fewer addresses than there are honest nodes.
class Mixer {
 public:
  Mixer(uint64_t seed, size_t nodes) : rng_(seed * 0x9e3779b97f4a7c15 + 1) {
    plan_.seed = seed;
    plan_.name = "mixed";
    plan_.nodes = nodes;
  }
  Plan draw();

 private:
  double share(double from, double to) { return from + (to - from) * rng_.unit(); }
  bool one_in(uint64_t n) { return rng_.below(n) == 0; }
  Duration time(double from, double to) {
    return std::chrono::duration_cast<Duration>(milliseconds{static_cast<int64_t>(share(from, to) * 1000)});
  }
  std::vector<uint32_t> victims(size_t most, size_t first = 0);
  Fault fault(FaultKind kind);
  void add_fault();
  void add_follow_up(const Fault& fault);
  void add_attack();
  Weather storm();

  SeededRng rng_;
  Plan plan_;
  size_t hostile_addresses_ = 0;
};

constexpr FaultKind last_fault = FaultKind::dns_lying;
constexpr AttackKind last_attack = AttackKind::mutator;
constexpr double ten_years = 10 * 365.25 * 86'400;

std::vector<uint32_t> Mixer::victims(size_t most, size_t first) {
  std::vector<uint32_t> out;
  const size_t count = 1 + rng_.below(std::max<size_t>(most, 1));
  for (size_t i = 0; i < count && first < plan_.nodes; ++i) {
    const auto node = static_cast<uint32_t>(first + rng_.below(plan_.nodes - first));
    if (std::ranges::find(out, node) == out.end()) out.push_back(node);
  }
  std::ranges::sort(out);
  return out;
}

Weather Mixer::storm() {
  Weather weather;
  weather.loss = share(0, 0.3);
  if (one_in(2)) weather.reorder = share(0, 0.25);
  if (one_in(2)) weather.duplicate = share(0, 0.1);
  if (one_in(2)) weather.corrupt = share(0, 0.01);
  if (one_in(4)) weather.undetected = share(0, 0.2);
  if (one_in(2)) weather.jitter = time(0, 0.3);
  if (one_in(2)) weather.extra = time(0, 1);
  return weather;
}

Fault Mixer::fault(FaultKind kind) {
  const double end = seconds_of(plan_.faults_end);
  Fault out;
  out.kind = kind;
  out.at = time(1, end - 1);
  out.lasts = std::min(time(0.2, one_in(4) ? 40 : 12), plan_.faults_end - out.at);
  const size_t few = std::max<size_t>(plan_.nodes / 5, 1);
  switch (kind) {
    case FaultKind::partition: out.nodes = victims(plan_.nodes * 3 / 4); break;
    case FaultKind::silent_break: out.nodes = victims(few), out.lasts = {}; break;
    case FaultKind::weather: out.weather = storm(); break;
    case FaultKind::slow_line: out.nodes = victims(few), out.amount = share(0.8, 0.999); break;
    case FaultKind::clock_step:
      out.nodes = victims(few);
      // What is far from the others' time has to end: nobody takes such a clock's certificates.
      if (one_in(2))
        out.amount = one_in(2) ? ten_years : -ten_years;
      else
        out.amount = share(-600, 600), out.lasts = {};
      break;
    case FaultKind::clock_drift: out.nodes = victims(few), out.amount = share(-50'000, 50'000); break;
    case FaultKind::disk_slow: out.nodes = victims(few), out.amount = share(0.005, 0.5); break;
    case FaultKind::disk_lying: out.nodes = victims(few, 1); break;
    case FaultKind::disk_flip: out.nodes = victims(2, 1), out.amount = share(0.005, 0.5), out.lasts = {}; break;
    case FaultKind::dns_slow: out.amount = share(0.1, 20); break;
    case FaultKind::dns_dead:
    case FaultKind::dns_lying: break;
    default: out.nodes = victims(few); break;
  }
  return out;
}

void Mixer::add_fault() {
  Fault drawn = fault(static_cast<FaultKind>(rng_.below(static_cast<uint64_t>(last_fault) + 1)));
  plan_.faults.push_back(drawn);
  add_follow_up(drawn);
}

// Some faults show only with another: what a lying disk lost when the power goes, what flipped when it is read again.
void Mixer::add_follow_up(const Fault& first) {
  if (first.kind == FaultKind::disk_lying || (first.kind == FaultKind::disk_flip && one_in(2))) {
    Fault cut = fault(first.kind == FaultKind::disk_lying ? FaultKind::power_cut : FaultKind::kill);
    cut.nodes = first.nodes;
    cut.at = std::min(first.at + milliseconds{100} + time(0, 10), plan_.faults_end);
    if (first.kind == FaultKind::disk_lying) cut.at = std::min(cut.at, first.at + first.lasts);
    cut.lasts = std::min(cut.lasts, plan_.faults_end - cut.at);
    plan_.faults.push_back(std::move(cut));
  }
}

void Mixer::add_attack() {
  Attack attack;
  attack.kind = static_cast<AttackKind>(rng_.below(static_cast<uint64_t>(last_attack) + 1));
  attack.machines = 1 + rng_.below(3);
  attack.addresses = 1 + rng_.below(one_in(3) ? 8 : 2);
  attack.connections = 4 + rng_.below(40);
  attack.bytes_per_second = 20'000 + rng_.below(500'000);
  attack.from = time(0, seconds_of(plan_.faults_end) / 2);
  if (one_in(2)) attack.until = std::min(attack.from + time(5, 60), plan_.faults_end);
  const size_t addresses = attack.machines * attack.addresses;
  if (hostile_addresses_ + addresses >= plan_.nodes) return;
  hostile_addresses_ += addresses;
  plan_.attacks.push_back(attack);
}

Plan Mixer::draw() {
  plan_.seeds = std::clamp<size_t>(plan_.nodes / 7, 1, 8);
  plan_.unreachable = rng_.below(std::max<size_t>(plan_.nodes / 5, 1));
  plan_.faults_end = time(20, 60);
  plan_.weather.loss = share(0, 0.02);
  plan_.bytes_per_second = one_in(3) ? 1'250'000 : 12'500'000;
  plan_.new_blocks = rng_.below(10);
  plan_.hostile_in_dns = rng_.below(8);
  plan_.outbound_target = 4 + rng_.below(7);
  const size_t faults = 3 + rng_.below(16);
  for (size_t i = 0; i < faults; ++i) add_fault();
  const size_t attacks = rng_.below(5);
  for (size_t i = 0; i < attacks; ++i) add_attack();
  return std::move(plan_);
}

}  // namespace

Plan mixed_plan(uint64_t seed, size_t nodes) {
  ASSERT(nodes >= 2);
  return Mixer(seed, nodes).draw();
}

}  // namespace lattice::sim
