// SHA-256 runs on OpenSSL's low-level functions: the EVP layer costs more than hashing a header does, and a block check hashes
// many thousand times. BLAKE2s has no such functions: one EVP context a thread, used again.
#include <lattice/crypto/hash.hpp>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <lattice/crypto/openssl.hpp>

namespace lattice {

static constexpr size_t block_bytes = 64;

static const EVP_MD* md(HashAlg alg) {
  static EVP_MD* const blake = EVP_MD_fetch(nullptr, "BLAKE2S-256", nullptr);
  static EVP_MD* const sha = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return alg == HashAlg::blake2s ? blake : sha;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static Digest sha256_parts(std::initializer_list<ByteView> parts) {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (ByteView part : parts) SHA256_Update(&context, part.data(), part.size());
  Digest digest;
  SHA256_Final(digest.data(), &context);
  OPENSSL_cleanse(&context, sizeof context);  // HMAC's key may have been in it
  return digest;
}

Digest sha256d(ByteView bytes) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  Digest digest;
  SHA256_Final(digest.data(), &context);
  SHA256_Init(&context);
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}
#pragma GCC diagnostic pop

static Digest blake2s_parts(std::initializer_list<ByteView> parts) {
  thread_local const openssl::MdCtx context(EVP_MD_CTX_new());
  bool ok = EVP_DigestInit_ex2(context.get(), md(HashAlg::blake2s), nullptr) == 1;
  for (ByteView part : parts) ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  Digest digest;
  ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  ASSERT(ok);
  return digest;
}

Digest hash(HashAlg alg, std::initializer_list<ByteView> parts) {
  return alg == HashAlg::blake2s ? blake2s_parts(parts) : sha256_parts(parts);
}

Digest blake2s_keyed(ByteView key, ByteView bytes) {
  ASSERT(!key.empty() && key.size() <= 32);
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr);
  thread_local const openssl::MacCtx context(EVP_MAC_CTX_new(mac));
  Digest digest;
  size_t length = digest.size();
  const bool ok = EVP_MAC_init(context.get(), key.data(), key.size(), nullptr) == 1 &&
                  EVP_MAC_update(context.get(), bytes.data(), bytes.size()) == 1 &&
                  EVP_MAC_final(context.get(), digest.data(), &length, digest.size()) == 1;
  ASSERT(ok && length == digest.size());
  return digest;
}

// RFC 2104: H((K xor opad) || H((K xor ipad) || text)). Noise rev 34 section 4.3 asks for this with every hash, also with
// BLAKE2s, which has a keyed mode of its own.
static Digest hmac_parts(HashAlg alg, ByteView key, ByteView a, ByteView b) {
  Secret<32> short_key;
  if (key.size() > block_bytes) {
    short_key = Secret<32>(hash(alg, {key}));
    key = short_key.view();
  }
  Secret<block_bytes> inner_pad, outer_pad;
  for (size_t i = 0; i < block_bytes; ++i) {
    const uint8_t byte = i < key.size() ? key[i] : 0;
    inner_pad.span()[i] = byte ^ 0x36;
    outer_pad.span()[i] = byte ^ 0x5c;
  }
  const Secret<32> inner(hash(alg, {inner_pad.view(), a, b}));
  return hash(alg, {outer_pad.view(), inner.view()});
}

Digest hmac(HashAlg alg, ByteView key, ByteView bytes) { return hmac_parts(alg, key, bytes, {}); }

Hkdf hkdf(HashAlg alg, const Secret<32>& chaining_key, ByteView input, int count) {
  ASSERT(count == 2 || count == 3);
  static constexpr uint8_t one[] = {1}, two[] = {2}, three[] = {3};
  const Secret<32> temp(hmac_parts(alg, chaining_key.view(), input, {}));
  Hkdf out;
  out.first = Secret<32>(hmac_parts(alg, temp.view(), one, {}));
  out.second = Secret<32>(hmac_parts(alg, temp.view(), out.first.view(), two));
  if (count == 3) out.third = Secret<32>(hmac_parts(alg, temp.view(), out.second.view(), three));
  return out;
}

struct Hasher::State {
  openssl::MdCtx context{EVP_MD_CTX_new()};
};

Hasher::Hasher(HashAlg alg) : state_(std::make_unique<State>()) {
  ASSERT(EVP_DigestInit_ex2(state_->context.get(), md(alg), nullptr) == 1);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::update(ByteView bytes) {
  ASSERT(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

Digest Hasher::finish() {
  Digest digest;
  ASSERT(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace lattice
