// Delta debugging (Zeller and Hildebrandt 2002) over what a plan is made of: leave out as much as can be left out at once, then
// less and less, until nothing more can go.
#include <algorithm>

#include <lattice/sim/plan.hpp>

namespace lattice::sim {

namespace {

class Shrinker {
 public:
  Shrinker(const Plan& failing, const std::function<bool(const Plan&)>& fails, size_t runs)
      : best_(failing), fails_(fails), runs_(runs) {}

  Plan shrink();

 private:
  bool try_plan(const Plan& plan);
  template <class Change>
  bool try_change(Change change);
  template <class List>
  bool shorten(List list_of);
  bool fewer_nodes();
  bool fewer_victims();
  bool weaker_attacks();
  bool calmer();
  bool shorter();

  Plan best_;
  const std::function<bool(const Plan&)>& fails_;
  size_t runs_;
};

bool Shrinker::try_plan(const Plan& plan) {
  if (runs_ == 0) return false;
  --runs_;
  if (!fails_(plan)) return false;
  best_ = plan;
  return true;
}

// A change that says false changes nothing.
template <class Change>
bool Shrinker::try_change(Change change) {
  Plan plan = best_;
  return change(plan) && try_plan(plan);
}

// `list_of` gives the plan's list that is to become shorter.
template <class List>
bool Shrinker::shorten(List list_of) {
  bool any = false;
  for (size_t chunk = list_of(best_).size(); chunk > 0; chunk /= 2) {
    for (size_t first = 0; first < list_of(best_).size() && runs_ > 0;) {
      const bool gone = try_change([&](Plan& plan) {
        auto& list = list_of(plan);
        const auto begin = list.begin() + static_cast<ptrdiff_t>(first);
        list.erase(begin, begin + static_cast<ptrdiff_t>(std::min(chunk, list.size() - first)));
        return true;
      });
      any |= gone;
      if (!gone) first += chunk;
    }
  }
  return any;
}

bool Shrinker::fewer_nodes() {
  bool any = false;
  for (size_t step = best_.nodes / 2; step > 0 && runs_ > 0;) {
    const bool gone = try_change([&](Plan& plan) {
      if (plan.nodes < step + 2) return false;
      plan.nodes -= step;
      plan.seeds = std::min(plan.seeds, plan.nodes - 1);
      plan.unreachable = std::min(plan.unreachable, plan.nodes - plan.seeds);
      for (auto& fault : plan.faults) std::erase_if(fault.nodes, [&](uint32_t node) { return node >= plan.nodes; });
      return true;
    });
    any |= gone;
    if (!gone) step /= 2;
  }
  return any;
}

bool Shrinker::fewer_victims() {
  bool any = false;
  for (size_t i = 0; i < best_.faults.size(); ++i) {
    if (best_.faults[i].nodes.size() > 1) any |= shorten([i](Plan& plan) -> auto& { return plan.faults[i].nodes; });
  }
  return any;
}

bool Shrinker::weaker_attacks() {
  bool any = false;
  for (size_t i = 0; i < best_.attacks.size(); ++i) {
    for (size_t Attack::* resource : {&Attack::machines, &Attack::addresses, &Attack::connections}) {
      while (try_change([&](Plan& plan) {
        size_t& value = plan.attacks[i].*resource;
        if (value <= 1) return false;
        value /= 2;
        return true;
      }))
        any = true;
    }
  }
  return any;
}

bool Shrinker::calmer() {
  bool any = try_change([](Plan& plan) {
    if (plan.weather.loss == 0 && plan.weather.jitter == Duration{}) return false;
    plan.weather = {};
    return true;
  });
  any |= try_change([](Plan& plan) { return std::exchange(plan.unreachable, 0) > 0; });
  any |= try_change([](Plan& plan) { return std::exchange(plan.new_blocks, 0) > 0; });
  while (try_change([](Plan& plan) {
    if (plan.new_blocks < 2) return false;
    plan.new_blocks /= 2;
    return true;
  }))
    any = true;
  return any;
}

bool Shrinker::shorter() {
  bool any = false;
  for (size_t i = 0; i < best_.faults.size(); ++i) {
    while (try_change([&](Plan& plan) {
      if (plan.faults[i].lasts < std::chrono::seconds{1}) return false;
      plan.faults[i].lasts /= 2;
      return true;
    }))
      any = true;
  }
  any |= try_change([](Plan& plan) {
    Duration end = plan.arrive;
    for (const auto& fault : plan.faults) end = std::max(end, fault.at + fault.lasts);
    return std::exchange(plan.faults_end, end) != end;
  });
  return any;
}

Plan Shrinker::shrink() {
  for (bool any = true; any && runs_ > 0;) {
    any = shorten([](Plan& plan) -> auto& { return plan.attacks; });
    any |= shorten([](Plan& plan) -> auto& { return plan.faults; });
    any |= calmer();
    any |= fewer_nodes();
    any |= fewer_victims();
    any |= weaker_attacks();
    any |= shorter();
  }
  return best_;
}

}  // namespace

Plan shrink(const Plan& failing, const std::function<bool(const Plan&)>& fails, size_t runs) {
  return Shrinker(failing, fails, runs).shrink();
}

}  // namespace lattice::sim
