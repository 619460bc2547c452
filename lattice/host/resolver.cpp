#include <lattice/host/resolver.hpp>

#include <algorithm>
#include <deque>
#include <map>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <lattice/host/dns_channel.hpp>

namespace lattice {

namespace {

namespace asio = boost::asio;
using namespace dns_limits;

constexpr const char* service_prefix = "_lattice._tcp.";
constexpr size_t name_bytes_max = 253 - std::char_traits<char>::length(service_prefix);  // RFC 1035 2.3.4

// One seed's name, from its four first questions to its answer.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  Lookup(const asio::any_io_executor& executor, std::string name, Resolver::Done done)
      : executor_(executor), deadline_(executor), name_(std::move(name)), done_(std::move(done)) {}

  void start(const std::vector<Endpoint>& servers) {
    started_ = std::chrono::steady_clock::now();
    deadline_.expires_after(deadline);
    deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->finish("no whole answer within 10 s");
    });
    if (name_.empty() || name_.size() > name_bytes_max) return finish_later("not a name that DNS can hold");
    channel_ = std::make_unique<DnsChannel>(executor_, servers, try_timeout, tries);
    if (!channel_->error().empty()) return finish_later(channel_->error());
    ++open_;  // an answer may come before the next question is asked: the last one must not be taken for the end
    ask(name_, DnsType::a);
    ask(name_, DnsType::aaaa);
    ask(service_prefix + name_, DnsType::srv);
    ask(service_prefix + name_, DnsType::txt);
    if (--open_ == 0) finish_later("");
  }

  // Nobody is told.
  void drop() {
    done_ = nullptr;
    deadline_.cancel();
    channel_.reset();
  }

 private:
  struct Target {
    DnsService service;
    std::vector<IpAddress> addresses;
  };

  void ask(const std::string& name, DnsType type, std::optional<size_t> target = {}) {
    ++open_;
    channel_->ask(name, type, [this, type, target](DnsReply reply) {
      if (target) {
        take_target(*target, std::move(reply));
      } else {
        take(type, std::move(reply));
      }
      if (--open_ == 0) finish_later("");
    });
  }

  void take(DnsType type, DnsReply reply) {
    if (!reply.error.empty()) note(std::string(dns_type_name(type)) + ": " + reply.error);
    for (const auto& address : reply.addresses) {
      if (answer_.addresses.size() < addresses_max) answer_.addresses.push_back(address);
    }
    for (auto& text : reply.texts) {
      if (answer_.texts.size() < texts_max && text.size() <= text_bytes_max) answer_.texts.push_back(std::move(text));
    }
    if (type == DnsType::srv) take_services(std::move(reply.services));
  }

  void take_services(std::vector<DnsService> services) {
    // RFC 2782: the lowest priority first; among equals the heavier one. A target "." means that there is no such service.
    std::erase_if(services, [](const DnsService& service) { return service.port == 0 || service.host.empty(); });
    std::ranges::stable_sort(services, [](const DnsService& a, const DnsService& b) {
      return a.priority != b.priority ? a.priority < b.priority : a.weight > b.weight;
    });
    if (services.size() > targets_max) services.resize(targets_max);
    for (auto& service : services) targets_.push_back({std::move(service), {}});
    for (size_t i = 0; i < targets_.size(); ++i) {
      ask(targets_[i].service.host, DnsType::a, i);
      ask(targets_[i].service.host, DnsType::aaaa, i);
    }
  }

  void take_target(size_t index, DnsReply reply) {
    auto& addresses = targets_[index].addresses;
    for (const auto& address : reply.addresses) {
      if (addresses.size() < target_addresses_max) addresses.push_back(address);
    }
    if (!reply.error.empty() && !reply.no_data) note(targets_[index].service.host + ": " + reply.error);
  }

  void note(const std::string& text) {
    constexpr size_t detail_bytes_max = 512;
    if (answer_.detail.size() > detail_bytes_max) return;
    answer_.detail += (answer_.detail.empty() ? "" : "; ") + text;
  }

  // Out of c-ares' own callbacks: its channel must not be destroyed inside them.
  void finish_later(std::string why) {
    asio::post(executor_, [self = shared_from_this(), why = std::move(why)] { self->finish(why); });
  }

  void finish(const std::string& why) {
    if (!done_) return;
    channel_.reset();
    deadline_.cancel();
    if (!why.empty()) note(why);
    for (const auto& target : targets_) {
      for (const auto& address : target.addresses) answer_.services.push_back({address, target.service.port});
    }
    // Nothing that the chain could use: whether by silence or by "no such name" is in the detail.
    answer_.failed = answer_.addresses.empty() && answer_.services.empty() && answer_.texts.empty();
    answer_.elapsed = std::chrono::steady_clock::now() - started_;
    std::exchange(done_, nullptr)(std::move(answer_));
  }

  asio::any_io_executor executor_;
  asio::steady_timer deadline_;
  std::string name_;
  Resolver::Done done_;
  std::unique_ptr<DnsChannel> channel_;
  std::chrono::steady_clock::time_point started_;
  std::vector<Target> targets_;
  DnsAnswer answer_;
  size_t open_ = 0;
};

}  // namespace

struct Resolver::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor io, std::vector<Endpoint> list) : executor(std::move(io)), servers(std::move(list)) {}

  struct Question {
    std::string name;
    Done done;
  };
  asio::any_io_executor executor;
  std::vector<Endpoint> servers;
  std::deque<Question> waiting;
  std::map<uint64_t, std::shared_ptr<Lookup>> running;
  uint64_t next = 0;

  void start_more() {
    while (running.size() < questions_running_max && !waiting.empty()) {
      auto question = std::move(waiting.front());
      waiting.pop_front();
      const uint64_t id = next++;
      auto done = [weak = weak_from_this(), id, done = std::move(question.done)](DnsAnswer answer) {
        const auto state = weak.lock();
        if (!state) return;
        state->running.erase(id);
        done(std::move(answer));
        state->start_more();
      };
      const auto lookup = std::make_shared<Lookup>(executor, std::move(question.name), std::move(done));
      running.emplace(id, lookup);
      lookup->start(servers);
    }
  }
};

Resolver::Resolver(asio::any_io_executor executor, std::vector<Endpoint> servers)
    : state_(std::make_shared<State>(std::move(executor), std::move(servers))) {}

Resolver::~Resolver() {
  for (auto& [id, lookup] : state_->running) lookup->drop();
}

void Resolver::resolve(std::string name, Done done) {
  state_->waiting.push_back({std::move(name), std::move(done)});
  state_->start_more();
}

}  // namespace lattice
