// delay_proxy CONFIG [--seconds N] [--report FILE]: the world between network namespaces, for tests with real processes.
//
// It reads IP packets from a TUN device in each namespace, and hands each on after the delay, the queues and the weather that
// the configuration gives (config.hpp, line_model.hpp). It prints {"event":"ready"} when it has begun; on SIGTERM, SIGINT or
// after N seconds it ends, and writes what it did as JSON.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>

#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "config.hpp"
#include "packet.hpp"
#include "tun.hpp"

namespace lattice::delay_proxy {

namespace {

constexpr size_t packets_in_a_row_max = 64;  // of one device, then the others have their turn
constexpr size_t lateness_steps = 64;        // of 1/4 octave, from a microsecond on

Instant mono_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{std::chrono::seconds{time.tv_sec} + Duration{time.tv_nsec}};
}

timespec to_timespec(Instant when) {
  const auto ns = when.time_since_epoch().count();
  return {ns / 1'000'000'000, ns % 1'000'000'000};
}

// How much later than due packets were handed on: whether the machine kept up, and a measurement can be believed.
class Lateness {
 public:
  void add(Duration late) {
    const double us = std::max(1.0, static_cast<double>(late.count()) / 1000);
    ++counts_[std::min(lateness_steps - 1, static_cast<size_t>(4 * std::log2(us)))];
    ++total_;
    max_ = std::max(max_, us);
  }
  nlohmann::ordered_json json() const { return {{"p50", share(0.5)}, {"p99", share(0.99)}, {"max", std::round(max_)}}; }

 private:
  double share(double part) const {
    uint64_t below = 0;
    for (size_t i = 0; i < lateness_steps; ++i) {
      below += counts_[i];
      if (static_cast<double>(below) >= part * static_cast<double>(total_))
        return std::round(std::exp2((static_cast<double>(i) + 1) / 4));
    }
    return 0;
  }
  uint64_t counts_[lateness_steps]{}, total_ = 0;
  double max_ = 0;
};

class Proxy {
 public:
  explicit Proxy(ProxyConfig config);
  HostResult<void> open();
  HostResult<void> run(double seconds);
  std::string report() const;

 private:
  void read_device(uint32_t host);
  void take(uint32_t host, ByteView packet, Instant now);
  void deliver();
  void arm();

