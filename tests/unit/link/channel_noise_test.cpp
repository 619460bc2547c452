// The tests that the secure channel must pass (docs/THREATS.md), by number: 7, 9, 10 and 13, what the Noise engine and the
// records reckon with.
#include <gtest/gtest.h>

#include <lattice/link/noise.hpp>
#include <lattice/link/record.hpp>

namespace lattice {
namespace {

using enum ErrorCode;

template <size_t N>
Secret<N> filled(uint8_t byte) {
  ByteArray<N> bytes;
  bytes.fill(byte);
  return Secret<N>(bytes);
}

// --- 7. Counters

TEST(SecureChannel, T07_LastNonceAndFailedRecords) {
  const auto provider = openssl_provider();
  for (const AeadAlg alg : {AeadAlg::chacha20_poly1305, AeadAlg::aes256_gcm}) {
    const auto cipher_at = [&](uint64_t nonce) {
      NoiseCipher cipher(alg, filled<32>(9), *provider);
      cipher.set_nonce(nonce);
      return cipher;
    };
    Bytes out(record_text_bytes_max);
    const auto sealed_by = [](RecordSealer& sealer) {
      Bytes record(2 + 6 + 16);
      EXPECT_TRUE(sealer.seal(record.data(), 6));
      return Bytes(record.begin() + 2, record.end());
    };
    RecordSealer last(cipher_at(noise_nonce_max - 1), Instant{});
    RecordOpener opener(cipher_at(noise_nonce_max - 1));
    const Bytes good = sealed_by(last);
    Bytes record(2 + 6 + 16);
    EXPECT_EQ(last.seal(record.data(), 6).error().code, nonce_exhausted);
    EXPECT_EQ(Bytes(record.begin() + 2, record.end()), Bytes(6 + 16)) << "nothing was sealed";
    EXPECT_TRUE(opener.open(good, out));
    EXPECT_EQ(opener.open(good, out).error().code, nonce_exhausted);

    RecordSealer sealer(cipher_at(0), Instant{});
    RecordOpener reader(cipher_at(0));
    const Bytes first = sealed_by(sealer), second = sealed_by(sealer);
    for (size_t at = 0; at < first.size(); ++at) {
      Bytes bad = first;
      bad[at] ^= 1;
      EXPECT_EQ(reader.open(bad, out).error().code, bad_record);
    }
    EXPECT_EQ(reader.open(second, out).error().code, bad_record) << "not its turn";
    EXPECT_TRUE(reader.open(first, out)) << "the counter has not moved";
    EXPECT_EQ(reader.open(first, out).error().code, bad_record) << "once";
    EXPECT_TRUE(reader.open(second, out));
  }
}

// --- 9, 10. The hash

struct Keyed {
  std::unique_ptr<Provider> provider = openssl_provider();
  NoiseProtocol protocol;
  NoiseSecrets initiator, responder;

