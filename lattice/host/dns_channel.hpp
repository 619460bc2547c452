// One c-ares channel on an Asio executor: single questions, parsed and bounded answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include <lattice/base/address.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

enum class DnsType : uint8_t { a, aaaa, srv, txt };
std::string_view dns_type_name(DnsType type);

struct DnsService {
  uint16_t priority = 0, weight = 0, port = 0;
  std::string host;  // without the last dot
};

// What one question brought. With an error all lists are empty.
struct DnsReply {
  std::string error;     // for a person; empty: answered
  bool no_data = false;  // the error is that the name, or a record of this type, does not exist
  std::vector<IpAddress> addresses;
  std::vector<DnsService> services;
  std::vector<std::string> texts;  // the strings of a record joined
};

// All calls on the executor's one thread. Destroying the channel drops its open questions; not to be done inside a callback.
class DnsChannel {
 public:
  using Done = std::function<void(DnsReply)>;

  // `servers` empty: those of the system.
  DnsChannel(boost::asio::any_io_executor executor, const std::vector<Endpoint>& servers, Duration try_timeout, int tries);
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  // Why the channel could not be made; empty: it was. With an error nothing may be asked.
  const std::string& error() const;
  // `done` once, perhaps before `ask` returns.
  void ask(const std::string& name, DnsType type, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lattice
