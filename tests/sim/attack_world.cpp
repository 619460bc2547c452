#include "attack_world.hpp"

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/mkchain.hpp>
#include <lattice/chains/bitcoin/primitives.hpp>
#include <lattice/discovery/address_book.hpp>
#include <lattice/wire/limits.hpp>

namespace lattice::sim {

using std::chrono::seconds;
constexpr uint16_t port = 8333;
constexpr ByteArray<4> magic{'s', 'i', 'm', '1'};
constexpr uint32_t future_blocks = 5;
constexpr const char* dns_name = "seeds.sim";
constexpr uint8_t grave = 50;  // a penalty that no honest node earns

static std::unique_ptr<Chain> regtest_chain() {
  bitcoin::ChainOptions options;
  options.rules = &bitcoin::regtest();
  options.id = bitcoin::chain_id(bitcoin::regtest());
  auto chain = bitcoin::make_chain(std::move(options));
  ASSERT(chain.has_value());
  return std::move(*chain);
}

static FutureBlock future_block(ByteView block, uint64_t height) {
  return {{bitcoin::hash_header(block), height}, to_bytes(block.first(bitcoin::header_bytes)), SharedBytes(to_bytes(block))};
}

// The same body under another time: another valid block of the same height. Every second nonce does on regtest.
static FutureBlock rival_of(const FutureBlock& one, uint8_t later) {
  Bytes bytes = to_bytes(one.block.view());
  bytes[68] = static_cast<uint8_t>(bytes[68] + later);
  do ++bytes[76];
  while (bitcoin::hash_header(bytes).bytes[31] >= 0x7f);
  return future_block(bytes, one.ref.height);
}

std::shared_ptr<const ChainKit> attack_kit(uint32_t blocks, size_t block_bytes) {
  auto kit = std::make_shared<ChainKit>();
  kit->chain = regtest_chain;
  auto store = std::make_shared<MemoryStore>();
  const auto chain = regtest_chain();
  const Now now{{}, wall_from_unix(1'750'000'000)};
  chain->apply(LoadChain{}, *store, now);
  bitcoin::MakeChainOptions options;
  options.rules = &bitcoin::regtest();
  options.blocks = blocks + future_blocks;
  options.block_bytes = block_bytes;
  options.seed = 7;
  uint64_t height = 0;
  const auto made = bitcoin::make_chain_blocks(options, [&](ByteView block) -> Result<void> {
    const FutureBlock one = future_block(block, height++);
    kit->valid.push_back(one.ref.hash);
    if (one.ref.height > blocks) kit->future.push_back(one);
    if (one.ref.height == 0 || one.ref.height > blocks) return {};
    chain->apply(SubmitHeaders{{1}, {one.header}}, *store, now);
    chain->apply(SubmitBlock{{2}, one.block}, *store, now);
    return {};
  });
  ASSERT(made.has_value() && kit->future.size() == future_blocks);
  kit->filled = std::move(store);
  kit->rivals = {rival_of(kit->future[0], 1), rival_of(kit->future[0], 2)};
  return kit;
}

static WorldOptions world_options(const AttackWorldOptions& options) {
  WorldOptions out;
  out.seed = options.seed;
  out.cryptography = options.cryptography;
  return out;
}

static IpAddress honest_address(size_t index) { return IpAddress::v4(20, static_cast<uint8_t>(1 + index), 7, 1); }
static IpAddress attack_address(size_t index) {
  return IpAddress::v4(static_cast<uint8_t>(60 + index / 250), static_cast<uint8_t>(1 + index % 250), 7, 1);
}

static std::string field_of(const LogEvent& event, std::string_view key) {
  for (const auto& field : event.fields)
    if (field.key == key) return field.value;
  return {};
}

AttackWorld::AttackWorld(AttackWorldOptions options) : world(world_options(options)), options_(std::move(options)) {
  for (size_t i = 0; i < options_.nodes; ++i) {
    honest_endpoints_.push_back({honest_address(i), port});
    honest_ips_.insert(honest_address(i));
  }
  world.on_log([this](HostId host, const LogEvent& event) {
    if (event.name != "peer_left" || field_of(event, "by_peer") == "1") return;
    const auto peer = Endpoint::parse(field_of(event, "addr"));
    const std::string reason = field_of(event, "reason");
    ASSERT(peer);
    if (!honest_ips_.contains(peer->ip)) {
      ++left[reason];
      return;
    }
    ++honest_left_[reason];
    const auto info = std::ranges::find(all_errors(), std::string_view(reason), &ErrorInfo::name);
    if (info != all_errors().end() && info->penalty >= grave)
      honest_faults_.push_back(name_of(host) + " left " + peer->text() + ": " + reason + " (" + field_of(event, "where") + ")");
  });
}

std::string AttackWorld::name_of(HostId host) const { return "host " + std::to_string(host); }

NodeConfig AttackWorld::node_config() const {
  NodeConfig config;
  config.magic = magic;
  config.default_port = config.listen_port = port;
  config.user_agent = "/lattice-sim/";
  config.seeds.push_back({dns_name, {}, 0});
  config.connections_max = options_.connections_max;
  return config;
}

void AttackWorld::add(AttackKind kind, const Attack& attack) {
  for (size_t i = 0; i < attack.machines; ++i) {
    AttackContext context;
    context.attack = attack;
    context.attack.kind = kind;
    context.magic = magic;
    context.port = port;
    context.victims = honest_endpoints_;
    for (size_t k = 0; k < attack.addresses; ++k) {
      context.own.push_back({attack_address(attack_addresses_++), port});
      if (options_.attackers_in_dns) dns_.addresses.push_back(context.own.back().ip);
    }
    context.kit = options_.kit;
    context.wall_start = 1'750'000'000;
    context.count = did;
    const auto endpoints = context.own;
    const HostId host = world.add_raw(endpoints, make_adversary(kind, std::move(context)));
    world.set_rate(host, attack.bytes_per_second, attack.bytes_per_second);
    ++machines_;
  }
}

void AttackWorld::add_nodes() {
  for (size_t i = 0; i < options_.seeds; ++i) dns_.addresses.push_back(honest_address(i));
  world.set_dns(dns_name, dns_);
  for (size_t i = 0; i < options_.nodes; ++i) {
    SimNodeConfig config;
    config.node = node_config();
    config.address = honest_address(i);
    config.chain = [make = options_.kit->chain](Provider&) { return make(); };
    if (i < options_.seeds) config.store = SimStore{*options_.kit->filled};
    honest.push_back(world.add_node(std::move(config)));
  }
}

void AttackWorld::make_block(size_t at) {
  const auto& block = options_.kit->future.at(made_++);
  world.make_block(honest[at], block.header, block.block);
}

void AttackWorld::look() {
  for (const HostId host : honest) {
    if (!world.running(host)) continue;
    const auto report = world.report(host);
    // Handshakes of others have places of their own, beside connections_max.
    peaks.connections = std::max(peaks.connections, report.peers.size() - report.half_open);
    peaks.sockets = std::max(peaks.sockets, report.sockets);
    peaks.pending = std::max(peaks.pending, report.open_questions);
    peaks.queued_bytes = std::max(peaks.queued_bytes, report.queued_bytes);
    peaks.held_bytes = std::max(peaks.held_bytes, report.held_bytes);
    peaks.addresses = std::max(peaks.addresses, report.known_addresses);
  }
}

void AttackWorld::run_for(Duration duration) {
  const Instant end = world.now() + duration;
  while (world.now() < end) {
    world.run_for(std::min<Duration>(seconds{1}, end - world.now()));
    look();
  }
}

bool AttackWorld::has_newest(size_t node) const {
  const Tip tip = world.tip(honest[node]);
  if (made_ == 0) return tip.block.height + future_blocks + 1 >= options_.kit->valid.size();  // an attacker's may be on top
  const BlockHash& newest = options_.kit->valid[options_.kit->valid.size() - 1 - (future_blocks - made_)];
  return tip.block.hash == newest;
}

bool AttackWorld::at_tip() const {
  for (size_t i = 0; i < honest.size(); ++i)
    if (!has_newest(i)) return false;
  return true;
}

bool AttackWorld::run_to_tip(Duration limit) {
  const Instant end = world.now() + limit;
  while (world.now() < end) {
    const bool there = world.run_until([&] { return at_tip(); }, std::min(end, world.now() + seconds{1}));
    look();
    if (there) return true;
  }
  return at_tip();
}

std::vector<std::string> AttackWorld::broken() const {
  std::vector<std::string> out = honest_faults_;
  for (const HostId host : honest) {
    if (!world.running(host)) {
      out.push_back(name_of(host) + " is down");
      continue;
    }
    const auto report = world.report(host);
    if (report.failed) out.push_back(name_of(host) + " failed: " + std::string(error_name(report.failed->code)));
    for (const auto& avoided : report.avoided)
      if (honest_ips_.contains(avoided.ip))
        out.push_back(name_of(host) + " avoids the honest " + avoided.ip.text() + ": " +
                      std::string(error_name(avoided.reason)));
  }
  const auto at_most = [&](const char* what, size_t value, size_t limit) {
    if (value > limit) out.push_back(std::string(what) + ": " + std::to_string(value) + " > " + std::to_string(limit));
  };
  at_most("connections", peaks.connections, options_.connections_max);
  // Of a closed link the socket may live on for a second.
  at_most("sockets", peaks.sockets, 2 * options_.connections_max);
  at_most("addresses known", peaks.addresses, AddressBook::capacity_default);
  at_most("sealed bytes of a link", world.stats().output_peak, limits::send_buffer_bytes_max);
  at_most("bytes held of half messages", peaks.held_bytes, 64 * 1024 * 1024);
  at_most("bytes queued for peers", peaks.queued_bytes, 128 * 1024 * 1024);
  at_most("open questions", peaks.pending, 20 * options_.connections_max);
  return out;
}

std::string AttackWorld::described() const {
  std::string text = "attackers:";
  for (const auto& [what, times] : did->did) text += "\n  " + what + " x " + std::to_string(times);
  text += "\nleft attackers:";
  for (const auto& [reason, times] : left) text += " " + reason + " x " + std::to_string(times);
  text += "\nleft one another:";
  for (const auto& [reason, times] : honest_left_) text += " " + reason + " x " + std::to_string(times);
  text += "\npeaks: connections " + std::to_string(peaks.connections) + ", sockets " + std::to_string(peaks.sockets) +
          ", questions " + std::to_string(peaks.pending) + ", queued " + std::to_string(peaks.queued_bytes) + ", held " +
          std::to_string(peaks.held_bytes) + ", addresses " + std::to_string(peaks.addresses);
  const auto& stats = world.stats();
  text += "\nworld: " + std::to_string(stats.events) + " events, " + std::to_string(stats.messages) + " messages, " +
          std::to_string(stats.bytes) + " bytes, " + std::to_string(seconds_of(world.now().time_since_epoch())) + " s";
  for (const auto& one : broken()) text += "\nbroken: " + one;
  return text;
}

}  // namespace lattice::sim
