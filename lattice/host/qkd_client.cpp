#include <lattice/host/qkd_client.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <lattice/base/address.hpp>
#include <lattice/host/key_id.hpp>
#include <lattice/host/tls_client.hpp>
#include <lattice/host/wiped.hpp>

namespace lattice {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

using Body = http::vector_body<uint8_t, WipingAllocator<uint8_t>>;
using Request = http::request<http::string_body>;
struct Answer {
  unsigned status = 0;
  WipedBytes body;
  bool keep = false;  // the connection can be used again
};

struct Channel {
  Channel(asio::io_context& io, asio::ssl::context& tls) : stream(io, tls) {}
  TlsStream stream;
  boost::beast::basic_flat_buffer<WipingAllocator<char>> buffer;
  bool connected = false;
  steady_clock::time_point used;
};

std::unexpected<KeyError> fault(KeyFault kind, std::string why) { return std::unexpected(KeyError{kind, std::move(why)}); }

std::unexpected<KeyError> network_fault(const char* doing, const error_code& error) {
  const std::string why = std::string(doing) + ": " + error.message();
  if (error == http::error::body_limit || error == http::error::header_limit)
    return fault(KeyFault::too_large, "the answer is too large");
  // An end without TLS's goodbye is a broken connection; what a side dislikes in the other's certificate comes as an alert.
  if (error.category() == asio::error::get_ssl_category()) return fault(KeyFault::tls_failed, why);
  const bool ended = error == http::error::end_of_stream || error == http::error::partial_message;
  if (error.category() == http::make_error_code(http::error::bad_version).category() && !ended)
    return fault(KeyFault::bad_answer, why);
  return fault(KeyFault::no_connection, why);
}

asio::awaitable<KeyResult<void>> connect(const std::shared_ptr<Channel> channel, const KmeUrl url) {
  error_code failed;
  const auto wait = [&failed] { return asio::redirect_error(asio::use_awaitable, failed); };
  tcp::resolver resolver(channel->stream.get_executor());
  const auto places =
      co_await resolver.async_resolve(url.host, std::to_string(url.port), tcp::resolver::numeric_service, wait());
  if (failed) co_return network_fault("looking up the host", failed);
  co_await asio::async_connect(channel->stream.next_layer(), places, wait());
  if (failed) co_return network_fault("connecting", failed);
  channel->stream.next_layer().set_option(tcp::no_delay(true), failed);
  if (!expect_host(channel->stream, url.host)) co_return fault(KeyFault::tls_failed, "no TLS for this host");
  co_await channel->stream.async_handshake(asio::ssl::stream_base::client, wait());
  if (failed) co_return network_fault("in the TLS handshake", failed);
  channel->connected = true;
  co_return KeyResult<void>{};
}

asio::awaitable<KeyResult<Answer>> exchange(const std::shared_ptr<Channel> channel, const KmeUrl url, const Request request) {
  if (!channel->connected) {
    if (auto connected = co_await connect(channel, url); !connected) co_return std::unexpected(connected.error());
  }
  error_code failed;
  const auto wait = [&failed] { return asio::redirect_error(asio::use_awaitable, failed); };
  co_await http::async_write(channel->stream, request, wait());
  if (failed) co_return network_fault("sending the request", failed);
  http::response_parser<Body> parser;
  parser.header_limit(qkd_limits::head_bytes_max);
  parser.body_limit(qkd_limits::body_bytes_max);
  co_await http::async_read(channel->stream, channel->buffer, parser, wait());
  if (failed) co_return network_fault("reading the answer", failed);
  channel->used = steady_clock::now();
  auto& message = parser.get();
  // Bytes behind an answer would be taken for the next one's: a server that does what the standard does not say is not trusted with that.
  const unsigned status = message.result_int();
  const bool known = status == 200 || status == 400 || status == 401 || status == 503;
  const bool keep = known && message.keep_alive() && channel->buffer.size() == 0;
  co_return Answer{status, std::move(message.body()), keep};
}

bool is_unreserved(std::string_view text) {
  return std::ranges::all_of(text,
                             [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; });
}

std::string host_field(const KmeUrl& url) {
  const std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  return url.port == 443 ? host : host + ":" + std::to_string(url.port);
}

KeyResult<void> check_status(const Answer& answer) {
  if (answer.status == 200) return {};
  const std::string said = parse_kme_message(answer.body);
  const std::string why = "the key server answers " + std::to_string(answer.status) + (said.empty() ? "" : ": " + said);
  switch (answer.status) {
    case 400: return fault(KeyFault::refused, why);
    case 401:
    case 403: return fault(KeyFault::unauthorized, why);
    case 503: return fault(KeyFault::unavailable, why);
    default: return fault(KeyFault::unexpected_status, why);
  }
}

}  // namespace

bool is_sae_id(std::string_view text) {
  return !text.empty() && text.size() <= qkd_limits::sae_id_bytes_max && is_unreserved(text) && text != "." && text != "..";
}

