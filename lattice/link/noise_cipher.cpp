#include <lattice/link/noise_cipher.hpp>

#include <cstring>

#include <lattice/base/assert.hpp>

namespace lattice {

NoiseCipher::NoiseCipher(AeadAlg alg, const Secret<32>& key, Provider& provider)
    : alg_(alg), key_(key), provider_(&provider), aead_(provider.aead(alg, key)) {}

Result<void> NoiseCipher::seal(ByteView ad, ByteView text, ByteSpan out) {
  if (nonce_ == noise_nonce_max) return fail(ErrorCode::nonce_exhausted, "noise nonce");
  if (!has_key()) {
    if (!text.empty()) std::memmove(out.data(), text.data(), text.size());
    return {};
  }
  aead_->seal(nonce_, ad, text, out);
  ++nonce_;
  return {};
}

Result<void> NoiseCipher::open(ByteView ad, ByteView sealed, ByteSpan out) {
  if (nonce_ == noise_nonce_max) return fail(ErrorCode::nonce_exhausted, "noise nonce");
  if (!has_key()) {
    if (!sealed.empty()) std::memmove(out.data(), sealed.data(), sealed.size());
    return {};
  }
  if (sealed.size() < aead_tag_bytes) return fail(ErrorCode::bad_record, "noise tag missing");
  // Section 5.1: on a failure the nonce does not move.
  if (!aead_->open(nonce_, ad, sealed, out)) return fail(ErrorCode::bad_record, "noise tag");
  ++nonce_;
  return {};
}

void NoiseCipher::rekey() {
  if (!has_key()) return;
  const ByteArray<32> zeros{};
  Secret<32 + aead_tag_bytes> sealed;
  aead_->seal(noise_nonce_max, {}, zeros, sealed.span());
  set_key(Secret<32>(sealed.view().first(32)));
}

void NoiseCipher::set_key(const Secret<32>& key) {
  key_ = key;
  aead_ = provider_->aead(alg_, key_);
}

// Section 5.2, InitializeSymmetric: a name of up to 32 bytes is padded with zeros, a longer one hashed.
static Digest first_hash(HashAlg alg, ByteView name) {
  Digest digest{};
  if (name.size() > digest.size()) return hash(alg, {name});
  std::copy(name.begin(), name.end(), digest.begin());
  return digest;
}

NoiseSymmetric::NoiseSymmetric(ByteView protocol_name, HashAlg hash_alg, AeadAlg aead, Provider& provider)
    : alg_(hash_alg), aead_(aead), provider_(&provider), h_(first_hash(hash_alg, protocol_name)) {
  ck_ = Secret<32>(h_);
}

void NoiseSymmetric::mix_hash(ByteView bytes) { h_ = lattice::hash(alg_, {h_, bytes}); }

void NoiseSymmetric::mix_key(ByteView input) {
  Hkdf keys = hkdf(alg_, ck_, input, 2);
  ck_ = std::move(keys.first);
  cipher_.emplace(aead_, keys.second, *provider_);
}

void NoiseSymmetric::mix_key_and_hash(ByteView input) {
  Hkdf keys = hkdf(alg_, ck_, input, 3);
  ck_ = std::move(keys.first);
  mix_hash(keys.second.view());
  cipher_.emplace(aead_, keys.third, *provider_);
}

void NoiseSymmetric::encrypt_and_hash(ByteView text, Bytes& to) {
  const size_t start = to.size();
  to.resize(start + text.size() + overhead());
  const ByteSpan out = ByteSpan(to).subspan(start);
  if (cipher_) {
    // A handshake key seals a handful of times: the counter cannot end.
    ASSERT(cipher_->seal(h_, text, out).has_value());
  } else {
    std::copy(text.begin(), text.end(), out.begin());
  }
  mix_hash(out);
}

Result<Bytes> NoiseSymmetric::decrypt_and_hash(ByteView sealed) {
  if (sealed.size() < overhead()) return fail(ErrorCode::bad_handshake, "noise tag missing");
  Bytes text(sealed.size() - overhead());
  if (!cipher_) {
    std::copy(sealed.begin(), sealed.end(), text.begin());
  } else if (!cipher_->open(h_, sealed, text)) {
    return fail(ErrorCode::bad_handshake, "noise tag");
  }
  mix_hash(sealed);
  return text;
}

std::pair<Secret<32>, Secret<32>> NoiseSymmetric::split() const {
  Hkdf keys = hkdf(alg_, ck_, {}, 2);
  return {std::move(keys.first), std::move(keys.second)};
}

}  // namespace lattice
