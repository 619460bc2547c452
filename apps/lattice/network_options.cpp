#include "network_options.hpp"

#include <algorithm>

#include "chain_spec.hpp"
#include "peer_address.hpp"
#include "program.hpp"

namespace lattice::app {

static constexpr uint16_t dns_port = 53;

void add_network_options(CLI::App& command, NetworkOptions& options, const std::string& connect) {
  command.add_option("--connect", options.connect, connect + ", [NodeID@]host:port (repeatable)")->allow_extra_args(false);
  command.add_option("--dns-seed", options.dns_seeds, "Ask this name for peers, beside the chain spec's (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--dns-server", options.dns_servers, "IP:PORT to ask in place of the system's servers (repeatable)")
      ->allow_extra_args(false);
  command.add_flag("--no-dns", options.no_dns, "Ask no DNS seed");
}

void add_log_options(CLI::App& command, NetworkOptions& options) {
  command.add_option("--log-level", options.log_level, "What goes to standard error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
      ->capture_default_str();
  command.add_option("--log-format", options.log_format, "Of the log")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

HostResult<void> apply_network_options(const NetworkOptions& options, HostConfig& config) {
  NodeConfig& node = config.node;
  for (const auto& text : options.connect) {
    const auto peers = resolve_peer(text);
    if (!peers) return std::unexpected(peers.error());
    node.connect.insert(node.connect.end(), peers->begin(), peers->end());
  }
  for (const auto& name : options.dns_seeds) {
    if (!is_dns_name(name))
      return failure("\"" + name.substr(0, 160) + "\" is no DNS seed", "it is no DNS name",
                     "write --dns-seed seed.example.org");
    // The spec's entry stays: it may have operators, and a flag must not take them away.
    if (std::ranges::find(node.seeds, name, &DnsSeed::name) == node.seeds.end()) node.seeds.push_back({name, {}, 0});
  }
  if (options.no_dns) node.seeds.clear();
  for (const auto& text : options.dns_servers) {
    const auto server = parse_endpoint(text, dns_port);
    if (!server)
      return failure("\"" + text.substr(0, 160) + "\" is no DNS server", "it is not IP:PORT",
                     "write --dns-server 192.0.2.53:53");
    config.dns_servers.push_back(*server);
  }
  return {};
}

SpdLogSink make_log(const NetworkOptions& options) {
  return SpdLogSink(*parse_log_level(options.log_level), options.log_format == "json" ? LogFormat::json : LogFormat::text);
}

}  // namespace lattice::app
