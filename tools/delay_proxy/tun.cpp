#include "tun.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lattice::delay_proxy {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

static std::unexpected<HostError> failed(const std::string& what, const char* advice) {
  return std::unexpected(HostError{what, std::strerror(errno), advice});
}

static HostResult<Descriptor> attach(const std::string& device) {
  Descriptor tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!tun) return failed("/dev/net/tun cannot be opened", "run as root where the kernel has TUN");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
  if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    return failed("the device " + device + " cannot be used", "is it a TUN device, and nobody else's?");
  }
  return tun;
}

HostResult<Descriptor> open_tun(const std::string& where, const std::string& device) {
  const std::string path = where.find('/') == std::string::npos ? "/var/run/netns/" + where : where;
  const Descriptor own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const Descriptor there(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!own || !there) return failed("the network namespace " + path + " cannot be opened", "make it first: ip netns add NAME");
  if (::setns(there.get(), CLONE_NEWNET) != 0)
    return failed("the network namespace " + path + " cannot be entered", "run as root");
  auto tun = attach(device);
  if (::setns(own.get(), CLONE_NEWNET) != 0)
    return failed("the way back into the own network namespace is closed", "run as root");
  return tun;
}

}  // namespace lattice::delay_proxy
