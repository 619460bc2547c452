// Inside of World, shared by its three parts: world.cpp (time and hosts), process.cpp (a node's wishes) and network.cpp
// (connections).
#pragma once

#include <set>
#include <unordered_map>

#include <lattice/sim/tcp.hpp>
#include <lattice/sim/trace.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

constexpr uint8_t dialer = 0, listener = 1;  // the sides of a connection

struct Connection {
  struct End {
    HostId host = 0;
    ConnId conn;        // the node's name for it
    bool open = false;  // a process holds this socket
  };
  End ends[2];
  Pipe pipes[2];  // pipes[s] carries what side s sends
  Endpoint from, to;
  bool established = false;  // the listener's process has it
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

struct Host {
  HostId id = 0;
  SimNodeConfig config;
  std::unique_ptr<RawHost> raw;
  std::unique_ptr<HostLog> log;
  std::shared_ptr<Rng> raw_rng;
  // The process; gone while the host is down, and another life each time.
  std::unique_ptr<Provider> provider;
  std::unique_ptr<Chain> chain;
  std::unique_ptr<Node> node;
  uint32_t life = 0;
  bool powered = true;
  std::map<ConnId, uint64_t> connections;
  std::set<uint64_t> paused;            // with bytes that the node does not want yet
  std::optional<Instant> timer;         // planned
  Instant crypto_free{}, chain_free{};  // when each worker has done what it was given
  Instant up_free{}, down_free{};       // when the line has carried what it was given
  uint16_t next_port = 40000;
  Tip tip;
};

struct World::State {
  World& world;
  WorldOptions options;
  Delays delays;
  LossModel loss;
  SeededRng rng;
  EventQueue queue;
  Trace trace;
  WorldStats stats;
  Instant now{};
  std::vector<std::unique_ptr<Host>> hosts;
  std::map<Endpoint, HostId> listeners;
  std::map<std::string, DnsRecord> names;
  std::unordered_map<uint64_t, Connection> connections;  // looked up only, never walked
  uint64_t last_connection = 0;
  std::function<void(HostId, const ChainEvent&)> chain_observer;
  std::function<void(HostId, const LogEvent&)> log_observer;

  State(World& owner, WorldOptions given);

  // world.cpp
  Now clock(const Host& host) const;
  void step();
  void handle(const Event& event, Payload payload);
  void start(Host& host);
  void kill(Host& host, Crash crash);

  // process.cpp
  void drain(Host& host);
  void plan_timer(Host& host);
  void on_effect(Host& host, Effect effect);
  void on_process_event(Host& host, const Event& event, Payload payload);
  void on_chain(Host& host, const ChainCommand& command);
  Instant crypto_done(Host& host, Duration cost);
  Duration chain_cost(const ChainCommand& command) const;
  Duration work_cost(const Work& work) const;
  void resolve(Host& host, const Resolve& wish);

  // network.cpp
  void dial(Host& host, const Dial& wish);
  void on_network_event(const Event& event, Payload payload);
  void on_connect(uint64_t id, Connection& connection);
  void on_accepted(uint64_t id, Connection& connection);
  void on_arrival(const Event& event, Connection& connection, Burst burst);
  void on_delivery(const Event& event, Connection& connection, Burst burst);
  void pump(uint64_t id, uint8_t side);
  void send(uint64_t id, Connection& connection, uint8_t side, Burst burst);
  bool take_inbox(uint64_t id, uint8_t side);
  void acknowledge(uint64_t id, Connection& connection, uint8_t side, size_t bytes, bool lost);
  void local_close(uint64_t id, uint8_t side);
  void remote_closed(uint64_t id, uint8_t side);
  void reset_other(uint64_t id, Connection& connection, uint8_t side);
  void forget_if_closed(uint64_t id);
  bool wake_paused(Host& host);  // true: a node was given bytes
  Connection* find(uint64_t id);
};

}  // namespace lattice::sim
