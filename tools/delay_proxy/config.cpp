#include "config.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include <lattice/sim/latency.hpp>
#include <nlohmann/json.hpp>

namespace lattice::delay_proxy {

namespace {

using nlohmann::json;

constexpr size_t config_bytes_max = 16 << 20;

// What is wrong with the configuration; caught in parse_config.
struct Wrong {
  std::string why;
};

void check_object(const json& value, const char* name, std::initializer_list<std::string_view> known) {
  if (!value.is_object()) throw Wrong{std::string(name) + " is no object"};
  for (const auto& [key, ignored] : value.items()) {
    if (std::ranges::find(known, key) == known.end()) throw Wrong{std::string(name) + " has an unknown key \"" + key + "\""};
  }
}

double number(const json& from, const char* key, double usual, double least, double most) {
  if (!from.contains(key)) return usual;
  const auto& value = from[key];
  if (!value.is_number() || !(value.get<double>() >= least && value.get<double>() <= most)) {
    throw Wrong{std::string(key) + " must be a number from " + std::to_string(least) + " to " + std::to_string(most)};
  }
  return value.get<double>();
}

std::string word(const json& from, const char* key, std::optional<std::string> usual = {}) {
  if (!from.contains(key) && usual) return *usual;
  if (!from.contains(key) || !from[key].is_string() || from[key].get<std::string>().empty()) {
    throw Wrong{std::string("each host needs \"") + key + "\", a text"};
  }
  return from[key].get<std::string>();
}

Duration milliseconds(double count) { return Duration{static_cast<int64_t>(count * 1e6)}; }

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(config_bytes_max + 1, '\0');
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(text.size())).eof()) {
    throw Wrong{path.string() + " cannot be read, or is larger than 16 MiB"};
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

sim::CityDelays read_delays(const json& value, const std::string& folder) {
  std::string csv;
  if (value.is_string()) {
    csv = read_file(std::filesystem::path(folder) / value.get<std::string>());
  } else if (value.is_array()) {
    for (const auto& line : value) csv += line.is_array() ? line.dump().substr(1, line.dump().size() - 2) + "\n" : "wrong\n";
  }
  auto delays = sim::CityDelays::parse(csv);
  if (!delays) throw Wrong{"\"delays\" is no square of whole numbers: " + std::string(delays.error().where)};
  return std::move(*delays);
}

Weather read_weather(const json& root) {
  Weather weather;
  if (!root.contains("weather")) return weather;
  const auto& from = root["weather"];
  check_object(from, "weather", {"loss", "reorder", "reorder_ms", "duplicate", "corrupt", "jitter_ms", "extra_ms"});
  weather.loss = number(from, "loss", 0, 0, 1);
  weather.reorder = number(from, "reorder", 0, 0, 1);
  weather.duplicate = number(from, "duplicate", 0, 0, 1);
  weather.corrupt = number(from, "corrupt", 0, 0, 1);
  weather.reorder_hold = milliseconds(number(from, "reorder_ms", 10, 0, 60'000));
  weather.jitter = milliseconds(number(from, "jitter_ms", 0, 0, 60'000));
  return weather;
}

ProxyHost read_host(const json& from) {
  check_object(from, "a host", {"name", "namespace", "device", "address", "city", "up", "down", "queue"});
  ProxyHost host;
  host.network_namespace = word(from, "namespace");
  host.name = word(from, "name", host.network_namespace);
  host.device = word(from, "device", host.device);
  const auto address = IpAddress::parse(word(from, "address"));
  if (!address) throw Wrong{"\"" + word(from, "address") + "\" is no address"};
  host.address = *address;
  host.line.up = static_cast<uint64_t>(number(from, "up", static_cast<double>(host.line.up), 1, 1e12));
  host.line.down = static_cast<uint64_t>(number(from, "down", static_cast<double>(host.line.down), 1, 1e12));
  host.line.up_queue = host.line.down_queue = static_cast<size_t>(
      number(from, "queue", static_cast<double>(host.line.up_queue), packet_bytes_max + link_header_bytes, 1e9));
  return host;
}

std::vector<Duration> one_way_delays(const json& hosts, sim::CityDelays cities, uint64_t seed, Duration extra) {
  const size_t count = hosts.size();
  const auto with_city = std::ranges::count_if(hosts, [](const json& host) { return host.contains("city"); });
  if (with_city != 0 && static_cast<size_t>(with_city) != count) throw Wrong{"either every host has a city, or none"};
  const auto shared = std::make_shared<const sim::CityDelays>(std::move(cities));
  const sim::Delays drawn(seed, shared);
  std::vector<Duration> out;
  for (size_t from = 0; from < count; ++from) {
    for (size_t to = 0; to < count; ++to) {
      if (with_city == 0) {
        out.push_back(drawn.one_way(static_cast<uint32_t>(from), static_cast<uint32_t>(to)) + extra);
        continue;
      }
      const auto city = [&](size_t host) {
        return static_cast<size_t>(number(hosts[host], "city", 0, 0, static_cast<double>(shared->size() - 1)));
      };
      out.push_back(shared->one_way(city(from), city(to)) + extra);
    }
  }
  return out;
}

ProxyConfig read(const json& root, const std::string& folder) {
  check_object(root, "the configuration", {"seed", "delays", "weather", "hosts"});
  ProxyConfig config;
  config.seed = static_cast<uint64_t>(number(root, "seed", 1, 0, 9e15));
  config.weather = read_weather(root);
  if (!root.contains("hosts") || !root["hosts"].is_array() || root["hosts"].size() < 2 || root["hosts"].size() > hosts_max) {
    throw Wrong{"\"hosts\" must be a list of 2 to " + std::to_string(hosts_max)};
  }
  std::set<IpAddress> addresses;
  for (const auto& from : root["hosts"]) {
    config.hosts.push_back(read_host(from));
    if (!addresses.insert(config.hosts.back().address).second) throw Wrong{"two hosts have one address"};
  }
  if (!root.contains("delays")) throw Wrong{"\"delays\" is missing"};
  const auto extra = milliseconds(root.contains("weather") ? number(root["weather"], "extra_ms", 0, 0, 60'000) : 0);
  config.one_way = one_way_delays(root["hosts"], read_delays(root["delays"], folder), config.seed, extra);
  return config;
}

constexpr const char* advice = "see tools/delay_proxy/config.hpp for the keys";

}  // namespace

HostResult<ProxyConfig> parse_config(std::string_view text, const std::string& folder) {
  const json root = json::parse(text, nullptr, false);
  if (root.is_discarded()) return std::unexpected(HostError{"the configuration cannot be used", "it is no JSON", advice});
  try {
    return read(root, folder);
  } catch (const Wrong& wrong) {
    return std::unexpected(HostError{"the configuration cannot be used", wrong.why, advice});
  }
}

HostResult<ProxyConfig> read_config(const std::string& file) {
  try {
    return parse_config(read_file(file), std::filesystem::path(file).parent_path().string());
  } catch (const Wrong& wrong) {
    return std::unexpected(HostError{"the configuration cannot be used", wrong.why, "name a file"});
  }
}

}  // namespace lattice::delay_proxy
