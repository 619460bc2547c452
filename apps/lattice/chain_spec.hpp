// Chain specs: which chain a node follows and how it finds others. Written in TOML; docs/FEATURES.md row O4.
//
//   preset = "bitcoin-regtest"        # or a chain of its own: [chain]
//   [chain]             name, rules = "bitcoin-mainnet" | "bitcoin-regtest", genesis (80-byte header, hex), least_work (hex)
//   [network_protocol]  magic_bytes, protocol_version, default_port, max_connections, connection_timeout (seconds)
//   [[dns_seeds]]       name, operators (hashes, hex), threshold
//   [bootstrap]         peers = ["lat1...@192.0.2.1:8333", "192.0.2.2:8333"]
//   [trusted_header]    height, hash (display order), bits, time
//   [[checkpoints]]     height, hash (display order)
//   [limits]            outbound_connections, handshake_timeout, request_timeout, ping_interval (seconds)
//   [security]          suites, [[security.retire]] (security_policy.hpp)
//
// With a trusted header, work counts from it on; a preset's least work counts from the genesis and then does not apply.
//
// The consensus parameters of a built-in preset (name, rules, genesis, least work, magic, protocol version) cannot be changed:
// a file that builds on a preset adds to it, and a file that repeats a preset's name must repeat its parameters.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lattice/chains/bitcoin/rules.hpp>
#include <lattice/node/node.hpp>

#include "security_policy.hpp"
#include "toml_error.hpp"

namespace lattice::app {

enum class Rules : uint8_t { bitcoin_mainnet, bitcoin_regtest };
std::string_view rules_name(Rules rules);
std::optional<Rules> parse_rules(std::string_view name);
const bitcoin::Rules& base_rules(Rules rules);

struct TrustedHeader {
  uint32_t height = 0;
  BlockHash hash;
  uint32_t bits = 0;
  std::optional<uint32_t> time;
  bool operator==(const TrustedHeader&) const = default;
};
struct Checkpoint {
  uint32_t height = 0;
  BlockHash hash;
  bool operator==(const Checkpoint&) const = default;
};

struct ChainSpec {
  std::string name;
  bool is_preset = false;  // its consensus parameters are a built-in preset's
  // Consensus parameters.
  Rules rules = Rules::bitcoin_regtest;
  ByteArray<80> genesis{};
  ByteArray<32> least_work{};  // big-endian
  ByteArray<4> magic{};
  uint32_t protocol_version = 1;
  // How a node behaves, and whom it asks first.
  uint16_t default_port = 0;
  size_t connections_max = 125;
  uint32_t connection_timeout_s = 5;
  std::vector<DnsSeed> dns_seeds;
  std::vector<KnownPeer> bootstrap;
  std::optional<TrustedHeader> trusted_header;
  std::vector<Checkpoint> checkpoints;
  size_t outbound_connections = 10;
  size_t inbound_per_ip = 3, inbound_per_subnet = 10;
  uint32_t handshake_timeout_s = 10;
  uint32_t request_timeout_s = 20;
  uint32_t ping_interval_s = 60;
  SecurityPolicy security;
};

constexpr size_t spec_bytes_max = 256 * 1024;
constexpr size_t spec_seeds_max = 16;
constexpr size_t spec_operators_max = 16;
constexpr size_t spec_bootstrap_max = 256;
constexpr size_t spec_checkpoints_max = 1024;

using SpecError = TomlError;

// `file` is only for messages.
std::expected<ChainSpec, SpecError> parse_chain_spec(std::string_view toml, std::string_view file);
// A preset's name, else a file's.
std::expected<ChainSpec, SpecError> load_chain_spec(const std::string& preset_or_file);
// As TOML that parse_chain_spec reads back to the same spec.
std::string chain_spec_text(const ChainSpec& spec);

// "[NodeID@]address:port".
std::optional<KnownPeer> parse_known_peer(std::string_view text);
std::string known_peer_text(const KnownPeer& peer);
// RFC 1035 2.3.1, and the underscore of service labels: at most 253 characters.
bool is_dns_name(std::string_view name);
}  // namespace lattice::app
