// The tests that the secure channel must pass (docs/THREATS.md), by number: what is asked of keys, points, ciphertexts and
// counters. All invalid keys and ciphertexts of Wycheproof: SharedWycheproof in tests/vectors.
#include <gtest/gtest.h>

#include <lattice/link/noise.hpp>
#include <lattice/link/record.hpp>

#include "nodes.hpp"
#include "tls_peer.hpp"
#include "wrapped_provider.hpp"

namespace lattice {
namespace {

using enum ErrorCode;
using test::certify_again;
using test::copy_of;
using test::expect_nobody_established;
using test::Nodes;
using test::noise_suites;
using test::other;
using test::shown;
using test::WrappedProvider;

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
    EXPECT_EQ(record, Bytes(record.size())) << "nothing was sealed";
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

// --- 8. KEM inputs

constexpr size_t first_e1 = 2 + 22 + 32;  // length, hello with one offer, e

// What the responder says to a first message that was changed: one error, no work, no word.
void expect_dead_by_message1(Nodes& nodes, const std::function<void(Bytes&)>& change) {
  nodes.connect();
  Bytes message = to_bytes(nodes.initiator->pending_output());
  change(message);
  nodes.responder->on_bytes(message, nodes.time());
  EXPECT_FALSE(nodes.responder->poll_work());
  EXPECT_TRUE(nodes.responder->pending_output().empty());
  nodes.responder_events.clear();
  nodes.drain(*nodes.responder, nodes.responder_events);
  EXPECT_EQ(nodes.closed(Role::responder), bad_handshake);
}

TEST(SecureChannel, T08_KemKeysThatAreNone) {
  for (const Suite suite : noise_suites) {
    SCOPED_TRACE(suite_name(suite));
    Nodes nodes({suite});
    const size_t key_bytes = kem_sizes(traits_of(suite).kem).public_key;
    // A coefficient of q or more: the first, the last, all (FIPS 203 section 7.2).
    expect_dead_by_message1(nodes, [](Bytes& bytes) {
      bytes[first_e1] = 0x01;  // q = 0xd01
      bytes[first_e1 + 1] = static_cast<uint8_t>((bytes[first_e1 + 1] & 0xf0) | 0x0d);
    });
    expect_dead_by_message1(nodes, [&](Bytes& bytes) {
      bytes[first_e1 + key_bytes - 32 - 1] = 0xff;
      bytes[first_e1 + key_bytes - 32 - 2] |= 0xf0;
    });
    expect_dead_by_message1(nodes, [&](Bytes& bytes) { std::fill_n(bytes.begin() + first_e1, key_bytes, uint8_t{0xff}); });
    // A key that is one, of nobody: the responder cannot tell, and the initiator can.
    nodes.tamper = [&, first = true](Role, Bytes& bytes) mutable {
      if (!std::exchange(first, false)) return;
      const auto foreign = nodes.provider->kem_key(traits_of(suite).kem, Secret<64>());
      std::ranges::copy(foreign->public_key(), bytes.begin() + first_e1);
    };
    nodes.handshake_again();
    expect_nobody_established(nodes);
    EXPECT_EQ(nodes.closed(Role::initiator), bad_handshake);
  }
  // In a certificate, signed by its owner.
  for (const Role liar : {Role::initiator, Role::responder}) {
    Nodes nodes({Suite::xxhfskem_chacha});
    auto bad = copy_of(shown(nodes, liar, Suite::xxhfskem_chacha));
    std::fill_n(bad->certificate.kem_public.begin(), 3, uint8_t{0xff});
    certify_again(*bad);
    shown(nodes, liar, Suite::xxhfskem_chacha) = bad;
    nodes.handshake();
    EXPECT_EQ(nodes.established(other(liar)), nullptr);
    EXPECT_EQ(nodes.closed(other(liar)), bad_handshake);
  }
}

// Sends another ciphertext than the one that its secret belongs to.
class WrongCiphertexts final : public WrappedProvider {
 public:
  using WrappedProvider::WrappedProvider;
  Result<Encapsulated> encapsulate(KemAlg alg, ByteView key, const Secret<32>& m) override {
    TRY(sent, WrappedProvider::encapsulate(alg, key, m));
    if (zeros)
      std::ranges::fill(sent.ciphertext, uint8_t{0});
    else
      sent.ciphertext[at % sent.ciphertext.size()] ^= 1;
    return sent;
  }
  size_t at = 0;
  bool zeros = false;
};

TEST(SecureChannel, T08_WrongCiphertextsFailAlike) {
  for (const Suite suite : noise_suites) {
    for (const Role liar : {Role::initiator, Role::responder}) {
      if (liar == Role::initiator && suite != Suite::xxhfskem_chacha) continue;
      for (const size_t at : {size_t{0}, size_t{700}, size_t{1087}, SIZE_MAX}) {
        SCOPED_TRACE(std::string(suite_name(suite)) + " " + std::to_string(at));
        Nodes nodes({suite});
        WrongCiphertexts wrong(*nodes.provider);
        wrong.at = at;
        wrong.zeros = at == SIZE_MAX;
        Provider &initiators = liar == Role::initiator ? wrong : *nodes.provider,
                 &responders = liar == Role::responder ? wrong : *nodes.provider;
        nodes.initiator.emplace(nodes.initiator_config, initiators, nodes.time());
        nodes.responder.emplace(nodes.responder_config, responders, nodes.time());
        nodes.run();
        expect_nobody_established(nodes);
        EXPECT_EQ(nodes.closed(other(liar)), bad_handshake);
        EXPECT_TRUE((liar == Role::initiator ? *nodes.responder : *nodes.initiator).pending_output().empty());
      }
    }
  }
}

// The hybrid share of TLS: ML-KEM's key, then X25519's.
Bytes tls_hello_with(const std::function<void(ByteSpan share)>& change) {
  const auto provider = openssl_provider();
  Bytes hello = provider->tls(TlsSide::client)->take_output();
  const Bytes begin{0x11, 0xec, 0x04, 0xc0};
  const auto found = std::ranges::search(hello, begin);
  EXPECT_FALSE(found.empty());
  change(ByteSpan(&*found.end(), 1216));
  return hello;
}

void expect_dead_by(const Bytes& tls_hello, bool dead) {
  test::TlsPair pair;
  Link responder(pair.responder_config, *pair.provider, pair.time());
  responder.on_bytes(tls_hello, pair.time());
  EXPECT_EQ(responder.closed(), dead);
  EXPECT_EQ(responder.pending_output().empty(), dead);
  const auto event = responder.poll_event();
  EXPECT_EQ(event.has_value(), dead);
  if (event) {
    EXPECT_EQ(std::get<LinkClosed>(*event).error.code, bad_handshake);
  }
}

TEST(SecureChannel, T08_KemKeyOfTlsThatIsNone) {
  expect_dead_by(tls_hello_with([](ByteSpan) {}), false);
  expect_dead_by(tls_hello_with([](ByteSpan share) { share[0] = share[1] = 0xff; }), true);
  expect_dead_by(tls_hello_with([](ByteSpan share) { std::ranges::fill(share.first(1184), uint8_t{0xff}); }), true);
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

// --- 12. Small-order points

const char* const small_order_points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

DhPublic point_of(const char* hex) {
  DhPublic point;
  std::ranges::copy(from_hex(hex).value(), point.begin());
  return point;
}

// Shows a small-order point as its static key, and reckons with what an exchange with it gives: zeros.
class SmallOrderKey final : public WrappedProvider {
 public:
  SmallOrderKey(Provider& real, const DhSecret& secret, const DhPublic& point)
      : WrappedProvider(real), secret_(secret), point_(point) {}
  DhPublic dh_public(const DhSecret& secret) override {
    return secret == secret_ ? point_ : WrappedProvider::dh_public(secret);
  }
  Result<Secret<32>> dh(const DhSecret& secret, ByteView key) override {
    if (secret == secret_) return Secret<32>{};
    return WrappedProvider::dh(secret, key);
  }

 private:
  DhSecret secret_;
  DhPublic point_;
};

TEST(SecureChannel, T12_SmallOrderPointsAbort) {
  for (const char* hex : small_order_points) {
    const DhPublic point = point_of(hex);
    for (const Suite suite : noise_suites) {
      SCOPED_TRACE(std::string(suite_name(suite)) + " " + hex);
      Nodes nodes({suite});
      expect_dead_by_message1(nodes, [&](Bytes& bytes) { std::ranges::copy(point, bytes.begin() + first_e1 - 32); });
      nodes.tamper = [&](Role from, Bytes& bytes) {
        if (from == Role::responder) std::ranges::copy(point, bytes.begin() + 2);
      };
      nodes.handshake_again();
      expect_nobody_established(nodes);
      EXPECT_EQ(nodes.closed(Role::initiator), bad_handshake);
      nodes.tamper = {};
      for (const Role liar : {Role::initiator, Role::responder}) {
        auto bad = copy_of(shown(nodes, liar, suite));
        SmallOrderKey small(*nodes.provider, bad->dh, point);
        bad->certificate.dh = point;
        certify_again(*bad);
        const auto honest = std::exchange(shown(nodes, liar, suite), bad);
        nodes.initiator_events.clear();
        nodes.responder_events.clear();
        Provider &initiators = liar == Role::initiator ? small : *nodes.provider,
                 &responders = liar == Role::responder ? small : *nodes.provider;
        nodes.initiator.emplace(nodes.initiator_config, initiators, nodes.time());
        nodes.responder.emplace(nodes.responder_config, responders, nodes.time());
        nodes.run();
        EXPECT_EQ(nodes.established(other(liar)), nullptr);
        EXPECT_EQ(nodes.closed(other(liar)), bad_handshake);
        shown(nodes, liar, suite) = honest;
      }
    }
    expect_dead_by(tls_hello_with([&](ByteSpan share) { std::ranges::copy(point, share.last(32).begin()); }), true);
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
