// B12: the simulator itself. Worlds of production nodes with modelled cryptography on one core: each node dials ten others that
// it learned of from DNS and from its peers, then blocks are made here and there.
#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include <fmt/format.h>
#include <bench/benchmarks.hpp>
#include <lattice/base/assert.hpp>
#include <lattice/sim/line_chain.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* name = "seeds.sim";
constexpr size_t dns_addresses = 8;      // that an answer has
constexpr size_t known_addresses = 256;  // that a node keeps: what 10,000 nodes know of each other must fit into memory

// Of this process on a processor: what others on the machine do does not count.
double real_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double resident_bytes() {
  malloc_trim(0);
  size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

IpAddress address_of(size_t index) {
  return IpAddress::v4(static_cast<uint8_t>(20 + index / 200), static_cast<uint8_t>(1 + index % 200), 7, 1);
}

class BenchWorld {
 public:
  BenchWorld(uint64_t seed, size_t nodes, size_t outbound)
      : outbound_(outbound), world_({.seed = seed, .cryptography = sim::Cryptography::modelled}) {
    world_.on_chain_event([this](sim::HostId, const ChainEvent& event) {
      if (const auto* changed = std::get_if<TipChanged>(&event)) at_tip_ += changed->tip.block == tip_;
    });
    for (size_t i = 0; i < nodes; ++i) {
      add(i);
      world_.run_for(milliseconds{10});
    }
    world_.run_for(seconds{60});
  }

  // So many blocks, one a second, each seen by everyone in the end.
  void make_blocks(size_t count, size_t bytes) {
    for (size_t i = 0; i < count; ++i) {
      const Bytes body(bytes, static_cast<uint8_t>(i));
      const auto made = sim::make_line_block(tip_, body);
      tip_ = made.ref;
      at_tip_ = 0;
      world_.make_block(static_cast<sim::HostId>(world_.rng().below(world_.hosts())), made.header, made.block);
      world_.run_for(seconds{1});
    }
    world_.run_for(seconds{5});
    ASSERT(at_tip_ == world_.hosts());
  }

  size_t links() const {
    size_t count = 0;
    for (sim::HostId host = 0; host < world_.hosts(); ++host) count += world_.report(host).peers.size();
    return count;
  }
  sim::World& world() { return world_; }

 private:
  void add(size_t index) {
    sim::DnsRecord record;
    for (size_t i = 0; i < std::min(index, dns_addresses); ++i)
      record.addresses.push_back(address_of(world_.rng().below(index)));
    world_.set_dns(name, record);
    sim::SimNodeConfig config;
    config.node.default_port = config.node.listen_port = 8333;
    config.node.seeds.push_back({name, {}, 0});
    config.node.outbound_target = outbound_;
    config.node.known_addresses_max = known_addresses;
    config.address = address_of(index);
    config.chain = [options = sim::LineChainOptions{.bodies = bodies_}](Provider&) { return sim::line_chain(options); };
    world_.add_node(std::move(config));
  }

  size_t outbound_;
  std::shared_ptr<sim::LineBodies> bodies_ = std::make_shared<sim::LineBodies>();
  BlockRef tip_ = sim::line_genesis();
  size_t at_tip_ = 0;
  sim::World world_;
};

Row row(const std::string& what, const std::string& unit, double value, double goal, bool lower = false) {
  Row out{.id = "B12", .what = what, .unit = unit, .limit_name = "", .goal_value = goal, .lower_is_better = lower};
  out.values.push_back(value);
  return out;
}

void measure(const Options& options, size_t nodes, std::vector<Row>& rows) {
  const double before = resident_bytes();
  const double began = real_seconds();
  BenchWorld bench(options.seed, nodes, 10);
  const auto& stats = bench.world().stats();
  const double built = real_seconds();
  const auto messages = stats.messages, events = stats.events;
  bench.make_blocks(nodes > 1000 ? 5 : nodes > 100 ? 20 : 100, 1000);
  const double busy = real_seconds() - built;
  const double bytes = resident_bytes() - before;
  const auto text = [&](const char* what) { return fmt::format("{} nodes, {}", nodes, what); };
  rows.push_back(
      row(text("messages, from nothing to all links open"), "1/s", static_cast<double>(messages) / (built - began), 0));
  rows.push_back(row(text("messages, blocks of 1 KB"), "1/s", static_cast<double>(stats.messages - messages) / busy, 200'000));
  rows.push_back(row(text("all events, blocks of 1 KB"), "1/s", static_cast<double>(stats.events - events) / busy, 0));
  rows.push_back(row(text("links a node"), "", static_cast<double>(bench.links()) / static_cast<double>(nodes), 0));
  rows.push_back(row(text("memory"), "MB", bytes / 1e6, nodes == 10'000 ? 2147.5 : 0, true));
  rows.push_back(row(text("memory a node"), "KB", bytes / 1e3 / static_cast<double>(nodes), 0, true));
}

void measure_quiet(const Options& options, std::vector<Row>& rows) {
  BenchWorld bench(options.seed, 100, 5);
  const double began = real_seconds();
  bench.world().run_for(seconds{1800});
  rows.push_back(
      row(fmt::format("quiet, 100 nodes of {:.0f} links, simulated seconds", static_cast<double>(bench.links()) / 100), "1/s",
          1800 / (real_seconds() - began), 1000));
}

}  // namespace

std::vector<Row> sim_rows(const Options& options) {
  std::vector<Row> rows;
  for (const size_t nodes : options.sim_nodes) measure(options, nodes, rows);
  measure_quiet(options, rows);
  return rows;
}

}  // namespace lattice::bench
