#include <lattice/host/key_source.hpp>

#include <lattice/base/assert.hpp>
#include <lattice/link/identity.hpp>

namespace lattice {

using std::chrono::steady_clock;
namespace limits_ = key_thread_limits;

std::string_view key_fault_name(KeyFault fault) {
  switch (fault) {
    case KeyFault::unknown_peer: return "unknown_peer";
    case KeyFault::used_up: return "used_up";
    case KeyFault::unknown_id: return "unknown_id";
    case KeyFault::used_id: return "used_id";
    case KeyFault::zero_key: return "zero_key";
    case KeyFault::wrong_size: return "wrong_size";
    case KeyFault::wrong_id: return "wrong_id";
    case KeyFault::bad_answer: return "bad_answer";
    case KeyFault::too_large: return "too_large";
    case KeyFault::refused: return "refused";
    case KeyFault::unauthorized: return "unauthorized";
    case KeyFault::unavailable: return "unavailable";
    case KeyFault::unexpected_status: return "unexpected_status";
    case KeyFault::timeout: return "timeout";
    case KeyFault::no_connection: return "no_connection";
    case KeyFault::tls_failed: return "tls_failed";
    case KeyFault::backing_off: return "backing_off";
    case KeyFault::not_written: return "not_written";
    case KeyFault::queue_full: return "queue_full";
    case KeyFault::stopped: return "stopped";
  }
  return "unknown";
}

KeyThread::KeyThread(std::unique_ptr<KeySource> source, Post post, LogSink& log)
    : source_(std::move(source)), post_(std::move(post)), log_(log), pool_(1, limits_::requests_max, [] {}) {}

KeyThread::~KeyThread() { source_->interrupt(); }

void KeyThread::fetch(const OutsideKeyWork& work, Done done) {
  const auto finish_later = [this, peer = work.peer, done = std::move(done)](KeyResult<OutsideKey> result) {
    post_([this, peer, done, result = std::move(result)]() mutable { finish(std::move(result), peer, done); });
  };
  if (pool_.busy()) {
    return finish_later(std::unexpected(KeyError{KeyFault::queue_full, "the key source is slower than it is asked"}));
  }
  pool_.submit(1, [this, work, finish_later, asked = steady_clock::now()] {
    if (steady_clock::now() - asked > limits_::waiting_max) {
      return finish_later(std::unexpected(KeyError{KeyFault::timeout, "it waited too long for its turn"}));
    }
    finish_later(source_->fetch(work.peer, work.id));
  });
}

void KeyThread::finish(KeyResult<OutsideKey> result, const NodeId& peer, const Done& done) {
  if (result && result->key == Secret<32>()) result = std::unexpected(KeyError{KeyFault::zero_key, "every bit is zero"});
  if (result) {
    ++counts_.fetched;
    return done(std::move(*result));
  }
  ++counts_.failed[static_cast<size_t>(result.error().fault)];
  log_failure(result.error(), peer);
  done(std::nullopt);
}

void KeyThread::log_failure(const KeyError& error, const NodeId& peer) {
  auto& last = logged_[static_cast<size_t>(error.fault)];
  const auto now = steady_clock::now();
  if (!log_.wants(LogLevel::warning) || (last && now - *last < limits_::log_interval)) return;
  last = now;
  LogEvent event{LogLevel::warning, "outside_key_failed", {{"fault", std::string(key_fault_name(error.fault))}}};
  if (!peer.is_zero()) event.fields.push_back({"peer", node_id_text(peer)});
  event.fields.push_back({"why", error.why});
  log_.log(event);
}

void KeyThread::log_stock() {
  pool_.submit(1, [this] {
    post_([this, stock = source_->stock()] {
      for (const auto& [peer, keys] : stock) {
        LogEvent event{keys ? LogLevel::info : LogLevel::warning, "outside_keys", {}};
        event.fields.push_back({"peer", peer.is_zero() ? "any" : node_id_text(peer)});
        if (keys) event.fields.push_back({"unused", std::to_string(*keys)});
        if (!keys) event.fields.push_back({"fault", std::string(key_fault_name(keys.error().fault))});
        if (!keys) event.fields.push_back({"why", keys.error().why});
        if (log_.wants(event.level)) log_.log(event);
      }
    });
  });
}

}  // namespace lattice
