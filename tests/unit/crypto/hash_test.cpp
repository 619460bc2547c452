#include <lattice/crypto/hash.hpp>

#include <thread>

#include <gtest/gtest.h>

namespace lattice {
namespace {

std::string hex(const Digest& digest) { return to_hex(digest); }

Bytes counting(size_t count) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(i);
  return bytes;
}

TEST(Hash, KnownAnswers) {
  // RFC 7693 appendix B; FIPS 180-4's examples. The others are Python's hashlib.
  EXPECT_EQ(hex(blake2s(as_bytes("abc"))), "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  EXPECT_EQ(hex(blake2s({})), "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9");
  EXPECT_EQ(hex(blake2s(counting(100000))), "306171e0afc389321a65792391173662539d7a859bf19ab0f7c4b500edd42b48");
  EXPECT_EQ(hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, Sha256dIsSha256Twice) {
  EXPECT_EQ(hex(sha256d(as_bytes("hello"))), "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
  for (size_t size : {0u, 1u, 55u, 56u, 63u, 64u, 80u, 1000u}) {
    EXPECT_EQ(sha256d(counting(size)), sha256(sha256(counting(size)))) << size;
  }
}

TEST(Hash, MainnetGenesisHeader) {
  const auto header = from_hex(
      "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a5132"
      "3a9f"
      "b8aa4b1e5e4a29ab5f49ffff001d1dac2b7c");
  ASSERT_TRUE(header);
  EXPECT_EQ(hex(sha256d(*header)), "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000");
}

TEST(Hash, PartsAreOneMessage) {
  const Bytes bytes = counting(200);
  const ByteView view(bytes);
  for (HashAlg alg : {HashAlg::blake2s, HashAlg::sha256}) {
    const Digest whole = hash(alg, {view});
    EXPECT_EQ(hash(alg, {view.first(64), {}, view.subspan(64)}), whole);
    Hasher hasher(alg);
    for (size_t i = 0; i < bytes.size(); ++i) hasher.update(view.subspan(i, 1));
    EXPECT_EQ(hasher.finish(), whole);
    EXPECT_NE(hash(alg, {view.first(199)}), whole);
  }
}

TEST(Hash, HashersDoNotMix) {
  Hasher a(HashAlg::blake2s), b(HashAlg::blake2s);
  a.update(as_bytes("a"));
  b.update(as_bytes("b"));
  (void)blake2s(as_bytes("between"));
  Hasher moved = std::move(a);
  EXPECT_EQ(moved.update(as_bytes("bc")).finish(), blake2s(as_bytes("abc")));
  EXPECT_EQ(b.finish(), blake2s(as_bytes("b")));
}

TEST(Hash, KeyedBlake2s) {
  // BLAKE2's own answers, first case; hashlib.
  EXPECT_EQ(hex(blake2s_keyed(counting(32), {})), "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49");
  EXPECT_EQ(hex(blake2s_keyed(as_bytes("key"), as_bytes("abc"))),
            "3f9723437b033bf0c1f4df43cafd0776068cb0a95912de13f3b2952a3aba764d");
  EXPECT_NE(blake2s_keyed(as_bytes("kez"), as_bytes("abc")), blake2s_keyed(as_bytes("key"), as_bytes("abc")));
}

// HMAC-BLAKE2s has a 64-byte block and is not keyed BLAKE2s.
TEST(Hash, Hmac) {
  EXPECT_EQ(hex(hmac(HashAlg::blake2s, as_bytes("key"), as_bytes("The quick brown fox jumps over the lazy dog"))),
            "f93215bb90d4af4c3061cd932fb169fb8bb8a91d0b4022baea1271e1323cd9a0");
  EXPECT_NE(hmac(HashAlg::blake2s, as_bytes("key"), as_bytes("abc")), blake2s_keyed(as_bytes("key"), as_bytes("abc")));
  // A key longer than the block is hashed first.
  EXPECT_EQ(hex(hmac(HashAlg::blake2s, counting(100), as_bytes("abc"))),
            "c1b751501db12b753069a918627b623179be55c8cc7ca5c4e14bdf32274ac656");
  // RFC 4231 test case 2.
  EXPECT_EQ(hex(hmac(HashAlg::sha256, as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hash, HkdfAsNoiseSays) {
  const Secret<32> key(counting(32));
  const Hkdf blake = hkdf(HashAlg::blake2s, key, as_bytes("input"), 3);
  EXPECT_EQ(to_hex(blake.first.view()), "87b7f70b24183c6db5dc4f6d9f4c47cdb203321aa2a0bef714896adb3107a040");
  EXPECT_EQ(to_hex(blake.second.view()), "538a02e1eb2e31b7e4d4b82476d1fe2acf50085d3fb584537279195f5d1f5824");
  EXPECT_EQ(to_hex(blake.third.view()), "9ad858025593be88de0f9442a589cfe84a88dc19e4753d93684d1c5efc4837f9");
  const Hkdf sha = hkdf(HashAlg::sha256, key, as_bytes("input"), 2);
  EXPECT_EQ(to_hex(sha.first.view()), "6652e076ecbcbe76627293d67fcc22d29dee719f3c185066ea867eaf1e6f4c47");
  EXPECT_EQ(to_hex(sha.second.view()), "5c709f4c8626825d850cc12e878c9ea7a08159016a009bc36b8109676b9c074b");
  EXPECT_EQ(sha.third, Secret<32>{});
}

TEST(Hash, FromSeveralThreads) {
  const Digest expected = blake2s(counting(1000));
  std::vector<std::thread> threads;
  std::array<bool, 4> same{};
  for (size_t i = 0; i < same.size(); ++i) {
    threads.emplace_back([&same, &expected, i] {
      same[i] = true;
      for (int round = 0; round < 200; ++round) same[i] = same[i] && blake2s(counting(1000)) == expected;
    });
  }
  for (auto& thread : threads) thread.join();
  for (bool ok : same) EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace lattice
