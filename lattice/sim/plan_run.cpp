// A plan made into a world, run, checked and told.
#include <algorithm>
#include <chrono>
#include <cmath>

#include <lattice/base/assert.hpp>
#include <lattice/sim/address_spy.hpp>
#include <lattice/sim/adversaries/adversaries.hpp>
#include <lattice/sim/block_maker.hpp>
#include <lattice/sim/checker.hpp>
#include <lattice/sim/fault_player.hpp>
#include <lattice/sim/fleet.hpp>
#include <lattice/sim/plan.hpp>

namespace lattice::sim {

namespace {

constexpr Duration look_interval = std::chrono::seconds{5};
constexpr Duration settle_interval = std::chrono::seconds{10};

// One host a /16, so that address diversity holds nobody back.
IpAddress address_of(size_t index) {
  return IpAddress::v4(static_cast<uint8_t>(20 + index / 250), static_cast<uint8_t>(1 + index % 250), 7, 1);
}

WorldOptions world_options(const Plan& plan) {
  WorldOptions options;
  options.seed = plan.seed;
  options.cryptography = plan.cryptography;
  options.weather = plan.weather;
  options.bytes_per_second = plan.bytes_per_second;
  options.cities = plan.cities;
  options.wall_start = plan.wall_start;
  options.log = plan.log;
  return options;
}

CheckedLimits checked_limits(const Plan& plan) {
  CheckedLimits out;
  out.connections_max = plan.connections_max;
  return out;
}

// Where the seeds stand: their store, read back.
BlockRef tip_of(const ChainKit& kit, int64_t wall) {
  SimStore copy{kit.filled};
  BlockRef tip;
  for (const auto& event : kit.chain()->apply(LoadChain{}, copy, {Instant{}, wall_from_unix(wall)}))
    if (const auto* changed = std::get_if<TipChanged>(&event)) tip = changed->tip.block;
  return tip;
}

double quantile(const BlockMaker::Spread& spread, double share) {
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(spread.up)));
  return rank == 0 || spread.arrivals.empty() ? 0 : spread.arrivals[std::min(rank, spread.arrivals.size()) - 1];
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

class Run {
 public:
  Run(const Plan& plan, const ChainKit& kit);
  ~Run() { set_assert_note(""); }
  PlanResult run();

 private:
  // Where a host of the plan is.
  IpAddress honest_address(size_t index) const;
  bool listens(size_t index) const { return index < plan_.nodes - plan_.unreachable || index % 2 == 0; }
  bool is_told(size_t index) const { return index < plan_.nodes - plan_.unreachable; }
  IpAddress next_hostile_address() { return address_of(plan_.nodes + hostile_addresses_++); }

  NodeConfig node_config() const;
  SimNodeConfig host_config(const IpAddress& address, bool filled) const;
  void add_honest(size_t index);
  void add_attack(const Attack& attack);
  void add_hostile_node(const Attack& attack);
  void add_raw(const Attack& attack, const std::function<std::unique_ptr<RawHost>(AttackContext)>& make);
  void add_spy();
  void plan_blocks();
  void make_block(size_t tries);
  void every(Duration interval, std::function<void()> action);
  bool done();
  void tell_laggards();
  void fill_result();

