#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <lattice/host/reactor.hpp>

namespace lattice {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto accept_pause = std::chrono::milliseconds{200};
constexpr int accept_backlog = 1024;

HostError listen_error(const Endpoint& endpoint, const error_code& error) {
  HostError out{"could not listen on " + endpoint.text(), error.message(), "give another --listen address"};
  if (error == asio::error::address_in_use) {
    out.why = "another program listens there";
    out.advice = "stop it or give another --listen port; port 0 takes any free one";
  } else if (error == asio::error::access_denied) {
    out.why = "this user may not use that port";
    out.advice = "give a --listen port above 1023";
  } else if (error == error_code(EADDRNOTAVAIL, boost::system::system_category())) {
    out.why = "this machine does not have that address";
    out.advice = "give one of its own addresses to --listen, or 0.0.0.0";
  }
  return out;
}

// Connections wait in the kernel until there is room again: nothing is lost by a pause.
bool passes_by_itself(const error_code& error) {
  const auto is = [&](int number) { return error == error_code(number, boost::system::system_category()); };
  return is(EMFILE) || is(ENFILE) || is(ENOBUFS) || is(ENOMEM);
}

// Not a method of Reactor, so that its frame holds what it uses by name.
asio::awaitable<void> accept_all(Reactor& reactor) {
  asio::steady_timer pause(reactor.io);
  while (reactor.acceptor && reactor.acceptor->is_open()) {
    error_code error;
    tcp::socket socket = co_await reactor.acceptor->async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      reactor.accept(std::move(socket));
    } else if (passes_by_itself(error)) {
      if (reactor.log.wants(LogLevel::warning)) {
        reactor.log.log({LogLevel::warning, "accept_failed", {{"why", error.message()}}});
      }
      pause.expires_after(accept_pause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
    } else if (error == asio::error::operation_aborted) {
      co_return;
    }
    // Any other error is of that one connection (accept(2) passes on its pending network errors).
  }
}

}  // namespace

HostResult<void> Reactor::listen() {
  if (!config.listen) return {};
  const tcp::endpoint wanted = to_asio(*config.listen);
  acceptor.emplace(io);
  error_code error;
  acceptor->open(wanted.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && wanted.protocol() == tcp::v6()) acceptor->set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor->bind(wanted, error);
  if (!error) acceptor->listen(accept_backlog, error);
  tcp::endpoint bound;
  if (!error) bound = acceptor->local_endpoint(error);
  if (error) {
    acceptor.reset();
    return std::unexpected(listen_error(*config.listen, error));
  }
  config.listen->port = bound.port();
  return {};
}

void Reactor::start_accepting() {
  if (acceptor) asio::co_spawn(io, [this] { return accept_all(*this); }, asio::detached);
}

bool Reactor::accept(tcp::socket socket) {
  error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error || stopping) return false;
  const auto conn = node->on_accepted(from_asio(remote), real_now());
  if (!conn) {
    drain();
    return false;
  }
  const auto connection = std::make_shared<Connection>(*this, *conn, std::move(socket));
  connections.emplace(*conn, connection);
  connection->open();
  drain();
  connection->start_reading();
  return true;
}

}  // namespace lattice
