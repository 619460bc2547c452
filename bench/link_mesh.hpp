// Many connections on loopback TCP between this process and a child that it forks: one thread a side, each end counted by its
// own CPU time. Each connection carries a Link, and plain bytes beside it when both ends are told so: link and limit are
// measured on the same sockets, one after the other.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <vector>

#include <lattice/link/link.hpp>

namespace lattice::bench {

// What the child does with what comes.
enum class FarMode : uint32_t {
  count_messages,  // of links
  count_plain,     // u32 length, then as many bytes: each is a message
  echo_messages,
  echo_plain,
  time_pings,  // as count_messages; a Ping's nonce is when it was sent, and how long it took is kept
};

// Shared by both processes.
struct FarEnd {
  static constexpr size_t samples_max = 20'000;
  std::atomic<FarMode> mode = FarMode::count_messages;
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> messages = 0;  // that came
  std::atomic<uint64_t> cpu_nanoseconds = 0;
  std::atomic<uint64_t> samples = 0;
  double sample_microseconds[samples_max] = {};
};

class LinkMesh {
 public:
  // Opens so many connections and establishes a Link over each; its handshake has no signatures (they would take most of the
  // time, and nothing of what is measured afterwards), all else is real. ASSERTs that it could.
  explicit LinkMesh(size_t links);
  ~LinkMesh();
  LinkMesh(const LinkMesh&) = delete;
  LinkMesh& operator=(const LinkMesh&) = delete;

  struct Connection {
    int socket = -1;
    std::unique_ptr<Link> link;
  };
  size_t size() const { return connections_.size(); }
  Connection& operator[](size_t i) { return connections_[i]; }
  FarEnd& far() { return *far_; }

  // Writes all, waiting where the socket is full; what comes meanwhile goes to the link.
  void write_all(Connection& connection, ByteView bytes);
  void write_pending(Connection& connection);
  // Reads once: at once where something is there, else after waiting where `wait` says so. Gives what came.
  ByteView read_some(Connection& connection, bool wait);
  void read_to_link(Connection& connection, bool wait);
  // Until the child has counted so many messages since `before`.
  void wait_for(uint64_t messages);
  // Heap of this process that the links hold, taken while they were made.
  size_t heap_bytes() const { return heap_bytes_; }
  size_t resident_bytes() const { return resident_bytes_; }

 private:
  void connect(Connection& connection);
  void establish(Connection& connection);

  FarEnd* far_ = nullptr;
  std::unique_ptr<Provider> provider_;
  std::shared_ptr<const Identity> near_identity_, far_identity_;
  pid_t child_ = -1;
  uint16_t port_ = 0;
  std::vector<Connection> connections_;
  Bytes buffer_;
  size_t heap_bytes_ = 0, resident_bytes_ = 0;
};

// Bytes that malloc has given out in this process.
size_t heap_in_use();
double microseconds_now();

}  // namespace lattice::bench
