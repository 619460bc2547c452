// Keys from key servers (ETSI GS QKD 014): which SAE a peer is, and at which key server to ask for the keys shared with it.
#pragma once

#include <deque>
#include <map>
#include <set>

#include <lattice/host/qkd_client.hpp>

namespace lattice {

namespace qkd_limits {
constexpr auto backoff_min = std::chrono::milliseconds{500};
constexpr auto backoff_max = std::chrono::milliseconds{30'000};
constexpr size_t used_ids_max = 65'536;  // remembered; the key server itself hands a key out once a side
constexpr size_t senders_max = 8;        // asked for in turn where it is not known whose key an id names
constexpr size_t peers_max = 1'024;
constexpr size_t stock_peers_max = 16;  // asked for at a start
}  // namespace qkd_limits

// A key server that does not answer is left alone for a while, twice as long each time, so that handshakes fail at once.
class KmeBackoff {
 public:
  using Time = std::chrono::steady_clock::time_point;
  bool waits(Time now) const { return now < until_; }
  // What a peer can bring about (an unknown id: 400 or 401) says nothing about the server.
  void on_result(const std::optional<KeyFault>& fault, Time now);

 private:
  Time until_{};
  std::chrono::milliseconds pause_{0};
};

struct QkdPeer {
  NodeId node;
  std::string sae;
  size_t kme = 0;  // which of QkdConfig::kmes
};
struct QkdConfig {
  std::vector<KmeAccess> kmes;
  std::vector<QkdPeer> peers;
  std::chrono::milliseconds deadline = qkd_limits::deadline;  // of one fetch
};

class QkdSource final : public KeySource {
 public:
  static HostResult<std::unique_ptr<QkdSource>> open(const QkdConfig& config);

  KeyResult<OutsideKey> fetch(const NodeId& peer, const std::optional<KeyId>& id) override;
  std::vector<KeyStock> stock() override;
  void interrupt() override;

 private:
  struct Kme {
    std::unique_ptr<QkdClient> client;
    KmeBackoff backoff;
  };
  explicit QkdSource(const QkdConfig& config);
  template <class Ask>
  auto ask(const QkdPeer& peer, const Ask& ask) -> decltype(ask(std::declval<QkdClient&>()));
  KeyResult<OutsideKey> fetch_of_somebody(const KeyId& id, QkdClient::Deadline until);
  KeyResult<OutsideKey> once(KeyResult<OutsideKey> key);

  const std::chrono::milliseconds deadline_;
  std::vector<Kme> kmes_;
  std::map<NodeId, QkdPeer> peers_;
  std::set<KeyId> used_;
  std::deque<KeyId> used_order_;
};

}  // namespace lattice
