// X25519, and what the asymmetric algorithms share.
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <lattice/crypto/openssl.hpp>

namespace lattice::openssl {

Pkey key_from_seed(const char* alg_name, ByteView seed) {
  const PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, alg_name, nullptr));
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_KEM_SEED, unconst(seed), seed.size()),
                               OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  const bool ok = context && EVP_PKEY_keygen_init(context.get()) == 1 && EVP_PKEY_CTX_set_params(context.get(), params) == 1 &&
                  EVP_PKEY_generate(context.get(), &key) == 1;
  ASSERT(ok);
  return Pkey(key);
}

Pkey public_key(const char* alg_name, ByteView bytes) {
  return Pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, alg_name, nullptr, bytes.data(), bytes.size()));
}

Bytes public_bytes(const EVP_PKEY* key) {
  size_t length = 0;
  ASSERT(EVP_PKEY_get_raw_public_key(key, nullptr, &length) == 1);
  Bytes bytes(length);
  ASSERT(EVP_PKEY_get_raw_public_key(key, bytes.data(), &length) == 1);
  return bytes;
}

static Pkey dh_key(const DhSecret& secret) {
  Pkey key(EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, secret.view().data(), secret.view().size()));
  ASSERT(key);
  return key;
}

DhPublic dh_public(const DhSecret& secret) {
  const Pkey key = dh_key(secret);
  DhPublic bytes;
  size_t length = bytes.size();
  ASSERT(EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &length) == 1 && length == bytes.size());
  return bytes;
}

Result<Secret<32>> dh(const DhSecret& secret, ByteView remote_bytes) {
  if (remote_bytes.size() != sizeof(DhPublic)) return fail(ErrorCode::bad_handshake, "X25519 key length");
  const ErrorQueueGuard guard;
  const Pkey own = dh_key(secret), remote = public_key("X25519", remote_bytes);
  ASSERT(remote);  // every 32 bytes are a public key (RFC 7748 section 5)
  const PkeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
  // No check of the peer's key: X25519 needs none but that of the result.
  const bool ready =
      context && EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer_ex(context.get(), remote.get(), 0) == 1;
  ASSERT(ready);
  Secret<32> shared;
  size_t length = shared.span().size();
  const bool derived = EVP_PKEY_derive(context.get(), shared.span().data(), &length) == 1;
  // RFC 7748 section 6.1. OpenSSL checks it too; we do not lean on that.
  if (!derived || shared == Secret<32>{}) return fail(ErrorCode::bad_handshake, "X25519 small-order point");
  return shared;
}

}  // namespace lattice::openssl
