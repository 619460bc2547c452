// What the proxy is told, as JSON:
//
//   {"seed": 1,
//    "delays": "rtt-avg-us.csv",            round trips between cities in microseconds, a file or [[0, 50000], [50000, 0]]
//    "weather": {"loss": 0.3, "reorder": 0.25, "reorder_ms": 10, "duplicate": 0, "corrupt": 0.01, "jitter_ms": 0,
//                "extra_ms": 0},
//    "hosts": [{"name": "a", "namespace": "a", "device": "lat0", "address": "11.0.0.1", "city": 0,
//               "up": 12500000, "down": 12500000, "queue": 1048576}, ...]}
//
// namespace: a name of `ip netns`, or a path with a slash. device: a TUN device in it, made here where it is not there. city:
// a line of `delays`; where no host has one, each is drawn from the seed as the simulator draws it. up, down: bytes a second;
// queue: bytes that may wait at each end. Only `hosts` (namespace, address) and `delays` must be there.
#pragma once

#include <string>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/host/host_error.hpp>

#include "line_model.hpp"

namespace lattice::delay_proxy {

constexpr size_t hosts_max = 1024;

struct ProxyHost {
  std::string name, network_namespace, device = "lat0";
  IpAddress address;
  Line line;
};

struct ProxyConfig {
  uint64_t seed = 1;
  Weather weather;
  std::vector<ProxyHost> hosts;
  std::vector<Duration> one_way;  // of from * hosts.size() + to
};

HostResult<ProxyConfig> read_config(const std::string& file);
// `folder`: where a relative path of `delays` begins.
HostResult<ProxyConfig> parse_config(std::string_view text, const std::string& folder);

}  // namespace lattice::delay_proxy
