// A flood of handshakes against a real node on loopback, and an honest peer that connects again and again meanwhile.
//
//   handshake_flood MODE IP:PORT SPEC SECONDS RATE ADDRESSES OPEN_MAX
//
// Connections a second: RATE, in turn from ADDRESSES addresses 127.64.x.y (each a group of its own on loopback). At most OPEN_MAX of
// them are open at once: beyond that the oldest is closed. The honest peer connects in turn from an address of the attack and
// from one of its own.
//
// MODE: garbage  a good hello, then random bytes where the keys are
//       valid    a good first message; nothing follows
//       replay   one good first message again and again
//       mixed    these three and silent in turn
//       silent   half of the connections say nothing, half a part of a first message
//       honest   no attack at all
//
// Prints one line of JSON: what the attack did, and how the honest peer fared.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <iostream>
#include <thread>
#include <unordered_map>

#include <apps/lattice/chain_spec.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/link/link.hpp>

namespace lattice {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t header_bytes = 80;
constexpr size_t hello_front_bytes = 22;  // of a hello with one offer: the keys begin behind it
constexpr size_t messages_made = 64;
constexpr auto honest_patience = std::chrono::seconds{5};
constexpr auto honest_pause = std::chrono::milliseconds{20};

Now now() {
  using namespace std::chrono;
  return {Instant{steady_clock::now().time_since_epoch()},
          wall_from_unix(duration_cast<seconds>(system_clock::now().time_since_epoch()).count())};
}

LinkConfig link_config(Provider& provider, const app::ChainSpec& spec) {
  Secret<64> secret;
  provider.rng().fill(secret.span());
  IdentityOptions options;
  options.not_before = now().wall - std::chrono::hours{1};
  options.not_after = now().wall + std::chrono::hours{24};
  LinkConfig config;
  config.role = Role::initiator;
  config.magic = spec.magic;
  const Digest genesis = sha256d(ByteView(spec.genesis).first(header_bytes));
  std::copy_n(genesis.begin(), config.chain8.size(), config.chain8.begin());
  config.identity = make_identity(provider, secret, options);
  return config;
}

sockaddr_in to_socket_address(uint32_t ip, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(ip);
  return address;
}

uint32_t attack_ip(size_t number) { return 0x7f400001 + static_cast<uint32_t>(number); }
constexpr uint32_t honest_ip = 0x7fc80001;  // 127.200.0.1

// A socket that is connecting, from this address; -1 where the machine has no more.
int connect_from(uint32_t ip, const sockaddr_in& to) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int yes = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const linger at_once{1, 0};  // no TIME_WAIT: the ports are needed again
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  const sockaddr_in from = to_socket_address(ip, 0);
  const bool ok = bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
                  (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 || errno == EINPROGRESS);
  if (!ok) close(fd);
  return ok ? fd : -1;
}

struct Plan {
  std::string mode;
  sockaddr_in target{};
  double seconds = 0, rate = 0;
  size_t addresses = 0, open_max = 0;
};

// ---- the attack

struct AttackCounts {
  uint64_t opened = 0, failed = 0, said = 0, answered = 0, ended_by_node = 0;
  size_t open_peak = 0;
};

class Attack {
 public:
  Attack(const Plan& plan, std::vector<Bytes> messages)
      : plan_(plan), messages_(std::move(messages)), epoll_(epoll_create1(0)) {}
  ~Attack() {
    for (const auto& [fd, open] : open_) close(fd);
    close(epoll_);
  }

  AttackCounts run() {
    const auto began = Clock::now();
    uint64_t due_done = 0;
    for (;;) {
      const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
      if (elapsed >= plan_.seconds) return counts_;
      // What could not be opened in time is not made up for: the rate is a rate.
      const auto due = static_cast<uint64_t>(elapsed * plan_.rate);
      for (uint64_t i = std::max(due_done, due > 100 ? due - 100 : 0); i < due; ++i) open_one();
      due_done = due;
      serve(1);
    }
  }

 private:
  struct Open {
    uint64_t number = 0;
    bool said = false;
  };