  const Plan& plan_;
  const ChainKit& kit_;
  std::string note_;
  World world_;
  Checker checker_;
  Fleet fleet_;
  BlockMaker maker_;
  DnsRecord dns_;
  std::vector<Endpoint> victims_;
  size_t hostile_addresses_ = 0;
  std::optional<FaultPlayer> faults_;
  Instant start_{}, faults_end_{};
  std::optional<Instant> recovered_;
  uint64_t blocks_received_ = 0;
  PlanResult result_;
};

Run::Run(const Plan& plan, const ChainKit& kit)
    : plan_(plan),
      kit_(kit),
      note_("(simulation " + plan.name + ", seed " + std::to_string(plan.seed) + ")"),
      world_(world_options(plan)),
      checker_(world_, kit, checked_limits(plan)),
      fleet_(world_, checker_, plan.nodes),
      maker_(world_, fleet_, kit, tip_of(kit, plan.wall_start)) {
  ASSERT(plan.seeds <= plan.nodes && plan.unreachable <= plan.nodes - plan.seeds);
  set_assert_note(note_.c_str());
  start_ = world_.now();
  faults_end_ = start_ + plan.faults_end;
  world_.on_chain_event([this](HostId host, const ChainEvent& event) {
    checker_.on_chain_event(host, event);
    fleet_.on_chain_event(host, event);
    maker_.on_chain_event(host, event);
  });
  fleet_.on_stop([this](size_t index, const NodeReport& report) {
    maker_.on_stop(index);
    blocks_received_ += report.blocks_received;
  });
}

IpAddress Run::honest_address(size_t index) const {
  if (is_told(index) || !listens(index)) return address_of(index);
  return IpAddress::v4(10, static_cast<uint8_t>(1 + index / 250), static_cast<uint8_t>(1 + index % 250), 1);
}

NodeConfig Run::node_config() const {
  NodeConfig config;
  config.magic = plan_magic;
  config.default_port = config.listen_port = plan_port;
  config.user_agent = "/lattice-sim/";
  config.seeds.push_back({std::string(plan_dns_name), {}, 0});
  config.outbound_target = plan_.outbound_target;
  config.connections_max = plan_.connections_max;
  for (size_t i = 0; i < std::min(plan_.bootstrap, plan_.seeds); ++i)
    config.bootstrap.push_back({{address_of(i), plan_port}, std::nullopt});
  return config;
}

SimNodeConfig Run::host_config(const IpAddress& address, bool filled) const {
  SimNodeConfig config;
  config.node = node_config();
  config.address = address;
  config.chain = [&kit = kit_](Provider&) { return kit.chain(); };
  if (filled) config.store = SimStore{kit_.filled};
  return config;
}

void Run::add_honest(size_t index) {
  SimNodeConfig config = host_config(honest_address(index), index < plan_.seeds);
  if (!listens(index)) config.node.listen_port = 0;
  fleet_.add(index, std::move(config), is_told(index));
}

// ---- attackers

void Run::add_attack(const Attack& attack) {
  switch (attack.kind) {
    case AttackKind::wrong_magic:
    case AttackKind::withholding:
    case AttackKind::corrupting:
      for (size_t i = 0; i < attack.machines; ++i) add_hostile_node(attack);
      return;
    default: return add_raw(attack, [&](AttackContext context) { return make_adversary(attack.kind, std::move(context)); });
  }
}

void Run::add_hostile_node(const Attack& attack) {
  const IpAddress address = next_hostile_address();
  if (dns_.addresses.size() < plan_.hostile_in_dns) dns_.addresses.push_back(address);
  SimNodeConfig config = host_config(address, true);
  config.node.connections_max = std::max<size_t>(attack.connections, 2);
  if (attack.kind == AttackKind::withholding) config.bodies = Bodies::withheld;
  if (attack.kind == AttackKind::corrupting) config.bodies = Bodies::corrupted;
  if (attack.kind == AttackKind::wrong_magic) {
    config.node.magic[3] ^= 0xff;
    config.node.seeds.clear();
  }
  const auto add = [this, config, rate = attack.bytes_per_second](World& world) {
    const HostId host = world.add_node(config);
    world.set_rate(host, rate, rate);
    checker_.add_hostile(host);
  };
  if (attack.from == Duration{}) return add(world_);
  world_.after(attack.from, add);
}

void Run::add_raw(const Attack& attack, const std::function<std::unique_ptr<RawHost>(AttackContext)>& make) {
  for (size_t i = 0; i < attack.machines; ++i) {
    AttackContext context;
    context.attack = attack;
    context.magic = plan_magic;
    context.port = plan_port;
    context.victims = victims_;
    for (size_t a = 0; a < std::max<size_t>(attack.addresses, 1); ++a)
      context.own.push_back({next_hostile_address(), plan_port});
    if (dns_.addresses.size() < plan_.hostile_in_dns) dns_.addresses.push_back(context.own.front().ip);
    context.kit = {std::shared_ptr<void>(), &kit_};  // lives as long as the run
    context.wall_start = plan_.wall_start;
    const auto endpoints = context.own;
    const HostId host = world_.add_raw(endpoints, make(std::move(context)));
    world_.set_rate(host, attack.bytes_per_second, attack.bytes_per_second);
    checker_.add_hostile(host);
  }
}

// One ear in every network: not named by DNS, it dials.
void Run::add_spy() {
  Attack attack;
  attack.connections = 4;
  add_raw(attack, [this](AttackContext context) {
    return address_spy(std::move(context), [this](const Endpoint& told) { checker_.on_told(told); });
  });
}

// ---- time

void Run::every(Duration interval, std::function<void()> action) {
  world_.after(interval, [this, interval, action = std::move(action)](World&) {
    action();
    every(interval, action);
  });
}

void Run::plan_blocks() {
  const Duration first = std::min<Duration>(plan_.arrive, plan_.faults_end);
  const Duration span = plan_.faults_end - first;
  for (size_t i = 0; i < plan_.new_blocks; ++i)
    world_.after(first + span * static_cast<int64_t>(i + 1) / static_cast<int64_t>(plan_.new_blocks + 1),
                 [this](World&) { make_block(3); });
}

// Nobody may be able to: all are down, or the newest block is on its way.
void Run::make_block(size_t tries) {
  if (maker_.make_one() || tries == 0) return;
  world_.after(std::chrono::seconds{1}, [this, tries](World&) { make_block(tries - 1); });
}

bool Run::done() {
  if (world_.now() < faults_end_ || faults_->running() > 0 || !fleet_.all_up()) return false;
  if (maker_.at_newest() < plan_.nodes || !maker_.decided()) return false;
  if (!recovered_) recovered_ = world_.now();
  return world_.now() >= start_ + plan_.least;
}

PlanResult Run::run() {
  const auto began = std::chrono::steady_clock::now();
  for (size_t i = 0; i < plan_.nodes; ++i)
    if (is_told(i)) victims_.push_back({honest_address(i), plan_port});
  for (const auto& attack : plan_.attacks) add_attack(attack);
  for (size_t i = 0; i < plan_.seeds; ++i) dns_.addresses.push_back(address_of(i));
  DnsRecord lying;
  for (size_t i = 0; i < 12; ++i) lying.addresses.push_back(IpAddress::v4(198, 51, 7, static_cast<uint8_t>(i + 1)));
  faults_.emplace(world_, fleet_, checker_, plan_, std::string(plan_dns_name), dns_, lying);
  world_.set_dns(std::string(plan_dns_name), dns_);
  for (size_t i = 0; i < plan_.seeds; ++i) add_honest(i);
  for (size_t i = plan_.seeds; i < plan_.nodes; ++i)
    world_.after(Duration{static_cast<int64_t>(world_.rng().below(static_cast<uint64_t>(plan_.arrive.count()) + 1))},
                 [this, i](World&) { add_honest(i); });
  add_spy();
  faults_->play();
  plan_blocks();
  every(look_interval, [this] { checker_.look_at_all(); });
  every(settle_interval, [this] {
    if (world_.now() >= faults_end_) maker_.settle();
  });
  const Duration limit = std::max(plan_.faults_end + plan_.recovery, plan_.least);
  world_.run_until([this] { return done(); }, start_ + limit);
  checker_.look_at_all();
  if (!recovered_) tell_laggards();
  result_.real_seconds = seconds_of(std::chrono::steady_clock::now() - began);
  fill_result();
  return std::move(result_);
}

void Run::tell_laggards() {
  std::string text = std::to_string(maker_.at_newest()) + " of " + std::to_string(plan_.nodes) + " nodes reached height " +
                     std::to_string(maker_.newest().height) + " within " + std::to_string(seconds_of(plan_.recovery)) +
                     " s after the faults;";
  size_t named = 0;
  for (size_t i = 0; i < plan_.nodes && named < 8; ++i) {
    if (maker_.at_newest(i)) continue;
    ++named;
    text += " n" + (fleet_.host(i) ? std::to_string(*fleet_.host(i)) : std::string("?"));
    if (!fleet_.running(i)) {
      text += " is down;";
      continue;
    }
    const auto report = world_.report(*fleet_.host(i));
    const auto open = std::ranges::count_if(report.peers, [](const PeerReport& peer) { return peer.established; });
    text += " at " + std::to_string(report.tip.block.height) + " of " + std::to_string(report.best_header.block.height) +
            " headers, " + std::to_string(open) + " peers, avoids " + std::to_string(report.avoided.size()) + ";";
  }
  checker_.say_broken(std::move(text));
}

void Run::fill_result() {
  for (size_t i = 0; i < plan_.nodes; ++i)
    if (fleet_.running(i)) blocks_received_ += world_.report(*fleet_.host(i)).blocks_received;
  result_.seed = plan_.seed;
  result_.broken = checker_.broken();
  result_.nodes = plan_.nodes;
  result_.nodes_at_tip = maker_.at_newest();
  result_.tip = maker_.newest();
  result_.simulated_seconds = seconds_of(world_.now() - start_);
  result_.recovery_seconds = seconds_of(recovered_.value_or(world_.now()) - faults_end_);
  result_.world = world_.stats();
  result_.restarts = fleet_.restarts();
  result_.stores_wiped = fleet_.wiped();
  result_.new_blocks = maker_.made();
  result_.rival_blocks = maker_.made_rivals();
  result_.hostile_left = checker_.hostile_left();
  result_.honest_left = checker_.honest_left();
  result_.duplicates = blocks_received_ - std::min(blocks_received_, maker_.taken());
  std::vector<double> t50, t90, t99;
  for (auto& spread : maker_.spreads()) {
    t50.push_back(quantile(spread, 0.5));
    t90.push_back(quantile(spread, 0.9));
    t99.push_back(quantile(spread, 0.99));
    result_.arrivals.push_back(std::move(spread.arrivals));
  }
  result_.t50 = median(std::move(t50));
  result_.t90 = median(std::move(t90));
  result_.t99 = median(std::move(t99));
  result_.trace_hash = world_.trace_hash();
  result_.passed = result_.broken.empty();
}

}  // namespace

PlanResult run_plan(const Plan& plan, const ChainKit& kit) { return Run(plan, kit).run(); }

}  // namespace lattice::sim
