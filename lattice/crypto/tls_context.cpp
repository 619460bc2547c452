// The settings of every TLS endpoint, and the certificate that TLS must have.
#include <openssl/x509.h>

#include <lattice/crypto/tls_openssl.hpp>

namespace lattice::openssl {

using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;

// RFC 5280 section 4.1.2.5: the date for "no well-defined end". No clock is asked: nobody looks.
static constexpr const char* not_before = "20240101000000Z";
static constexpr const char* not_after = "99991231235959Z";

// No name, no extension: it says nothing of the node.
static X509Ptr self_signed(EVP_PKEY* key) {
  X509Ptr certificate(X509_new());
  ASSERT(certificate);
  X509* x509 = certificate.get();
  const bool ok = X509_set_version(x509, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1 &&
                  ASN1_TIME_set_string(X509_getm_notBefore(x509), not_before) == 1 &&
                  ASN1_TIME_set_string(X509_getm_notAfter(x509), not_after) == 1 && X509_set_pubkey(x509, key) == 1 &&
                  X509_sign(x509, key, nullptr) > 0;  // RFC 8410: Ed25519 has its own hash
  ASSERT(ok);
  return certificate;
}

static int take_any_certificate(X509_STORE_CTX*, void*) { return 1; }

// No session outlives its connection, in either direction.
static void forbid_resumption(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  const bool ok = SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1 &&
                  SSL_CTX_set_recv_max_early_data(context, 0) == 1;
  ASSERT(ok);
}

TlsContext make_tls_context() {
  const ErrorQueueGuard guard;
  TlsContext owner(SSL_CTX_new(TLS_method()));
  ASSERT(owner);
  SSL_CTX* context = owner.get();
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  forbid_resumption(context);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_cert_verify_callback(context, take_any_certificate, nullptr);
  SSL_CTX_set_max_cert_list(context, tls_handshake_bytes_max);
  const bool ok = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                  SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
                  SSL_CTX_set1_groups_list(context, tls_group.data()) == 1 &&
                  SSL_CTX_set1_sigalgs_list(context, "ed25519") == 1;
  ASSERT(ok);
  const Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  ASSERT(key);
  const X509Ptr certificate = self_signed(key.get());
  const bool has = SSL_CTX_use_certificate(context, certificate.get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  ASSERT(has);
  return owner;
}

}  // namespace lattice::openssl
