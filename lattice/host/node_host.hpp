// A Node in the real world: sockets, timers, DNS, worker threads and a store around the same class that the simulator runs.
//
// One thread, the one that calls run(), owns the Node and every socket. Chain checks, handshake signatures and body reads run
// on workers; their results come back to that thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <lattice/host/host_error.hpp>
#include <lattice/host/key_source.hpp>
#include <lattice/node/node.hpp>

namespace lattice {

struct HostConfig {
  NodeConfig node;                    // listen_port is filled in from what was bound
  std::optional<Endpoint> listen;     // port 0: any free one
  std::vector<Endpoint> dns_servers;  // empty: those of the system
  size_t crypto_threads = 0;          // 0: as many as the machine has
  // Keeps the known addresses for the next start (NodeConfig::stored_addresses). Called by one thread at a time, the last time
  // before run returns. What it refuses is a warning in the log. Empty: nothing is kept.
  std::function<HostResult<void>(ByteView file)> save_addresses;
  std::function<HostResult<void>(ByteView file)> save_seeds;  // the same of what is remembered of DNS seeds (stored_seeds)
  std::function<HostResult<void>(ByteView file)> save_bans;   // and of bans (stored_bans)
  std::unique_ptr<KeySource> key_source;  // null: every question for a key from outside is answered with none
  bool handle_signals = false;            // SIGINT and SIGTERM end run(); a second one ends it at once
};

class NodeHost {
 public:
  // `provider` and `log` must outlive the host.
  NodeHost(HostConfig config, std::unique_ptr<Chain> chain, std::unique_ptr<Store> store, Provider& provider, LogSink& log);
  ~NodeHost();
  NodeHost(const NodeHost&) = delete;
  NodeHost& operator=(const NodeHost&) = delete;

  // Binds the listener and makes the Node. Before run, once.
  HostResult<void> start();
  // Until `every_tick`, called once a `tick`, returns false, or stop(), or a signal, or the node failed (report().failed).
  // Closes every link before it returns, within two seconds. The error: something of the machine gave way.
  HostResult<void> run(const std::function<bool(const NodeReport&)>& every_tick, Duration tick);
  // Any thread, more than once, also before run.
  void stop();

  // Inside every_tick, or while run is not running.
  NodeReport report() const;
  // Node::choose_seeds. As report.
  std::vector<SeedEntry> choose_seeds(size_t count) const;
  // Inside every_tick: a block made beside the node (Node::on_local_block). False: not now, for the chain is still being read
  // back, is behind with its work, or the host ends; try again at a later tick.
  bool submit_block(Bytes header, SharedBytes block);
  // What became of the questions for keys from outside; empty where there is no source. As report.
  std::optional<KeyCounts> key_counts() const;
  // The address bound; empty where the host does not listen. After start.
  std::optional<Endpoint> local() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lattice