  void open_one() {
    while (open_.size() >= plan_.open_max && !oldest_.empty()) {
      const auto [fd, number] = oldest_.front();
      oldest_.pop_front();
      if (const auto found = open_.find(fd); found != open_.end() && found->second.number == number) drop(fd);
    }
    const uint64_t number = next_++;
    const int fd = connect_from(attack_ip(number % plan_.addresses), plan_.target);
    if (fd < 0) {
      ++counts_.failed;
      return;
    }
    open_[fd] = {number};
    oldest_.emplace_back(fd, number);
    epoll_event event{};
    event.events = EPOLLOUT | EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    ++counts_.opened;
    counts_.open_peak = std::max(counts_.open_peak, open_.size());
  }

  void drop(int fd) {
    open_.erase(fd);
    close(fd);
  }

  void serve(int milliseconds) {
    epoll_event events[256];
    const int count = epoll_wait(epoll_, events, 256, milliseconds);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      const auto found = open_.find(fd);
      if (found == open_.end()) continue;
      if ((events[i].events & EPOLLIN) != 0 && !hear(fd)) continue;
      if ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0) {
        ++counts_.ended_by_node;
        drop(fd);
      } else if (!found->second.said) {
        found->second.said = true;
        say(fd, found->second.number);
      }
    }
    while (oldest_.size() > 4 * plan_.open_max) oldest_.pop_front();
  }

  bool hear(int fd) {
    uint8_t buffer[16 * 1024];
    const ssize_t count = recv(fd, buffer, sizeof buffer, 0);
    if (count > 0) {
      ++counts_.answered;
      return true;
    }
    if (count < 0 && errno == EAGAIN) return true;
    ++counts_.ended_by_node;
    drop(fd);
    return false;
  }

  void say(int fd, uint64_t number) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
    static const char* const turns[] = {"garbage", "valid", "replay", "silent"};
    const std::string mode = plan_.mode == "mixed" ? turns[number / 7 % 4] : plan_.mode;
    Bytes message = messages_[mode == "replay" ? 0 : number % messages_.size()];
    if (mode == "garbage") {
      for (size_t i = 2 + hello_front_bytes; i < message.size(); i += 8) message[i] ^= static_cast<uint8_t>(number + i);
    }
    size_t bytes = message.size();
    if (mode == "silent") bytes = number % 2 == 0 ? 0 : message.size() / 2;
    if (bytes > 0) send(fd, message.data(), bytes, MSG_NOSIGNAL);
    ++counts_.said;
  }

  const Plan& plan_;
  std::vector<Bytes> messages_;
  int epoll_;
  uint64_t next_ = 0;
  std::unordered_map<int, Open> open_;
  std::deque<std::pair<int, uint64_t>> oldest_;
  AttackCounts counts_;
};

// ---- the honest peer

struct HonestCounts {
  std::vector<double> seconds;  // of each success
  uint64_t attempts = 0, retried = 0;
  std::string first_failure;
};

// Carries one link over a socket until it is established; false: it failed, and why.
bool establish(int fd, Link& link, Provider& provider, bool& retried, std::string& why) {
  const auto deadline = Clock::now() + honest_patience;
  Bytes buffer(64 * 1024);
  while (Clock::now() < deadline) {
    for (ByteView out = link.pending_output(); !out.empty(); out = link.pending_output()) {
      const ssize_t sent = send(fd, out.data(), out.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      link.on_sent(static_cast<size_t>(sent));
    }
    pollfd wait{fd, static_cast<short>(link.pending_output().empty() ? POLLIN : POLLIN | POLLOUT), 0};
    poll(&wait, 1, 100);
    if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) continue;
    if (count <= 0) {
      why = count == 0 ? "ended" : std::strerror(errno);
      return false;
    }
    link.on_bytes(ByteView(buffer).first(static_cast<size_t>(count)), now());
    while (auto work = link.poll_work()) {
      retried |= std::holds_alternative<PuzzleWork>(*work);
      link.on_work_done(run_work(*work, provider), now());
    }
    while (auto event = link.poll_event()) {
      if (std::holds_alternative<LinkEstablished>(*event)) return true;
      if (const auto* closed = std::get_if<LinkClosed>(&*event)) {
        why = std::string(error_name(closed->error.code)) + " (" + closed->error.where + ")";
        return false;
      }
    }
  }
  why = "too long";
  return false;
}