  explicit Keyed(std::string_view name) : protocol(parse_noise_protocol(name).value()) {
    initiator = {filled<32>(1), filled<32>(2), filled<64>(3), {}, {}, {}, provider->kem_key(KemAlg::mlkem768, filled<64>(8)),
                 filled<32>(9)};
    responder = {filled<32>(4), filled<32>(5), {}, filled<32>(6), {}, {}, provider->kem_key(KemAlg::mlkem768, filled<64>(10)),
                 filled<32>(11)};
    for (size_t i = 0; i < protocol.psks; ++i) {
      initiator.psks.push_back(filled<32>(7));
      responder.psks.push_back(filled<32>(7));
    }
  }
  // The hash after each message.
  std::vector<Digest> hashes() {
    NoiseHandshake first(protocol, Role::initiator, as_bytes("prologue"), initiator, *provider);
    NoiseHandshake second(protocol, Role::responder, as_bytes("prologue"), responder, *provider);
    first.set_remote_kem(responder.static_kem->public_key());
    second.set_remote_kem(initiator.static_kem->public_key());
    std::vector<Digest> found;
    while (!first.finished()) {
      NoiseHandshake& writer = first.my_turn() ? first : second;
      NoiseHandshake& reader = first.my_turn() ? second : first;
      const auto message = writer.write_message({});
      if (!message || !reader.read_message(*message)) return {};
      EXPECT_EQ(writer.handshake_hash(), reader.handshake_hash());
      found.push_back(writer.handshake_hash());
    }
    return found;
  }
};

constexpr std::string_view protocols[] = {
    "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s", "Noise_XXhfs_25519+MLKEM768_AESGCM_BLAKE2s",
    "Noise_XXhfs_25519+MLKEM1024_ChaChaPoly_BLAKE2s", "Noise_XXhfskem_25519+MLKEM768_ChaChaPoly_BLAKE2s",
    "Noise_NNhfs+psk0_25519+MLKEM768_ChaChaPoly_BLAKE2s"};

// Another `e1` alone changes the hash of message 1, another ciphertext alone that of message 2: neither is only in the keys.
TEST(SecureChannel, T09_KemKeyAndCiphertextAreInTheHash) {
  for (const std::string_view name : protocols) {
    SCOPED_TRACE(name);
    Keyed usual(name);
    const auto hashes = usual.hashes();
    ASSERT_GE(hashes.size(), 2u);
    EXPECT_EQ(Keyed(name).hashes(), hashes) << "nothing else changes";
    Keyed other_key(name);
    other_key.initiator.kem_seed = filled<64>(33);
    const auto by_key = other_key.hashes();
    ASSERT_EQ(by_key.size(), hashes.size());
    EXPECT_NE(by_key[0], hashes[0]);
    Keyed other_ciphertext(name);
    other_ciphertext.responder.encapsulation = filled<32>(66);
    const auto by_ciphertext = other_ciphertext.hashes();
    ASSERT_EQ(by_ciphertext.size(), hashes.size());
    EXPECT_EQ(by_ciphertext[0], hashes[0]);
    EXPECT_NE(by_ciphertext[1], hashes[1]);
  }
}

// The symmetric part alone, before any key: what is mixed is in the hash.
TEST(SecureChannel, T09_EveryMixedByteIsInTheHash) {
  const auto provider = openssl_provider();
  const auto hash_of = [&](ByteView clear, ByteView sealed) {
    NoiseSymmetric symmetric(as_bytes("name"), HashAlg::blake2s, AeadAlg::chacha20_poly1305, *provider);
    Bytes out;
    symmetric.encrypt_and_hash(clear, out);
    symmetric.mix_key(as_bytes("key"));
    symmetric.encrypt_and_hash(sealed, out);
    return symmetric.hash();
  };
  const Digest usual = hash_of(as_bytes("e1"), as_bytes("ciphertext"));
  EXPECT_EQ(hash_of(as_bytes("e1"), as_bytes("ciphertext")), usual);
  EXPECT_NE(hash_of(as_bytes("e2"), as_bytes("ciphertext")), usual);
  EXPECT_NE(hash_of(as_bytes("e1"), as_bytes("Ciphertext")), usual);
}

// The orders that the published vectors prove (SharedNoiseVectors), and every other order of a message's tokens that can run:
// both ends agree on it and come to another hash, so that no vector would pass.
TEST(SecureChannel, T10_WrongTokenOrderGivesAnotherHash) {
  using enum NoiseToken;
  const std::pair<std::string_view, std::vector<NoiseTokens>> written[] = {
      {protocols[0], {{e, e1}, {e, ee, ekem1, s, es}, {s, se}}},
      {protocols[3], {{e, e1}, {e, ee, ekem1, s, es}, {skem, s, se}, {skem}}},
      {protocols[4], {{psk, e, e1}, {e, ee, ekem1}}},
      {"Noise_XXhfs+psk3_25519+MLKEM768_ChaChaPoly_BLAKE2s", {{e, e1}, {e, ee, ekem1, s, es}, {s, se, psk}}}};
  for (const auto& [name, messages] : written) {
    SCOPED_TRACE(name);
    Keyed right(name);
    EXPECT_EQ(right.protocol.messages, messages);
    const auto hashes = right.hashes();
    ASSERT_EQ(hashes.size(), messages.size());
    size_t tried = 0;
    for (size_t message = 0; message < messages.size(); ++message) {
      for (size_t at = 0; at + 1 < messages[message].size(); ++at) {
        Keyed wrong(name);
        NoiseTokens& tokens = wrong.protocol.messages[message];
        const bool needs_the_first = (tokens[at] == e && tokens[at + 1] == ee) || (tokens[at] == s && tokens[at + 1] != ekem1);
        if (needs_the_first) continue;  // a DH before its key has come cannot run
        std::swap(tokens[at], tokens[at + 1]);
        const auto others = wrong.hashes();
        ++tried;
        if (others.empty()) continue;  // a part that came before its key was not even read
        EXPECT_NE(others.back(), hashes.back()) << message << " " << at;
      }
    }
    EXPECT_GE(tried, 3u);
  }
}

// --- 13. HMAC

// RFC 2104 with BLAKE2s' own block of 64 bytes, from the plain hash.
Digest hmac_by_hand(ByteView key, ByteView message) {
  ByteArray<64> inner{}, outer{};
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t byte = i < key.size() ? key[i] : uint8_t{0};
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  return hash(HashAlg::blake2s, {outer, hash(HashAlg::blake2s, {inner, message})});
}

TEST(SecureChannel, T13_HmacHasABlockOf64Bytes) {
  const auto provider = openssl_provider();
  NoiseSymmetric symmetric(as_bytes("Noise"), HashAlg::blake2s, AeadAlg::chacha20_poly1305, *provider);
  const Bytes before = to_bytes(symmetric.chaining_key().view());
  const Bytes input(32, 5), one{1};
  symmetric.mix_key(input);
  const Digest by_hand = hmac_by_hand(hmac_by_hand(before, input), one);
  const Digest keyed = blake2s_keyed(blake2s_keyed(before, input), one);
  EXPECT_TRUE(equal(symmetric.chaining_key().view(), by_hand));
  EXPECT_FALSE(equal(symmetric.chaining_key().view(), keyed));
  // Computed elsewhere (Python's hmac and hashlib).
  EXPECT_EQ(to_hex(hmac_by_hand(as_bytes("key"), as_bytes("The quick brown fox jumps over the lazy dog"))),
            "f93215bb90d4af4c3061cd932fb169fb8bb8a91d0b4022baea1271e1323cd9a0");
}

}  // namespace
}  // namespace lattice
