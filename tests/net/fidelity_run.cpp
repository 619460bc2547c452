// fidelity_run CONFIG: fidelity_test.py's scenario in the simulator. It prints when each block reached each node, as JSON.
//
// CONFIG: {"seed": 1, "delays": "rtt-avg-us.csv", "rate": bytes a second, "links": [[1, 0], ...] (who dials whom), "nodes": 30,
//          "blocks": "file of blocks", "pause": seconds between blocks,
//          and for the picture: "plot": "file.svg", "measured": [[seconds, ...] of each block]}
#include <fstream>
#include <iostream>
#include <memory>

#include <lattice/chains/bitcoin/blk_file.hpp>
#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/primitives.hpp>
#include <lattice/chains/bitcoin/rules.hpp>
#include <lattice/sim/plot.hpp>
#include <lattice/sim/world.hpp>
#include <nlohmann/json.hpp>

namespace lattice {

namespace {

using nlohmann::json;

constexpr uint16_t port = 8400;
constexpr size_t file_bytes_max = 64 << 20;
constexpr auto patience = std::chrono::minutes{5};  // simulated

std::string read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  std::string text(file_bytes_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.eof()) throw std::runtime_error(name + " cannot be read");
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

std::vector<SharedBytes> read_blocks(const std::string& name) {
  const std::string file = read_file(name);
  bitcoin::BlkReader reader(bitcoin::regtest_magic, 4'000'000, [rest = as_bytes(file)](ByteSpan out) mutable -> Result<size_t> {
    const size_t count = std::min(out.size(), rest.size());
    std::ranges::copy(rest.first(count), out.begin());
    rest = rest.subspan(count);
    return count;
  });
  std::vector<SharedBytes> blocks;
  for (;;) {
    auto block = reader.next();
    if (!block) throw std::runtime_error(name + " is no file of blocks");
    if (!*block) return blocks;
    if (bitcoin::hash_header(**block) != bitcoin::hash_of(bitcoin::regtest().genesis)) blocks.emplace_back(std::move(**block));
  }
}

IpAddress address_of(size_t node) { return IpAddress::v4(11, static_cast<uint8_t>(node + 1), 0, 1); }

class Scenario {
 public:
  explicit Scenario(const json& config) : rules_(bitcoin::regtest()), world_(options(config)) {
    const auto count = config.at("nodes").get<size_t>();
    std::vector<std::vector<KnownPeer>> connect(count);
    for (const auto& link : config.at("links")) {
      for (const size_t end : {0, 1}) ++links_[link.at(end).get<sim::HostId>()];
      connect.at(link.at(0).get<size_t>()).push_back({{address_of(link.at(1).get<size_t>()), port}, {}});
    }
    world_.on_chain_event([this](sim::HostId host, const ChainEvent& event) {
      if (const auto* changed = std::get_if<TipChanged>(&event)) reached_[changed->tip.block.hash][host] = world_.now();
    });
    for (size_t node = 0; node < count; ++node) add(node, std::move(connect[node]));
  }

  // Seconds from the tip of node 0 to that of each other, for each block.
  std::vector<std::vector<double>> run(const std::vector<SharedBytes>& blocks, Duration pause) {
    const auto ready = [&](sim::HostId node) {
      const auto report = world_.report(node);
      const auto linked = std::ranges::count(report.peers, true, &PeerReport::established);
      return report.synced && static_cast<size_t>(linked) == links_[node];
    };
    if (!wait(ready)) throw std::runtime_error("the nodes do not sync");
    std::vector<std::vector<double>> arrivals;
    for (const auto& block : blocks) {
      world_.run_for(pause);
      const ByteView header = block.view().first(bitcoin::header_bytes);
      const BlockHash hash = bitcoin::hash_header(header);
      world_.make_block(0, to_bytes(header), block);
      if (!wait([&](sim::HostId node) { return world_.tip(node).block.hash == hash; })) {
        throw std::runtime_error("a block does not reach every node");
      }
      const auto& times = reached_.at(hash);
      auto& of_block = arrivals.emplace_back();
      for (sim::HostId node = 1; node < world_.hosts(); ++node) of_block.push_back(seconds_of(times.at(node) - times.at(0)));
    }
    return arrivals;
  }
  const sim::WorldStats& stats() const { return world_.stats(); }

 private:
  static sim::WorldOptions options(const json& config) {
    const auto cities = sim::CityDelays::parse(read_file(config.at("delays")));
    if (!cities) throw std::runtime_error("no delays");
    sim::WorldOptions options;
    options.seed = config.at("seed");
    options.cryptography = sim::Cryptography::modelled;
    options.bytes_per_second = config.at("rate");
    options.cities = std::make_shared<const sim::CityDelays>(*cities);
    return options;
  }

  void add(size_t node, std::vector<KnownPeer> connect) {
    sim::SimNodeConfig config;
    config.address = address_of(node);
    config.node.magic = bitcoin::regtest_magic;
    config.node.listen_port = config.node.default_port = port;
    config.node.user_agent = "/fidelity/";
    config.node.connect = std::move(connect);
    config.node.discovery = false;
    config.chain = [this](Provider&) {
      bitcoin::ChainOptions chain;
      chain.rules = &rules_;
      return std::move(*bitcoin::make_chain(chain));
    };
    world_.add_node(std::move(config));
  }

  template <class Condition>
  bool wait(Condition condition) {
    return world_.run_until(
        [&] {
          for (sim::HostId node = 0; node < world_.hosts(); ++node) {
            if (!condition(node)) return false;
          }
          return true;
        },
        world_.now() + patience);
  }

  const bitcoin::Rules rules_;
  std::map<sim::HostId, size_t> links_;
  std::map<BlockHash, std::map<sim::HostId, Instant>> reached_;
  sim::World world_;
};

void draw(const json& config, const std::vector<std::vector<double>>& simulated) {
  const size_t reached = simulated.empty() ? 0 : simulated.front().size();
  sim::Plot plot;
  plot.title = "A 100 KB block through 30 nodes: simulated, and real processes behind the delay proxy";
  plot.note = std::to_string(simulated.size()) + " blocks each; the same cities, links and rates";
  plot.curves.push_back(sim::pooled_curve("simulator", simulated, reached));
  plot.curves.push_back(sim::pooled_curve("processes", config.at("measured").get<std::vector<std::vector<double>>>(), reached));
  if (!(std::ofstream(config.at("plot").get<std::string>()) << sim::propagation_svg(plot)).flush()) {
    throw std::runtime_error("the picture cannot be written");
  }
}

}  // namespace

}  // namespace lattice

int main(int argc, char** argv) {
  using namespace lattice;
  try {
    if (argc != 2) throw std::runtime_error("give a configuration");
    const auto config = json::parse(read_file(argv[1]));
    Scenario scenario(config);
    const auto pause = Duration{static_cast<int64_t>(config.at("pause").get<double>() * 1e9)};
    const auto arrivals = scenario.run(read_blocks(config.at("blocks")), pause);
    std::cout << json{{"arrivals", arrivals}, {"bytes", scenario.stats().bytes}, {"events", scenario.stats().events}}.dump()
              << "\n";
    if (config.contains("plot")) draw(config, arrivals);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "fidelity_run: " << error.what() << "\n";
    return 1;
  }
}
