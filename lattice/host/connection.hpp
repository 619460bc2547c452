// One TCP connection of a Node: dialled or accepted, read, written, closed.
//
// Dialing -> Open -> Closing -> Closed
// Dialing: until the dial's limit. Open: reads while the Node wants bytes. Closing: the Node has done with it; what is pending
// is written, then the peer's end is awaited, a second in all. Closed: told to the Node, the socket is gone.
#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>

namespace lattice {

class Reactor;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Reactor& reactor, ConnId id, boost::asio::ip::tcp::socket socket);

  void dial(const Endpoint& to);
  void open();           // the socket is connected
  void start_reading();  // once the Node knows the connection
  void write();          // what the Node has pending, as far as the socket takes it; the rest when it can
  void close();          // write for a second at most, then closed
  void reset();          // closed at once; the kernel keeps nothing of it either
  void wake();           // reading may go on
  void abandon();        // at once, nobody is told

 private:
  enum class State : uint8_t { dialing, open, closing, closed };
  boost::asio::awaitable<void> run_dial(Endpoint to);
  boost::asio::awaitable<void> run_read();
  boost::asio::awaitable<void> run_write();
  boost::asio::awaitable<void> run_close();
  boost::asio::awaitable<bool> until_wanted();
  template <class Run>
  void spawn(Run run);
  bool write_some();
  bool discard();
  void finish();

  Reactor& reactor_;
  const ConnId id_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer gate_;   // a reader that may not read waits here
  boost::asio::steady_timer limit_;  // of the dial, later of the close
  State state_ = State::open;
  bool writer_waits_ = false;
  bool sent_end_ = false;
};

}  // namespace lattice
