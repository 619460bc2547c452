// --outside-keys FILE: where the keys come from that a node shares with some peers beforehand, and what it does without them. A TOML
// file of the operator's, no part of a chain spec:
//
//   [outside_keys]
//   policy = "require"                 # "off", "accept" (dials go without, who calls may bring one) or "require"
//   file = "keys"                      # host/key_list.hpp; or a key server of ETSI GS QKD 014:
//   url = "https://kme.example.org"    # with authority, certificate, private_key (PEM files), key_request = "post" or "get",
//                                      # deadline_ms = 5000, and for each peer
//   [[outside_keys.peers]]
//   node = "lat1..."
//   sae = "SAE_B"
//   url = "https://other.example.org"  # where it is another
//
// Paths are relative to the file's folder.
#pragma once

#include <variant>

#include <lattice/host/qkd_source.hpp>
#include <lattice/link/config.hpp>

#include "toml_error.hpp"

namespace lattice::app {

struct OutsideKeysConfig {
  OutsideKeys policy = OutsideKeys::off;
  std::variant<std::filesystem::path, QkdConfig> source;  // a file, or key servers
};

std::expected<OutsideKeysConfig, TomlError> parse_outside_keys(std::string_view text, const std::filesystem::path& file);
HostResult<OutsideKeysConfig> load_outside_keys(const std::filesystem::path& file);
// Null with policy "off".
HostResult<std::unique_ptr<KeySource>> open_outside_keys(const OutsideKeysConfig& config, const NodeId& own);

}  // namespace lattice::app