HonestCounts connect_again_and_again(const Plan& plan, const app::ChainSpec& spec, const std::atomic<bool>& over) {
  const auto provider = openssl_provider();
  const LinkConfig config = link_config(*provider, spec);
  HonestCounts counts;
  while (!over) {
    const uint64_t number = counts.attempts++;
    const uint32_t ip = number % 2 == 0 ? attack_ip(number / 2 % plan.addresses) : honest_ip;
    const auto began = Clock::now();
    bool retried = false, good = false;
    std::string why = "no socket";
    if (const int fd = connect_from(ip, plan.target); fd >= 0) {
      pollfd wait{fd, POLLOUT, 0};
      poll(&wait, 1, 5000);
      Link link(config, *provider, now());
      good = establish(fd, link, *provider, retried, why);
      if (good) counts.seconds.push_back(std::chrono::duration<double>(Clock::now() - began).count());
      link.close(ErrorCode::not_needed);
      const ByteView last = link.pending_output();
      if (!last.empty()) (void)send(fd, last.data(), last.size(), MSG_NOSIGNAL);
      shutdown(fd, SHUT_WR);
      pollfd end{fd, POLLIN, 0};
      uint8_t rest[4096];
      while (good && poll(&end, 1, 200) > 0 && recv(fd, rest, sizeof rest, 0) > 0) {
      }
      close(fd);
    }
    counts.retried += retried;
    if (!good && counts.first_failure.empty()) counts.first_failure = why;
    std::this_thread::sleep_for(honest_pause);
  }
  return counts;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())))];
}

void print(const Plan& plan, const AttackCounts& attack, const HonestCounts& honest) {
  const auto number = [](const char* name, auto value) { std::cout << ", \"" << name << "\": " << value; };
  std::cout << "{\"mode\": \"" << plan.mode << '"';
  number("opened", attack.opened);
  number("open_failed", attack.failed);
  number("said", attack.said);
  number("answered", attack.answered);
  number("ended_by_node", attack.ended_by_node);
  number("open_peak", attack.open_peak);
  number("honest_attempts", honest.attempts);
  number("honest_connected", honest.seconds.size());
  number("honest_retried", honest.retried);
  number("p50_seconds", quantile(honest.seconds, 0.5));
  number("p99_seconds", quantile(honest.seconds, 0.99));
  number("max_seconds", quantile(honest.seconds, 1));
  std::cout << ", \"first_failure\": \"" << honest.first_failure << "\"}" << std::endl;
}

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Plan& plan, const app::ChainSpec& spec) {
  raise_descriptor_limit();
  const auto provider = openssl_provider();
  const LinkConfig config = link_config(*provider, spec);
  std::vector<Bytes> messages;
  for (size_t i = 0; i < messages_made; ++i) messages.push_back(to_bytes(Link(config, *provider, now()).pending_output()));
  std::atomic<bool> over = false;
  HonestCounts honest;
  std::thread peer([&] { honest = connect_again_and_again(plan, spec, over); });
  AttackCounts attack;
  if (plan.mode == "honest")
    std::this_thread::sleep_for(std::chrono::duration<double>(plan.seconds));
  else
    attack = Attack(plan, std::move(messages)).run();
  over = true;
  peer.join();
  print(plan, attack, honest);
  return 0;
}

}  // namespace
}  // namespace lattice

int main(int argc, char** argv) {
  using namespace lattice;
  static const std::string modes[] = {"garbage", "valid", "replay", "mixed", "silent", "honest"};
  const auto endpoint = argc == 8 ? Endpoint::parse(argv[2]) : std::nullopt;
  if (!endpoint || !endpoint->ip.is_loopback() || !endpoint->ip.is_v4() ||
      std::ranges::count(modes, std::string(argv[1])) == 0) {
    std::cerr << "usage: handshake_flood MODE 127.x.y.z:PORT SPEC SECONDS RATE ADDRESSES OPEN_MAX\n";
    return 2;
  }
  const auto spec = app::load_chain_spec(argv[3]);
  Plan plan{argv[1],
            {},
            std::atof(argv[4]),
            std::atof(argv[5]),
            static_cast<size_t>(std::atol(argv[6])),
            static_cast<size_t>(std::atol(argv[7]))};
  if (!spec || plan.seconds <= 0 || plan.seconds > 600 || plan.rate <= 0 || plan.addresses == 0 || plan.addresses > 60'000 ||
      plan.open_max == 0) {
    std::cerr << "handshake_flood: a wrong chain spec or number\n";
    return 2;
  }
  const auto& ip = endpoint->ip.bytes;
  plan.target =
      to_socket_address(uint32_t{ip[12]} << 24 | uint32_t{ip[13]} << 16 | uint32_t{ip[14]} << 8 | ip[15], endpoint->port);
  return run(plan, *spec);
}