std::optional<KmeUrl> parse_kme_url(std::string_view text) {
  constexpr std::string_view scheme = "https://";
  if (text.size() > qkd_limits::url_bytes_max || !text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  KmeUrl url;
  const auto slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  text = text.substr(0, slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  const auto is_path = [](unsigned char c) {
    return c == '/' || is_unreserved(std::string_view(reinterpret_cast<char*>(&c), 1));
  };
  if (!std::ranges::all_of(url.path, is_path)) return std::nullopt;
  const bool brackets = text.starts_with('[');
  const auto host_end = brackets ? text.find(']') : std::min(text.find(':'), text.size());
  if (host_end == std::string_view::npos) return std::nullopt;
  url.host = text.substr(brackets, host_end - brackets);
  text.remove_prefix(host_end + brackets);
  if (brackets ? !IpAddress::parse(url.host) : !is_unreserved(url.host)) return std::nullopt;
  if (url.host.empty() || url.host.size() > 253) return std::nullopt;
  if (text.empty()) return url;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, url.port);
  if (text.front() != ':' || stop != end || error != std::errc{} || url.port == 0) return std::nullopt;
  return url;
}

struct QkdClient::State {
  KmeAccess access;
  asio::ssl::context tls;
  asio::io_context io{1};
  std::shared_ptr<Channel> channel{};
  std::atomic<bool> interrupted = false;

  KeyResult<Answer> attempt(const Request& request, Deadline until);
  KeyResult<Answer> ask(http::verb verb, const std::string& sae, const std::string& what, const std::string& body,
                        Deadline until);
};

// A name that is still being looked up cannot be called off: its coroutine is left behind, with all that it uses.
KeyResult<Answer> QkdClient::State::attempt(const Request& request, Deadline until) {
  if (!channel) channel = std::make_shared<Channel>(io, tls);
  const auto result = std::make_shared<std::optional<KeyResult<Answer>>>();
  asio::co_spawn(io, exchange(channel, access.url, request),
                 [result](const std::exception_ptr& failed, KeyResult<Answer> done) {
                   if (failed) {
                     *result = fault(KeyFault::no_connection, "out of memory");
                   } else {
                     *result = std::move(done);
                   }
                 });
  io.restart();
  while (!interrupted && !*result && io.run_one_until(until) > 0) {
  }
  if (!*result) {
    error_code ignored;
    channel->stream.next_layer().close(ignored);
    io.restart();
    io.poll();
    *result = interrupted ? fault(KeyFault::stopped, "the node ends") : fault(KeyFault::timeout, "no answer in time");
  }
  if (!**result || !(**result)->keep) channel.reset();
  return std::move(**result);
}

KeyResult<Answer> QkdClient::State::ask(http::verb verb, const std::string& sae, const std::string& what,
                                        const std::string& body, Deadline until) {
  Request request(verb, access.url.path + "/api/v1/keys/" + sae + "/" + what, 11);
  request.set(http::field::host, host_field(access.url));
  request.set(http::field::accept, "application/json");
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  request.body() = body;
  request.prepare_payload();
  if (channel && steady_clock::now() - channel->used > qkd_limits::idle_max) channel.reset();
  const bool again = channel != nullptr;
  auto answer = attempt(request, until);
  // The server may have closed the connection at the moment that it was used again.
  if (!answer && again && answer.error().fault == KeyFault::no_connection) answer = attempt(request, until);
  if (!answer) return answer;
  if (auto good = check_status(*answer); !good) return std::unexpected(good.error());
  return answer;
}

QkdClient::QkdClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
QkdClient::~QkdClient() = default;

HostResult<std::unique_ptr<QkdClient>> QkdClient::open(const KmeAccess& access) {
  auto tls = tls_client_context({access.authority, access.certificate, access.private_key});
  if (!tls) return std::unexpected(tls.error());
  return std::unique_ptr<QkdClient>(new QkdClient(std::unique_ptr<State>(new State{access, std::move(*tls)})));
}

KeyResult<KmeStatus> QkdClient::status(const std::string& slave_sae, Deadline until) {
  const auto answer = state_->ask(http::verb::get, slave_sae, "status", "", until);
  if (!answer) return std::unexpected(answer.error());
  return parse_kme_status(answer->body);
}

KeyResult<OutsideKey> QkdClient::enc_key(const std::string& slave_sae, Deadline until) {
  const bool get = state_->access.key_request == KeyRequest::get;
  const auto answer = get ? state_->ask(http::verb::get, slave_sae, "enc_keys?number=1&size=256", "", until)
                          : state_->ask(http::verb::post, slave_sae, "enc_keys", key_request_json(), until);
  if (!answer) return std::unexpected(answer.error());
  return parse_key_container(answer->body, std::nullopt);
}

KeyResult<OutsideKey> QkdClient::dec_key(const std::string& master_sae, const KeyId& id, Deadline until) {
  const auto answer = state_->ask(http::verb::post, master_sae, "dec_keys", key_ids_json(id), until);
  if (!answer) return std::unexpected(answer.error());
  return parse_key_container(answer->body, id);
}

void QkdClient::interrupt() {
  state_->interrupted = true;
  state_->io.stop();
}

}  // namespace lattice
