// The engine's own rules. That its bytes are right is shown by tests/vectors.
#include <lattice/link/noise.hpp>

#include <gtest/gtest.h>

namespace lattice {
namespace {

template <size_t N>
Secret<N> filled(uint8_t byte) {
  ByteArray<N> bytes;
  bytes.fill(byte);
  return Secret<N>(bytes);
}

NoiseProtocol protocol_of(std::string_view name) {
  const auto protocol = parse_noise_protocol(name);
  EXPECT_TRUE(protocol) << name;
  return protocol.value();
}

constexpr std::string_view xxhfs = "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s";

struct Pair {
  std::unique_ptr<Provider> provider = openssl_provider();
  NoiseSecrets initiator_secrets, responder_secrets;

  explicit Pair(std::string_view name, size_t psks = 0) : name_(name) {
    initiator_secrets = {filled<32>(1), filled<32>(2), filled<kem_seed_bytes>(3), {}, {}, {}};
    responder_secrets = {filled<32>(4), filled<32>(5), {}, filled<32>(6), {}, {}};
    initiator_secrets.remote_static = provider->dh_public(filled<32>(4));
    responder_secrets.remote_static = provider->dh_public(filled<32>(1));
    for (size_t i = 0; i < psks; ++i) {
      initiator_secrets.psks.push_back(filled<32>(7));
      responder_secrets.psks.push_back(filled<32>(7));
    }
  }
  NoiseHandshake initiator(ByteView prologue = {}) {
    return {protocol_of(name_), Role::initiator, prologue, initiator_secrets, *provider};
  }
  NoiseHandshake responder(ByteView prologue = {}) {
    return {protocol_of(name_), Role::responder, prologue, responder_secrets, *provider};
  }

