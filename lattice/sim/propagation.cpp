#include <lattice/sim/propagation.hpp>

#include <algorithm>
#include <cmath>

#include <lattice/base/assert.hpp>
#include <lattice/sim/baseline_flood.hpp>
#include <lattice/sim/baseline_mesh.hpp>
#include <lattice/sim/line_chain.hpp>

namespace lattice::sim {

constexpr uint16_t port = 24'400;
constexpr size_t lattice_links = 10;  // as many as a node keeps by itself

std::string_view protocol_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::flood: return "flood";
    case Protocol::mesh: return "mesh";
    case Protocol::lattice: return "lattice";
  }
  ASSERT(false);
}

double quantile_of(const std::vector<double>& sorted, double share) {
  ASSERT(!sorted.empty());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

// Dijkstra on a complete graph.
std::vector<Duration> shortest_ways(const Delays& delays, uint32_t hosts, uint32_t source) {
  std::vector<Duration> best(hosts, Duration::max());
  std::vector<bool> done(hosts);
  best[source] = Duration{};
  for (uint32_t round = 0; round < hosts; ++round) {
    uint32_t nearest = hosts;
    for (uint32_t host = 0; host < hosts; ++host) {
      if (!done[host] && (nearest == hosts || best[host] < best[nearest])) nearest = host;
    }
    done[nearest] = true;
    for (uint32_t host = 0; host < hosts; ++host) {
      if (!done[host]) best[host] = std::min(best[host], best[nearest] + delays.one_way(nearest, host));
    }
  }
  return best;
}

Endpoint propagation_endpoint(uint32_t host) {
  // Each in a /16 of its own, as far as those go.
  return {IpAddress::v4(static_cast<uint8_t>(1 + host / 250 % 200), static_cast<uint8_t>(1 + host % 250),
                        static_cast<uint8_t>(1 + host / 50'000), 1),
          port};
}

// Whom each dials: `count` others at random, no two that dial each other.
std::vector<std::vector<uint32_t>> random_links(uint32_t hosts, size_t count, Rng& rng) {
  ASSERT(hosts > 2 * count + 1);
  std::vector<std::vector<uint32_t>> chosen(hosts);
  const auto linked = [&](uint32_t a, uint32_t b) {
    return std::ranges::find(chosen[a], b) != chosen[a].end() || std::ranges::find(chosen[b], a) != chosen[b].end();
  };
  for (uint32_t host = 0; host < hosts; ++host) {
    // In a small world the ones before may have taken all others: a few tries each, and then fewer links.
    for (size_t tries = 0; chosen[host].size() < count && tries < 100 * count; ++tries) {
      const auto other = static_cast<uint32_t>(rng.below(hosts));
      if (other != host && !linked(host, other)) chosen[host].push_back(other);
    }
  }
  return chosen;
}

namespace {

Spread spread_of(std::vector<double> times) {
  if (times.empty()) return {};
  std::ranges::sort(times);
  return {quantile_of(times, 0.5), quantile_of(times, 0.9), quantile_of(times, 0.99)};
}

class Measurement {
 public:
  explicit Measurement(const PropagationOptions& options);
  PropagationResult run();

 private:
  struct Current {
    uint32_t source = 0;
    std::optional<Instant> began;
    std::vector<std::optional<Instant>> had;
    size_t reached = 0;  // honest ones but the source
    MessageId id{};
    BlockHash block;
  };

  void add_baselines();
  void add_lattice();
  void on_has(HostId host, Instant at);
  uint32_t draw_source();
  Propagation run_size(size_t bytes);
  void publish();
  void publish_baseline(SharedBytes message);
  void publish_lattice(SharedBytes message);
  MessageSpread spread() const;
  uint64_t copies() const;  // whole ones that honest nodes were given by now
  double seconds_of_line(uint32_t from, uint32_t to) const;

  const PropagationOptions& options_;
  uint32_t hosts_;
  World world_;
  SeededRng rng_, sources_;  // of links, and of who publishes: the same whatever the protocol
  std::vector<bool> silent_;
  size_t honest_ = 0;
  Current current_;
  size_t bytes_ = 0;  // of the messages now
  size_t published_ = 0;
  // Baselines.
  std::shared_ptr<BaselineLedger> ledger_ = std::make_shared<BaselineLedger>();
  std::vector<BaselineHost*> baselines_;  // the world's
  uint64_t copies_ = 0;
  // Lattice.
  std::vector<std::shared_ptr<std::deque<SharedBytes>>> outboxes_;
  std::shared_ptr<LineBodies> bodies_ = std::make_shared<LineBodies>();
  BlockRef newest_ = line_genesis();
};

WorldOptions world_options(const PropagationOptions& options) {
  WorldOptions out;
  out.seed = options.seed;
  out.cryptography = Cryptography::modelled;
  out.cities = options.cities;
  return out;
}

Measurement::Measurement(const PropagationOptions& options)
    : options_(options),
      hosts_(static_cast<uint32_t>(options.nodes)),
      world_(world_options(options)),
      rng_(options.seed ^ 0x70726f70),
      sources_(options.seed ^ 0x73726373),
      silent_(options.nodes) {
  ASSERT(!options.lines.empty() && options.silent >= 0 && options.silent < 1);
  auto left = static_cast<size_t>(std::lround(options.silent * static_cast<double>(options.nodes)));
  honest_ = options.nodes - left;
  for (; left > 0; --left) {
    auto host = static_cast<size_t>(rng_.below(hosts_));
    while (silent_[host]) host = static_cast<size_t>(rng_.below(hosts_));
    silent_[host] = true;
  }
  if (options.protocol == Protocol::lattice) {
    add_lattice();
  } else {
    add_baselines();
  }
  for (uint32_t host = 0; host < hosts_; ++host) {
    const LineRates& line = options.lines[host % options.lines.size()];
    world_.set_rate(host, line.up, line.down);
  }
}

void Measurement::add_baselines() {
  ledger_->on_message = [this](HostId host, const MessageId& id, Instant at) {
    if (id == current_.id) on_has(host, at);
  };
  ledger_->on_copy = [this](HostId host) { copies_ += silent_[host] ? 0 : 1; };
  const bool flood = options_.protocol == Protocol::flood;
  const auto links = random_links(hosts_, flood ? flood_degree : mesh_links, rng_);
  for (uint32_t host = 0; host < hosts_; ++host) {
    BaselineConfig config;
    for (const uint32_t other : links[host]) config.dial.push_back(propagation_endpoint(other));
    config.silent = silent_[host];
    config.blocks = options_.blocks;
    config.ledger = ledger_;
    auto raw = flood ? flood_host(std::move(config)) : mesh_host(std::move(config));
    baselines_.push_back(raw.get());
    ASSERT(world_.add_raw({propagation_endpoint(host)}, std::move(raw)) == host);
  }
}

void Measurement::add_lattice() {
  const auto links = random_links(hosts_, lattice_links, rng_);
  for (uint32_t host = 0; host < hosts_; ++host) {
    LineChainOptions chain;
    chain.bodies = bodies_;
    chain.silent = silent_[host];
    outboxes_.push_back(chain.outbox);
    // One message is under way at a time.
    chain.on_message = [this, host](ByteView message, Instant at) {
      if (equal(ByteView(current_.id), message.first(sizeof(MessageId)))) on_has(host, at);
    };
    chain.on_block = [this, host](const BlockHash& block, Instant at) {
      if (block == current_.block) on_has(host, at);
    };
    SimNodeConfig config;
    config.node.magic = {'p', 'r', 'o', 'p'};
    config.node.listen_port = config.node.default_port = port;
    config.node.user_agent = "/lattice-propagation/";
    config.node.discovery = false;
    for (const uint32_t other : links[host]) config.node.connect.push_back({propagation_endpoint(other), std::nullopt});
    config.address = propagation_endpoint(host).ip;
    config.chain = [chain](Provider&) { return line_chain(chain); };
    ASSERT(world_.add_node(std::move(config)) == host);
  }
}

void Measurement::on_has(HostId host, Instant at) {
  if (host == current_.source) {
    if (!current_.began) current_.began = at;
  }
  if (current_.had[host]) return;
  current_.had[host] = at;
  if (!silent_[host] && host != current_.source) ++current_.reached;
}

uint32_t Measurement::draw_source() {
  for (;;) {
    const auto host = static_cast<uint32_t>(sources_.below(hosts_));
    if (!silent_[host]) return host;
  }
}

void Measurement::publish() {
  current_ = {};
  current_.source = draw_source();
  current_.had.resize(hosts_);
  SharedBytes message = baseline_message(published_++, bytes_);
  options_.protocol == Protocol::lattice ? publish_lattice(std::move(message)) : publish_baseline(std::move(message));
}

void Measurement::publish_baseline(SharedBytes message) {
  current_.id = message_id(message.view());
  ledger_->messages[current_.id] = std::move(message);
  RawNet net(world_, current_.source);
  baselines_[current_.source]->publish(net, current_.id);
}

// A consensus message leaves at the chain's next tick. A block is the node's own from the moment that it is given to it.
void Measurement::publish_lattice(SharedBytes message) {
  if (!options_.blocks) {
    current_.id = message_id(message.view());
    outboxes_[current_.source]->push_back(std::move(message));
    return;
  }
  const LineBlock made = make_line_block(newest_, message.view());
  newest_ = made.ref;
  current_.block = made.ref.hash;
  current_.began = world_.now();
  world_.make_block(current_.source, made.header, made.block);
}

uint64_t Measurement::copies() const {
  if (options_.protocol != Protocol::lattice) return copies_;
  uint64_t copies = 0;
  for (uint32_t host = 0; host < hosts_; ++host) {
    if (silent_[host]) continue;
    const NodeReport report = world_.report(host);
    copies += options_.blocks ? report.blocks_received : report.consensus_received;
  }
  return copies;
}

double Measurement::seconds_of_line(uint32_t from, uint32_t to) const {
  const auto line = [&](uint32_t host) { return options_.lines[host % options_.lines.size()]; };
  double up = 0;
  for (uint32_t host = 0; host < hosts_; ++host) up += static_cast<double>(line(host).up);
  const double rate = std::min({static_cast<double>(line(from).up), static_cast<double>(line(to).down), up / hosts_});
  return static_cast<double>(bytes_) / rate;
}

MessageSpread Measurement::spread() const {
  MessageSpread out;
  out.source = current_.source;
  out.reached = current_.reached;
  const auto ways = shortest_ways(Delays(options_.seed, options_.cities), hosts_, current_.source);
  std::vector<double> bounds;
  const double limit = seconds_of(options_.limit);
  out.least_slack = limit;
  for (uint32_t host = 0; host < hosts_; ++host) {
    if (silent_[host] || host == current_.source) continue;
    const auto& had = current_.had[host];
    const double took = had && current_.began ? seconds_of(*had - *current_.began) : limit;
    const double bound = seconds_of(ways[host]) + (options_.blocks ? seconds_of_line(current_.source, host) : 0);
    out.times.push_back(took);
    bounds.push_back(bound);
    // The lines' mean binds all nodes together, no single one.
    if (had) out.least_slack = std::min(out.least_slack, took - seconds_of(ways[host]));
  }
  std::ranges::sort(out.times);
  out.spread = spread_of(out.times);
  out.bound = spread_of(std::move(bounds));
  return out;
}

Propagation Measurement::run_size(size_t bytes) {
  bytes_ = bytes;
  Propagation out;
  out.bytes = bytes;
  const uint64_t carried_before = world_.stats().bytes, copies_before = copies();
  uint64_t reached = 0;
  for (size_t i = 0; i < options_.messages; ++i) {
    publish();
    // A consensus message waits for a tick before it leaves.
    const Instant limit = world_.now() + options_.limit + std::chrono::seconds{1};
    world_.run_until([&] { return current_.reached + 1 == honest_; }, limit);
    world_.run_for(options_.rest);
    out.messages.push_back(spread());
    reached += current_.reached;
  }
  const auto count = static_cast<double>(options_.messages);
  const uint64_t given = copies() - copies_before;
  ASSERT(given >= reached);
  out.bytes_a_node = static_cast<double>(world_.stats().bytes - carried_before) / count / hosts_;
  out.duplicates_a_node = static_cast<double>(given - reached) / count / static_cast<double>(honest_);
  return out;
}

PropagationResult Measurement::run() {
  world_.run_for(options_.warm_up);
  PropagationResult out;
  out.honest = honest_;
  for (const size_t bytes : options_.sizes) out.each.push_back(run_size(bytes));
  out.events = world_.stats().events;
  out.trace_hash = world_.trace_hash();
  return out;
}

}  // namespace

PropagationResult measure_propagation(const PropagationOptions& options) { return Measurement(options).run(); }

}  // namespace lattice::sim
