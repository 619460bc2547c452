#include <lattice/host/qkd_source.hpp>

#include <algorithm>

namespace lattice {

using std::chrono::steady_clock;

void KmeBackoff::on_result(const std::optional<KeyFault>& fault, Time now) {
  if (fault == KeyFault::stopped || fault == KeyFault::backing_off) return;
  const bool down = fault == KeyFault::timeout || fault == KeyFault::no_connection || fault == KeyFault::tls_failed ||
                    fault == KeyFault::unavailable;
  pause_ = down ? std::clamp(2 * pause_, qkd_limits::backoff_min, qkd_limits::backoff_max) : std::chrono::milliseconds{0};
  until_ = now + pause_;
}

QkdSource::QkdSource(const QkdConfig& config) : deadline_(config.deadline) {
  for (const auto& peer : config.peers) peers_.emplace(peer.node, peer);
}

HostResult<std::unique_ptr<QkdSource>> QkdSource::open(const QkdConfig& config) {
  std::unique_ptr<QkdSource> source(new QkdSource(config));
  for (const auto& access : config.kmes) {
    auto client = QkdClient::open(access);
    if (!client) return std::unexpected(client.error());
    source->kmes_.push_back({std::move(*client), {}});
  }
  return source;
}

template <class Ask>
auto QkdSource::ask(const QkdPeer& peer, const Ask& ask) -> decltype(ask(std::declval<QkdClient&>())) {
  auto& kme = kmes_[peer.kme];
  if (kme.backoff.waits(steady_clock::now()))
    return std::unexpected(KeyError{KeyFault::backing_off, "the key server failed a moment ago"});
  auto result = ask(*kme.client);
  kme.backoff.on_result(result ? std::optional<KeyFault>() : result.error().fault, steady_clock::now());
  return result;
}

KeyResult<OutsideKey> QkdSource::fetch(const NodeId& peer, const std::optional<KeyId>& id) {
  if (id && used_.contains(*id)) return std::unexpected(KeyError{KeyFault::used_id, "a key is used once"});
  const auto until = steady_clock::now() + deadline_;
  if (peer.is_zero() && id) return once(fetch_of_somebody(*id, until));
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return std::unexpected(KeyError{KeyFault::unknown_peer, "the peer has no SAE id"});
  return once(ask(found->second, [&](QkdClient& client) {
    return id ? client.dec_key(found->second.sae, *id, until) : client.enc_key(found->second.sae, until);
  }));
}

// ETSI GS QKD 014 clause 5.4 wants the other side's SAE id, which a responder cannot know yet. The first that fits.
KeyResult<OutsideKey> QkdSource::fetch_of_somebody(const KeyId& id, QkdClient::Deadline until) {
  KeyResult<OutsideKey> key = std::unexpected(KeyError{KeyFault::unknown_peer, "no peer has an SAE id"});
  size_t asked = 0;
  for (const auto& [node, peer] : peers_) {
    if (asked++ == qkd_limits::senders_max || steady_clock::now() >= until) break;
    key = ask(peer, [&](QkdClient& client) { return client.dec_key(peer.sae, id, until); });
    if (key || key.error().fault == KeyFault::stopped) break;
  }
  return key;
}

KeyResult<OutsideKey> QkdSource::once(KeyResult<OutsideKey> key) {
  if (!key) return key;
  if (!used_.insert(key->id).second)
    return std::unexpected(KeyError{KeyFault::used_id, "the key server has given a key twice"});
  used_order_.push_back(key->id);
  if (used_order_.size() > qkd_limits::used_ids_max) {
    used_.erase(used_order_.front());
    used_order_.pop_front();
  }
  return key;
}

std::vector<KeyStock> QkdSource::stock() {
  std::vector<KeyStock> stock;
  for (const auto& [node, peer] : peers_) {
    if (stock.size() == qkd_limits::stock_peers_max) break;
    const auto status = ask(peer, [&](QkdClient& client) { return client.status(peer.sae, steady_clock::now() + deadline_); });
    if (!status) {
      stock.push_back({node, std::unexpected(status.error())});
    } else if (status->min_key_size > 256 || status->max_key_size < 256 || status->max_key_per_request == 0) {
      stock.push_back({node, std::unexpected(KeyError{KeyFault::wrong_size, "the key server gives no keys of 256 bits"})});
    } else {
      stock.push_back({node, status->stored_key_count});
    }
  }
  return stock;
}

void QkdSource::interrupt() {
  for (auto& kme : kmes_) kme.client->interrupt();
}

}  // namespace lattice
