// What host's files share: the Node, the sockets and the workers of one NodeHost, and the rule how they meet. Not for others.
//
// The rule: every input to the Node is followed by drain(), which carries out its wishes until there are none, then writes.
// Everything here runs on the one thread of `io`, but for what is said to be posted.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <lattice/host/clock.hpp>
#include <lattice/host/connection.hpp>
#include <lattice/host/key_source.hpp>
#include <lattice/host/node_host.hpp>
#include <lattice/host/resolver.hpp>
#include <lattice/host/workers.hpp>

namespace lattice {

boost::asio::ip::tcp::endpoint to_asio(const Endpoint& endpoint);
Endpoint from_asio(const boost::asio::ip::tcp::endpoint& endpoint);

// A small file that the Node wants kept, the newest of which counts.
struct KeptFile {
  const std::function<HostResult<void>(ByteView)>& write_file;
  std::string_view failed_event;
  bool failed = false;            // said already
  std::mutex writing{}, lock{};   // held while it is written; of `newest`
  std::optional<Bytes> newest{};  // not written yet

  // The newest there is; nothing where another call has written it. Any thread.
  HostResult<void> write();
};

class Reactor {
 public:
  Reactor(HostConfig config, std::unique_ptr<Chain> chain, std::unique_ptr<Store> store, Provider& provider, LogSink& log);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // listener.cpp
  HostResult<void> listen();
  bool accept(boost::asio::ip::tcp::socket socket);  // false: no slot, the socket is gone

  void make_node();
  // One input, then drain.
  template <class Input>
  void input(Input&& give) {
    if (!node) return;
    give(*node, real_now());
    drain();
  }
  void drain();
  void close_all();  // node.stop, then no more accepting
  std::optional<KeyCounts> key_counts() const { return keys_ ? std::optional(keys_->counts()) : std::nullopt; }
  // No socket is read while a worker pool is behind.
  bool overloaded() const { return crypto_.busy() || chain_worker_.busy() || reader_.busy(); }

  // Connections call these.
  void closed(ConnId conn);         // forget it and tell the Node
  void wait_for_room(ConnId conn);  // wake it when the Node wants its bytes again and nothing is overloaded
  ByteSpan read_buffer() { return read_buffer_; }

  boost::asio::io_context io{1};
  HostConfig config;
  LogSink& log;
  std::unique_ptr<Node> node;
  std::optional<boost::asio::ip::tcp::acceptor> acceptor;
  std::unordered_map<ConnId, std::shared_ptr<Connection>> connections;
  bool stopping = false;

 private:
  void carry_out(Effect effect);
  void carry_out(Dial wish);
  void carry_out(WantWrite wish);
  void carry_out(CloseConn wish);
  void carry_out(RunWork wish);
  void carry_out(Resolve wish);
  void carry_out(ToChain wish);
  void carry_out(ReadBody wish);
  void carry_out(VerifySeeds wish);
  void carry_out(SaveAddresses wish);
  void carry_out(SaveSeeds wish);
  void carry_out(SaveBans wish);
  void save(KeptFile& kept, Bytes file);
  void tell_saved(KeptFile& kept, const HostResult<void>& saved);
  void on_chain_events(ChainEvents events);
  void start_accepting();  // listener.cpp
  void write_marked();
  void wake_waiting();
  void arm_timer();
  void on_timer();
  Post post();
  std::function<void()> relief();

  Provider& provider_;
  std::unique_ptr<Chain> chain_;
  std::unique_ptr<Store> store_;
  Bytes read_buffer_;           // shared by all sockets: an idle connection holds none
  std::vector<ConnId> marked_;  // have something to write
  std::set<ConnId> waiting_;    // stopped reading
  boost::asio::steady_timer timer_;
  std::optional<Instant> armed_;
  bool draining_ = false;
  bool accepting_ = false;
  KeptFile addresses_{config.save_addresses, "addresses_not_saved"}, seeds_{config.save_seeds, "seeds_not_saved"},
      bans_{config.save_bans, "bans_not_saved"};
  Resolver resolver_;
  // Last, so that their threads end before anything that they use.
  std::optional<KeyThread> keys_;
  WorkerPool crypto_;
  WorkerPool puzzles_;  // of responders that this node dials: none of them may keep its own signatures waiting
  WorkerPool reader_;
  ChainWorker chain_worker_;
};

}  // namespace lattice
