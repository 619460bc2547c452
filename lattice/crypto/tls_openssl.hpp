// What the provider makes TLS endpoints from. Not for others.
#pragma once

#include <openssl/ssl.h>

#include <lattice/crypto/openssl.hpp>

namespace lattice::openssl {

using TlsContext = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;

// The settings of crypto/tls.hpp and a throw-away certificate; for endpoints of both sides. One a node.
TlsContext make_tls_context();
// Keeps what it needs of `context`.
std::unique_ptr<TlsEndpoint> tls_endpoint(SSL_CTX* context, TlsSide side);

}  // namespace lattice::openssl
