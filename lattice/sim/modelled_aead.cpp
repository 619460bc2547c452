#include <lattice/sim/modelled_aead.hpp>

#include <lattice/base/assert.hpp>
#include <lattice/sim/modelled_mix.hpp>

namespace lattice::sim {
namespace {

struct Tag {
  uint64_t words[2];
};
static_assert(sizeof(Tag) == aead_tag_bytes);

// The stream of one message: word i is start + i * step.
struct Stream {
  uint64_t start, step;
};

// Masks or unmasks `from` into `to`, which may begin at the same place, and mixes what is masked: `sealing` says which of the
// two that is.
template <bool sealing>
void pass(Mix& mix, Stream stream, const uint8_t* from, uint8_t* to, size_t bytes) {
  uint64_t mask = stream.start;
  uint64_t in[4], out[4];
  const auto four = [&] {
    for (int i = 0; i < 4; ++i) {
      out[i] = in[i] ^ mask;
      mask += stream.step;
    }
  };
  size_t left = bytes;
  for (; left >= sizeof in; left -= sizeof in, from += sizeof in, to += sizeof in) {
    std::memcpy(in, from, sizeof in);
    four();
    std::memcpy(to, out, sizeof out);
    const auto& masked = sealing ? out : in;
    mix.block(masked[0], masked[1], masked[2], masked[3]);
  }
  if (left > 0) {
    std::memset(in, 0, sizeof in);
    std::memcpy(in, from, left);
    four();
    std::memset(reinterpret_cast<uint8_t*>(out) + left, 0, sizeof out - left);
    std::memcpy(to, out, left);
    const auto& masked = sealing ? out : in;
    mix.block(masked[0], masked[1], masked[2], masked[3]);
  }
  mix.word(bytes);
}

}  // namespace

ModelledAead::ModelledAead(AeadAlg alg, const Secret<32>& key, CostMeter& meter) : meter_(meter) {
  Mix mix(0xaead0000 + static_cast<uint64_t>(alg));
  mix.part(key.view());
  for (uint64_t i = 0; i < 2; ++i) {
    key_[2 * i] = mix.first(i);
    key_[2 * i + 1] = mix.second(i);
  }
}

static Stream stream_of(const uint64_t* key, uint64_t nonce) {
  const uint64_t start = fold_product(nonce ^ key[2], key[3] ^ mix_odd[0]);
  return {start, (start ^ key[3]) | 1};
}

static Mix mix_of(const uint64_t* key, uint64_t nonce, ByteView ad) {
  Mix mix(key[0], key[1]);
  mix.word(nonce);
  mix.part(ad);
  return mix;
}

void ModelledAead::seal(uint64_t nonce, ByteView ad, ByteView text, ByteSpan out) {
  ASSERT(out.size() == text.size() + aead_tag_bytes);
  meter_.charge_message(text.size());
  Mix mix = mix_of(key_, nonce, ad);
  pass<true>(mix, stream_of(key_, nonce), text.data(), out.data(), text.size());
  const Tag tag{{mix.first(), mix.second()}};
  std::memcpy(out.data() + text.size(), &tag, sizeof tag);
}

bool ModelledAead::open(uint64_t nonce, ByteView ad, ByteView sealed, ByteSpan out) {
  if (sealed.size() < aead_tag_bytes) return false;
  ASSERT(out.size() == sealed.size() - aead_tag_bytes);
  meter_.charge_message(out.size());
  Tag given{};
  std::memcpy(&given, sealed.data() + out.size(), sizeof given);
  Mix mix = mix_of(key_, nonce, ad);
  pass<false>(mix, stream_of(key_, nonce), sealed.data(), out.data(), out.size());
  return given.words[0] == mix.first() && given.words[1] == mix.second();
}

}  // namespace lattice::sim
