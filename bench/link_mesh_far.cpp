#include <bench/link_mesh_far.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bench/cpu_time.hpp>
#include <bench/link_pair.hpp>
#include <lattice/base/assert.hpp>

namespace lattice::bench {

namespace {

constexpr size_t io_bytes = 256 * 1024;
constexpr size_t events_max = 256;

// Counts messages of u32 length and as many bytes, however they are cut.
class PlainParser {
 public:
  uint64_t count(ByteView bytes) {
    uint64_t ended = 0;
    while (!bytes.empty()) {
      if (head_bytes_ < sizeof head_) {
        head_ = head_ << 8 | bytes[0];
        bytes = bytes.subspan(1);
        if (++head_bytes_ == sizeof head_) left_ = head_;
        continue;
      }
      const size_t taken = std::min<size_t>(left_, bytes.size());
      bytes = bytes.subspan(taken);
      left_ -= static_cast<uint32_t>(taken);
      if (left_ > 0) break;
      head_bytes_ = 0;
      ++ended;
    }
    return ended;
  }

 private:
  uint32_t head_ = 0, left_ = 0;
  size_t head_bytes_ = 0;
};

struct FarConnection {
  int socket = -1;
  std::unique_ptr<Link> link;
  PlainParser plain;
};

class FarLoop {
 public:
  FarLoop(int listener, FarEnd& shared, Provider& provider, std::shared_ptr<const Identity> identity)
      : listener_(listener),
        epoll_(epoll_create1(0)),
        shared_(shared),
        provider_(provider),
        identity_(std::move(identity)),
        buffer_(io_bytes) {
    watch(listener_, listener_mark);
  }

  void run() {
    epoll_event events[events_max];
    while (!shared_.stop) {
      const int count = epoll_wait(epoll_, events, events_max, 50);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.u64 == listener_mark)
          take_connection();
        else
          read(connections_[events[i].data.u64]);
      }
      if (count > 0) shared_.cpu_nanoseconds = thread_cpu_nanoseconds();
    }
  }

 private:
  static constexpr uint64_t listener_mark = ~uint64_t{0};

  void watch(int socket, uint64_t mark) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = mark}};
    ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) == 0);
  }

  void take_connection() {
    FarConnection connection;
    connection.socket = accept(listener_, nullptr, nullptr);
    ASSERT(connection.socket >= 0);
    const int on = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection.link = std::make_unique<Link>(bench_config(Role::responder, identity_), provider_, bench_now());
    watch(connection.socket, connections_.size());
    connections_.push_back(std::move(connection));
  }

  void read(FarConnection& connection) {
    const ssize_t count = recv(connection.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count <= 0) {
      if (count == 0) close_connection(connection);
      return;
    }
    const ByteView bytes = ByteView(buffer_).first(static_cast<size_t>(count));
    switch (shared_.mode) {
      case FarMode::count_plain: shared_.messages += connection.plain.count(bytes); break;
      case FarMode::echo_plain: write_all(connection.socket, bytes); break;
      default: give_to_link(connection, bytes);
    }
  }

  void close_connection(FarConnection& connection) {
    close(connection.socket);
    connection.socket = -1;
    connection.link.reset();
  }

  void give_to_link(FarConnection& connection, ByteView bytes) {
    Link& link = *connection.link;
    link.on_bytes(bytes, bench_now());
    run_waiting_work(link, provider_, bench_now());
    uint64_t messages = 0;
    while (auto event = link.poll_event()) {
      ASSERT(!std::holds_alternative<LinkClosed>(*event));
      if (auto* message = std::get_if<LinkMessage>(&*event)) {
        ++messages;
        on_message(link, *message);
      }
    }
    for (ByteView out = link.pending_output(); !out.empty(); out = link.pending_output()) {
      write_all(connection.socket, out);
      link.on_sent(out.size());
    }
    shared_.messages += messages;
  }

  void on_message(Link& link, LinkMessage& message) {
    if (shared_.mode == FarMode::echo_messages) ASSERT(link.send(message.channel, message.message).has_value());
    const auto* ping = std::get_if<wire::Ping>(&message.message);
    if (shared_.mode != FarMode::time_pings || ping == nullptr || shared_.samples >= FarEnd::samples_max) return;
    shared_.sample_microseconds[shared_.samples] = microseconds_now() - static_cast<double>(ping->nonce);
    ++shared_.samples;
  }

  static void write_all(int socket, ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t written = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (written <= 0) return;
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

  int listener_, epoll_;
  FarEnd& shared_;
  Provider& provider_;
  std::shared_ptr<const Identity> identity_;
  std::vector<FarConnection> connections_;
  Bytes buffer_;
};

}  // namespace

void run_far_end(int listener, FarEnd& shared, Provider& provider, std::shared_ptr<const Identity> identity) {
  FarLoop(listener, shared, provider, std::move(identity)).run();
  _exit(0);
}

}  // namespace lattice::bench
