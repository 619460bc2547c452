#include <lattice/crypto/aead.hpp>

#include <climits>
#include <optional>

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

namespace {

// A cipher context and the key that it has now.
class KeyedContext {
 public:
  // With this key and nonce.
  EVP_CIPHER_CTX* with(const EVP_CIPHER* cipher, const Secret<32>& key, const AeadNonce& nonce, bool seals) {
    const bool new_key = !holds(key);
    if (!context_) context_.reset(EVP_CIPHER_CTX_new());
    const EVP_CIPHER* new_cipher = has_cipher_ ? nullptr : cipher;
    const uint8_t* key_bytes = new_key ? key.view().data() : nullptr;
    const int ok = EVP_CipherInit_ex2(context_.get(), new_cipher, key_bytes, nonce.data(), seals ? 1 : 0, nullptr);
    ASSERT(ok == 1);
    has_cipher_ = true;
    if (new_key) key_ = key;
    return context_.get();
  }
  // The key's owner goes: it stays in no memory.
  void forget(const Secret<32>& key) {
    if (!holds(key)) return;
    EVP_CIPHER_CTX_reset(context_.get());
    has_cipher_ = false;
    key_.reset();
  }

 private:
  bool holds(const Secret<32>& key) const { return key_ && *key_ == key; }

  CipherCtx context_;
  bool has_cipher_ = false;
  std::optional<Secret<32>> key_;
};

struct Contexts {
  KeyedContext sealing[2], opening[2];  // by AeadAlg
};

// Of this thread, null once it ends.
Contexts* contexts() {
  struct Owner {
    std::unique_ptr<Contexts> contexts = std::make_unique<Contexts>();
    Contexts*& current;
    explicit Owner(Contexts*& pointer) : current(pointer) { current = contexts.get(); }
    ~Owner() { current = nullptr; }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
  };
  thread_local Contexts* current = nullptr;
  thread_local const Owner owner(current);
  return current;
}

}  // namespace

OpensslAead::OpensslAead(AeadAlg alg, const Secret<32>& key) : alg_(alg), key_(key) {}

OpensslAead::~OpensslAead() {
  Contexts* pool = contexts();
  if (pool == nullptr) return;
  pool->sealing[static_cast<size_t>(alg_)].forget(key_);
  pool->opening[static_cast<size_t>(alg_)].forget(key_);
}

void OpensslAead::seal(uint64_t nonce, ByteView ad, ByteView text, ByteSpan out) {
  seal_with(aead_nonce(alg_, nonce), ad, text, out);
}

bool OpensslAead::open(uint64_t nonce, ByteView ad, ByteView sealed, ByteSpan out) {
  return open_with(aead_nonce(alg_, nonce), ad, sealed, out);
}

void OpensslAead::seal_with(const AeadNonce& nonce, ByteView ad, ByteView text, ByteSpan out) {
  ASSERT(text.size() <= INT_MAX && ad.size() <= INT_MAX && out.size() == text.size() + aead_tag_bytes);
  EVP_CIPHER_CTX* context = contexts()->sealing[static_cast<size_t>(alg_)].with(cipher(alg_), key_, nonce, true);
  int length = 0;
  bool ok = true;
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
  EVP_CIPHER_CTX* context = contexts()->opening[static_cast<size_t>(alg_)].with(cipher(alg_), key_, nonce, false);
  ByteArray<aead_tag_bytes> tag;
  std::copy_n(sealed.end() - aead_tag_bytes, tag.size(), tag.begin());
  int length = 0;
  bool ok = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, aead_tag_bytes, tag.data()) == 1;
  if (!ad.empty()) ok = ok && EVP_DecryptUpdate(context, nullptr, &length, ad.data(), static_cast<int>(ad.size())) == 1;
  if (!out.empty()) {
    ok = ok && EVP_DecryptUpdate(context, out.data(), &length, sealed.data(), static_cast<int>(out.size())) == 1;
  }
  ASSERT(ok);
  uint8_t nothing[aead_tag_bytes];
  if (EVP_DecryptFinal_ex(context, nothing, &length) == 1) return true;
  ERR_clear_error();  // as openssl::ErrorQueueGuard, but not for each record that opens
  return false;
}

}  // namespace lattice
