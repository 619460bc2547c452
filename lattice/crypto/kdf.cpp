#include <lattice/crypto/kdf.hpp>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <lattice/crypto/openssl.hpp>

namespace lattice {

using KdfCtx = std::unique_ptr<EVP_KDF_CTX, openssl::Freer<EVP_KDF_CTX_free>>;

Result<Secret<32>> scrypt(ByteView passphrase, ByteView salt, const ScryptCost& cost) {
  if (!cost.within_bounds()) return fail(ErrorCode::limit_reached, "cost of scrypt");
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "SCRYPT", nullptr);
  ASSERT(kdf != nullptr);
  const openssl::ErrorQueueGuard guard;
  const KdfCtx context(EVP_KDF_CTX_new(kdf));
  uint64_t n = uint64_t{1} << cost.log_n, memory = 2 * ScryptCost::memory_bytes_max;  // OpenSSL counts its own blocks too
  uint32_t r = cost.r, p = cost.p;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, openssl::unconst(passphrase), passphrase.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, openssl::unconst(salt), salt.size()),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
      OSSL_PARAM_construct_end()};
  Secret<32> key;
  if (context == nullptr || EVP_KDF_derive(context.get(), key.span().data(), key.span().size(), params) != 1) {
    return fail(ErrorCode::limit_reached, "memory of scrypt");
  }
  return key;
}

}  // namespace lattice
