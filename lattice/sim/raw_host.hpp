// A host that is no node: bytes in, bytes out, sockets and a timer of its own. Adversaries and baselines are made of it.
#pragma once

#include <optional>

#include <lattice/base/address.hpp>
#include <lattice/base/bytes.hpp>
#include <lattice/base/random.hpp>
#include <lattice/base/time.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/sim/event_queue.hpp>

namespace lattice::sim {

using SocketId = uint64_t;  // a connection and this host's side of it; never used again

// What such a host can do. Valid in the calls of its RawHost only.
class RawNet {
 public:
  RawNet(World& world, HostId host) : world_(world), host_(host) {}
  Now now() const;
  Rng& rng();            // the host's own, from the world's seed
  Provider& provider();  // of the world's cryptography: for hosts that speak through a Link
  HostId host() const { return host_; }
  const Endpoint& endpoint() const;  // the first of its own

  // Answer: on_open or on_dial_failed. `from`: one of its own addresses, else the first.
  SocketId dial(const Endpoint& to, std::optional<IpAddress> from = {});
  // Queued without a limit of its own; what has not left yet: unsent.
  void send(SocketId socket, ByteView bytes);
  size_t unsent(SocketId socket) const;
  void close(SocketId socket);  // what is queued still leaves
  void wake_at(Instant when);   // on_wake then; the earliest wish counts, and a new one is needed after each on_wake

 private:
  World& world_;
  HostId host_;
};

class RawHost {
 public:
  virtual ~RawHost() = default;
  virtual void on_start(RawNet&) {}
  virtual void on_open(RawNet& net, SocketId socket, const Endpoint& remote, bool inbound) = 0;
  virtual void on_dial_failed(RawNet&, SocketId) {}
  virtual void on_bytes(RawNet& net, SocketId socket, ByteView bytes) = 0;
  virtual void on_closed(RawNet&, SocketId) {}  // by the other side; not after an own close
  virtual void on_wake(RawNet&) {}
  virtual bool reads(SocketId) const { return true; }  // false: what comes stays in the sender's window
};

}  // namespace lattice::sim
