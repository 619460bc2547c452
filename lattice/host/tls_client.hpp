// TLS for a client whose operator says whom it trusts: version 1.3, the server's certificate from the operator's own authority and
// for the host asked, a certificate of ours shown to it.
#pragma once

#include <filesystem>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <lattice/host/host_error.hpp>

namespace lattice {

// PEM files.
struct TlsFiles {
  std::filesystem::path authority;    // certificates that a server's must lead to; no others are trusted
  std::filesystem::path certificate;  // ours, with what leads to its own authority
  std::filesystem::path private_key;  // of it; others than its owner must not read it
};
HostResult<boost::asio::ssl::context> tls_client_context(const TlsFiles& files);

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
// Before the handshake: `host`, a name or an IP address, is what the certificate must be for. False: out of memory.
bool expect_host(TlsStream& stream, const std::string& host);

}  // namespace lattice
