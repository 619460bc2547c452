#include <bench/link_mesh.hpp>

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <chrono>
#include <fstream>
#include <thread>

#include <bench/link_mesh_far.hpp>
#include <bench/link_pair.hpp>
#include <lattice/base/assert.hpp>

namespace lattice::bench {

namespace {

constexpr size_t io_bytes = 256 * 1024;

// Everything but signatures is real.
class UnsignedProvider final : public Provider {
 public:
  explicit UnsignedProvider(std::unique_ptr<Provider> real) : real_(std::move(real)) {}
  Rng& rng() override { return real_->rng(); }
  DhPublic dh_public(const DhSecret& secret) override { return real_->dh_public(secret); }
  Result<Secret<32>> dh(const DhSecret& secret, ByteView public_key) override { return real_->dh(secret, public_key); }
  std::unique_ptr<KemKey> kem_key(KemAlg alg, const Secret<kem_seed_bytes>& seed) override { return real_->kem_key(alg, seed); }
  Result<Encapsulated> encapsulate(KemAlg alg, ByteView public_key, const Secret<32>& m) override {
    return real_->encapsulate(alg, public_key, m);
  }
  std::shared_ptr<const SigningKey> signing_key(SignAlg alg, const Secret<32>& seed) override {
    return std::make_shared<Unsigning>(real_->signing_key(alg, seed));
  }
  bool verify(SignAlg, ByteView, ByteView, ByteView, ByteView) override { return true; }
  std::unique_ptr<Aead> aead(AeadAlg alg, const Secret<32>& key) override { return real_->aead(alg, key); }

 private:
  struct Unsigning final : SigningKey {
    explicit Unsigning(std::shared_ptr<const SigningKey> real) : key(std::move(real)) {}
    SignAlg alg() const override { return key->alg(); }
    ByteView public_key() const override { return key->public_key(); }
    Bytes sign(ByteView, ByteView, const Secret<32>&) const override { return Bytes(sign_sizes(alg()).signature); }
    std::shared_ptr<const SigningKey> key;
  };
  std::unique_ptr<Provider> real_;
};

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_anywhere(uint16_t& port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  ASSERT(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(listener, 1000) == 0);
  ASSERT(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return listener;
}

size_t resident_in_use() {
  std::ifstream statm("/proc/self/statm");
  size_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

size_t heap_in_use() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

double microseconds_now() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

LinkMesh::LinkMesh(size_t links)
    : provider_(std::make_unique<UnsignedProvider>(openssl_provider())),
      near_identity_(new_identity(*provider_)),
      far_identity_(new_identity(*provider_)),
      connections_(links),
      buffer_(io_bytes) {
  void* memory = mmap(nullptr, sizeof(FarEnd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT(memory != MAP_FAILED);
  far_ = new (memory) FarEnd;
  const int listener = listen_anywhere(port_);
  child_ = fork();
  ASSERT(child_ >= 0);
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_far_end(listener, *far_, *provider_, far_identity_);
  }
  close(listener);
  for (Connection& connection : connections_) connect(connection);
  const size_t heap = heap_in_use(), resident = resident_in_use();
  for (Connection& connection : connections_) establish(connection);
  heap_bytes_ = heap_in_use() - heap;
  resident_bytes_ = resident_in_use() - resident;
}

LinkMesh::~LinkMesh() {
  far_->stop = true;
  waitpid(child_, nullptr, 0);
  const linger at_once{.l_onoff = 1, .l_linger = 0};  // nothing waits out its time in the kernel
  for (Connection& connection : connections_) {
    setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection.socket);
  }
  munmap(far_, sizeof(FarEnd));
}

void LinkMesh::connect(Connection& connection) {
  connection.socket = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port_);
  ASSERT(::connect(connection.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const int on = 1, unsent_bytes_max = 256 * 1024;  // as host/connection.cpp
  setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(connection.socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max, sizeof unsent_bytes_max);
}

void LinkMesh::establish(Connection& connection) {
  connection.link = std::make_unique<Link>(bench_config(Role::initiator, near_identity_), *provider_, bench_now());
  Link& link = *connection.link;
  while (!link.established()) {
    ASSERT(!link.closed());
    write_pending(connection);
    read_to_link(connection, true);
    run_waiting_work(link, *provider_, bench_now());
  }
  while (link.poll_event()) {
  }
  write_pending(connection);
}

void LinkMesh::write_all(Connection& connection, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = send(connection.socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written > 0) {
      bytes = bytes.subspan(static_cast<size_t>(written));
      continue;
    }
    ASSERT(errno == EAGAIN);
    pollfd wanted{.fd = connection.socket, .events = POLLOUT | POLLIN, .revents = 0};
    poll(&wanted, 1, -1);
    if (wanted.revents & POLLIN) read_to_link(connection, false);
  }
}

void LinkMesh::write_pending(Connection& connection) {
  Link& link = *connection.link;
  for (ByteView out = link.pending_output(); !out.empty(); out = link.pending_output()) {
    write_all(connection, out);
    link.on_sent(out.size());
  }
}

ByteView LinkMesh::read_some(Connection& connection, bool wait) {
  const ssize_t count = recv(connection.socket, buffer_.data(), buffer_.size(), wait ? 0 : MSG_DONTWAIT);
  ASSERT(count > 0 || (count < 0 && errno == EAGAIN));
  return ByteView(buffer_).first(count > 0 ? static_cast<size_t>(count) : 0);
}

void LinkMesh::read_to_link(Connection& connection, bool wait) {
  const ByteView bytes = read_some(connection, wait);
  if (!bytes.empty()) connection.link->on_bytes(bytes, bench_now());
}

void LinkMesh::wait_for(uint64_t messages) {
  const double limit = microseconds_now() + 60e6;
  while (far_->messages < messages) {
    ASSERT(microseconds_now() < limit);
    std::this_thread::sleep_for(std::chrono::microseconds{20});
  }
}

}  // namespace lattice::bench
