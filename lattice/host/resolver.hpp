// DNS on the reactor: c-ares asks, Asio watches its sockets and its clock. UDP first, TCP for an answer that was cut short.
//
// For one seed name: A and AAAA at the name, SRV and TXT at _lattice._tcp.NAME, then A and AAAA of the SRV targets. A question
// without an answer does not spoil the others; after ten seconds what has come is the answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include <lattice/node/effect.hpp>

namespace lattice {

namespace dns_limits {
constexpr size_t addresses_max = 256;
constexpr size_t targets_max = 32;
constexpr size_t target_addresses_max = 8;
constexpr size_t texts_max = 16;
constexpr size_t text_bytes_max = 64 * 1024;
constexpr size_t questions_running_max = 8;  // names asked at once; the others wait
constexpr Duration try_timeout = std::chrono::seconds{2};
constexpr int tries = 2;
constexpr Duration deadline = std::chrono::seconds{10};
}  // namespace dns_limits

class Resolver {
 public:
  using Done = std::function<void(DnsAnswer)>;

  // `servers` empty: those of the system. All calls on the executor's one thread.
  Resolver(boost::asio::any_io_executor executor, std::vector<Endpoint> servers);
  // Drops open questions without calling anybody.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `done` is called once, later, from the executor.
  void resolve(std::string name, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lattice
