// A TUN device inside another network namespace: its packets come out of a file descriptor here.
#pragma once

#include <string>

#include <lattice/host/host_error.hpp>

namespace lattice::delay_proxy {

// Closes at its end.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// `where`: a name of `ip netns`, or a path. Non-blocking; packets without a header of their own (IFF_NO_PI), no offloads: each
// carries its full checksum, and the kernel checks what is written. The caller's thread is in its own namespace again.
HostResult<Descriptor> open_tun(const std::string& where, const std::string& device);

}  // namespace lattice::delay_proxy
