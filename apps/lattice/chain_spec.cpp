#include "chain_spec.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <lattice/chains/bitcoin/chain.hpp>

#include "presets.hpp"
#include "security_section.hpp"
#include "toml_section.hpp"

namespace lattice::app {

std::string_view rules_name(Rules rules) { return rules == Rules::bitcoin_mainnet ? "bitcoin-mainnet" : "bitcoin-regtest"; }

const bitcoin::Rules& base_rules(Rules rules) {
  return rules == Rules::bitcoin_mainnet ? bitcoin::mainnet() : bitcoin::regtest();
}

std::optional<Rules> parse_rules(std::string_view name) {
  for (const auto rules : {Rules::bitcoin_mainnet, Rules::bitcoin_regtest}) {
    if (name == rules_name(rules)) return rules;
  }
  return std::nullopt;
}

std::optional<KnownPeer> parse_known_peer(std::string_view text) {
  KnownPeer peer;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    peer.node = parse_node_id(text.substr(0, at));
    if (!peer.node) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  const auto endpoint = Endpoint::parse(text);
  if (!endpoint || endpoint->port == 0 || endpoint->ip.is_unspecified()) return std::nullopt;
  peer.endpoint = *endpoint;
  return peer;
}

std::string known_peer_text(const KnownPeer& peer) {
  return peer.node ? node_id_text(*peer.node) + "@" + peer.endpoint.text() : peer.endpoint.text();
}

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (;;) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    const bool plain = std::ranges::all_of(label, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!plain) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

namespace {

constexpr uint64_t height_max = bitcoin::height_max;

BlockHash read_hash(const Section& section, std::string_view key) {
  const auto value = bitcoin::from_display(section.text(key));
  if (!value) refuse(section.need(key), section.path(key) + " must be 64 hex digits, as block explorers show a hash");
  return *value;
}

ByteArray<4> read_magic(const Section& section) {
  const auto& node = section.need("magic_bytes");
  Bytes bytes;
  if (const auto* array = node.as_array()) {
    for (const auto& byte : *array)
      bytes.push_back(static_cast<uint8_t>(Section::number(byte, section.path("magic_bytes"), 0, 255)));
  } else {
    auto text = section.text("magic_bytes");
    std::erase(text, ' ');
    bytes = from_hex(text).value_or(Bytes{});
  }
  if (bytes.size() != 4)
    refuse(node, section.path("magic_bytes") + " must be four bytes: \"51 54 43 4D\" or [0x51, 0x54, 0x43, 0x4D]");
  return {bytes[0], bytes[1], bytes[2], bytes[3]};
}

std::string read_chain_name(const Section& section) {
  const auto name = section.text("name");
  const bool plain = !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!plain) refuse(section.need("name"), "[chain] name must be 1 to 32 of a-z, 0-9 and \"-\"");
  return name;
}

void read_chain(const toml::table& table, ChainSpec& spec) {
  const Section section(table, "[chain]", {"name", "rules", "genesis", "least_work"});
  spec.name = read_chain_name(section);
  const auto rules = section.text("rules");
  const auto parsed = parse_rules(rules);
  if (!parsed) {
    refuse(section.need("rules"),
           fmt::format("[chain] rules {} are not known; allowed: \"bitcoin-mainnet\", \"bitcoin-regtest\"", in_quotes(rules)));
  }
  spec.rules = *parsed;
  spec.genesis = bitcoin::header_wire(base_rules(spec.rules).genesis);
  if (section.find("genesis")) std::ranges::copy(section.hex("genesis", 80), spec.genesis.begin());
  if (section.find("least_work")) std::ranges::copy(section.hex("least_work", 32), spec.least_work.begin());
}

void read_protocol(const toml::table* table, ChainSpec& spec, bool builds_on_preset) {
  if (!table) return;
  const Section section(*table, "[network_protocol]",
                        {"magic_bytes", "protocol_version", "default_port", "max_connections", "connection_timeout"});
  if (builds_on_preset) {
    for (const char* key : {"magic_bytes", "protocol_version"}) {
      if (!section.find(key)) continue;
      refuse(section.need(key),
             fmt::format("{} of the preset \"{}\" cannot be changed: remove this line, or describe a chain of its "
                         "own with [chain] in place of preset",
                         key, spec.name));
    }
  } else {
    spec.magic = read_magic(section);
    section.maybe_number("protocol_version", 1, UINT32_MAX, spec.protocol_version);
  }
  if (!builds_on_preset || section.find("default_port")) {
    spec.default_port = static_cast<uint16_t>(section.number("default_port", 1, 65535));
  }
  section.maybe_number("max_connections", 1, 100'000, spec.connections_max);
  section.maybe_number("connection_timeout", 1, 600, spec.connection_timeout_s);
}

std::vector<Digest> read_operators(const Section& section) {
  std::vector<Digest> operators;
  const auto* array = array_of(section.find("operators"), "[[dns_seeds]] operators", spec_operators_max);
  if (!array) return operators;
  for (const auto& node : *array) {
    const auto text = node.value_exact<std::string>();
    const auto bytes = text ? from_hex(*text) : std::nullopt;
    if (!bytes || bytes->size() != 32) {
      refuse(node, "an operator is 64 hex digits in quotes: the key hash that `lattice seeds keygen` prints");
    }
    Digest digest;
    std::ranges::copy(*bytes, digest.begin());
    if (std::ranges::find(operators, digest) != operators.end()) refuse(node, "this operator stands here twice");
    operators.push_back(digest);
  }
  return operators;
}

DnsSeed read_seed(const toml::node& node) {
  const auto* table = node.as_table();
  if (!table) refuse(node, "a DNS seed is a table: [[dns_seeds]] with name = \"...\"");
  const Section section(*table, "[[dns_seeds]]", {"name", "operators", "threshold"});
  DnsSeed seed{section.text("name"), read_operators(section), 0};
  if (!is_dns_name(seed.name)) refuse(section.need("name"), fmt::format("{} is no DNS name", in_quotes(seed.name)));
  if (seed.operators.empty()) {
    if (const auto* threshold = section.find("threshold")) refuse(*threshold, "[[dns_seeds]] threshold needs operators");
  } else {
    seed.threshold = section.number("threshold", 1, seed.operators.size());
  }
  return seed;
}

void read_seeds(const toml::table& root, ChainSpec& spec) {
  const auto* array = array_of(root.get("dns_seeds"), "dns_seeds", spec_seeds_max);
  if (!array) return;
  for (const auto& node : *array) {
    auto seed = read_seed(node);
    // A file may give operators to a preset's seed; it may not give two meanings to one name.
    const auto known = std::ranges::find(spec.dns_seeds, seed.name, &DnsSeed::name);
    if (known == spec.dns_seeds.end()) {
      spec.dns_seeds.push_back(std::move(seed));
    } else if (spec.is_preset && known->operators.empty()) {
      *known = std::move(seed);
    } else {
      refuse(node, fmt::format("the DNS seed {} stands here twice", in_quotes(seed.name)));
    }
  }
  if (spec.dns_seeds.size() > spec_seeds_max) refuse(*array, fmt::format("at most {} DNS seeds are allowed", spec_seeds_max));
}

void read_bootstrap(const toml::table* table, ChainSpec& spec) {
  if (!table) return;
  const Section section(*table, "[bootstrap]", {"peers"});
  const auto* array = array_of(section.find("peers"), "[bootstrap] peers", spec_bootstrap_max);
  if (!array) return;
  for (const auto& node : *array) {
    const auto text = node.value_exact<std::string>();
    const auto peer = text ? parse_known_peer(*text) : std::nullopt;
    if (!peer) refuse(node, "a bootstrap peer is \"address:port\" or \"NodeID@address:port\", for example \"192.0.2.1:8333\"");
    spec.bootstrap.push_back(*peer);
  }
}

uint32_t read_bits(const Section& section) {
  const auto& node = section.need("bits");
  if (node.is_integer()) return static_cast<uint32_t>(section.number("bits", 1, UINT32_MAX));
  const auto bytes = section.hex("bits", 4);
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

void read_trusted_header(const toml::table* table, ChainSpec& spec) {
  if (!table) return;
  const Section section(*table, "[trusted_header]", {"height", "hash", "bits", "time"});
  TrustedHeader header;
  header.height = static_cast<uint32_t>(section.number("height", 1, height_max));
  header.hash = read_hash(section, "hash");
  header.bits = read_bits(section);
  if (section.find("time")) header.time = static_cast<uint32_t>(section.number("time", 1, UINT32_MAX));
  spec.trusted_header = header;
}

void read_checkpoints(const toml::table& root, ChainSpec& spec) {
  const auto* array = array_of(root.get("checkpoints"), "checkpoints", spec_checkpoints_max);
  if (!array) return;
  for (const auto& node : *array) {
    const auto* table = node.as_table();
    if (!table) refuse(node, "a checkpoint is a table: [[checkpoints]] with height and hash");
    const Section section(*table, "[[checkpoints]]", {"height", "hash"});
    const Checkpoint checkpoint{static_cast<uint32_t>(section.number("height", 1, height_max)), read_hash(section, "hash")};
    if (!spec.checkpoints.empty() && spec.checkpoints.back().height >= checkpoint.height) {
      refuse(section.need("height"), "checkpoints must stand in order of height, each height once");
    }
    spec.checkpoints.push_back(checkpoint);
  }
}

void read_limits(const toml::table* table, ChainSpec& spec) {
  if (!table) return;
  const Section section(*table, "[limits]",
                        {"outbound_connections", "inbound_per_ip", "inbound_per_subnet", "handshake_timeout", "request_timeout",
                         "ping_interval"});
  section.maybe_number("outbound_connections", 1, 1000, spec.outbound_connections);
  section.maybe_number("inbound_per_ip", 1, 100'000, spec.inbound_per_ip);
  section.maybe_number("inbound_per_subnet", 1, 100'000, spec.inbound_per_subnet);
  section.maybe_number("handshake_timeout", 1, 600, spec.handshake_timeout_s);
  section.maybe_number("request_timeout", 1, 600, spec.request_timeout_s);
  section.maybe_number("ping_interval", 1, 3600, spec.ping_interval_s);
}

// A file that calls its chain by a preset's name must mean that chain.
void hold_against_preset(const toml::table& chain, ChainSpec& spec) {
  const auto* preset = find_preset(spec.name);
  if (!preset) return;
  const auto differs = [&](const char* what, const toml::node* at) {
    refuse(at ? *at : chain,
           fmt::format("{} differs from the built-in preset \"{}\", whose consensus parameters cannot be changed: "
                       "give the chain another name",
                       what, spec.name));
  };
  if (spec.rules != preset->rules) differs("[chain] rules", chain.get("rules"));
  if (spec.genesis != preset->genesis) differs("[chain] genesis", chain.get("genesis"));
  if (spec.least_work != preset->least_work) differs("[chain] least_work", chain.get("least_work"));
  if (spec.magic != preset->magic) differs("[network_protocol] magic_bytes", nullptr);
  if (spec.protocol_version != preset->protocol_version) differs("[network_protocol] protocol_version", nullptr);
  spec.is_preset = true;
}

ChainSpec read_spec(const toml::table& root) {
  const Section section(
      root, "the file's top level",
      {"preset", "chain", "network_protocol", "dns_seeds", "bootstrap", "trusted_header", "checkpoints", "limits", "security"});
  const auto* chain = table_at(root, "chain");
  ChainSpec spec;
  const bool builds_on_preset = section.find("preset") != nullptr;
  if (builds_on_preset) {
    const auto name = section.text("preset");
    const auto* preset = find_preset(name);
    if (!preset)
      refuse(section.need("preset"), fmt::format("there is no preset {}; there are: {}", in_quotes(name), preset_names()));
    if (chain) {
      refuse(
          *chain,
          fmt::format("the consensus parameters of the preset \"{}\" cannot be changed: remove [chain], or remove preset and "
                      "describe a chain of its own",
                      name));
    }
    spec = *preset;
  } else if (!chain) {
    throw TomlFault{{},
                    fmt::format("neither preset nor [chain]: begin with preset = \"...\" (one of {}) or with a [chain] table",
                                preset_names())};
  } else {
    read_chain(*chain, spec);
    if (!section.find("network_protocol"))
      throw TomlFault{{}, "a chain of its own needs [network_protocol] with magic_bytes and default_port"};
  }
  read_protocol(table_at(root, "network_protocol"), spec, builds_on_preset);
  if (chain) hold_against_preset(*chain, spec);
  read_seeds(root, spec);
  read_bootstrap(table_at(root, "bootstrap"), spec);
  read_trusted_header(table_at(root, "trusted_header"), spec);
  read_checkpoints(root, spec);
  read_limits(table_at(root, "limits"), spec);
  if (const auto* security = table_at(root, "security")) spec.security = read_security(*security);
  if (spec.outbound_connections > spec.connections_max) {
    const auto* limits = root.get("limits");
    throw TomlFault{limits ? limits->source().begin : toml::source_position{},
                    fmt::format("outbound_connections ({}) is above max_connections ({})", spec.outbound_connections,
                                spec.connections_max)};
  }
  return spec;
}

}  // namespace

std::expected<ChainSpec, SpecError> parse_chain_spec(std::string_view text, std::string_view file) {
  return read_toml(text, file, spec_bytes_max, read_spec);
}

std::expected<ChainSpec, SpecError> load_chain_spec(const std::string& preset_or_file) {
  if (const auto* preset = find_preset(preset_or_file)) return *preset;
  std::ifstream in(preset_or_file, std::ios::binary);
  std::string text(spec_bytes_max + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in && !in.eof()) {
    return std::unexpected(
        SpecError{preset_or_file, 0, 0,
                  fmt::format("neither a preset ({}) nor a file that can be read ({})", preset_names(), std::strerror(errno))});
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return parse_chain_spec(text, preset_or_file);
}

static void write_seeds(std::string& out, const ChainSpec& spec) {
  for (const auto& seed : spec.dns_seeds) {
    out += fmt::format("\n[[dns_seeds]]\nname = \"{}\"\n", seed.name);
    if (seed.operators.empty()) continue;
    out += "operators = [\n";
    for (const auto& digest : seed.operators) out += fmt::format("  \"{}\",\n", to_hex(digest));
    out += fmt::format("]\nthreshold = {}\n", seed.threshold);
  }
}

std::string chain_spec_text(const ChainSpec& spec) {
  std::string out = fmt::format("[chain]\nname = \"{}\"\nrules = \"{}\"\n# hash: {}\ngenesis = \"{}\"\nleast_work = \"{}\"\n",
                                spec.name, rules_name(spec.rules), bitcoin::display(bitcoin::hash_header(spec.genesis)),
                                to_hex(spec.genesis), to_hex(spec.least_work));
  out += fmt::format(
      "\n[network_protocol]\nmagic_bytes = \"{}\"\nprotocol_version = {}\ndefault_port = {}\nmax_connections = {}\n"
      "connection_timeout = {}\n",
      to_hex(spec.magic), spec.protocol_version, spec.default_port, spec.connections_max, spec.connection_timeout_s);
  write_seeds(out, spec);
  if (!spec.bootstrap.empty()) {
    out += "\n[bootstrap]\npeers = [\n";
    for (const auto& peer : spec.bootstrap) out += fmt::format("  \"{}\",\n", known_peer_text(peer));
    out += "]\n";
  }
  if (const auto& header = spec.trusted_header) {
    out += fmt::format("\n[trusted_header]\nheight = {}\nhash = \"{}\"\nbits = 0x{:08x}\n", header->height,
                       bitcoin::display(header->hash), header->bits);
    if (header->time) out += fmt::format("time = {}\n", *header->time);
  }
  for (const auto& checkpoint : spec.checkpoints) {
    out += fmt::format("\n[[checkpoints]]\nheight = {}\nhash = \"{}\"\n", checkpoint.height, bitcoin::display(checkpoint.hash));
  }
  out += security_text(spec.security);
  return out +
         fmt::format(
             "\n[limits]\noutbound_connections = {}\ninbound_per_ip = {}\ninbound_per_subnet = {}\nhandshake_timeout = {}\n"
             "request_timeout = {}\nping_interval = {}\n",
             spec.outbound_connections, spec.inbound_per_ip, spec.inbound_per_subnet, spec.handshake_timeout_s,
             spec.request_timeout_s, spec.ping_interval_s);
}

}  // namespace lattice::app
