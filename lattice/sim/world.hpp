// A world of nodes with a seed: virtual time, a network, disks, names and faults. It drives the production Node and gives it
// real cryptography whose keys and randomness come from the seed; what is modelled is time.
//
// One thread. The same calls with the same seed give the same trace hash.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <lattice/node/node.hpp>
#include <lattice/sim/event_queue.hpp>
#include <lattice/sim/latency.hpp>
#include <lattice/sim/raw_host.hpp>
#include <lattice/sim/sim_store.hpp>

namespace lattice::sim {

// What things cost a host: signatures as measured with OpenSSL 3.5, the rest estimates of one core.
struct Costs {
  Duration sign = std::chrono::microseconds{950}, verify = std::chrono::microseconds{180};
  Duration header = std::chrono::microseconds{10};      // judged by the chain
  Duration block = std::chrono::microseconds{300};      // judged and stored ...
  Duration block_byte = std::chrono::nanoseconds{8};    // ... and for each of its bytes
  Duration question = std::chrono::microseconds{20};    // any other command
  Duration body = std::chrono::microseconds{150};       // read from disk
  Duration hash = std::chrono::nanoseconds{350};        // one try at a puzzle
  Duration outside_key = std::chrono::milliseconds{5};  // asked of a key server

  // How long a worker takes for it; of a puzzle's tries the mean.
  Duration of(const Work& work) const;
};

// What happens to packets under way. Below the modelled TCP loss, reordering and duplicates cost time. A corrupted packet is
// caught by TCP's checksum and is as good as lost, but for the share `undetected`: there a flipped bit reaches the process.
struct Weather {
  double loss = 0, reorder = 0, duplicate = 0, corrupt = 0;  // shares of packets
  double undetected = 0;                                     // of the corrupted ones
  Duration jitter{};                                         // up to so much more delay, for each burst
  Duration extra{};                                          // more delay one way
};

// Which cryptography nodes are given. Modelled: the same interface and sizes, no security; what it would cost a processor is
// counted and delays the host (lattice/sim/modelled_provider.hpp).
enum class Cryptography : uint8_t { real, modelled };

struct WorldOptions {
  uint64_t seed = 1;
  Cryptography cryptography = Cryptography::real;
  Weather weather;                           // of every line
  uint64_t bytes_per_second = 12'500'000;    // up, and down, of each host
  std::shared_ptr<const CityDelays> cities;  // empty: a random delay for each pair
  int64_t wall_start = 1'750'000'000;        // unix seconds
  Costs costs;
  LogSink* log = nullptr;  // every node's events with a field `sim` = "12.345678s n7"
};

// What a node's disk gives for a body that a peer asks for: a production Node becomes a withholder or a liar.
enum class Bodies : uint8_t { honest, withheld, corrupted };

struct SimNodeConfig {
  NodeConfig node;    // without an identity: one is made from the seed; its chain is the chain's own
  IpAddress address;  // listens at node.listen_port of it
  std::function<std::unique_ptr<Chain>(Provider&)> chain;  // made anew at each start of the process
  SimStore store;
  Bytes saved_addresses;    // a file beside the store: what the node saved last, given back at each start
  Bytes saved_seeds;        // the same of its DNS seeds
  Bytes saved_bans;         // and of bans
  int64_t wall_offset = 0;  // seconds that its wall clock is wrong
  Bodies bodies = Bodies::honest;
};

// What a name server says of a name. `fails`: it never answers, and the resolver gives up.
struct DnsRecord {
  bool fails = false;
  Duration late{};  // beside what an answer takes anyway
  std::vector<IpAddress> addresses;
  std::vector<Endpoint> services;
  std::vector<std::string> texts;
};

enum class Crash : uint8_t {
  process,  // the machine stays: peers see a reset, what was committed is kept
  power,    // peers see nothing; what was not synced is lost
};

struct WorldStats {
  uint64_t events = 0;
  uint64_t bursts = 0, bytes = 0;  // carried
  uint64_t sent_again = 0;         // lost packets
  uint64_t messages = 0;           // handed to production Nodes by their links: what B12 counts
  uint64_t connections = 0, refused = 0, handshakes = 0, kills = 0;
  size_t connections_peak = 0;  // of one node
  size_t output_peak = 0;       // sealed bytes that one link held
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Starts now.
  HostId add_node(SimNodeConfig config);
  // Listens at each of its endpoints; dials from any of their addresses.
  HostId add_raw(std::vector<Endpoint> endpoints, std::unique_ptr<RawHost> host);
  void set_dns(const std::string& name, DnsRecord record);
  void kill(HostId host, Crash crash = Crash::process);
  void start(HostId host);
  // A block made beside the node, as Node::on_local_block takes it. Nothing where the host is down.
  void make_block(HostId host, Bytes header, SharedBytes block);
  // As Node::set_own_endpoints. Nothing where the host is down.
  void set_own_endpoints(HostId host, std::vector<Endpoint> endpoints);

  // Faults; each lasts until it is said otherwise.
  void set_weather(const Weather& weather);                // of every line
  void set_weather(HostId host, const Weather& weather);   // of one host's line, in place of the world's
  void set_rate(HostId host, uint64_t up, uint64_t down);  // bytes a second
  // Hosts of different sides reach nobody of the other; all begin on side 0. Connections across live on and time out.
  void set_side(HostId host, uint8_t side);
  // Its line carries nothing: its process goes on, its peers hear nothing, and it hears nothing.
  void set_stalled(HostId host, bool stalled);
  // As a firewall that forgets: the connections there are carry nothing more either way, and neither end is told.
  void break_silently(HostId host);
  void step_clock(HostId host, int64_t seconds);          // its wall clock jumps
  void set_drift(HostId host, double parts_per_million);  // its wall clock's; it runs on from where it stands
  // Does something at a time, in order with everything else.
  void at(Instant when, std::function<void(World&)> action);
  void after(Duration delay, std::function<void(World&)> action) { at(now() + delay, std::move(action)); }

  // Until `done` is true (asked after each event), nothing is due, or the time is up. True: `done`.
  bool run_until(const std::function<bool()>& done, Instant limit);
  void run_for(Duration duration);

  Instant now() const;
  Rng& rng();  // of the world, not of a node
  size_t hosts() const;
  bool running(HostId host) const;
  NodeReport report(HostId host) const;  // of a running node
  Tip tip(HostId host) const;            // the newest one its chain said, also of one that is down
  SimStore& store(HostId host);
  Bytes& saved_addresses(HostId host);  // to be damaged or removed
  NodeId identity(HostId host) const;
  // Each event of a chain, just before its node is told. For checkers.
  void on_chain_event(std::function<void(HostId, const ChainEvent&)> observer);
  void on_log(std::function<void(HostId, const LogEvent&)> observer);
  std::string trace_hash() const;
  const WorldStats& stats() const;

  struct State;

 private:
  friend class RawNet;
  std::unique_ptr<State> state_;
};

}  // namespace lattice::sim
