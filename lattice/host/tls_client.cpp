#include <lattice/host/tls_client.hpp>

#include <cerrno>
#include <cstring>

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

namespace lattice {

namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

auto file_error(const char* what, const std::filesystem::path& path, std::string why, std::string advice) {
  return std::unexpected(
      HostError{std::string(what) + " " + path.string() + " could not be used", std::move(why), std::move(advice)});
}

HostResult<void> check_private(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0)
    return file_error("the private key", path, std::strerror(errno), "check the path and its owner");
  if ((info.st_mode & 077) != 0) {
    return file_error("the private key", path, "others than its owner can read or write it",
                      "make a new one if somebody may have read it, else: chmod 600 " + path.string());
  }
  return {};
}

}  // namespace

HostResult<ssl::context> tls_client_context(const TlsFiles& files) {
  if (auto own = check_private(files.private_key); !own) return std::unexpected(own.error());
  ssl::context context(ssl::context::tls_client);
  SSL_CTX* native = context.native_handle();
  if (SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION) != 1)
    return file_error("TLS 1.3 with", files.certificate, "this OpenSSL has none", "build with another OpenSSL");
  // Answers bring keys: what was decrypted is wiped as soon as it was read.
  SSL_CTX_set_options(native, SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  error_code failed;
  context.set_verify_mode(ssl::verify_peer);
  if (context.load_verify_file(files.authority.string(), failed); failed)
    return file_error("the authority", files.authority, failed.message(), "give a PEM file of certificates");
  if (context.use_certificate_chain_file(files.certificate.string(), failed); failed)
    return file_error("the certificate", files.certificate, failed.message(), "give a PEM file, ours first");
  if (context.use_private_key_file(files.private_key.string(), ssl::context::pem, failed); failed)
    return file_error("the private key", files.private_key, failed.message(), "give the certificate's key as PEM");
  return context;
}

bool expect_host(TlsStream& stream, const std::string& host) {
  error_code failed;
  stream.set_verify_callback(ssl::host_name_verification(host), failed);
  if (failed) return false;
  boost::asio::ip::make_address(host, failed);
  // RFC 6066 section 3: an address is no name of a server.
  return !failed || SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) == 1;
}

}  // namespace lattice