  ProxyConfig config_;
  LineModel model_;
  std::map<IpAddress, uint32_t> hosts_;
  std::vector<Descriptor> devices_;
  Descriptor epoll_, timer_, signals_;
  std::optional<Instant> armed_;
  Lateness lateness_;
  uint64_t malformed_ = 0, unknown_ = 0, foreign_ = 0, not_taken_ = 0;
  Instant began_ = mono_now();
};

std::vector<Line> lines_of(const ProxyConfig& config) {
  std::vector<Line> lines;
  for (const auto& host : config.hosts) lines.push_back(host.line);
  return lines;
}

Proxy::Proxy(ProxyConfig config)
    : config_(std::move(config)), model_(config_.seed, lines_of(config_), config_.one_way, config_.weather) {
  for (uint32_t i = 0; i < config_.hosts.size(); ++i) hosts_[config_.hosts[i].address] = i;
}

HostResult<void> Proxy::open() {
  epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  timer_ = Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  signals_ = Descriptor(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  const auto watch = [&](int fd, uint32_t number) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = number;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  };
  for (uint32_t i = 0; i < config_.hosts.size(); ++i) {
    auto tun = open_tun(config_.hosts[i].network_namespace, config_.hosts[i].device);
    if (!tun) return std::unexpected(tun.error());
    devices_.push_back(std::move(*tun));
  }
  bool watched = watch(timer_.get(), hosts_max) && watch(signals_.get(), hosts_max + 1);
  for (uint32_t i = 0; i < devices_.size(); ++i) watched = watched && watch(devices_[i].get(), i);
  if (!watched)
    return std::unexpected(HostError{"the devices cannot be watched", std::strerror(errno), "raise the limit of open files"});
  // As exact as the machine gives: no timer is put off to fall together with others, and what is due goes before other work.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  const sched_param first{.sched_priority = 1};
  ::sched_setscheduler(0, SCHED_FIFO, &first);
  return {};
}

void Proxy::take(uint32_t host, ByteView packet, Instant now) {
  const auto addresses = parse_packet(packet);
  if (!addresses) {
    ++malformed_;
    return;
  }
  const auto to = hosts_.find(addresses->to);
  if (to == hosts_.end()) {
    ++unknown_;
  } else if (addresses->from != config_.hosts[host].address) {
    ++foreign_;  // each host has one address; a packet of another is none that the world would carry
  } else {
    model_.send(host, to->second, packet, addresses->header_bytes, now);
  }
}

void Proxy::read_device(uint32_t host) {
  uint8_t buffer[packet_bytes_max + 1];
  for (size_t i = 0; i < packets_in_a_row_max; ++i) {
    const auto size = ::read(devices_[host].get(), buffer, sizeof buffer);
    if (size <= 0) return;
    if (static_cast<size_t>(size) > packet_bytes_max) {
      ++malformed_;
      continue;
    }
    take(host, ByteView(buffer, static_cast<size_t>(size)), mono_now());
  }
}

void Proxy::deliver() {
  const Instant now = mono_now();
  while (const auto packet = model_.take(now)) {
    lateness_.add(now - packet->due);
    const auto written = ::write(devices_[packet->to].get(), packet->packet.data(), packet->packet.size());
    if (written != static_cast<ssize_t>(packet->packet.size())) ++not_taken_;
  }
}

void Proxy::arm() {
  const auto next = model_.next();
  if (!next || armed_ == next) return;
  armed_ = next;
  const itimerspec when{.it_interval = {}, .it_value = to_timespec(*next)};
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

HostResult<void> Proxy::run(double seconds) {
  const Instant end = began_ + Duration{static_cast<int64_t>(seconds * 1e9)};
  epoll_event events[64];
  for (;;) {
    deliver();
    arm();
    const auto left = end - mono_now();
    if (left <= Duration{}) return {};
    const auto wait = std::min<int64_t>(left.count() / 1'000'000 + 1, 60'000);
    const int count = ::epoll_wait(epoll_.get(), events, std::size(events), static_cast<int>(wait));
    if (count < 0 && errno != EINTR) return std::unexpected(HostError{"waiting failed", std::strerror(errno), {}});
    for (int i = 0; i < count; ++i) {
      const uint32_t which = events[i].data.u32;
      if (which == hosts_max + 1) return {};
      if (which == hosts_max) {
        uint64_t expirations = 0;
        if (::read(timer_.get(), &expirations, sizeof expirations) > 0) armed_.reset();
      } else {
        read_device(which);
      }
    }
  }
}

std::string Proxy::report() const {
  const auto& stats = model_.stats();
  const nlohmann::ordered_json report{
      {"event", "ended"},
      {"seconds", seconds_of(mono_now() - began_)},
      {"seed", config_.seed},
      {"packets_in", stats.packets_in},
      {"bytes_in", stats.bytes_in},
      {"packets_out", stats.packets_out},
      {"bytes_out", stats.bytes_out},
      {"lost", stats.lost},
      {"duplicated", stats.duplicated},
      {"corrupted", stats.corrupted},
      {"reordered", stats.reordered},
      {"dropped_up", stats.dropped_up},
      {"dropped_down", stats.dropped_down},
      {"dropped_full", stats.dropped_full},
      {"malformed", malformed_},
      {"unknown", unknown_},
      {"foreign", foreign_},
      {"not_taken", not_taken_},
      {"bytes_under_way_peak", stats.bytes_under_way_peak},
      {"late_us", lateness_.json()},
  };
  return report.dump() + "\n";
}

int fail_with(const HostError& error) {
  std::cerr << "delay_proxy: " << error.text() << "\n";
  return 1;
}

int run(int argc, char** argv) {
  CLI::App app("Delay, queues and weather between network namespaces", "delay_proxy");
  std::string file, report;
  double seconds = 3600;
  app.add_option("config", file, "JSON (tools/delay_proxy/config.hpp)")->required();
  app.add_option("--seconds", seconds, "Ends after so many")->check(CLI::Range(0.001, 1e6))->capture_default_str();
  app.add_option("--report", report, "Also write the report to this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  auto config = read_config(file);
  if (!config) return fail_with(config.error());
  Proxy proxy(std::move(*config));
  if (const auto opened = proxy.open(); !opened) return fail_with(opened.error());
  std::cout << "{\"event\":\"ready\"}" << std::endl;
  if (const auto ran = proxy.run(seconds); !ran) return fail_with(ran.error());
  std::cout << proxy.report() << std::flush;
  if (!report.empty() && !(std::ofstream(report) << proxy.report()).flush()) {
    return fail_with({"the report " + report + " cannot be written", std::strerror(errno), "check its folder"});
  }
  return 0;
}

}  // namespace

}  // namespace lattice::delay_proxy

int main(int argc, char** argv) { return lattice::delay_proxy::run(argc, argv); }
