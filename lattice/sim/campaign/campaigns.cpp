#include <lattice/sim/campaign/campaigns.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace lattice::sim {
namespace {

using std::chrono::hours;

__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

Scene named(std::string name, size_t addresses, size_t groups, size_t systems, Duration time) {
  Scene out;
  out.name = std::move(name);
  out.attack.resources = {addresses, groups, systems, region_count, false};
  out.attack.time = time;
  return out;
}

// Each /24 of 32 groups of one of 32 AS numbers, as in the paper; then the addresses of a thousand groups.
std::vector<Scene> heilman_32() { return without_each(named("32 groups", 8'192, 32, 32, hours{72})); }
std::vector<Scene> heilman_1000() { return without_each(named("1,000 groups", 10'000, 1'000, 300, hours{72})); }

// One AS with many groups, four weeks; then few AS numbers.
std::vector<Scene> erebus() {
  std::vector<Scene> out;
  for (const size_t systems : {1, 4}) {
    Scene scene = named(text("%zu AS", systems), 20'000, 1'000, systems, hours{28 * 24});
    scene.attack.resources.regions = systems;
    scene.attack.knocks = 0.2;
    for (const bool seeds : {true, false}) {
      scene.defences.seeds = seeds;
      for (const bool table : {true, false}) {
        scene.defences.as_table = table;
        scene.name = text("%zu AS%s%s", systems, seeds ? "" : ", no seeds", table ? "" : ", no AS table");
        out.push_back(scene);
      }
    }
  }
  return out;
}

// Book, gossip of honest peers and inbound slots at once.
std::vector<Scene> all_at_once() {
  Scene scene = named("at once", 15'000, 300, 100, hours{72});
  scene.attack.gossip = 0.5;
  scene.attack.knocks = 5;
  return without_each(scene);
}

std::vector<Scene> names() {
  std::vector<Scene> out;
  for (const bool believed : {false, true}) {
    Scene scene = named(believed ? "unsigned believed" : "unsigned ignored", 8'192, 32, 32, hours{24});
    scene.attack.forges_names = true;
    scene.defences.operator_keys = !believed;
    out.push_back(scene);
  }
  return out;
}

// The attacker has a share of all addresses that anybody tells of: in 32 groups, and spread over all groups as a botnet is.
std::vector<Scene> shares() {
  std::vector<Scene> out;
  for (const bool among : {false, true}) {
    for (const int percent : {10, 30, 50, 70, 90, 95}) {
      Scene scene;
      const auto honest = static_cast<double>(scene.crowd.addresses);
      scene.attack.gossip = percent / 100.0;
      scene.attack.resources.addresses = static_cast<size_t>(honest * percent / (100 - percent));
      scene.attack.resources.among_honest = among;
      for (const bool seeds : {true, false}) {
        scene.defences.seeds = seeds;
        scene.name = text("%d%%, %s%s", percent, among ? "everywhere" : "32 groups", seeds ? "" : ", no seeds");
        out.push_back(scene);
      }
    }
  }
  return out;
}

std::vector<Scene> half() {
  Scene scene = named("50%", 10'000, 32, 32, hours{72});
  scene.attack.gossip = 0.5;
  auto out = without_each(scene);
  scene.attack.resources.among_honest = true;
  scene.name = "50%, everywhere";
  std::ranges::move(without_each(scene), std::back_inserter(out));
  return out;
}

std::vector<Scene> most() {
  Scene scene = named("90%", 90'000, 32, 32, hours{72});
  scene.attack.gossip = 0.9;
  auto out = without_each(scene);
  scene.attack.resources.among_honest = true;
  scene.name = "90%, everywhere";
  std::ranges::move(without_each(scene), std::back_inserter(out));
  return out;
}

}  // namespace

std::vector<Scene> without_each(const Scene& scene) {
  struct Off {
    const char* name;
    bool Defences::* defence;
  };
  constexpr Off offs[] = {{"buckets", &Defences::buckets},       {"test before evict", &Defences::test_first},
                          {"feelers", &Defences::feelers},       {"anchors", &Defences::anchors},
                          {"diversity", &Defences::diversity},   {"AS table", &Defences::as_table},
                          {"rate limit", &Defences::rate_limit}, {"eviction merits", &Defences::merits}};
  std::vector<Scene> out;
  for (const bool seeds : {true, false}) {
    Scene base = scene;
    base.defences.seeds = seeds;
    if (!seeds) base.name += ", no seeds";
    out.push_back(base);
    for (const Off& off : offs) {
      out.push_back(base);
      out.back().defences.*off.defence = false;
      out.back().name += std::string(", no ") + off.name;
    }
  }
  return out;
}

const std::vector<Campaign>& campaigns() {
  static const std::vector<Campaign> all{
      {"heilman-32", "the book filled from 32 address groups, then starts", heilman_32},
      {"heilman-1000", "the same from 1,000 address groups", heilman_1000},
      {"erebus", "one AS, and four, with 1,000 address groups for four weeks", erebus},
      {"all-at-once", "the book, what honest peers tell and inbound slots at once", all_at_once},
      {"names", "the signed list suppressed, unsigned names forged", names},
      {"share", "10 to 95 percent of the addresses that anybody tells of", shares},
      {"half", "50 percent, without each defence in turn", half},
      {"most", "90 percent, without each defence in turn", most}};
  return all;
}

const Campaign* find_campaign(std::string_view name) {
  const auto found = std::ranges::find(campaigns(), name, &Campaign::name);
  return found == campaigns().end() ? nullptr : &*found;
}

std::string campaign_heading() {
  return text(
      "%-44s %9s %6s %5s %7s %6s | %6s %6s %6s | %5s %15s %8s %19s %7s | own slots that are hostile, starts in percent: 0 to "
      "10",
      "campaign", "addresses", "groups", "AS", "regions", "hours", "inb.", "tried", "heard", "slots", "eclipsed", "share",
      "95%", "worst");
}

std::string campaign_row(const Scene& scene, const Outcome& outcome) {
  const Resources& has = scene.attack.resources;
  const auto some = [&](size_t count) { return has.among_honest ? std::string("all") : std::to_string(count); };
  const auto hours_in_all = std::chrono::duration_cast<hours>(scene.attack.time).count();
  const Interval interval = wilson(outcome.eclipsed, outcome.starts);
  std::string out =
      text("%-44s %9zu %6s %5s %7s %6lld | %5.1f%% %5.1f%% %5.1f%% | %5.2f %6zu of %6zu %7.3f%% %8.4f to %6.3f%% %7zu |",
           scene.name.c_str(), has.addresses, some(has.groups).c_str(), some(has.systems).c_str(), some(has.regions).c_str(),
           static_cast<long long>(hours_in_all), outcome.hostile_inbound * 100, outcome.hostile_tried * 100,
           outcome.hostile_heard * 100, outcome.mean_hostile(), outcome.eclipsed, outcome.starts, outcome.share() * 100,
           interval.low * 100, interval.high * 100, outcome.worst_fill);
  for (const size_t starts : outcome.hostile_slots)
    out += text(" %.1f", 100.0 * static_cast<double>(starts) / static_cast<double>(std::max<size_t>(outcome.starts, 1)));
  return out;
}

bool run_campaign(const Campaign& campaign, const CampaignOptions& options,
                  const std::function<void(const std::string&)>& line) {
  std::vector<Scene> scenes = campaign.scenes();
  if (!options.scene.empty()) std::erase_if(scenes, [&](const Scene& scene) { return scene.name != options.scene; });
  if (scenes.empty()) return false;
  line(campaign_heading());
  for (const Scene& scene : scenes) line(campaign_row(scene, run_fills(scene, options.fills, options.starts, options.seed)));
  return true;
}

}  // namespace lattice::sim
