// Asks a key server (KME) for keys: ETSI GS QKD 014 V1.1.1 over HTTPS, TLS 1.3 with certificates on both sides.
//
// One request at a time, on the caller's thread, which waits for the answer until the deadline of the whole request: name, connection,
// handshake, answer. A connection stays open for the next request. Redirects are not followed.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <lattice/host/host_error.hpp>
#include <lattice/host/qkd_answer.hpp>

namespace lattice {

namespace qkd_limits {
constexpr auto deadline = std::chrono::milliseconds{5000};
constexpr auto idle_max = std::chrono::seconds{30};  // an older connection is not used again
constexpr size_t head_bytes_max = 8 * 1024;          // of an answer
constexpr size_t sae_id_bytes_max = 128;
constexpr size_t url_bytes_max = 512;
}  // namespace qkd_limits

// https://HOST[:PORT][/PATH]: what stands before /api/v1/keys.
struct KmeUrl {
  std::string host;  // a name or an IP address, without brackets
  uint16_t port = 443;
  std::string path;  // empty, or begins and does not end with "/"

  bool operator==(const KmeUrl&) const = default;
};
std::optional<KmeUrl> parse_kme_url(std::string_view text);
// Letters, digits and "-._~" (RFC 3986's unreserved: nothing that a path must escape), and no path of its own: "." or "..".
bool is_sae_id(std::string_view text);

enum class KeyRequest : uint8_t { post, get };  // for enc_keys; dec_keys is always asked by POST

struct KmeAccess {
  KmeUrl url;
  std::filesystem::path authority, certificate, private_key;  // PEM (tls_client.hpp)
  KeyRequest key_request = KeyRequest::post;
};

class QkdClient {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Reads the files.
  static HostResult<std::unique_ptr<QkdClient>> open(const KmeAccess& access);
  ~QkdClient();
  QkdClient(const QkdClient&) = delete;
  QkdClient& operator=(const QkdClient&) = delete;

  // SAE ids as is_sae_id takes them.
  KeyResult<KmeStatus> status(const std::string& slave_sae, Deadline until);
  // A fresh key to share with that SAE, which asks for it by its id.
  KeyResult<OutsideKey> enc_key(const std::string& slave_sae, Deadline until);
  // The key of that id, which that SAE has got from its own key server.
  KeyResult<OutsideKey> dec_key(const std::string& master_sae, const KeyId& id, Deadline until);
  // Any thread: ends the request that waits, and all that follow.
  void interrupt();

 private:
  struct State;
  explicit QkdClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lattice
