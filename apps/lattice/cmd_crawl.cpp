// lattice crawl: walks a chain's network and writes the zone of a DNS seed.
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <lattice/host/node_host.hpp>

#include "data_folder.hpp"
#include "files.hpp"
#include "load_spec.hpp"
#include "network_options.hpp"
#include "operator_key.hpp"
#include "program.hpp"
#include "seed_zone.hpp"
#include "spec_chain.hpp"
#include "time_text.hpp"

namespace lattice::app {

namespace {

struct CrawlOptions {
  NetworkOptions network;
  std::string chain, zone, name, server, server_address, expires = "2d";
  std::vector<std::string> keys, statements;
  bool once = false;
  double interval_s = 600, revisit_s = 1800, for_s = 0;
  uint32_t ttl = 300;
};

constexpr auto walk_tick = std::chrono::milliseconds{200};

Duration seconds_duration(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// What is signed and served, and what stays the same from one zone to the next.
struct ZoneMaker {
  SeedZone zone;
  ZoneServer server;
  ChainId chain;
  std::string file, expires;
  std::vector<std::shared_ptr<const SigningKey>> keys;
  Provider& provider;
  std::optional<ZoneNumbers> before;

  HostResult<void> write(std::vector<SeedEntry> entries);
};

HostResult<void> ZoneMaker::write(std::vector<SeedEntry> entries) {
  const auto now = clock_now().wall;
  const auto numbers = next_zone_numbers(before, unix_seconds(now));
  zone.entries = std::move(entries);
  if (!keys.empty()) {
    SeedList list{chain, numbers.sequence, *parse_expiry(expires, now), zone.entries, {}};
    for (const auto& key : keys) {
      Secret<32> entropy;
      provider.rng().fill(entropy.span());
      sign_seed_list(list, *key, entropy);
    }
    zone.list_text = seed_list_text(list);
  }
  if (auto written = write_file_atomically(file, whole_zone_text(zone, server, numbers)); !written) return written;
  before = numbers;
  return {};
}

HostResult<std::string> zone_name(const CrawlOptions& options, const ChainSpec& spec) {
  if (!options.name.empty() && is_dns_name(options.name)) return options.name;
  if (!options.name.empty())
    return failure("\"" + options.name.substr(0, 160) + "\" is no name of a zone", "it is no DNS name",
                   "write --name seed.example.org");
  if (spec.dns_seeds.size() == 1) return spec.dns_seeds[0].name;
  return failure("the zone has no name", fmt::format("the chain spec has {} DNS seeds", spec.dns_seeds.size()),
                 "say which by --name");
}

HostResult<ZoneMaker> zone_maker(const CrawlOptions& options, const ChainSpec& spec, Provider& provider) {
  ZoneMaker maker{.zone = {},
                  .server = {},
                  .chain = spec_chain_id(spec),
                  .file = options.zone,
                  .expires = options.expires,
                  .keys = {},
                  .provider = provider,
                  .before = {}};
  auto name = zone_name(options, spec);
  if (!name) return std::unexpected(name.error());
  maker.zone.name = *name;
  maker.zone.ttl = options.ttl;
  maker.zone.default_port = spec.default_port;
  maker.server.name = options.server.empty() ? "ns." + *name : options.server;
  if (!is_dns_name(maker.server.name))
    return failure("\"" + maker.server.name.substr(0, 160) + "\" is no server", "it is no DNS name",
                   "write --ns ns1.example.org");
  if (!options.server_address.empty()) {
    maker.server.address = IpAddress::parse(options.server_address);
    if (!maker.server.address)
      return failure("\"" + options.server_address.substr(0, 160) + "\" is no address", "it is no IP address",
                     "write --ns-address 192.0.2.53");
  }
  const auto now = clock_now().wall;
  const auto expires = parse_expiry(options.expires, now);
  if (!expires || *expires <= now || unix_seconds(*expires) > seed_expires_max)
    return failure("no list can be signed", "\"" + options.expires + "\" is no time to come", "write --expires 2d");
  if (options.keys.size() > signing_keys_max)
    return failure("no list can be signed", fmt::format("{} keys", options.keys.size()), "sign with fewer keys: eight fit");
  for (const auto& file : options.keys) {
    auto key = load_operator_key(file, provider);
    if (!key) return std::unexpected(key.error());
    maker.keys.push_back(std::move(*key));
  }
  for (const auto& file : options.statements) {
    auto text = read_small_file(file, seed_text_bytes_max + 2);
    if (!text) return std::unexpected(text.error());
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    if (!parse_operator_statement(*text))
      return failure(file + " is no statement about operators", "it cannot be read",
                     "give what `lattice seeds operators` printed");
    maker.zone.statements.push_back(std::move(*text));
  }
  auto before = read_zone_numbers(options.zone);
  if (!before) return std::unexpected(before.error());
  maker.before = *before;
  return maker;
}

HostResult<HostConfig> crawl_config(const CrawlOptions& options, const ChainSpec& spec) {
  HostConfig config;
  config.node = node_config(spec);
  config.node.user_agent = fmt::format("/lattice-crawl:{}/", version());
  config.handle_signals = true;
  CrawlLimits limits;
  limits.visit_interval = seconds_duration(options.revisit_s);
  config.node.crawl = limits;
  config.node.dials_max = limits.visits_max;
  if (auto applied = apply_network_options(options.network, config); !applied) return std::unexpected(applied.error());
  return config;
}

std::string crawl_line(const CrawlReport& report) {
  return fmt::format("{} addresses known, {} answered, {} good; {} visits, {} in vain", report.known, report.answered,
                     report.good, report.visits, report.failed);
}

class CrawlRun {
 public:
  CrawlRun(const CrawlOptions& options, ZoneMaker& maker, NodeHost& host, SpdLogSink& log)
      : options_(options), maker_(maker), host_(host), log_(log), start_(clock_now().mono), due_(start_) {}

  // False ends the run.
  bool on_tick(const NodeReport& report) {
    if (!report.crawl) return true;
    last_ = *report.crawl;
    const auto now = clock_now().mono;
    // At least a second of quiet: an answer of DNS or of a node may still become visits.
    const bool busy = report.discovering || last_.visiting > 0 || last_.unvisited > 0 || !report.loaded;
    if (busy) quiet_since_ = now;
    const bool done = now - quiet_since_ >= std::chrono::seconds{1};
    const bool time_up = options_.for_s > 0 && now - start_ >= seconds_duration(options_.for_s);
    if (options_.once && done) return write_zone(), false;
    if (time_up) return write_zone(), false;
    // The first zone when everybody known has been visited, or an interval is over; then one an interval.
    const bool first_due = done || now - start_ >= seconds_duration(options_.interval_s);
    if (!options_.once && now >= due_ && (written_ > 0 || first_due)) {
      due_ = now + seconds_duration(options_.interval_s);
      write_zone();
    }
    return !error_;
  }

  HostResult<void> verdict() const {
    if (error_) return std::unexpected(*error_);
    if (written_ == 0)
      return failure(
          "no zone was written", crawl_line(last_),
          last_.known == 0 ? "name a node by --connect, or a DNS seed" : "look at the log: why do the nodes not answer?");
    return {};
  }
  const CrawlReport& last() const { return last_; }
  size_t written() const { return written_; }

 private:
  // A network that is not there now is no reason to take its last seeds out of DNS.
  void write_zone() {
    auto entries = host_.choose_seeds(seed_entries_max);
    if (entries.empty()) return log_.log({LogLevel::warning, "zone_not_written", {{"why", "no node is good enough"}}});
    const auto count = entries.size();
    if (auto written = maker_.write(std::move(entries)); !written) {
      error_ = written.error();
      return;
    }
    ++written_;
    log_.log({LogLevel::info,
              "zone_written",
              {{"file", maker_.file},
               {"seeds", std::to_string(count)},
               {"serial", std::to_string(maker_.before->serial)},
               {"sequence", std::to_string(maker_.before->sequence)},
               {"known", std::to_string(last_.known)},
               {"good", std::to_string(last_.good)}}});
  }

  const CrawlOptions& options_;
  ZoneMaker& maker_;
  NodeHost& host_;
  SpdLogSink& log_;
  Instant start_, due_, quiet_since_ = start_;
  CrawlReport last_;
  size_t written_ = 0;
  std::optional<HostError> error_;
};

HostResult<void> run_crawl(const CrawlOptions& options) {
  const auto spec = load_spec(options.chain);
  if (!spec) return std::unexpected(spec.error());
  auto config = crawl_config(options, *spec);
  if (!config) return std::unexpected(config.error());
  SpdLogSink log = make_log(options.network);
  const auto provider = openssl_provider();
  auto maker = zone_maker(options, *spec, *provider);
  if (!maker) return std::unexpected(maker.error());
  // A key of this run alone: who visits takes part in nothing, and nobody need know it again.
  const auto identities = load_identities(*provider, {}, nullptr, spec->security);
  if (!identities) return std::unexpected(identities.error());
  auto made = make_spec_chain(*spec, provider->rng());
  if (!made)
    return failure("the chain could not be made", fmt::format("{} ({})", error_text(made.error().code), made.error().where),
                   "check [trusted_header] of the chain spec");
  auto store = open_store(*spec, {}, true);
  if (!store) return std::unexpected(store.error());
  config->node.identity = identities->identity;
  config->node.identity87 = identities->identity87;
  config->node.chain = made->chain->identity();

  NodeHost host(std::move(*config), std::move(made->chain), std::move(*store), *provider, log);
  if (auto started = host.start(); !started) return started;
  log.log({LogLevel::info, "crawl_started", {{"chain", spec->name}, {"zone", maker->zone.name}}});
  CrawlRun run(options, *maker, host, log);
  if (auto ran = host.run([&](const NodeReport& report) { return run.on_tick(report); }, walk_tick); !ran) return ran;
  fmt::print("{}\n", crawl_line(run.last()));
  if (run.written() > 0)
    fmt::print("zone {} in {}: {} seeds, serial {}, list {}\n", maker->zone.name, maker->file, maker->zone.entries.size(),
               maker->before->serial, maker->before->sequence);
  return run.verdict();
}

}  // namespace

void add_crawl(Program& program) {
  auto* command = program.app.add_subcommand("crawl", "Walk a chain's network and write the zone of a DNS seed");
  const auto options = std::make_shared<CrawlOptions>();
  add_chain_option(*command, options->chain);
  command->add_option("--zone", options->zone, "The zone file to write, whole at each time, its serial rising")->required();
  command->add_option("--name", options->name, "The seed's DNS name; the chain spec's where it has one");
  command->add_option("--ns", options->server, "Name of the zone's server [ns.NAME]");
  command->add_option("--ns-address", options->server_address, "Its address, where its name is inside the zone");
  command->add_option("--sign-key", options->keys, "An operator's key file: sign a list (repeatable)")->allow_extra_args(false);
  command
      ->add_option("--statement", options->statements,
                   "File of `lattice seeds operators`, to stand beside the list (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--expires", options->expires, "How long each list counts: 12h, 2d")->capture_default_str();
  command->add_option("--ttl", options->ttl, "Seconds that resolvers may keep the records")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command->add_option("--interval", options->interval_s, "Seconds from one zone to the next")
      ->check(number_in(1, 1e6))
      ->capture_default_str();
  command->add_option("--revisit", options->revisit_s, "Seconds between visits to a node that is there")
      ->check(number_in(1, 1e6))
      ->capture_default_str();
  command->add_flag("--once", options->once, "Visit everybody once, write the zone and end");
  command->add_option("--for", options->for_s, "Write the zone and end after this many seconds")->check(number_in(0, 1e9));
  add_network_options(*command, options->network, "Begin at this node");
  add_log_options(*command, options->network);
  command->footer(
      "It takes no connections, syncs nothing and serves nothing. A zone holds at most 64 nodes that answered a whole\n"
      "handshake, few of one address group, drawn anew each time. Exit codes: 0 a zone was written, 1 failed, 2 wrong usage.");
  command->callback([&program, options] { program.action = [options] { return run_crawl(*options); }; });
}

}  // namespace lattice::app
