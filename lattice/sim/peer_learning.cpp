#include <lattice/sim/peer_learning.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <queue>

#include <lattice/base/assert.hpp>
#include <lattice/base/random.hpp>
#include <lattice/sim/propagation.hpp>

namespace lattice::sim {
namespace {

constexpr Duration block_pause = std::chrono::minutes{1};
constexpr Duration never = Duration::max();

class Graph {
 public:
  explicit Graph(const LearningOptions& options);
  LearningRound round();

 private:
  struct Dialled {
    uint32_t host = 0;
    ConnId conn;
  };
  struct Host {
    Perigee perigee;
    std::vector<Dialled> out;
    std::vector<uint32_t> in;
    uint64_t next_conn = 1;
  };

  Duration way(uint32_t a, uint32_t b) const { return ways_[a * hosts_.size() + b]; }
  bool hostile(uint32_t host) const { return host < hostile_; }
  bool linked(uint32_t a, uint32_t b) const;
  void fill(uint32_t host);
  void drop(uint32_t host, ConnId conn);
  std::vector<Duration> spread(uint32_t miner) const;
  void observe(const std::vector<Duration>& had);
  void count_places(LearningRound& out) const;

  const LearningOptions& options_;
  SeededRng rng_;
  std::vector<Host> hosts_;
  size_t hostile_;
  std::vector<Duration> ways_;
  Instant now_{};
  uint64_t block_ = 0;
};

Graph::Graph(const LearningOptions& options)
    : options_(options),
      rng_(options.seed ^ 0x7065726967),
      hosts_(options.nodes, Host{Perigee(options.limits), {}, {}, 1}),
      hostile_(static_cast<size_t>(std::lround(options.hostile * static_cast<double>(options.nodes)))),
      ways_(options.nodes * options.nodes) {
  ASSERT(options.nodes > 4 * options.limits.slots);
  const Delays delays(options.seed, options.cities);
  const auto count = static_cast<uint32_t>(options.nodes);
  for (uint32_t a = 0; a < count; ++a) {
    for (uint32_t b = 0; b < count; ++b) {
      const Duration plain = delays.one_way(a, b);
      const bool fast = hostile(a) || hostile(b);
      ways_[a * count + b] = fast ? std::chrono::duration_cast<Duration>(plain * options.hostile_pace) : plain;
    }
  }
  for (uint32_t host = 0; host < count; ++host) fill(host);
}

bool Graph::linked(uint32_t a, uint32_t b) const {
  const auto dialled = [&](uint32_t from, uint32_t to) {
    return std::ranges::any_of(hosts_[from].out, [&](const Dialled& entry) { return entry.host == to; });
  };
  return dialled(a, b) || dialled(b, a);
}

// Strangers at random, until the slots are full.
void Graph::fill(uint32_t host) {
  Host& own = hosts_[host];
  for (size_t tries = 0; own.out.size() < options_.limits.slots && tries < 10'000; ++tries) {
    const auto other = static_cast<uint32_t>(rng_.below(hosts_.size()));
    if (other == host || linked(host, other) || hosts_[other].in.size() >= options_.inbound_max) continue;
    const ConnId conn{own.next_conn++};
    own.out.push_back({other, conn});
    own.perigee.add(conn, now_);
    hosts_[other].in.push_back(host);
  }
}

void Graph::drop(uint32_t host, ConnId conn) {
  Host& own = hosts_[host];
  own.perigee.remove(conn);
  const auto gone = std::ranges::find_if(own.out, [&](const Dialled& entry) { return entry.conn == conn; });
  std::erase(hosts_[gone->host].in, host);
  own.out.erase(gone);
}

// When each has the block and has judged it, since it was found: Dijkstra over the links, which carry both ways.
std::vector<Duration> Graph::spread(uint32_t miner) const {
  std::vector<Duration> had(hosts_.size(), never);
  using Entry = std::pair<Duration, uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  had[miner] = Duration{};
  queue.emplace(Duration{}, miner);
  while (!queue.empty()) {
    const auto [at, host] = queue.top();
    queue.pop();
    if (at > had[host]) continue;
    const auto pass = [&](uint32_t next) {
      const Duration then = at + options_.legs * way(host, next) + (hostile(next) ? Duration{} : options_.judging);
      if (then >= had[next]) return;
      had[next] = then;
      queue.emplace(then, next);
    };
    for (const auto& entry : hosts_[host].out) pass(entry.host);
    for (const uint32_t next : hosts_[host].in) pass(next);
  }
  return had;
}

void Graph::observe(const std::vector<Duration>& had) {
  ArrivalId id{};
  std::memcpy(id.data(), &++block_, sizeof block_);
  const ConnId anybody{};  // of who dialled us: not watched
  const int observed_legs = options_.whole ? options_.legs : 1;
  for (uint32_t host = 0; host < hosts_.size(); ++host) {
    Host& own = hosts_[host];
    // Whoever was told before it could tell says nothing, unless all announce to those that dialled them.
    const auto tells = [&](uint32_t from) { return had[from] < had[host] + way(host, from); };
    for (const uint32_t from : own.in)
      if (tells(from)) own.perigee.on_announced(anybody, id, now_ + had[from] + observed_legs * way(from, host));
    for (const auto& [from, conn] : own.out)
      if (options_.all_announce || tells(from))
        own.perigee.on_announced(conn, id, now_ + had[from] + observed_legs * way(from, host));
    own.perigee.on_valid(id, now_ + had[host]);
  }
}

void Graph::count_places(LearningRound& out) const {
  size_t learned = 0, random = 0, bad_learned = 0, bad_random = 0;
  for (uint32_t host = static_cast<uint32_t>(hostile_); host < hosts_.size(); ++host) {
    for (const auto& [other, conn] : hosts_[host].out) {
      const bool is_learned = hosts_[host].perigee.is_learned(conn);
      ++(is_learned ? learned : random);
      if (hostile(other)) ++(is_learned ? bad_learned : bad_random);
    }
  }
  const auto part = [](size_t bad, size_t all) { return all == 0 ? 0 : static_cast<double>(bad) / static_cast<double>(all); };
  out.hostile_learned = part(bad_learned, learned);
  out.hostile_random = part(bad_random, random);
}

LearningRound Graph::round() {
  LearningRound out;
  const size_t honest = hosts_.size() - hostile_;
  for (size_t i = 0; i < options_.blocks; ++i) {
    now_ += block_pause;
    const auto miner = static_cast<uint32_t>(hostile_ + rng_.below(honest));
    const auto had = spread(miner);
    std::vector<double> times;
    for (size_t host = hostile_; host < hosts_.size(); ++host) times.push_back(seconds_of(had[host]));
    std::ranges::sort(times);
    out.t50 += quantile_of(times, 0.5) / static_cast<double>(options_.blocks);
    out.t90 += quantile_of(times, 0.9) / static_cast<double>(options_.blocks);
    observe(had);
  }
  now_ += block_pause;
  count_places(out);
  for (uint32_t host = 0; host < hosts_.size(); ++host) {
    const auto exchange = hosts_[host].perigee.exchange(now_);
    if (!exchange) continue;
    ++out.exchanges;
    drop(host, *exchange);
    fill(host);
  }
  return out;
}

}  // namespace

std::vector<LearningRound> learn(const LearningOptions& options) {
  Graph graph(options);
  std::vector<LearningRound> out;
  for (size_t i = 0; i < options.rounds; ++i) out.push_back(graph.round());
  return out;
}

}  // namespace lattice::sim
