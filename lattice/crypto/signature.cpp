// ML-DSA (FIPS 204), pure, with context.
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <lattice/crypto/openssl.hpp>

namespace lattice::openssl {

static constexpr size_t context_bytes_max = 255;  // FIPS 204 algorithm 2, line 1

static const char* sign_name(SignAlg alg) { return alg == SignAlg::mldsa65 ? "ML-DSA-65" : "ML-DSA-87"; }

static EVP_SIGNATURE* sign_method(SignAlg alg) {
  static EVP_SIGNATURE* const mldsa65 = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-65", nullptr);
  static EVP_SIGNATURE* const mldsa87 = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-87", nullptr);
  return alg == SignAlg::mldsa65 ? mldsa65 : mldsa87;
}

namespace {

class OpensslSigningKey final : public SigningKey {
 public:
  OpensslSigningKey(SignAlg alg, const Secret<32>& seed)
      : alg_(alg), key_(key_from_seed(sign_name(alg), seed.view())), public_(public_bytes(key_.get())) {}

  SignAlg alg() const override { return alg_; }
  ByteView public_key() const override { return public_; }

  Bytes sign(ByteView context, ByteView message, const Secret<32>& entropy) const override {
    ASSERT(context.size() <= context_bytes_max);
    const PkeyCtx signer(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_CONTEXT_STRING, unconst(context), context.size()),
        OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_TEST_ENTROPY, unconst(entropy.view()), entropy.view().size()),
        OSSL_PARAM_construct_end()};
    Bytes signature(sign_sizes(alg_).signature);
    size_t length = signature.size();
    const bool ok = signer && EVP_PKEY_sign_message_init(signer.get(), sign_method(alg_), params) == 1 &&
                    EVP_PKEY_sign(signer.get(), signature.data(), &length, message.data(), message.size()) == 1;
    ASSERT(ok && length == signature.size());
    return signature;
  }

 private:
  SignAlg alg_;
  Pkey key_;
  Bytes public_;
};

}  // namespace

std::shared_ptr<const SigningKey> signing_key(SignAlg alg, const Secret<32>& seed) {
  return std::make_shared<OpensslSigningKey>(alg, seed);
}

bool verify(SignAlg alg, ByteView key_bytes, ByteView context, ByteView message, ByteView signature) {
  const SignSizes sizes = sign_sizes(alg);
  if (key_bytes.size() != sizes.public_key || signature.size() != sizes.signature) return false;
  if (context.size() > context_bytes_max) return false;
  const ErrorQueueGuard guard;
  const Pkey key = public_key(sign_name(alg), key_bytes);
  if (!key) return false;
  const PkeyCtx verifier(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_CONTEXT_STRING, unconst(context), context.size()),
      OSSL_PARAM_construct_end()};
  return verifier && EVP_PKEY_verify_message_init(verifier.get(), sign_method(alg), params) == 1 &&
         EVP_PKEY_verify(verifier.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

}  // namespace lattice::openssl
