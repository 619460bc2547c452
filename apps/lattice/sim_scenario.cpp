#include "sim_scenario.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "time_text.hpp"
#include "toml_section.hpp"

namespace lattice::app {

using sim::Attack;
using sim::AttackKind;
using sim::Fault;
using sim::FaultKind;
using sim::Weather;

namespace {

constexpr double forever = scenario_seconds_max;

template <class Kind, size_t count>
constexpr auto kinds_up_to(Kind last) {
  std::array<Kind, count> kinds{};
  for (size_t i = 0; i < count; ++i) kinds[i] = static_cast<Kind>(i);
  return kinds.back() == last ? kinds : throw "the last kind has another number";
}
constexpr auto fault_kinds = kinds_up_to<FaultKind, 16>(FaultKind::dns_lying);
constexpr auto attack_kinds = kinds_up_to<AttackKind, 12>(AttackKind::mutator);
constexpr std::array cryptographies{sim::Cryptography::real, sim::Cryptography::modelled};

template <class Kinds, class Name>
auto kind_called(const Kinds& kinds, const Name& name_of, std::string_view name) -> std::optional<typename Kinds::value_type> {
  for (const auto kind : kinds)
    if (name_of(kind) == name) return kind;
  return std::nullopt;
}

template <class Kinds, class Name>
std::string kind_names(const Kinds& kinds, const Name& name_of) {
  std::vector<std::string_view> names;
  for (const auto kind : kinds) names.push_back(name_of(kind));
  return list_of(names);
}

template <class Kinds, class Name>
auto read_kind(const Section& section, std::string_view key, const Kinds& kinds, const Name& name_of) {
  const auto text = section.text(key);
  const auto kind = kind_called(kinds, name_of, text);
  if (!kind)
    refuse(section.need(key),
           fmt::format("{} {} is not known; allowed: {}", section.path(key), in_quotes(text), kind_names(kinds, name_of)));
  return *kind;
}

void maybe_duration(const Section& section, std::string_view key, Duration& to, double most = forever) {
  if (section.find(key)) to = duration_of(section.real(key, 0, most));
}

Weather read_weather(const toml::table& table, const std::string& name) {
  const Section section(table, name, {"loss", "reorder", "duplicate", "corrupt", "undetected", "jitter", "extra"});
  Weather weather;
  section.maybe_real("loss", 0, 0.9, weather.loss);
  section.maybe_real("reorder", 0, 1, weather.reorder);
  section.maybe_real("duplicate", 0, 1, weather.duplicate);
  section.maybe_real("corrupt", 0, 0.9, weather.corrupt);
  section.maybe_real("undetected", 0, 1, weather.undetected);
  maybe_duration(section, "jitter", weather.jitter, 60);
  maybe_duration(section, "extra", weather.extra, 60);
  return weather;
}

// What an amount may be; empty: the kind has none.
struct Range {
  double least, most;
};
std::optional<Range> amount_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::slow_line: return Range{0, 0.999999};
    case FaultKind::clock_step: return Range{-1e9, 1e9};
    case FaultKind::clock_drift: return Range{-500'000, 1e6};
    case FaultKind::disk_slow:
    case FaultKind::dns_slow: return Range{0, 3600};
    case FaultKind::disk_flip: return Range{0, 1};
    case FaultKind::kill:
    case FaultKind::power_cut:
    case FaultKind::partition:
    case FaultKind::stall:
    case FaultKind::silent_break:
    case FaultKind::weather:
    case FaultKind::disk_full:
    case FaultKind::disk_lying:
    case FaultKind::dns_dead:
    case FaultKind::dns_lying: break;
  }
  return std::nullopt;
}

std::vector<uint32_t> read_nodes(const Section& section, size_t nodes) {
  std::vector<uint32_t> out;
  const auto* array = array_of(section.find("nodes"), section.path("nodes"), nodes);
  if (!array) return out;
  for (const auto& node : *array) {
    const auto index = static_cast<uint32_t>(Section::number(node, "a node's number", 0, nodes - 1));
    if (std::ranges::find(out, index) != out.end()) refuse(node, fmt::format("the node {} stands here twice", index));
    out.push_back(index);
  }
  return out;
}

Fault read_fault(const toml::node& node, const sim::Plan& plan) {
  const auto* table = node.as_table();
  if (!table) refuse(node, "a fault is a table: [[fault]] with kind and at");
  const Section section(*table, "[[fault]]", {"kind", "at", "lasts", "nodes", "amount", "weather"});
  Fault fault;
  fault.kind = read_kind(section, "kind", fault_kinds, sim::fault_name);
  fault.at = duration_of(section.real("at", 0, forever));
  maybe_duration(section, "lasts", fault.lasts);
  fault.nodes = read_nodes(section, plan.nodes);
  if (const auto range = amount_of(fault.kind)) {
    fault.amount = section.real("amount", range->least, range->most);
  } else if (const auto* amount = section.find("amount")) {
    refuse(*amount, fmt::format("a fault of kind \"{}\" has no amount", sim::fault_name(fault.kind)));
  }
  if (fault.kind == FaultKind::weather) {
    if (!section.need("weather").is_table()) refuse(section.need("weather"), "[[fault]] weather must be a table");
    fault.weather = read_weather(*section.need("weather").as_table(), "[[fault]] weather");
  } else if (const auto* weather = section.find("weather")) {
    refuse(*weather, "only a fault of kind \"weather\" has weather");
  }
  return fault;
}

Attack read_attack(const toml::node& node) {
  const auto* table = node.as_table();
  if (!table) refuse(node, "an attack is a table: [[attack]] with kind");
  const Section section(*table, "[[attack]]",
                        {"kind", "machines", "addresses", "connections", "bytes_per_second", "from", "until"});
  Attack attack;
  attack.kind = read_kind(section, "kind", attack_kinds, sim::attack_name);
  section.maybe_number("machines", 1, 1000, attack.machines);
  section.maybe_number("addresses", 1, 65'536, attack.addresses);
  section.maybe_number("connections", 1, 1'000'000, attack.connections);
  section.maybe_number("bytes_per_second", 1000, scenario_rate_max, attack.bytes_per_second);
  maybe_duration(section, "from", attack.from);
  maybe_duration(section, "until", attack.until);
  if (attack.until <= attack.from)
    refuse(section.find("until") ? section.need("until") : node, "an attack ends after it begins");
  return attack;
}

std::string read_name(const Section& section) {
  const auto name = section.text("name");
  const bool plain = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!plain) refuse(section.need("name"), "name must be 1 to 64 of letters, digits, \"-\" and \"_\"");
  return name;
}

void read_chain(const toml::table* table, SimScenario& scenario) {
  if (!table) return;
  const Section section(*table, "[chain]", {"blocks", "block_bytes"});
  section.maybe_number("blocks", 1, scenario_blocks_max, scenario.blocks);
  section.maybe_number("block_bytes", 0, scenario_block_bytes_max, scenario.block_bytes);
}

void read_top(const Section& section, SimScenario& scenario) {
  auto& plan = scenario.plan;
  plan.name = section.find("name") ? read_name(section) : "file";
  scenario.seed_given = section.find("seed") != nullptr;
  section.maybe_number("seed", 0, INT64_MAX, plan.seed);
  section.maybe_number("nodes", 1, scenario_nodes_max, plan.nodes);
  section.maybe_number("seeds", 1, scenario_seeds_max, plan.seeds);
  if (plan.seeds > plan.nodes) {
    if (section.find("seeds")) refuse(section.need("seeds"), "seeds are of the nodes: there cannot be more of them");
    plan.seeds = plan.nodes;
  }
  section.maybe_number("outbound_target", 1, 1000, plan.outbound_target);
  section.maybe_number("connections_max", 1, 100'000, plan.connections_max);
  if (plan.outbound_target > plan.connections_max)
    refuse(section.find("outbound_target") ? section.need("outbound_target") : section.need("connections_max"),
           fmt::format("outbound_target ({}) is above connections_max ({})", plan.outbound_target, plan.connections_max));
  if (section.find("cryptography")) plan.cryptography = read_kind(section, "cryptography", cryptographies, cryptography_name);
  section.maybe_number("bytes_per_second", 1000, scenario_rate_max, plan.bytes_per_second);
  section.maybe_number("new_blocks", 0, scenario_new_blocks_max, plan.new_blocks);
  maybe_duration(section, "faults_end", plan.faults_end);
  maybe_duration(section, "recovery", plan.recovery);
  maybe_duration(section, "least", plan.least);
  maybe_duration(section, "arrive", plan.arrive);
  section.maybe_number("unreachable", 0, scenario_nodes_max, plan.unreachable);
  if (plan.unreachable + plan.seeds > plan.nodes)
    refuse(section.need("unreachable"), "unreachable ones are of the nodes that are no seeds: there cannot be more of them");
  section.maybe_number("bootstrap", 0, scenario_seeds_max, plan.bootstrap);
  section.maybe_number("hostile_in_dns", 0, hostile_in_dns_max, plan.hostile_in_dns);
  section.maybe_number("wall_start", 1'400'000'000, UINT32_MAX, plan.wall_start);
  if (section.find("cities")) scenario.cities = section.text("cities");
}

SimScenario read_scenario(const toml::table& root) {
  const Section section(root, "the file's top level", {"name",
                                                       "seed",
                                                       "nodes",
                                                       "seeds",
                                                       "outbound_target",
                                                       "connections_max",
                                                       "cryptography",
                                                       "bytes_per_second",
                                                       "new_blocks",
                                                       "faults_end",
                                                       "recovery",
                                                       "least",
                                                       "arrive",
                                                       "unreachable",
                                                       "bootstrap",
                                                       "hostile_in_dns",
                                                       "wall_start",
                                                       "cities",
                                                       "chain",
                                                       "weather",
                                                       "fault",
                                                       "attack"});
  SimScenario scenario;
  read_top(section, scenario);
  read_chain(table_at(root, "chain"), scenario);
  if (const auto* weather = table_at(root, "weather")) scenario.plan.weather = read_weather(*weather, "[weather]");
  if (const auto* faults = array_of(root.get("fault"), "fault", scenario_faults_max))
    for (const auto& node : *faults) scenario.plan.faults.push_back(read_fault(node, scenario.plan));
  if (const auto* attacks = array_of(root.get("attack"), "attack", scenario_attacks_max))
    for (const auto& node : *attacks) scenario.plan.attacks.push_back(read_attack(node));
  return scenario;
}

// --- and back ---

// Whole nanoseconds, without what ends in zeros.
std::string seconds_text(Duration duration) {
  const auto count = duration.count();
  auto text = fmt::format("{}.{:09}", count / 1'000'000'000, count % 1'000'000'000);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

// The shortest text that reads back to the same double; TOML wants a digit on both sides of a point.
std::string real_text(double value) { return fmt::format("{}", value); }

std::string weather_text(const Weather& weather, std::string_view separator) {
  const Weather calm;
  std::string out;
  const auto add = [&](std::string_view key, const std::string& value, bool differs) {
    if (differs) out += fmt::format("{}{} = {}", out.empty() ? "" : separator, key, value);
  };
  add("loss", real_text(weather.loss), weather.loss != calm.loss);
  add("reorder", real_text(weather.reorder), weather.reorder != calm.reorder);
  add("duplicate", real_text(weather.duplicate), weather.duplicate != calm.duplicate);
  add("corrupt", real_text(weather.corrupt), weather.corrupt != calm.corrupt);
  add("undetected", real_text(weather.undetected), weather.undetected != calm.undetected);
  add("jitter", seconds_text(weather.jitter), weather.jitter != calm.jitter);
  add("extra", seconds_text(weather.extra), weather.extra != calm.extra);
  return out;
}

std::string fault_text(const Fault& fault) {
  std::string out = fmt::format("\n[[fault]]\nkind = \"{}\"\nat = {}\n", sim::fault_name(fault.kind), seconds_text(fault.at));
  if (fault.lasts != Duration{}) out += fmt::format("lasts = {}\n", seconds_text(fault.lasts));
  if (!fault.nodes.empty()) out += fmt::format("nodes = [{}]\n", fmt::join(fault.nodes, ", "));
  if (amount_of(fault.kind)) out += fmt::format("amount = {}\n", real_text(fault.amount));
  if (fault.kind == FaultKind::weather) out += fmt::format("weather = {{ {} }}\n", weather_text(fault.weather, ", "));
  return out;
}

std::string attack_text(const Attack& attack) {
  return fmt::format(
      "\n[[attack]]\nkind = \"{}\"\nmachines = {}\naddresses = {}\nconnections = {}\nbytes_per_second = {}\nfrom = {}\n"
      "until = {}\n",
      sim::attack_name(attack.kind), attack.machines, attack.addresses, attack.connections, attack.bytes_per_second,
      seconds_text(attack.from), seconds_text(attack.until));
}

// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < ' ' || c == 127) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string_view cryptography_name(sim::Cryptography cryptography) {
  return cryptography == sim::Cryptography::real ? "real" : "modelled";
}
std::optional<FaultKind> parse_fault(std::string_view name) { return kind_called(fault_kinds, sim::fault_name, name); }
std::optional<AttackKind> parse_attack(std::string_view name) { return kind_called(attack_kinds, sim::attack_name, name); }
std::string attack_names() { return kind_names(attack_kinds, sim::attack_name); }

std::expected<SimScenario, TomlError> parse_sim_scenario(std::string_view text, std::string_view file) {
  return read_toml(text, file, scenario_bytes_max, read_scenario);
}

std::expected<SimScenario, TomlError> load_sim_scenario(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(scenario_bytes_max + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in && !in.eof())
    return std::unexpected(TomlError{file, 0, 0, fmt::format("it cannot be read ({})", std::strerror(errno))});
  text.resize(static_cast<size_t>(in.gcount()));
  return parse_sim_scenario(text, file);
}

std::string sim_scenario_text(const SimScenario& scenario) {
  const auto& plan = scenario.plan;
  std::string out = fmt::format(
      "name = {}\nseed = {}\nnodes = {}\nseeds = {}\noutbound_target = {}\nconnections_max = {}\ncryptography = \"{}\"\n"
      "bytes_per_second = {}\nnew_blocks = {}\nfaults_end = {}\nrecovery = {}\nleast = {}\narrive = {}\n"
      "unreachable = {}\nbootstrap = {}\nhostile_in_dns = {}\nwall_start = {}\n",
      toml_string(plan.name), plan.seed, plan.nodes, plan.seeds, plan.outbound_target, plan.connections_max,
      cryptography_name(plan.cryptography), plan.bytes_per_second, plan.new_blocks, seconds_text(plan.faults_end),
      seconds_text(plan.recovery), seconds_text(plan.least), seconds_text(plan.arrive), plan.unreachable, plan.bootstrap,
      std::min(plan.hostile_in_dns, hostile_in_dns_max), plan.wall_start);
  if (!scenario.cities.empty()) out += fmt::format("cities = {}\n", toml_string(scenario.cities));
  out += fmt::format("\n[chain]\nblocks = {}\nblock_bytes = {}\n", scenario.blocks, scenario.block_bytes);
  if (const auto weather = weather_text(plan.weather, "\n"); !weather.empty()) out += "\n[weather]\n" + weather + "\n";
  for (const auto& fault : plan.faults) out += fault_text(fault);
  for (const auto& attack : plan.attacks) out += attack_text(attack);
  return out;
}

}  // namespace lattice::app
