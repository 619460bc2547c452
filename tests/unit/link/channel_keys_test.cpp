// The tests that the secure channel must pass (docs/THREATS.md), by number: 8 and 12, keys, ciphertexts and points that are none.
// All invalid keys and ciphertexts of Wycheproof: SharedWycheproof in tests/vectors.
#include <gtest/gtest.h>

#include "../crypto/small_order_points.hpp"
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

// --- 12. Small-order points

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
  for (const char* hex : test::small_order_points) {
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

}  // namespace
}  // namespace lattice
