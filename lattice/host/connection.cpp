#include <lattice/host/connection.hpp>

#include <netinet/tcp.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <lattice/host/reactor.hpp>

namespace lattice {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// What the kernel holds of ours that is not yet on its way: more would only make a small message wait behind a large one.
constexpr int unsent_bytes_max = 256 * 1024;
constexpr size_t reads_in_a_row_max = 4;    // then the others have their turn
constexpr size_t turn_bytes_max = 1 << 20;  // written in one turn
constexpr auto close_limit = std::chrono::seconds{1};

using NotSentLowat = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;

bool would_block(const error_code& error) { return error == asio::error::would_block || error == asio::error::try_again; }

}  // namespace

Connection::Connection(Reactor& reactor, ConnId id, tcp::socket socket)
    : reactor_(reactor), id_(id), socket_(std::move(socket)), gate_(reactor.io), limit_(reactor.io) {}

// A coroutine that keeps its connection, and ends it where the machine gives way under it (out of memory).
template <class Run>
void Connection::spawn(Run run) {
  asio::co_spawn(
      reactor_.io, [self = shared_from_this(), run] { return run(*self); },
      [self = shared_from_this()](const std::exception_ptr& failed) {
        if (failed) self->finish();
      });
}

void Connection::open() {
  state_ = State::open;
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(NotSentLowat(unsent_bytes_max), ignored);
}

void Connection::start_reading() {
  if (state_ == State::open) spawn([](Connection& self) { return self.run_read(); });
}

void Connection::dial(const Endpoint& to) {
  state_ = State::dialing;
  spawn([to](Connection& self) { return self.run_dial(to); });
}

asio::awaitable<void> Connection::run_dial(Endpoint to) {
  error_code error;
  const tcp::endpoint remote = to_asio(to);
  socket_.open(remote.protocol(), error);
  // Several nodes on one machine: each calls from the address that it listens on, so that they count as several address groups.
  const auto& own = reactor_.config.listen;
  if (!error && own && own->ip.is_loopback() && to.ip.is_loopback() && own->ip.is_v4() == to.ip.is_v4()) {
    socket_.bind(to_asio({own->ip, 0}), error);
  }
  if (!error) {
    limit_.expires_after(reactor_.config.node.connection_timeout);
    limit_.async_wait([self = shared_from_this()](error_code cancelled) {
      error_code ignored;
      if (!cancelled && self->state_ == State::dialing) self->socket_.close(ignored);
    });
    co_await socket_.async_connect(remote, asio::redirect_error(asio::use_awaitable, error));
    limit_.cancel();
  }
  if (state_ != State::dialing) co_return;  // closed meanwhile
  if (error || !socket_.is_open()) {
    state_ = State::closed;
    error_code ignored;
    socket_.close(ignored);
    reactor_.connections.erase(id_);
    reactor_.input([&](Node& node, Now now) { node.on_dial_failed(id_, now); });
    co_return;
  }
  const tcp::endpoint local = socket_.local_endpoint(error);
  open();
  reactor_.input([&](Node& node, Now now) { node.on_dialed(id_, from_asio(local), now); });
  start_reading();
}

// True: read on. False: the connection is no longer open.
asio::awaitable<bool> Connection::until_wanted() {
  while (state_ == State::open && (reactor_.overloaded() || !reactor_.node->wants_bytes(id_))) {
    error_code ignored;
    gate_.expires_at(std::chrono::steady_clock::time_point::max());
    reactor_.wait_for_room(id_);
    co_await gate_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return state_ == State::open;
}

void Connection::wake() { gate_.cancel(); }

// The buffer is everybody's: it is filled and emptied without giving up the thread between.
asio::awaitable<void> Connection::run_read() {
  size_t reads = 0;
  while (co_await until_wanted()) {
    error_code error;
    const auto buffer = reactor_.read_buffer();
    const size_t size = socket_.read_some(asio::buffer(buffer.data(), buffer.size()), error);
    if (would_block(error)) {
      reads = 0;
      co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      continue;
    }
    if (error) break;
    reactor_.input([&](Node& node, Now now) { node.on_bytes(id_, ByteView(buffer.first(size)), now); });
    if (++reads == reads_in_a_row_max) {
      reads = 0;
      co_await asio::post(reactor_.io, asio::use_awaitable);
    }
  }
  if (state_ == State::open) finish();
}

// True: the Node has nothing more to write now, or the socket is gone.
bool Connection::write_some() {
  size_t budget = turn_bytes_max;
  while (budget > 0) {
    const ByteView pending = reactor_.node->pending_output(id_);
    if (pending.empty()) return true;
    error_code error;
    const size_t size = socket_.write_some(asio::buffer(pending.data(), pending.size()), error);
    if (would_block(error)) return false;
    if (error) {
      finish();
      return true;
    }
    reactor_.node->on_sent(id_, size, real_now());
    budget -= std::min(budget, size);
  }
  return false;
}

// Called from drain: the Node's wishes that on_sent raises are carried out there.
void Connection::write() {
  if (writer_waits_ || sent_end_ || (state_ != State::open && state_ != State::closing)) return;
  if (!write_some()) {
    writer_waits_ = true;
    spawn([](Connection& self) { return self.run_write(); });
  } else if (state_ == State::closing) {
    error_code ignored;
    sent_end_ = true;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
}

asio::awaitable<void> Connection::run_write() {
  error_code error;
  co_await socket_.async_wait(tcp::socket::wait_write, asio::redirect_error(asio::use_awaitable, error));
  writer_waits_ = false;
  if (state_ == State::closed) co_return;
  if (error) {
    finish();
    co_return;
  }
  write();
  reactor_.drain();
}

void Connection::close() {
  if (state_ == State::dialing) return finish();
  if (state_ != State::open) return;
  state_ = State::closing;
  gate_.cancel();
  spawn([](Connection& self) { return self.run_close(); });
  write();
}

void Connection::reset() {
  error_code ignored;
  if (state_ == State::open) socket_.set_option(tcp::socket::linger(true, 0), ignored);
  finish();
}

// A socket closed over unread bytes resets the connection, and the peer may lose our last words: so they are read and thrown
// away until the peer ends too, or the limit.
asio::awaitable<void> Connection::run_close() {
  limit_.expires_after(close_limit);
  limit_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled) self->finish();
  });
  error_code error;
  while (state_ == State::closing && !error && !discard()) {
    co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  }
  if (state_ == State::closing) finish();
}

// True: the peer has ended.
bool Connection::discard() {
  const auto buffer = reactor_.read_buffer();
  for (size_t reads = 0; reads < reads_in_a_row_max; ++reads) {
    error_code error;
    socket_.read_some(asio::buffer(buffer.data(), buffer.size()), error);
    if (would_block(error)) return false;
    if (error) return true;
  }
  return false;
}

void Connection::finish() {
  if (state_ == State::closed) return;
  abandon();
  reactor_.closed(id_);
}

void Connection::abandon() {
  state_ = State::closed;
  error_code ignored;
  socket_.close(ignored);
  gate_.cancel();
  limit_.cancel();
}

}  // namespace lattice
