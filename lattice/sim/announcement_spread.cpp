#include <lattice/sim/announcement_spread.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/sim/line_chain.hpp>

namespace lattice::sim {
namespace {

constexpr size_t links_each = 10;  // as many as a node keeps by itself

// What the nodes say of records is said to those who look closely.
struct Close final : LogSink {
  bool wants(LogLevel) const override { return true; }
  void log(const LogEvent&) override {}
};

class Measurement {
 public:
  explicit Measurement(const AnnouncementSpreadOptions& options);
  AnnouncementSpread run();

 private:
  void add_node(uint32_t host, const std::vector<uint32_t>& dials, bool announces);
  void on_log(HostId host, const LogEvent& event);
  MessageSpread spread_of(uint32_t source, const std::function<void()>& begin);
  uint64_t received() const;

  const AnnouncementSpreadOptions& options_;
  uint32_t hosts_;
  Close close_;
  World world_;
  SeededRng rng_, sources_;
  std::shared_ptr<LineBodies> bodies_ = std::make_shared<LineBodies>();
  // Of the one that is under way.
  uint32_t source_ = 0;
  std::string source_id_;
  std::optional<Instant> began_;
  std::vector<std::optional<Instant>> had_;
  size_t reached_ = 0;
};

WorldOptions world_options(const AnnouncementSpreadOptions& options, LogSink& log) {
  WorldOptions out;
  out.seed = options.seed;
  out.cryptography = Cryptography::modelled;
  out.cities = options.cities;
  out.log = &log;
  return out;
}

Measurement::Measurement(const AnnouncementSpreadOptions& options)
    : options_(options),
      hosts_(static_cast<uint32_t>(options.nodes)),
      world_(world_options(options, close_)),
      rng_(options.seed ^ 0x70726f70),
      sources_(options.seed ^ 0x73726373) {
  const auto links = random_links(hosts_, links_each, rng_);
  for (uint32_t host = 0; host < hosts_; ++host) add_node(host, links[host], false);
  world_.on_log([this](HostId host, const LogEvent& event) { on_log(host, event); });
}

void Measurement::add_node(uint32_t host, const std::vector<uint32_t>& dials, bool announces) {
  LineChainOptions chain;
  chain.bodies = bodies_;
  const Endpoint own = propagation_endpoint(host);
  SimNodeConfig config;
  config.node.magic = {'s', 'p', 'r', 'd'};
  config.node.listen_port = config.node.default_port = own.port;
  config.node.user_agent = "/lattice-announcements/";
  config.node.outbound_target = 0;  // `connect` alone: what is measured is the news, not where it leads
  for (const uint32_t other : dials) config.node.connect.push_back({propagation_endpoint(other), std::nullopt});
  if (announces) config.node.announce_endpoints = {own};
  config.address = own.ip;
  config.chain = [chain](Provider&) { return line_chain(chain); };
  ASSERT(world_.add_node(std::move(config)) == host);
}

void Measurement::on_log(HostId host, const LogEvent& event) {
  const bool speaks = event.name == (source_ < hosts_ ? "announced_self" : "peer_connected");
  if (speaks && host == source_ && !began_) began_ = world_.now();
  if (event.name != "node_announced" || event.fields.empty() || event.fields[0].value != source_id_) return;
  if (host >= had_.size() || host == source_ || had_[host]) return;
  had_[host] = world_.now();
  ++reached_;
}

MessageSpread Measurement::spread_of(uint32_t source, const std::function<void()>& begin) {
  source_ = source;
  began_.reset();
  had_.assign(hosts_, std::nullopt);
  reached_ = 0;
  const size_t others = source < hosts_ ? hosts_ - 1 : hosts_;
  begin();
  world_.run_until([&] { return reached_ == others; }, world_.now() + options_.limit);
  world_.run_for(options_.rest);

  MessageSpread out;
  out.source = source;
  out.reached = reached_;
  const auto hosts = static_cast<uint32_t>(world_.hosts());
  const auto ways = shortest_ways(Delays(options_.seed, options_.cities), hosts, source);
  std::vector<double> bounds;
  out.least_slack = seconds_of(options_.limit);
  for (uint32_t host = 0; host < hosts_; ++host) {
    if (host == source) continue;
    const bool has = had_[host] && began_;
    out.times.push_back(has ? seconds_of(*had_[host] - *began_) : seconds_of(options_.limit));
    bounds.push_back(seconds_of(ways[host]));
    if (has) out.least_slack = std::min(out.least_slack, out.times.back() - bounds.back());
  }
  std::ranges::sort(out.times);
  std::ranges::sort(bounds);
  out.spread = {quantile_of(out.times, 0.5), quantile_of(out.times, 0.9), quantile_of(out.times, 0.99)};
  out.bound = {quantile_of(bounds, 0.5), quantile_of(bounds, 0.9), quantile_of(bounds, 0.99)};
  return out;
}

uint64_t Measurement::received() const {
  uint64_t out = 0;
  for (uint32_t host = 0; host < hosts_; ++host) out += world_.report(host).announcements_received;
  return out;
}

AnnouncementSpread Measurement::run() {
  AnnouncementSpread out;
  world_.run_for(options_.warm_up);
  const uint64_t bytes_before = world_.stats().bytes, received_before = received();
  uint64_t reached = 0;
  std::vector<bool> spoke(hosts_);
  for (size_t i = 0; i < options_.announcements; ++i) {
    auto source = static_cast<uint32_t>(sources_.below(hosts_));
    while (spoke[source]) source = (source + 1) % hosts_;
    spoke[source] = true;
    source_id_ = node_id_text(world_.identity(source));
    out.announcements.push_back(spread_of(source, [&] { world_.set_own_endpoints(source, {propagation_endpoint(source)}); }));
    reached += out.announcements.back().reached;
  }
  if (options_.announcements > 0) {
    const auto count = static_cast<double>(options_.announcements), hosts = static_cast<double>(hosts_);
    out.bytes_a_node = static_cast<double>(world_.stats().bytes - bytes_before) / count / hosts;
    out.duplicates_a_node = static_cast<double>(received() - received_before - reached) / count / hosts;
  }
  for (size_t i = 0; i < options_.joins; ++i) {
    const auto host = static_cast<uint32_t>(world_.hosts());
    std::vector<uint32_t> dials;
    while (dials.size() < links_each) {
      const auto other = static_cast<uint32_t>(rng_.below(hosts_));
      if (std::ranges::find(dials, other) == dials.end()) dials.push_back(other);
    }
    out.joins.push_back(spread_of(host, [&] {
      add_node(host, dials, true);
      source_id_ = node_id_text(world_.identity(host));
    }));
  }
  out.record_bytes = 5395 + 18;
  out.trace_hash = world_.trace_hash();
  return out;
}

}  // namespace

AnnouncementSpread measure_announcements(const AnnouncementSpreadOptions& options) { return Measurement(options).run(); }

}  // namespace lattice::sim
