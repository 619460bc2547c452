#include <lattice/crypto/aead.hpp>

#include <climits>

#include <lattice/crypto/openssl.hpp>

namespace lattice {

using openssl::CipherCtx;

static const EVP_CIPHER* cipher(AeadAlg alg) {
  static EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  static EVP_CIPHER* const gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return alg == AeadAlg::chacha20_poly1305 ? chacha : gcm;
}

AeadNonce aead_nonce(AeadAlg alg, uint64_t counter) {
  AeadNonce nonce{};
  for (size_t i = 0; i < 8; ++i) {
    const auto byte = static_cast<uint8_t>(counter >> (8 * i));
    nonce[alg == AeadAlg::chacha20_poly1305 ? 4 + i : 11 - i] = byte;
  }
  return nonce;
}

// A context for each direction, made with the key at once: the key schedule runs once, and each message sets a nonce only.
struct OpensslAead::State {
  CipherCtx sealing{EVP_CIPHER_CTX_new()}, opening{EVP_CIPHER_CTX_new()};
};

OpensslAead::OpensslAead(AeadAlg alg, const Secret<32>& key) : alg_(alg), state_(std::make_unique<State>()) {
  const bool ok = EVP_EncryptInit_ex2(state_->sealing.get(), cipher(alg), key.view().data(), nullptr, nullptr) == 1 &&
                  EVP_DecryptInit_ex2(state_->opening.get(), cipher(alg), key.view().data(), nullptr, nullptr) == 1;
  ASSERT(ok);
}

OpensslAead::~OpensslAead() = default;

void OpensslAead::seal(uint64_t nonce, ByteView ad, ByteView text, ByteSpan out) {
  seal_with(aead_nonce(alg_, nonce), ad, text, out);
}

bool OpensslAead::open(uint64_t nonce, ByteView ad, ByteView sealed, ByteSpan out) {
  return open_with(aead_nonce(alg_, nonce), ad, sealed, out);
}

void OpensslAead::seal_with(const AeadNonce& nonce, ByteView ad, ByteView text, ByteSpan out) {
  ASSERT(text.size() <= INT_MAX && ad.size() <= INT_MAX && out.size() == text.size() + aead_tag_bytes);
  EVP_CIPHER_CTX* context = state_->sealing.get();
  int length = 0;
  bool ok = EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1;
  if (!ad.empty()) ok = ok && EVP_EncryptUpdate(context, nullptr, &length, ad.data(), static_cast<int>(ad.size())) == 1;
  if (!text.empty()) {
    ok = ok && EVP_EncryptUpdate(context, out.data(), &length, text.data(), static_cast<int>(text.size())) == 1;
  }
  uint8_t* tag = out.data() + text.size();
  ok = ok && EVP_EncryptFinal_ex(context, tag, &length) == 1 &&
       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, aead_tag_bytes, tag) == 1;
  ASSERT(ok);
}

bool OpensslAead::open_with(const AeadNonce& nonce, ByteView ad, ByteView sealed, ByteSpan out) {
  if (sealed.size() < aead_tag_bytes || sealed.size() > INT_MAX) return false;
  ASSERT(ad.size() <= INT_MAX && out.size() == sealed.size() - aead_tag_bytes);
  const openssl::ErrorQueueGuard guard;
  EVP_CIPHER_CTX* context = state_->opening.get();
  ByteArray<aead_tag_bytes> tag;
  std::copy_n(sealed.end() - aead_tag_bytes, tag.size(), tag.begin());
  int length = 0;
  bool ok = EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, aead_tag_bytes, tag.data()) == 1;
  if (!ad.empty()) ok = ok && EVP_DecryptUpdate(context, nullptr, &length, ad.data(), static_cast<int>(ad.size())) == 1;
  if (!out.empty()) {
    ok = ok && EVP_DecryptUpdate(context, out.data(), &length, sealed.data(), static_cast<int>(out.size())) == 1;
  }
  ASSERT(ok);
  uint8_t nothing[aead_tag_bytes];
  return EVP_DecryptFinal_ex(context, nothing, &length) == 1;
}

}  // namespace lattice
