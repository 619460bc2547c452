// ML-KEM (FIPS 203).
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <lattice/crypto/openssl.hpp>

namespace lattice::openssl {

static const char* kem_name(KemAlg alg) { return alg == KemAlg::mlkem768 ? "ML-KEM-768" : "ML-KEM-1024"; }

namespace {

class OpensslKemKey final : public KemKey {
 public:
  OpensslKemKey(KemAlg alg, const Secret<kem_seed_bytes>& seed)
      : alg_(alg), key_(key_from_seed(kem_name(alg), seed.view())), public_(public_bytes(key_.get())) {}

  ByteView public_key() const override { return public_; }

  Result<Secret<32>> decapsulate(ByteView ciphertext) const override {
    if (ciphertext.size() != kem_sizes(alg_).ciphertext) return fail(ErrorCode::bad_handshake, "KEM ciphertext length");
    const ErrorQueueGuard guard;
    const PkeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    Secret<32> shared;
    size_t length = shared.span().size();
    const bool ok =
        context && EVP_PKEY_decapsulate_init(context.get(), nullptr) == 1 &&
        EVP_PKEY_decapsulate(context.get(), shared.span().data(), &length, ciphertext.data(), ciphertext.size()) == 1;
    if (!ok || length != shared.span().size()) return fail(ErrorCode::bad_handshake, "KEM decapsulation");
    return shared;
  }

 private:
  KemAlg alg_;
  Pkey key_;
  Bytes public_;
};

}  // namespace

std::unique_ptr<KemKey> kem_key(KemAlg alg, const Secret<kem_seed_bytes>& seed) {
  return std::make_unique<OpensslKemKey>(alg, seed);
}

Result<Encapsulated> encapsulate(KemAlg alg, ByteView key_bytes, const Secret<32>& m) {
  if (key_bytes.size() != kem_sizes(alg).public_key) return fail(ErrorCode::bad_handshake, "KEM key length");
  const ErrorQueueGuard guard;
  // FIPS 203 section 7.2: the modulus check is part of reading the key.
  const Pkey key = public_key(kem_name(alg), key_bytes);
  if (!key) return fail(ErrorCode::bad_handshake, "KEM key");
  const PkeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_KEM_PARAM_IKME, unconst(m.view()), m.view().size()),
                               OSSL_PARAM_construct_end()};
  Encapsulated out{Bytes(kem_sizes(alg).ciphertext), {}};
  size_t ciphertext_length = out.ciphertext.size(), shared_length = out.shared.span().size();
  const bool ok = context && EVP_PKEY_encapsulate_init(context.get(), params) == 1 &&
                  EVP_PKEY_encapsulate(context.get(), out.ciphertext.data(), &ciphertext_length, out.shared.span().data(),
                                       &shared_length) == 1;
  if (!ok || ciphertext_length != out.ciphertext.size()) return fail(ErrorCode::bad_handshake, "KEM encapsulation");
  return out;
}

}  // namespace lattice::openssl
