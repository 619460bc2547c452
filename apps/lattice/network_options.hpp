// What every command that joins a network is told alike: whom it begins with, and how it logs.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <lattice/host/node_host.hpp>

#include "log.hpp"

namespace lattice::app {

struct NetworkOptions {
  std::vector<std::string> connect, dns_seeds, dns_servers;
  bool no_dns = false;
  std::string log_level = "info", log_format = "text";
};

// --connect, --dns-seed, --dns-server and --no-dns; `connect` says what the first one does there.
void add_network_options(CLI::App& command, NetworkOptions& options, const std::string& connect);
void add_log_options(CLI::App& command, NetworkOptions& options);

// The node's peers and seeds, beside those of the chain spec, and the servers that are asked for names.
HostResult<void> apply_network_options(const NetworkOptions& options, HostConfig& config);
SpdLogSink make_log(const NetworkOptions& options);

}  // namespace lattice::app
