// lattice node: finds peers, syncs a chain, serves it.
#include <algorithm>
#include <chrono>
#include <memory>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <lattice/discovery/announcement.hpp>
#include <lattice/host/key_file.hpp>
#include <lattice/host/node_host.hpp>

#include "block_follower.hpp"
#include "data_folder.hpp"
#include "files.hpp"
#include "genesis_peers.hpp"
#include "load_spec.hpp"
#include "network_options.hpp"
#include "outside_keys.hpp"
#include "passphrase.hpp"
#include "peer_address.hpp"
#include "program.hpp"
#include "progress.hpp"
#include "rate_text.hpp"
#include "spec_chain.hpp"
#include "sync_report.hpp"

namespace lattice::app {

namespace {

struct NodeOptions {
  NetworkOptions network;
  std::string chain, data, passphrase_file, listen, report, follow, outside_keys, as_table;
  std::vector<std::string> connect_only_peers, banned, external_addresses, upload_rates, download_rates;
  bool in_memory = false, no_listen = false, connect_only = false, until_synced = false;
  double timeout_s = 0;
};

constexpr auto tick = std::chrono::milliseconds{50};

bool machine_has_ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// A node that only visits takes no connections unless told to.
HostResult<std::optional<Endpoint>> listen_endpoint(const NodeOptions& options, const ChainSpec& spec) {
  if (options.no_listen) return std::nullopt;
  if (!options.listen.empty()) {
    const auto endpoint = parse_endpoint(options.listen, spec.default_port);
    if (endpoint) return endpoint;
    return failure("\"" + options.listen + "\" is no address to listen on", "it is not IP:PORT",
                   "write --listen 0.0.0.0:8333, or --no-listen");
  }
  if (options.connect_only || options.until_synced) return std::nullopt;
  return Endpoint{machine_has_ipv6() ? IpAddress{} : IpAddress::v4(0, 0, 0, 0), spec.default_port};
}

HostResult<void> read_bans(const NodeOptions& options, NodeConfig& node) {
  for (const auto& text : options.banned) {
    if (const auto node_id = parse_node_id(text)) {
      node.banned.nodes.push_back(*node_id);
    } else if (const auto subnet = Subnet::parse(text)) {
      node.banned.subnets.push_back(*subnet);
    } else {
      return failure("\"" + text.substr(0, 160) + "\" cannot be banned", "it is no address, subnet or NodeID",
                     "write --ban 203.0.113.7, --ban 203.0.113.0/24 or --ban lat1...");
    }
  }
  return {};
}

HostResult<void> add_external_addresses(const NodeOptions& options, const ChainSpec& spec, NodeConfig& node) {
  for (const auto& text : options.external_addresses) {
    const auto endpoint = parse_endpoint(text, spec.default_port);
    const bool good = endpoint && endpoint->port != 0 && !endpoint->ip.is_unspecified();
    if (!good)
      return failure("\"" + text.substr(0, 160) + "\" is no address to be reached at", "it is not IP or IP:PORT",
                     "write --external-address 192.0.2.7:8333");
    node.announce_endpoints.push_back(*endpoint);
  }
  if (node.announce_endpoints.size() <= announcement_endpoints_max) return {};
  return failure("too many addresses to be reached at", fmt::format("others are told of {}", announcement_endpoints_max),
                 "give --external-address less often");
}

HostResult<void> add_rates(const std::vector<std::string>& given, const std::string& flag, BandwidthLimits& limits) {
  for (const auto& text : given) {
    if (!add_rate(text, limits))
      return failure("\"" + text.substr(0, 160) + "\" is no rate",
                     fmt::format("it is not BYTES or CLASS=BYTES a second, {} or more", BandwidthLimits::rate_min),
                     "write " + flag + " 2M or " + flag + " blocks=500k; classes are headers, transactions, blocks");
  }
  return {};
}

HostResult<HostConfig> host_config(const NodeOptions& options, const ChainSpec& spec) {
  HostConfig config;
  config.node = node_config(spec);
  config.node.user_agent = fmt::format("/lattice:{}/", version());
  config.handle_signals = true;
  NetworkOptions network = options.network;
  std::ranges::copy_if(options.connect_only_peers, std::back_inserter(network.connect),
                       [](const std::string& text) { return !text.empty(); });
  network.no_dns |= options.connect_only;
  config.node.discovery = !options.connect_only;
  if (auto applied = apply_network_options(network, config); !applied) return std::unexpected(applied.error());
  if (auto added = read_bans(options, config.node); !added) return std::unexpected(added.error());
  if (auto added = add_rates(options.upload_rates, "--upload-rate", config.node.upload); !added)
    return std::unexpected(added.error());
  if (auto added = add_rates(options.download_rates, "--download-rate", config.node.download); !added)
    return std::unexpected(added.error());
  auto listen = listen_endpoint(options, spec);
  if (!listen) return std::unexpected(listen.error());
  config.listen = *listen;
  config.node.announce_agreed = options.external_addresses.empty();
  if (auto added = add_external_addresses(options, spec, config.node); !added) return std::unexpected(added.error());
  return config;
}

HostResult<void> open_key_source(const NodeOptions& options, const NodeId& own, HostConfig& config) {
  if (options.outside_keys.empty()) return {};
  const auto keys = load_outside_keys(options.outside_keys);
  if (!keys) return std::unexpected(keys.error());
  auto source = open_outside_keys(*keys, own);
  if (!source) return std::unexpected(source.error());
  config.key_source = std::move(*source);
  config.node.outside_keys = keys->policy;
  return {};
}

HostResult<void> open_as_table(const NodeOptions& options, NodeConfig& node, LogSink& log) {
  if (options.as_table.empty()) return {};
  const auto text = read_small_file(options.as_table, AsTable::file_bytes_max);
  if (!text) return std::unexpected(text.error());
  auto table = AsTable::parse(*text);
  if (!table)
    return failure(
        options.as_table + " is no table of AS numbers",
        fmt::format("line {}: {} ({})", table.error().line, error_text(table.error().error.code), table.error().error.where),
        "write a line \"PREFIX ASN [REGION]\" for each prefix (docs/OPERATING.md)");
  log.log({LogLevel::info, "as_table_loaded", {{"prefixes", std::to_string(table->prefixes())}}});
  node.as_table = std::make_shared<const AsTable>(std::move(*table));
  return {};
}

// What the node did, as it was last seen with its peers still there.
class Watch {
 public:
  Watch(const NodeOptions& options, SpdLogSink& log) : options_(options), log_(log), start_(clock_now().mono) {
    log_.before_line([this] { progress_.clear(); });
  }
  ~Watch() { log_.before_line({}); }

