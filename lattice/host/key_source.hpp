// Where keys from outside come from (link/outside_key.hpp): an operator's file (key_file_source.hpp) or the key server of a
// quantum network (qkd_source.hpp), asked on a thread of its own because the answer may take seconds.
//
// A peer sees every failure alike: no key. The operator gets the cause, by KeyFault, in the log and in the counts.
#pragma once

#include <array>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lattice/base/ids.hpp>
#include <lattice/base/log.hpp>
#include <lattice/host/workers.hpp>
#include <lattice/link/outside_key.hpp>
#include <lattice/link/work.hpp>

namespace lattice {

enum class KeyFault : uint8_t {
  unknown_peer,       // the operator has named no key source for it
  used_up,            // no unused key is left for it
  unknown_id,         // nobody has a key of that id for it
  used_id,            // a key is used once
  zero_key,           // 256 zero bits are no key
  wrong_size,         // not 256 bits
  wrong_id,           // the key server gave another key than it was asked for
  bad_answer,         // no JSON, or not what ETSI GS QKD 014 says
  too_large,          // more than qkd_limits::body_bytes_max
  refused,            // 400: a wrong request, an unknown id, or no keys left
  unauthorized,       // 401 or 403
  unavailable,        // 503
  unexpected_status,  // any other
  timeout,
  no_connection,
  tls_failed,   // a certificate, a host name or a protocol version that one of both sides refuses
  backing_off,  // the key server failed a moment ago and is left alone
  not_written,  // that the key is used could not be written down
  queue_full,
  stopped,  // the node ends
};
constexpr size_t key_fault_count = static_cast<size_t>(KeyFault::stopped) + 1;
std::string_view key_fault_name(KeyFault fault);  // snake_case, as logs and reports write it

struct KeyError {
  KeyFault fault;
  std::string why;  // for the operator; never a key
};
template <class T>
using KeyResult = std::expected<T, KeyError>;

// How many unused keys there are for a peer; null id: for any peer.
struct KeyStock {
  NodeId peer;
  KeyResult<uint64_t> keys;
};

class KeySource {
 public:
  virtual ~KeySource() = default;
  // Without `id`: a fresh key to share with `peer`. With it: the key of that id; `peer` is null where it is not known yet, for a
  // responder reads the id before it reads who has sent it. Each key comes out once. May block for seconds.
  virtual KeyResult<OutsideKey> fetch(const NodeId& peer, const std::optional<KeyId>& id) = 0;
  // What there is, for the log of a start. May block for seconds.
  virtual std::vector<KeyStock> stock() = 0;
  // Any thread: a fetch that waits ends soon, and so does each that follows.
  virtual void interrupt() {}
};

namespace key_thread_limits {
constexpr size_t requests_max = 64;                             // waiting or running
constexpr auto waiting_max = std::chrono::seconds{5};           // then the handshake would not end in time
constexpr auto log_interval = std::chrono::milliseconds{1000};  // of one fault; the counts have them all
}  // namespace key_thread_limits

struct KeyCounts {
  uint64_t fetched = 0;
  std::array<uint64_t, key_fault_count> failed{};  // by KeyFault
};

// A KeySource on its thread. Its own calls, counts and log lines are on the thread of `post`.
class KeyThread {
 public:
  using Done = std::function<void(std::optional<OutsideKey>)>;

  KeyThread(std::unique_ptr<KeySource> source, Post post, LogSink& log);
  // Interrupts the source; answers that have not come by then never come.
  ~KeyThread();

  // `done` is called later, once. Where too many wait: empty, soon.
  void fetch(const OutsideKeyWork& work, Done done);
  // Says in the log what keys there are.
  void log_stock();
  const KeyCounts& counts() const { return counts_; }

 private:
  void finish(KeyResult<OutsideKey> result, const NodeId& peer, const Done& done);
  void log_failure(const KeyError& error, const NodeId& peer);

  const std::unique_ptr<KeySource> source_;
  const Post post_;
  LogSink& log_;
  KeyCounts counts_;
  std::array<std::optional<std::chrono::steady_clock::time_point>, key_fault_count> logged_;
  WorkerPool pool_;  // last: its thread uses the source
};

}  // namespace lattice
