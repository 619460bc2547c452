#include "outside_keys.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <lattice/host/key_file_source.hpp>
#include <lattice/link/identity.hpp>

#include "files.hpp"
#include "toml_section.hpp"

namespace lattice::app {

namespace {

constexpr size_t file_bytes_max = 1 << 20;
constexpr uint64_t deadline_ms_min = 100, deadline_ms_max = 60'000;

std::filesystem::path path_of(const Section& section, std::string_view key, const std::filesystem::path& folder) {
  const auto text = section.text(key);
  if (text.empty()) refuse(section.need(key), section.path(key) + " is empty");
  return folder / text;
}

KmeUrl url_of(const Section& section) {
  const auto url = parse_kme_url(section.text("url"));
  if (!url) refuse(section.need("url"), section.path("url") + " must be https://HOST[:PORT][/PATH]");
  return *url;
}

OutsideKeys policy_of(const Section& section) {
  const auto word = section.text("policy");
  if (word == "off") return OutsideKeys::off;
  if (word == "accept") return OutsideKeys::accept;
  if (word == "require") return OutsideKeys::require;
  refuse(section.need("policy"), section.path("policy") + " must be \"off\", \"accept\" or \"require\"");
}

KmeAccess access_of(const Section& section, const std::filesystem::path& folder) {
  KmeAccess access{url_of(section), path_of(section, "authority", folder), path_of(section, "certificate", folder),
                   path_of(section, "private_key", folder)};
  if (section.find("key_request") && section.text("key_request") != "post") {
    if (section.text("key_request") != "get")
      refuse(section.need("key_request"), section.path("key_request") + " must be \"post\" or \"get\"");
    access.key_request = KeyRequest::get;
  }
  return access;
}

// Which of `kmes`: one that is there already, or a new one with the first's certificates.
size_t kme_of(const Section& section, std::vector<KmeAccess>& kmes) {
  if (!section.find("url")) return 0;
  KmeAccess access = kmes.front();
  access.url = url_of(section);
  const auto found = std::ranges::find(kmes, access.url, &KmeAccess::url);
  if (found != kmes.end()) return static_cast<size_t>(found - kmes.begin());
  kmes.push_back(access);
  return kmes.size() - 1;
}

QkdConfig qkd_of(const Section& section, const std::filesystem::path& folder) {
  QkdConfig config;
  config.kmes.push_back(access_of(section, folder));
  if (section.find("deadline_ms"))
    config.deadline = std::chrono::milliseconds{section.number("deadline_ms", deadline_ms_min, deadline_ms_max)};
  const auto* peers = array_of(&section.need("peers"), section.path("peers"), qkd_limits::peers_max);
  for (const auto& entry : *peers) {
    if (!entry.is_table()) refuse(entry, "each peer must be a table: [[outside_keys.peers]]");
    const Section peer(*entry.as_table(), "[[outside_keys.peers]]", {"node", "sae", "url"});
    const auto node = parse_node_id(peer.text("node"));
    if (!node || node->is_zero()) refuse(peer.need("node"), peer.path("node") + " must be a NodeID (lat1...)");
    if (std::ranges::find(config.peers, *node, &QkdPeer::node) != config.peers.end())
      refuse(peer.need("node"), "this peer stands twice in the file");
    if (!is_sae_id(peer.text("sae")))
      refuse(peer.need("sae"),
             fmt::format("{} must be 1 to {} letters, digits or -._~", peer.path("sae"), qkd_limits::sae_id_bytes_max));
    config.peers.push_back({*node, peer.text("sae"), kme_of(peer, config.kmes)});
  }
  if (config.peers.empty()) refuse(section.need("peers"), "no peer is named");
  return config;
}

OutsideKeysConfig read_config(const toml::table& root, const std::filesystem::path& folder) {
  const Section whole(root, "the file", {"outside_keys"});
  whole.need("outside_keys");
  const Section section(
      *table_at(root, "outside_keys"), "[outside_keys]",
      {"policy", "file", "url", "authority", "certificate", "private_key", "key_request", "deadline_ms", "peers"});
  OutsideKeysConfig config{policy_of(section), {}};
  if (const auto* file = section.find("file")) {
    for (const auto* key : {"url", "authority", "certificate", "private_key", "key_request", "deadline_ms", "peers"}) {
      if (section.find(key)) refuse(*file, fmt::format("{} and {}: one of both", section.path("file"), section.path(key)));
    }
    config.source = path_of(section, "file", folder);
  } else if (config.policy != OutsideKeys::off || section.find("url")) {
    config.source = qkd_of(section, folder);
  }
  return config;
}

}  // namespace

std::expected<OutsideKeysConfig, TomlError> parse_outside_keys(std::string_view text, const std::filesystem::path& file) {
  return read_toml(text, file.string(), file_bytes_max,
                   [&](const toml::table& root) { return read_config(root, file.parent_path()); });
}

HostResult<OutsideKeysConfig> load_outside_keys(const std::filesystem::path& file) {
  const auto text = read_small_file(file, file_bytes_max);
  if (!text) return std::unexpected(text.error());
  auto config = parse_outside_keys(*text, file);
  if (config) return std::move(*config);
  return std::unexpected(
      HostError{"the file of --outside-keys cannot be used", config.error().text(), "see docs/OPERATING.md"});
}

HostResult<std::unique_ptr<KeySource>> open_outside_keys(const OutsideKeysConfig& config, const NodeId& own) {
  if (config.policy == OutsideKeys::off) return nullptr;
  if (const auto* file = std::get_if<std::filesystem::path>(&config.source)) return KeyFileSource::open(*file, own);
  return QkdSource::open(std::get<QkdConfig>(config.source));
}

}  // namespace lattice::app