  // False ends the run.
  bool on_tick(const NodeReport& report) {
    const auto now = clock_now().mono;
    if (report.blocks_received > 0) {
      if (!first_block_) first_block_ = now;
      if (report.blocks_received != last_.blocks_received) last_block_ = now;
    }
    last_ = report;
    end_ = now;
    progress_.show(report, now);
    if (options_.until_synced && report.synced) return false;
    timed_out_ = options_.timeout_s > 0 && seconds_of(now - start_) >= options_.timeout_s;
    return !timed_out_ && !report.failed;
  }
  void finish() { progress_.clear(); }

  const NodeReport& last() const { return last_; }
  bool timed_out() const { return timed_out_; }
  SyncTimes times() const {
    SyncTimes times{seconds_of(end_ - start_), 0};
    // A tick is how finely this looks: the first block came during the one before.
    if (first_block_) times.download_seconds = seconds_of(last_block_ - *first_block_ + tick);
    return times;
  }

 private:
  const NodeOptions& options_;
  SpdLogSink& log_;
  Progress progress_;
  Instant start_, end_ = start_, last_block_{};
  std::optional<Instant> first_block_;
  NodeReport last_;
  bool timed_out_ = false;
};

HostResult<void> verdict(const NodeOptions& options, const Watch& watch) {
  const auto& report = watch.last();
  if (report.failed) {
    return failure("the node stopped", fmt::format("{} ({})", error_text(report.failed->code), report.failed->where),
                   "check the disk and the --data folder, then start it again; where that does not help, move the folder\n"
                   "  chains out of it, and the next start syncs anew");
  }
  if (!options.until_synced || report.synced) return {};
  const auto peers = std::ranges::count(report.peers, true, &PeerReport::established);
  return failure("the chain is not synced",
                 fmt::format("{} after {:.0f} s: height {}, {} peers", watch.timed_out() ? "time was up" : "stopped",
                             watch.times().seconds, report.tip.block.height, peers),
                 peers == 0 ? "check the network, --dns-server and --dns-seed, or name a peer by --connect"
                            : "start it again: it goes on where it ended");
}

// Many systems begin a process with 1,024 descriptors and let it take more. Others' handshakes may hold a quarter of them: the
// more have room, the longer an honest one may take in a flood (2,048 at 5,000 a second: 400 ms).
HalfOpenLimits half_open_limits() {
  HalfOpenLimits limits;
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return limits;
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return limits;
  limits.in_all = std::clamp<size_t>(descriptors.rlim_cur / 4, 64, 2048);
  return limits;
}

HostResult<void> run_node(const NodeOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  auto config = host_config(options, *spec);
  if (!config) return std::unexpected(config.error());
  const std::string data = options.data.empty() && !options.in_memory ? default_data_folder() : options.data;
  SpdLogSink log = make_log(options.network);
  const auto provider = openssl_provider();
  const auto passphrase = find_passphrase(options.passphrase_file);
  if (!passphrase) return std::unexpected(passphrase.error());
  const auto genesis = read_genesis_peers(process_environment(), *provider, clock_now().wall);
  if (!genesis) return std::unexpected(genesis.error());
  add_genesis_peers(config->node, *genesis);
  for (const auto& variable : genesis->outdated)
    log.log({LogLevel::warning, "genesis_certificate_outdated", {{"variable", variable}}});
  const auto identities = load_identities(*provider, data, *passphrase ? &**passphrase : nullptr, spec->security);
  if (!identities) return std::unexpected(identities.error());
  const auto& identity = identities->identity;
  if (*passphrase && !data.empty() && !key_file_is_sealed(key_path(data)).value_or(true)) {
    log.log({LogLevel::warning,
             "key_not_sealed",
             {{"file", key_path(data).string()}, {"advice", "lattice keygen --new-passphrase-file"}}});
  }
  auto store = open_store(*spec, data, options.in_memory);
  if (!store) return std::unexpected(store.error());
  auto made = make_spec_chain(*spec, provider->rng());
  if (!made)
    return failure("the chain could not be made", fmt::format("{} ({})", error_text(made.error().code), made.error().where),
                   "check [trusted_header] of the chain spec");
  config->node.half_open = half_open_limits();
  config->node.identity = identity;
  config->node.identity87 = identities->identity87;
  tell_succession(config->node, data, log);
  if (!options.in_memory && !options.connect_only) {
    keep_addresses(*config, *spec, data, log);
    keep_seeds(*config, *spec, data, log);
  }
  if (!options.in_memory) keep_bans(*config, *spec, data, log);
  config->node.chain = made->chain->identity();
  if (auto opened = open_key_source(options, identity->id, *config); !opened) return opened;
  if (auto opened = open_as_table(options, config->node, log); !opened) return opened;
  std::optional<BlockFollower> follower;
  if (!options.follow.empty()) follower.emplace(options.follow, *spec, made->chain->identity().block_bytes_max, log);

  NodeHost host(std::move(*config), std::move(made->chain), std::move(*store), *provider, log);
  if (auto started = host.start(); !started) return started;
  log.log({LogLevel::info,
           "node_started",
           {{"version", std::string(version())},
            {"chain", spec->name},
            {"node", node_id_text(identity->id)},
            {"listen", host.local() ? host.local()->text() : "none"},
            {"data", data.empty() ? "memory" : data}}});
  Watch watch(options, log);
  const auto ran = host.run(
      [&](const NodeReport& report) {
        if (follower && report.loaded)
          follower->poll([&](const Bytes& header, const SharedBytes& block) { return host.submit_block(header, block); });
        return watch.on_tick(report);
      },
      tick);
  watch.finish();
  std::fputs(sync_summary(watch.last(), watch.times()).c_str(), stdout);
  std::fflush(stdout);
  if (!options.report.empty()) {
    auto written = write_file_atomically(
        options.report, sync_report_json(watch.last(), spec->name, identity->id, watch.times(), host.key_counts()));
    if (!written) return written;
  }
  if (!ran) return ran;
  return verdict(options, watch);
}

void add_peer_options(CLI::App& command, NodeOptions& options) {
  command.add_option("--listen", options.listen,
                     "IP:PORT to take connections on; port 0 takes any free one. Default: all addresses and the chain's\n"
                     "port; nothing with --connect-only or --until-synced");
  command.add_flag("--no-listen", options.no_listen, "Take no connections");
  command
      .add_option("--external-address", options.external_addresses,
                  "IP[:PORT] where others reach this node: signed and told to the network (repeatable, up to 4)")
      ->allow_extra_args(false);
  add_network_options(command, options.network, "Always keep a connection to this peer");
  // With an address too, as bitcoind's -connect takes one.
  auto* only = command
                   .add_option("--connect-only", options.connect_only_peers,
                               "No discovery: only the peers of --connect, and one named here")
                   ->expected(0, 1)
                   ->type_name("[PEER]");
  command.parse_complete_callback([&options, only] { options.connect_only = only->count() > 0; });
  command.add_option("--ban", options.banned, "Neither dial nor take in this address, subnet (IP/BITS) or NodeID (repeatable)")
      ->allow_extra_args(false);
  command
      .add_option("--upload-rate", options.upload_rates,
                  "Send at most so many bytes a second: 2M in all, blocks=500k for a class (headers, transactions,\n"
                  "blocks); the chain's control and consensus messages are counted and never wait (repeatable)")
      ->allow_extra_args(false);
  command
      .add_option("--download-rate", options.download_rates,
                  "Read at most so many bytes a second, written the same way; all that a peer sends waits (repeatable)")
      ->allow_extra_args(false);
}

}  // namespace

void add_node(Program& program) {
  auto* command = program.app.add_subcommand("node", "Run a node: find peers, sync the chain, serve it");
  const auto options = std::make_shared<NodeOptions>();
  add_chain_option(*command, options->chain);
  command->add_option("--data", options->data, "Folder of the node's key and chain [" + default_data_folder() + "]");
  command->add_option("--passphrase-file", options->passphrase_file,
                      "File with the passphrase of the node's key, mode 0600. Without it: the variable LATTICE_PASSPHRASE");
  command->add_flag("--in-memory", options->in_memory, "Keep headers and blocks in memory; without --data the key too");
  add_peer_options(*command, *options);
  command->add_flag("--until-synced", options->until_synced, "End when the tip is the best that any peer could show");
  command
      ->add_option("--timeout", options->timeout_s,
                   "End after this many seconds; with --until-synced and no sync that is a failure")
      ->check(number_in(0, 1e9));
  command->add_option("--follow", options->follow,
                      "Take the blocks of this file, and those that another program (a miner) appends to it; the format is\n"
                      "that of mkchain and import. They are judged like a peer's; valid ones are announced at once");
  command->add_option(
      "--outside-keys", options->outside_keys,
      "Mix keys that were shared beforehand, or that a quantum network's key server (ETSI GS QKD 014) gives, into\n"
      "the handshake; this TOML file says which (docs/OPERATING.md)");
  command->add_option("--as-table", options->as_table,
                      "AS number and region of each address prefix, one a line: peers are then chosen from different ones\n"
                      "(docs/OPERATING.md)");
  command->add_option("--report", options->report, "At the end, write what happened to this file (JSON)");
  add_log_options(*command, options->network);
  command->footer(
      std::string(not_checked_text) +
      "\n\nQNET_GENESIS_CERT_* (certificates, or @FILE) and QNET_BOOTSTRAP_ID (NodeID@host:port, ...) name genesis peers."
      "\n\nProgress and the summary go to standard output, the log to standard error. SIGINT and SIGTERM end the node\n"
      "cleanly. Exit codes: 0 ended or synced, 1 failed or not synced, 2 wrong usage.");
  command->callback([&program, options] { program.action = [options] { return run_node(*options); }; });
}

}  // namespace lattice::app
