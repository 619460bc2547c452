// Inside of World, shared by its parts: world.cpp (time and hosts), process.cpp (a node's wishes), network.cpp (connections),
// stream.cpp (what they carry), faults.cpp (what goes wrong) and raw_host.cpp.
#pragma once

#include <set>

#include <lattice/base/flat_map.hpp>
#include <lattice/sim/modelled_provider.hpp>
#include <lattice/sim/tcp.hpp>
#include <lattice/sim/trace.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

constexpr uint8_t dialer = 0, listener = 1;                     // the sides of a connection
constexpr Duration timer_grain = std::chrono::microseconds{1};  // a timer always moves time on
inline uint8_t other(uint8_t side) { return static_cast<uint8_t>(1 - side); }
// One side of a connection, in one number.
inline SocketId socket_of(uint64_t connection, uint8_t side) { return connection << 1 | side; }
inline uint64_t connection_of(SocketId socket) { return socket >> 1; }
inline uint8_t side_of(SocketId socket) { return static_cast<uint8_t>(socket & 1); }

// A connection's id names its slot too; ids grow with time.
constexpr uint64_t connection_slots_max = uint64_t{1} << 24;

struct Connection {
  struct End {
    HostId host = 0;
    ConnId conn;        // the node's name for it; a raw host's is its SocketId
    bool open = false;  // a process holds this socket
  };
  uint64_t id = 0;
  End ends[2];
  Pipe pipes[2];      // pipes[s] carries what side s sends
  Duration way[2]{};  // way[s]: from side s to the other
  Endpoint from, to;
  uint8_t requests = 0;      // that nobody carried
  bool established = false;  // the dialer's process has it
  bool accepted = false;     // the listener's host has it
  bool broken = false;       // something on the way forgot it
};

struct Host;

// Passes a node's events on, with the time and the host, and into the trace.
class HostLog final : public LogSink {
 public:
  HostLog(World::State& world, HostId host) : world_(world), host_(host) {}
  bool wants(LogLevel level) const override;
  void log(const LogEvent& event) override;

 private:
  World::State& world_;
  HostId host_;
};

// A host's way into the network.
struct Line {
  uint64_t up = 0, down = 0;         // bytes a second
  Instant up_free{}, down_free{};    // when it has carried what it was given
  std::unique_ptr<Weather> weather;  // in place of the world's
  uint8_t side = 0;
  bool stalled = false;
};

// How far a wall clock has run off, beside the world's time.
struct Skew {
  Duration gathered{};
  Instant since{};
  int64_t parts_per_billion = 0;
  Duration at(Instant now) const;
};

struct Host {
  HostId id = 0;
  SimNodeConfig config;
  std::vector<Endpoint> own;  // a raw host's
  std::unique_ptr<RawHost> raw;
  bool raw_up = false;
  std::unique_ptr<HostLog> log;
  std::unique_ptr<Rng> raw_rng;
  // The process; gone while the host is down, and another life each time.
  std::unique_ptr<Provider> provider;
  ModelledProvider* modelled = nullptr;  // the same where it is one
  std::unique_ptr<Chain> chain;
  std::unique_ptr<Node> node;
  NodeCounts counts;  // of this life, as far as the world's figures have them
  uint32_t life = 0;
  bool powered = true;
  FlatMap<ConnId, SocketId> connections;
  std::set<SocketId> paused;            // with bytes that the process does not want yet
  std::optional<Instant> timer, ready;  // planned
  Instant crypto_free{}, chain_free{};  // when each worker has done what it was given
  Instant cpu_free{};                   // ... and the process itself
  Line line;
  Skew skew;
  uint16_t next_port = 40000;
  Tip tip;

  bool up() const { return node || raw_up; }
};

struct World::State {
  World& world;
  WorldOptions options;
  Delays delays;
  SeededRng rng;
  EventQueue queue;
  Trace trace;
  WorldStats stats;
  Instant now{};
  std::vector<std::unique_ptr<Host>> hosts;
  std::map<Endpoint, HostId> listeners;
  std::map<std::string, DnsRecord> names;
  std::vector<std::unique_ptr<Connection>> connections;  // by slot
  std::vector<uint32_t> free_connections;
  uint64_t last_connection = 0;
  std::function<void(HostId, const ChainEvent&)> chain_observer;
  std::function<void(HostId, const LogEvent&)> log_observer;

  State(World& owner, WorldOptions given);

  // world.cpp
  Now clock(const Host& host) const;
  std::unique_ptr<Provider> provider_for(const Host& host, uint64_t use) const;
  void step();
  void handle(const Event& event, Payload payload);
  void start(Host& host);
  void start_node(Host& host);
  void kill(Host& host, Crash crash);

  // process.cpp
  void settle(Host& host);
  void drain(Host& host);
  void count(Host& host);
  void plan_timer(Host& host);
  void plan_ready(Host& host);
  void on_effect(Host& host, Effect&& effect);
  void on_process_event(Host& host, const Event& event, Payload payload);
  void on_raw_event(Host& host, const Event& event);
  void on_chain(Host& host, const ChainCommand& command);
  Instant crypto_done(Host& host, Duration cost);
  Duration chain_cost(const ChainCommand& command) const;
  void resolve(Host& host, const Resolve& wish);

  // network.cpp
  uint64_t dial(Host& host, ConnId conn, const IpAddress& from, const Endpoint& to);
  void on_network_event(const Event& event, Payload payload);
  void on_connect(uint64_t id, Connection& connection);
  void on_dialed(uint64_t id, Connection& connection);
  void on_dial_failed(uint64_t id, Connection& connection);
  void on_accepted(uint64_t id, Connection& connection);
  void local_close(uint64_t id, uint8_t side);
  void remote_closed(uint64_t id, uint8_t side);
  void reset_other(uint64_t id, Connection& connection, uint8_t side);
  void forget_if_closed(uint64_t id);
  Connection* find(uint64_t id);
  Connection& add_connection();
  void forget(uint64_t id);

  // stream.cpp
  void pump(uint64_t id, uint8_t side);
  void send(uint64_t id, Connection& connection, uint8_t side, Burst burst);
  void on_arrival(const Event& event, Connection& connection, Burst burst);
  void through_line(const Event& event, Connection& connection, Burst burst);
  void on_delivery(const Event& event, Connection& connection, Burst burst);
  void on_acknowledged(const Event& event);
  void add_acknowledgement(uint64_t id, Connection& connection, uint8_t side, Pipe::Acknowledgement one);
  void plan_acknowledged(uint64_t id, const Connection& connection, uint8_t side);
  void hold(const Event& event, Connection& connection, Burst burst);
  void plan_retry(uint64_t id, Connection& connection, uint8_t side);
  void on_retry(uint64_t id, Connection& connection, uint8_t side);
  bool take_inbox(SocketId socket);
  void acknowledge(uint64_t id, Connection& connection, uint8_t side, size_t bytes, bool lost);
  bool wake_paused(Host& host);  // true: a process was given bytes

  // faults.cpp
  Weather weather_between(const Host& a, const Host& b) const;
  Duration extra_between(const Host& a, const Host& b) const;
  bool carries(const Connection& connection, uint8_t to_side) const;
  Duration way(const Connection& connection, uint8_t from_side) const;
  void spoil(Burst& burst, const Weather& weather);
};

}  // namespace lattice::sim