 private:
  std::string name_;
};

// Runs the handshake to its end; false where a message was refused.
bool complete(NoiseHandshake& initiator, NoiseHandshake& responder) {
  while (!initiator.finished() || !responder.finished()) {
    NoiseHandshake& writer = initiator.my_turn() ? initiator : responder;
    NoiseHandshake& reader = initiator.my_turn() ? responder : initiator;
    const auto message = writer.write_message(as_bytes("payload"));
    if (!message) return false;
    const auto payload = reader.read_message(*message);
    if (!payload || as_text(*payload) != "payload") return false;
  }
  return true;
}

TEST(NoiseProtocol, Tokens) {
  using enum NoiseToken;
  const NoiseProtocol xx = protocol_of(xxhfs);
  EXPECT_EQ(xx.messages, (std::vector<NoiseTokens>{{e, e1}, {e, ee, ekem1, s, es}, {s, se}}));
  EXPECT_EQ(xx.kem, KemAlg::mlkem768);
  EXPECT_TRUE(xx.pre_initiator.empty() && xx.pre_responder.empty());
  const NoiseProtocol ik = protocol_of("Noise_IKhfs+psk2_25519+MLKEM1024_AESGCM_SHA256");
  EXPECT_EQ(ik.messages, (std::vector<NoiseTokens>{{e, es, e1, s, ss}, {e, ee, ekem1, se, psk}}));
  EXPECT_EQ(ik.pre_responder, NoiseTokens{s});
  EXPECT_EQ(ik.kem, KemAlg::mlkem1024);
  EXPECT_EQ(ik.aead, AeadAlg::aes256_gcm);
  EXPECT_EQ(ik.hash, HashAlg::sha256);
  EXPECT_EQ(ik.psks, 1u);
  EXPECT_EQ(protocol_of("Noise_NNhfs+psk0_25519+MLKEM768_ChaChaPoly_BLAKE2s").messages,
            (std::vector<NoiseTokens>{{psk, e, e1}, {e, ee, ekem1}}));
  EXPECT_EQ(protocol_of("Noise_NNpsk0+psk2_25519_ChaChaPoly_BLAKE2s").messages,
            (std::vector<NoiseTokens>{{psk, e}, {e, ee, psk}}));
}

TEST(NoiseProtocol, WhatIsNotKnownIsNamed) {
  using enum NoiseNameError;
  const std::pair<std::string, NoiseNameError> names[] = {
      {"", not_a_name},
      {"Noise", not_a_name},
      {"noise_XX_25519_ChaChaPoly_BLAKE2s", not_a_name},
      {"Noise_XX_25519_ChaChaPoly", not_a_name},
      {"Noise_XX_25519_ChaChaPoly_BLAKE2s_", not_a_name},
      {"Noise_XX_25519_ChaChaPoly_" + std::string(300, 'B'), not_a_name},
      {"Noise__25519_ChaChaPoly_BLAKE2s", pattern},
      {"Noise_XY_25519_ChaChaPoly_BLAKE2s", pattern},
      {"Noise_xx_25519_ChaChaPoly_BLAKE2s", pattern},
      {"Noise_XXfallback_25519_ChaChaPoly_BLAKE2s", modifier},
      {"Noise_XXpsk4_25519_ChaChaPoly_BLAKE2s", modifier},
      {"Noise_XXpsk_25519_ChaChaPoly_BLAKE2s", modifier},
      {"Noise_NNpsk3_25519_ChaChaPoly_BLAKE2s", modifier},  // there is no third message
      {"Noise_XXpsk0+psk0_25519_ChaChaPoly_BLAKE2s", modifier},
      {"Noise_XXpsk2+psk0_25519_ChaChaPoly_BLAKE2s", modifier},
      {"Noise_XXpsk0+hfs_25519+MLKEM768_ChaChaPoly_BLAKE2s", modifier},
      {"Noise_XXhfs+_25519+MLKEM768_ChaChaPoly_BLAKE2s", modifier},
      {"Noise_Nhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s", modifier},  // no ee
      {"Noise_XX_448_ChaChaPoly_BLAKE2s", dh},
      {"Noise_XX__ChaChaPoly_BLAKE2s", dh},
      {"Noise_XX_25519+MLKEM768_ChaChaPoly_BLAKE2s", kem},
      {"Noise_XXhfs_25519_ChaChaPoly_BLAKE2s", kem},
      {"Noise_XXhfs_25519+MLKEM512_ChaChaPoly_BLAKE2s", kem},
      {"Noise_XXhfs_25519+MLKEM768+MLKEM768_ChaChaPoly_BLAKE2s", kem},
      {"Noise_XX_25519_AES_BLAKE2s", cipher},
      {"Noise_XX_25519_ChaChaPoly_BLAKE2b", hash},
      {"Noise_XX_25519_ChaChaPoly_SHA512", hash},
  };
  for (const auto& [name, error] : names) {
    const auto protocol = parse_noise_protocol(name);
    ASSERT_FALSE(protocol) << name;
    EXPECT_EQ(protocol.error(), error) << name << ": " << noise_name_error_text(protocol.error());
  }
}

TEST(Noise, MissingSecretsAreNamed) {
  const NoiseProtocol protocol = protocol_of("Noise_XXhfs+psk3_25519+MLKEM768_ChaChaPoly_BLAKE2s");
  EXPECT_STREQ(noise_missing(protocol, Role::initiator, {}), "ephemeral key");
  NoiseSecrets secrets = Pair(xxhfs, 1).initiator_secrets;
  EXPECT_EQ(noise_missing(protocol, Role::initiator, secrets), nullptr);
  secrets.static_key.reset();
  EXPECT_STREQ(noise_missing(protocol, Role::initiator, secrets), "static key");
  secrets = Pair(xxhfs, 1).initiator_secrets;
  secrets.kem_seed.reset();
  EXPECT_STREQ(noise_missing(protocol, Role::initiator, secrets), "KEM seed");
  EXPECT_STREQ(noise_missing(protocol, Role::initiator, Pair(xxhfs, 2).initiator_secrets), "number of pre-shared keys");
  EXPECT_STREQ(noise_missing(protocol_of("Noise_NK_25519_ChaChaPoly_BLAKE2s"), Role::initiator, {}), "remote static key");
}

TEST(Noise, BothEndsAgree) {
  for (std::string_view name :
       {xxhfs, std::string_view("Noise_XXhfs_25519+MLKEM1024_ChaChaPoly_BLAKE2s"),
        std::string_view("Noise_XXhfs_25519+MLKEM768_AESGCM_BLAKE2s"), std::string_view("Noise_KK_25519_ChaChaPoly_SHA256"),
        std::string_view("Noise_KKhfs_25519+MLKEM768_ChaChaPoly_SHA256")}) {
    Pair pair(name);
    NoiseHandshake initiator = pair.initiator(), responder = pair.responder();
    ASSERT_TRUE(complete(initiator, responder)) << name;
    EXPECT_EQ(initiator.remote_static(), pair.provider->dh_public(filled<32>(4)));
    EXPECT_EQ(responder.remote_static(), pair.provider->dh_public(filled<32>(1)));
    EXPECT_FALSE(initiator.my_turn() || responder.my_turn());
    NoiseSession a = std::move(initiator).finish(), b = std::move(responder).finish();
    EXPECT_EQ(a.handshake_hash, b.handshake_hash);
    EXPECT_EQ(a.chaining_key, b.chaining_key);
    EXPECT_EQ(a.send.key(), b.receive.key());
    EXPECT_EQ(a.receive.key(), b.send.key());
    EXPECT_FALSE(a.send.key() == a.receive.key());
  }
}

// HANDSHAKE: "h taken just before the payload is encrypted" is the same at both ends, and another than after it.
TEST(Noise, TheHashBetweenTokensAndPayload) {
  Pair pair(xxhfs);
  NoiseHandshake initiator = pair.initiator(), responder = pair.responder();
  for (int i = 0; i < 3; ++i) {
    NoiseHandshake& writer = i % 2 == 0 ? initiator : responder;
    NoiseHandshake& reader = i % 2 == 0 ? responder : initiator;
    auto message = writer.write_tokens();
    ASSERT_TRUE(message);
    const Digest between = writer.handshake_hash();
    append(*message, writer.write_payload(as_bytes("signature")).value());
    const auto sealed = reader.read_tokens(*message);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->size(), 9 + reader.payload_overhead());
    EXPECT_EQ(reader.handshake_hash(), between);
    EXPECT_EQ(as_text(reader.read_payload(*sealed).value()), "signature");
    EXPECT_EQ(reader.handshake_hash(), writer.handshake_hash());
    EXPECT_NE(reader.handshake_hash(), between);
  }
}

TEST(Noise, RemoteStaticIsKnownOnlyWhenRead) {
  Pair pair(xxhfs);
  NoiseHandshake initiator = pair.initiator(), responder = pair.responder();
  EXPECT_FALSE(initiator.remote_static());  // what was given is not believed: XX has no pre-message
  ASSERT_TRUE(responder.read_message(initiator.write_message({}).value()));
  ASSERT_TRUE(initiator.read_tokens(responder.write_message({}).value()));
  EXPECT_EQ(initiator.remote_static(), pair.provider->dh_public(filled<32>(4)));
}

TEST(Noise, EveryChangedByteEndsTheHandshake) {
  Pair pair("Noise_XX_25519_ChaChaPoly_BLAKE2s");
  const Bytes first = pair.initiator().write_message({}).value();
  for (size_t i = 0; i < 32; ++i) {
    NoiseHandshake initiator = pair.initiator(), responder = pair.responder();
    (void)initiator.write_message({});
    Bytes changed = first;
    changed[i] ^= 1;
    ASSERT_TRUE(responder.read_message(changed));  // nothing guards the first message
    const auto second = responder.write_message({});
    ASSERT_TRUE(second);
    const auto payload = initiator.read_message(*second);
    ASSERT_FALSE(payload) << i;
    EXPECT_EQ(payload.error().code, ErrorCode::bad_handshake);
  }
}

TEST(Noise, EveryShorterMessageIsRefused) {
  Pair pair("Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s");
  const Bytes first = pair.initiator().write_message({}).value();
  for (size_t size : {size_t{0}, size_t{31}, size_t{32}, first.size() - 1}) {
    const auto payload = pair.responder().read_message(ByteView(first).first(size));
    ASSERT_FALSE(payload) << size;
    EXPECT_EQ(payload.error().code, ErrorCode::bad_handshake);
  }
  NoiseHandshake initiator = pair.initiator(), responder = pair.responder();
  (void)initiator.write_message({});
  ASSERT_TRUE(responder.read_message(first));
  const Bytes second = responder.write_message({}).value();
  for (size_t size = 0; size < second.size(); size += 7) {
    NoiseHandshake fresh = pair.initiator();
    (void)fresh.write_message({});
    EXPECT_FALSE(fresh.read_message(ByteView(second).first(size))) << size;
  }
}

TEST(Noise, AfterAnErrorNothingMore) {
  Pair pair(xxhfs);
  NoiseHandshake responder = pair.responder();
  EXPECT_FALSE(responder.read_message(Bytes(10)));
  EXPECT_FALSE(responder.read_message(pair.initiator().write_message({}).value()));
  EXPECT_FALSE(responder.write_tokens());
  EXPECT_FALSE(responder.write_payload({}));
  EXPECT_FALSE(responder.read_payload({}));
}

TEST(Noise, MessageSizeLimit) {
  Pair pair("Noise_NN_25519_ChaChaPoly_BLAKE2s");
  EXPECT_EQ(pair.initiator().write_message(Bytes(noise_message_bytes_max - 32)).value().size(), noise_message_bytes_max);
  const auto message = pair.initiator().write_message(Bytes(noise_message_bytes_max - 31));
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, ErrorCode::too_large);
  const auto payload = pair.responder().read_message(Bytes(noise_message_bytes_max + 1));
  ASSERT_FALSE(payload);
  EXPECT_EQ(payload.error().code, ErrorCode::too_large);
}

