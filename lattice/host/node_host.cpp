#include <lattice/host/node_host.hpp>

#include <atomic>
#include <csignal>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <lattice/host/reactor.hpp>

namespace lattice {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto stop_limit = std::chrono::seconds{2};

}  // namespace

struct NodeHost::State {
  State(HostConfig config, std::unique_ptr<Chain> chain, std::unique_ptr<Store> store, Provider& provider, LogSink& log)
      : reactor(std::move(config), std::move(chain), std::move(store), provider, log),
        tick_timer(reactor.io),
        stop_timer(reactor.io),
        signals(reactor.io) {}

  Reactor reactor;
  asio::steady_timer tick_timer;
  asio::steady_timer stop_timer;
  asio::signal_set signals;
  std::atomic<bool> stop_asked = false;

  void start_ticking(const std::function<bool(const NodeReport&)>& every_tick, Duration tick) {
    tick_timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(tick));
    tick_timer.async_wait([this, &every_tick, tick](error_code cancelled) {
      if (cancelled || reactor.stopping) return;
      const NodeReport report = reactor.node->report();
      if (!every_tick(report) || report.failed || stop_asked) return end();
      start_ticking(every_tick, tick);
    });
  }

  void wait_for_signals() {
    signals.async_wait([this](error_code cancelled, int) {
      if (cancelled) return;
      if (reactor.stopping) return reactor.io.stop();
      end();
      wait_for_signals();
    });
  }

  // Links are closed with a reason; a peer that does not take it is not waited for.
  void end() {
    if (reactor.stopping) return;
    stop_timer.expires_after(stop_limit);
    stop_timer.async_wait([this](error_code cancelled) {
      if (!cancelled) reactor.io.stop();
    });
    reactor.close_all();
  }
};

NodeHost::NodeHost(HostConfig config, std::unique_ptr<Chain> chain, std::unique_ptr<Store> store, Provider& provider,
                   LogSink& log)
    : state_(std::make_unique<State>(std::move(config), std::move(chain), std::move(store), provider, log)) {}

NodeHost::~NodeHost() = default;

HostResult<void> NodeHost::start() {
  if (const auto listening = state_->reactor.listen(); !listening) return listening;
  state_->reactor.make_node();
  return {};
}

HostResult<void> NodeHost::run(const std::function<bool(const NodeReport&)>& every_tick, Duration tick) {
  auto& state = *state_;
  if (state.stop_asked) return {};
  try {
    if (state.reactor.config.handle_signals) {
      state.signals.add(SIGINT);
      state.signals.add(SIGTERM);
      state.wait_for_signals();
    }
    state.reactor.input([](Node& node, Now now) { node.start(now); });
    state.start_ticking(every_tick, tick);
    state.reactor.io.run();
  } catch (const std::exception& error) {
    return std::unexpected(HostError{"the node had to stop", error.what(), "check the machine's memory and open files"});
  }
  return {};
}

void NodeHost::stop() {
  state_->stop_asked = true;
  asio::post(state_->reactor.io, [state = state_.get()] { state->end(); });
}

std::optional<KeyCounts> NodeHost::key_counts() const { return state_->reactor.key_counts(); }

NodeReport NodeHost::report() const { return state_->reactor.node->report(); }

std::vector<SeedEntry> NodeHost::choose_seeds(size_t count) const {
  return state_->reactor.node->choose_seeds(count, real_now());
}

bool NodeHost::submit_block(Bytes header, SharedBytes block) {
  auto& reactor = state_->reactor;
  if (reactor.stopping || reactor.overloaded() || !reactor.node->takes_connections()) return false;
  reactor.input([&](Node& node, Now now) { node.on_local_block(std::move(header), std::move(block), now); });
  return true;
}

std::optional<Endpoint> NodeHost::local() const { return state_->reactor.config.listen; }

}  // namespace lattice
