#include <lattice/sim/campaign/population.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include <lattice/base/assert.hpp>

namespace lattice::sim {
namespace {

uint64_t mixed(uint64_t seed, uint64_t number) {
  uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// All routable /16 in a random order.
std::vector<uint16_t> routable_groups(Rng& rng) {
  std::vector<uint16_t> out;
  for (uint32_t group = 0x0100; group < 0xe000; ++group) {
    const auto a = static_cast<uint8_t>(group >> 8), b = static_cast<uint8_t>(group);
    if (IpAddress::v4(a, b, 1, 1).is_routable() && IpAddress::v4(a, b, 255, 255).is_routable())
      out.push_back(static_cast<uint16_t>(group));
  }
  for (size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[rng.below(i)]);
  return out;
}

// Small numbers are likelier: some groups and AS numbers have many addresses, most have few.
size_t skewed(size_t bound, Rng& rng) {
  const double drawn = rng.unit();
  return static_cast<size_t>(drawn * drawn * static_cast<double>(bound));
}

Endpoint in_group(uint16_t group, uint16_t low, uint16_t port) {
  const auto byte = [](int value) { return static_cast<uint8_t>(value & 0xff); };
  return {IpAddress::v4(byte(group >> 8), byte(group), byte(low >> 8), byte(low)), port};
}

void say_group(std::string& text, uint16_t group, size_t asn, size_t region) {
  text += std::to_string(group >> 8) + "." + std::to_string(group & 0xff) + ".0.0/16 " + std::to_string(asn) + " " +
          std::to_string(region) + "\n";
}

}  // namespace

Population::Population(const Crowd& crowd, const Resources& attacker, uint64_t seed) : crowd_(crowd), seed_(seed) {
  SeededRng rng(seed);
  const auto groups = routable_groups(rng);
  const size_t hostile_groups = attacker.among_honest ? 0 : attacker.groups;
  ASSERT(crowd.groups + hostile_groups <= groups.size() && crowd.seeds <= crowd.groups);
  std::string text;
  for (size_t i = 0; i < crowd.groups; ++i) {
    const size_t system = skewed(crowd.systems, rng);
    say_group(text, groups[i], 1 + system, system % region_count);
  }
  for (size_t i = 0; i < hostile_groups; ++i) {
    const size_t system = i % std::max<size_t>(attacker.systems, 1);
    say_group(text, groups[crowd.groups + i], 1'000'000 + system, system % std::max<size_t>(attacker.regions, 1));
  }
  auto table = AsTable::parse(text);
  ASSERT(table);
  table_ = std::move(*table);

  const auto anywhere = [&](uint16_t port) {
    return in_group(groups[skewed(crowd.groups, rng)], static_cast<uint16_t>(rng.below(65'536)), port);
  };
  for (size_t i = 0; i < crowd.addresses; ++i) honest_.push_back(anywhere(honest_port));
  for (size_t i = 0; i < crowd.seeds; ++i)
    seeds_.push_back(in_group(groups[i], static_cast<uint16_t>(rng.below(65'536)), seed_port));
  for (size_t i = 0; i < attacker.addresses; ++i) {
    if (attacker.among_honest) {
      hostile_.push_back(anywhere(hostile_port));
    } else {
      const uint16_t group = groups[crowd.groups + i % hostile_groups];
      hostile_.push_back(in_group(group, static_cast<uint16_t>(i / hostile_groups * 40'503), hostile_port));
    }
  }
}

// Where in its turn an address is: from 0 on nobody is there, from `stale` on somebody.
double Population::phase(const Endpoint& endpoint, Instant now) const {
  uint64_t low = 0;
  for (size_t i = 12; i < 16; ++i) low = low << 8 | endpoint.ip.bytes[i];
  const double begin = static_cast<double>(mixed(seed_, low) >> 11) / 9007199254740992.0;
  return std::fmod(begin + now.time_since_epoch() / std::chrono::duration<double>(crowd_.turn), 1.0);
}

Endpoint Population::trash(Rng& rng) {
  for (;;) {
    const uint64_t drawn = rng.next();
    const Endpoint out = in_group(static_cast<uint16_t>(drawn >> 16), static_cast<uint16_t>(drawn), trash_port);
    if (out.ip.is_routable()) return out;
  }
}

bool Population::is_there(const Endpoint& endpoint, Instant now) const {
  if (endpoint.port == trash_port) return false;
  return endpoint.port != honest_port || phase(endpoint, now) >= crowd_.stale;
}

Instant Population::last_there(const Endpoint& endpoint, Instant now) const {
  if (endpoint.port == trash_port || is_there(endpoint, now)) return now;
  return now - std::chrono::duration_cast<Duration>(phase(endpoint, now) * std::chrono::duration<double>(crowd_.turn));
}

bool Population::answers(const Endpoint& endpoint, Instant now, Rng& rng) const {
  if (is_hostile(endpoint)) return true;
  return is_there(endpoint, now) && rng.unit() < crowd_.up;
}

SlotAddress Population::slot_address(const Endpoint& endpoint, bool systems) const {
  SlotAddress out{endpoint, 0, std::nullopt};
  if (!systems) return out;
  if (const auto info = table_.find(endpoint.ip)) {
    out.asn = info->asn;
    out.region = info->region;
  }
  return out;
}

}  // namespace lattice::sim