TEST(Noise, PrologueAndPskMustBeTheSame) {
  Pair pair("Noise_NNhfs+psk0_25519+MLKEM768_ChaChaPoly_BLAKE2s", 1);
  NoiseHandshake initiator = pair.initiator(as_bytes("a")), responder = pair.responder(as_bytes("a"));
  EXPECT_TRUE(complete(initiator, responder));
  NoiseHandshake other = pair.initiator(as_bytes("a")), elsewhere = pair.responder(as_bytes("b"));
  EXPECT_FALSE(complete(other, elsewhere));
  pair.responder_secrets.psks[0] = filled<32>(8);
  NoiseHandshake again = pair.initiator(as_bytes("a")), wrong = pair.responder(as_bytes("a"));
  EXPECT_FALSE(complete(again, wrong));
}

TEST(Noise, ReflectionIsRefused) {
  Pair pair(xxhfs);
  pair.responder_secrets = pair.initiator_secrets;  // an echo that knows nothing
  NoiseHandshake initiator = pair.initiator();
  const Bytes own = initiator.write_message({}).value();
  EXPECT_FALSE(initiator.read_message(own));
}

class Cipher : public testing::TestWithParam<AeadAlg> {
 protected:
  std::unique_ptr<Provider> provider = openssl_provider();
  NoiseCipher a{GetParam(), filled<32>(1), *provider}, b{GetParam(), filled<32>(1), *provider};

