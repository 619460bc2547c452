// B6: bulk data over one link on loopback TCP, one thread a side, against 1 / (1/AEAD + 1/TCP): what a thread reaches that only
// seals and only writes. Both limits are measured in the same run.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include <bench/benchmarks.hpp>
#include <bench/link_pair.hpp>
#include <lattice/base/assert.hpp>

namespace lattice::bench {
namespace {

constexpr size_t block_bytes = 1000 * 1000;
constexpr size_t blocks_each_run = 256;
constexpr size_t run_bytes = block_bytes * blocks_each_run;
constexpr size_t io_bytes = 256 * 1024;

double seconds_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct SocketPair {
  int sender = -1, receiver = -1;

  SocketPair() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(listener, 1) == 0);
    ASSERT(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    sender = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT(connect(sender, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    receiver = accept(listener, nullptr, nullptr);
    ASSERT(receiver >= 0);
    close(listener);
  }
  ~SocketPair() {
    close(sender);
    close(receiver);
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
};

void write_all(int socket, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(socket, bytes.data(), bytes.size());
    ASSERT(written > 0);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

double plain_tcp_rate() {
  SocketPair sockets;
  const double start = seconds_now();
  std::jthread sender([&] {
    const Bytes chunk(io_bytes, 1);
    for (size_t sent = 0; sent < run_bytes; sent += chunk.size()) write_all(sockets.sender, chunk);
    shutdown(sockets.sender, SHUT_WR);
  });
  Bytes buffer(io_bytes);
  size_t received = 0;
  for (ssize_t count; (count = read(sockets.receiver, buffer.data(), buffer.size())) > 0;)
    received += static_cast<size_t>(count);
  return static_cast<double>(received) / (seconds_now() - start);
}

double aead_rate(Provider& provider) {
  const auto aead = provider.aead(AeadAlg::chacha20_poly1305, Secret<32>());
  constexpr size_t record = 64 * 1024 - 64;
  Bytes buffer(record + aead_tag_bytes);
  const double start = seconds_now();
  size_t done = 0;
  for (uint64_t nonce = 0; done < run_bytes; ++nonce, done += record) {
    aead->seal(nonce, {}, ByteView(buffer).first(record), buffer);
  }
  return static_cast<double>(done) / (seconds_now() - start);
}

void write_pending(Link& link, int socket) {
  for (ByteView out = link.pending_output(); !out.empty(); out = link.pending_output()) {
    write_all(socket, out);
    link.on_sent(out.size());
  }
}

// The receiver gives credit back: waited for only where there is nothing to write without it.
void send_blocks(Link& link, int socket, const SharedBytes& block) {
  ByteArray<4096> credit;
  for (size_t sent = 0; sent < blocks_each_run || link.queued_bytes() > 0;) {
    while (sent < blocks_each_run && link.queued_bytes() < 4 * block_bytes) {
      ASSERT(link.send(1, wire::Block{block}));
      ++sent;
    }
    const ByteView out = link.pending_output();
    write_all(socket, out);
    link.on_sent(out.size());
    const ssize_t count = recv(socket, credit.data(), credit.size(), out.empty() ? 0 : MSG_DONTWAIT);
    if (count > 0) link.on_bytes(ByteView(credit).first(static_cast<size_t>(count)), bench_now());
  }
}

double link_rate(Provider& provider, const std::shared_ptr<const Identity>& initiator,
                 const std::shared_ptr<const Identity>& responder) {
  LinkPair pair(provider, initiator, responder);
  ASSERT(pair.establish());
  SocketPair sockets;
  const SharedBytes block(Bytes(block_bytes, 3));
  const Now now = bench_now();
  const double start = seconds_now();
  std::jthread sender([&] { send_blocks(pair.initiator, sockets.sender, block); });
  Bytes buffer(io_bytes);
  size_t received = 0;
  while (received < blocks_each_run) {
    const ssize_t count = read(sockets.receiver, buffer.data(), buffer.size());
    ASSERT(count > 0);
    pair.responder.on_bytes(ByteView(buffer).first(static_cast<size_t>(count)), now);
    while (auto event = pair.responder.poll_event()) received += std::holds_alternative<LinkMessage>(*event) ? 1 : 0;
    write_pending(pair.responder, sockets.receiver);
  }
  return static_cast<double>(run_bytes) / (seconds_now() - start);
}

}  // namespace

std::vector<Row> bulk_rows(const Options& options) {
  const auto provider = openssl_provider(std::make_unique<SeededRng>(options.seed));
  const auto initiator = new_identity(*provider), responder = new_identity(*provider);
  Row bulk{.id = "B6",
           .what = "1 MB blocks over one link, a thread a side",
           .unit = "MB/s",
           .limit_name = "1 / (1/AEAD + 1/TCP)",
           .goal_ratio = 0.9};
  Row aead{.id = "B6", .what = "ChaCha20-Poly1305 alone, 64 KiB", .unit = "MB/s"};
  Row tcp{.id = "B6", .what = "plain TCP alone, loopback", .unit = "MB/s"};
  for (int run = 0; run < options.runs; ++run) {
    const double aead_alone = aead_rate(*provider), tcp_alone = plain_tcp_rate();
    bulk.values.push_back(link_rate(*provider, initiator, responder) / 1e6);
    bulk.limits.push_back(1 / (1 / aead_alone + 1 / tcp_alone) / 1e6);
    aead.values.push_back(aead_alone / 1e6);
    tcp.values.push_back(tcp_alone / 1e6);
  }
  return {bulk, aead, tcp};
}

}  // namespace lattice::bench
