#include <lattice/host/dns_channel.hpp>

#include <algorithm>
#include <map>
#include <span>

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace lattice {

namespace {

namespace asio = boost::asio;

constexpr int addresses_max = 256;
constexpr size_t services_max = 256;
constexpr size_t texts_max = 64;
constexpr size_t text_bytes_max = 64 * 1024;
constexpr int udp_bytes_max = 1232;  // DNS flag day 2020: never fragmented

// Once a process; never undone, as c-ares has no use for that on Linux.
int library_status() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

int wire_type(DnsType type) {
  switch (type) {
    case DnsType::a: return ns_t_a;
    case DnsType::aaaa: return ns_t_aaaa;
    case DnsType::srv: return ns_t_srv;
    case DnsType::txt: return ns_t_txt;
  }
  return ns_t_invalid;
}

int parse_a(const unsigned char* bytes, int size, DnsReply& reply) {
  ares_addrttl found[addresses_max];
  int count = addresses_max;
  const int status = ares_parse_a_reply(bytes, size, nullptr, found, &count);
  if (status != ARES_SUCCESS) return status;
  for (const auto& entry : std::span(found, static_cast<size_t>(count))) {
    const auto* octets = reinterpret_cast<const uint8_t*>(&entry.ipaddr);
    reply.addresses.push_back(IpAddress::v4(octets[0], octets[1], octets[2], octets[3]));
  }
  return status;
}

int parse_aaaa(const unsigned char* bytes, int size, DnsReply& reply) {
  ares_addr6ttl found[addresses_max];
  int count = addresses_max;
  const int status = ares_parse_aaaa_reply(bytes, size, nullptr, found, &count);
  if (status != ARES_SUCCESS) return status;
  for (const auto& entry : std::span(found, static_cast<size_t>(count))) {
    IpAddress address;
    std::ranges::copy(entry.ip6addr._S6_un._S6_u8, address.bytes.begin());
    reply.addresses.push_back(address);
  }
  return status;
}

int parse_srv(const unsigned char* bytes, int size, DnsReply& reply) {
  ares_srv_reply* found = nullptr;
  const int status = ares_parse_srv_reply(bytes, size, &found);
  for (const auto* entry = found; entry && reply.services.size() < services_max; entry = entry->next) {
    reply.services.push_back({entry->priority, entry->weight, entry->port, entry->host});
  }
  if (found) ares_free_data(found);
  return status;
}

int parse_txt(const unsigned char* bytes, int size, DnsReply& reply) {
  ares_txt_ext* found = nullptr;
  const int status = ares_parse_txt_reply_ext(bytes, size, &found);
  for (const auto* entry = found; entry; entry = entry->next) {
    if (entry->record_start) {
      if (reply.texts.size() == texts_max) break;
      reply.texts.emplace_back();
    }
    if (reply.texts.empty() || reply.texts.back().size() + entry->length > text_bytes_max) continue;
    reply.texts.back().append(reinterpret_cast<const char*>(entry->txt), entry->length);
  }
  if (found) ares_free_data(found);
  return status;
}

DnsReply parse(DnsType type, int status, const unsigned char* bytes, int size) {
  DnsReply reply;
  if (status == ARES_SUCCESS) {
    switch (type) {
      case DnsType::a: status = parse_a(bytes, size, reply); break;
      case DnsType::aaaa: status = parse_aaaa(bytes, size, reply); break;
      case DnsType::srv: status = parse_srv(bytes, size, reply); break;
      case DnsType::txt: status = parse_txt(bytes, size, reply); break;
    }
  }
  if (status == ARES_SUCCESS) return reply;
  DnsReply failed;
  failed.error = ares_strerror(status);
  failed.no_data = status == ARES_ENODATA || status == ARES_ENOTFOUND;
  return failed;
}

std::string server_list(const std::vector<Endpoint>& servers) {
  std::string list;
  for (const auto& server : servers) list += (list.empty() ? "" : ",") + server.text();
  return list;
}

}  // namespace

std::string_view dns_type_name(DnsType type) {
  switch (type) {
    case DnsType::a: return "A";
    case DnsType::aaaa: return "AAAA";
    case DnsType::srv: return "SRV";
    case DnsType::txt: return "TXT";
  }
  return "?";
}

struct DnsChannel::State : std::enable_shared_from_this<State> {
  // A socket of c-ares that the reactor watches. c-ares opens and closes it; `release` hands it back before that.
  struct Watch {
    explicit Watch(const asio::any_io_executor& executor) : descriptor(executor) {}
    asio::posix::stream_descriptor descriptor;
    bool want_read = false, want_write = false;
    bool reading = false, writing = false;
  };
  struct Question {
    State* state;
    DnsType type;
    Done done;
  };

  explicit State(asio::any_io_executor io) : executor(std::move(io)), timer(executor) {}

  asio::any_io_executor executor;
  asio::steady_timer timer;
  ares_channel channel = nullptr;
  std::map<int, std::shared_ptr<Watch>> watches;
  std::string error;
  bool closing = false;

  void open(const std::vector<Endpoint>& servers, Duration try_timeout, int tries) {
    int status = library_status();
    ares_options options{};
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
    options.ednspsz = udp_bytes_max;
    options.timeout = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(try_timeout).count());
    options.tries = tries;
    char lookups[] = "b";  // DNS only: a hosts file knows no seeds
    options.lookups = lookups;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<State*>(self)->watch(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    constexpr int mask =
        ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    if (status == ARES_SUCCESS) status = ares_init_options(&channel, &options, mask);
    if (status == ARES_SUCCESS && !servers.empty()) status = ares_set_servers_ports_csv(channel, server_list(servers).c_str());
    if (status != ARES_SUCCESS) error = std::string("the resolver could not be set up: ") + ares_strerror(status);
  }

  void close() {
    closing = true;
    timer.cancel();
    // Tells every open question ARES_EDESTRUCTION and closes the sockets, each with a last call of the socket callback.
    if (channel) ares_destroy(channel);
    channel = nullptr;
  }

  void watch(int fd, bool readable, bool writable) {
    auto found = watches.find(fd);
    if (!readable && !writable) {
      if (found == watches.end()) return;
      found->second->want_read = found->second->want_write = false;
      found->second->descriptor.release();  // ends its waits with operation_aborted
      watches.erase(found);
      return;
    }
    if (found == watches.end()) {
      auto fresh = std::make_shared<Watch>(executor);
      boost::system::error_code failed;
      fresh->descriptor.assign(fd, failed);
      if (failed) return;  // unwatched: its questions run into their timeout
      found = watches.emplace(fd, std::move(fresh)).first;
    }
    found->second->want_read = readable;
    found->second->want_write = writable;
    wait(found->second);
  }

  void wait(const std::shared_ptr<Watch>& watch) {
    using Kind = asio::posix::stream_descriptor;
    if (watch->want_read && !watch->reading) {
      watch->reading = true;
      watch->descriptor.async_wait(Kind::wait_read, [self = shared_from_this(), watch](boost::system::error_code failed) {
        watch->reading = false;
        self->ready(watch, failed, true);
      });
    }
    if (watch->want_write && !watch->writing) {
      watch->writing = true;
      watch->descriptor.async_wait(Kind::wait_write, [self = shared_from_this(), watch](boost::system::error_code failed) {
        watch->writing = false;
        self->ready(watch, failed, false);
      });
    }
  }

  void ready(const std::shared_ptr<Watch>& watch, boost::system::error_code failed, bool readable) {
    if (closing || !channel || !watch->descriptor.is_open() || failed == asio::error::operation_aborted) return;
    const int fd = watch->descriptor.native_handle();
    ares_process_fd(channel, readable ? fd : ARES_SOCKET_BAD, readable ? ARES_SOCKET_BAD : fd);
    if (watch->descriptor.is_open()) wait(watch);
    arm();
  }

  // c-ares says how long until it has to try again.
  void arm() {
    timeval longest{3600, 0}, next{};
    const timeval* wait = channel ? ares_timeout(channel, &longest, &next) : nullptr;
    if (!wait || wait == &longest) {
      timer.cancel();
      return;
    }
    timer.expires_after(std::chrono::seconds(wait->tv_sec) + std::chrono::microseconds(wait->tv_usec));
    timer.async_wait([self = shared_from_this()](boost::system::error_code failed) {
      if (failed || self->closing || !self->channel) return;
      ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->arm();
    });
  }

  void ask(const std::string& name, DnsType type, Done done) {
    auto question = std::make_unique<Question>(this, type, std::move(done));
    const auto answered = [](void* arg, int status, int, unsigned char* bytes, int size) {
      const std::unique_ptr<Question> asked(static_cast<Question*>(arg));
      if (asked->state->closing) return;
      asked->done(parse(asked->type, status, bytes, size));
    };
    ares_query(channel, name.c_str(), ns_c_in, wire_type(type), answered, question.release());
    arm();
  }
};

DnsChannel::DnsChannel(asio::any_io_executor executor, const std::vector<Endpoint>& servers, Duration try_timeout, int tries)
    : state_(std::make_shared<State>(std::move(executor))) {
  state_->open(servers, try_timeout, tries);
}

DnsChannel::~DnsChannel() { state_->close(); }

const std::string& DnsChannel::error() const { return state_->error; }

void DnsChannel::ask(const std::string& name, DnsType type, Done done) { state_->ask(name, type, std::move(done)); }

}  // namespace lattice