  Bytes seal(ByteView text) {
    Bytes out(text.size() + aead_tag_bytes);
    EXPECT_TRUE(a.seal({}, text, out));
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Both, Cipher, testing::Values(AeadAlg::chacha20_poly1305, AeadAlg::aes256_gcm));

TEST_P(Cipher, TheLastNonceIsRefused) {
  a.set_nonce(noise_nonce_max - 1);
  b.set_nonce(noise_nonce_max - 1);
  const Bytes last = seal(as_bytes("last"));
  Bytes out(4 + aead_tag_bytes), opened(4);
  const auto sealed = a.seal({}, as_bytes("more"), out);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, ErrorCode::nonce_exhausted);
  EXPECT_EQ(out, Bytes(out.size()));
  ASSERT_TRUE(b.open({}, last, opened));
  const auto more = b.open({}, last, opened);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::nonce_exhausted);
}

TEST_P(Cipher, AFailureDoesNotMoveTheCounter) {
  const Bytes sealed = seal(as_bytes("text"));
  Bytes opened(4), changed = sealed;
  changed[0] ^= 1;
  for (int i = 0; i < 3; ++i) {
    const auto result = b.open({}, changed, opened);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::bad_record);
    EXPECT_EQ(b.nonce(), 0u);
  }
  EXPECT_FALSE(b.open({}, Bytes(3), {}));
  ASSERT_TRUE(b.open({}, sealed, opened));
  EXPECT_EQ(b.nonce(), 1u);
  EXPECT_FALSE(b.open({}, sealed, opened));  // a replay
}

TEST_P(Cipher, RekeyChangesTheKeyAndKeepsTheCounter) {
  const Bytes first = seal(as_bytes("text"));
  Bytes opened(4);
  ASSERT_TRUE(b.open({}, first, opened));
  const Secret<32> before = a.key();
  a.rekey();
  EXPECT_EQ(a.nonce(), 1u);
  EXPECT_FALSE(a.key() == before);
  const Bytes second = seal(as_bytes("text"));
  EXPECT_FALSE(b.open({}, second, opened));
  b.rekey();
  EXPECT_EQ(b.key(), a.key());
  EXPECT_TRUE(b.open({}, second, opened));
}

}  // namespace
}  // namespace lattice
