// What an answer to one DNS question may cost.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <lattice/discovery/dns_seeds.hpp>

#include "heap.hpp"

namespace lattice::threats {
namespace {

const WallTime now = wall_from_unix(1'800'000'000);

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto of = [](timeval time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

struct Operators {
  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(5));
  std::vector<std::shared_ptr<const SigningKey>> keys;
  std::vector<Digest> hashes;
  explicit Operators(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Secret<32> secret;
      provider->rng().fill(secret.span());
      keys.push_back(provider->signing_key(SignAlg::mldsa65, secret));
      hashes.push_back(operator_hash(keys.back()->public_key()));
    }
  }
  // Long, of the future, and signed by everybody there is, but nothing of it is true.
  std::string forged_list(uint64_t sequence) {
    SeedList list;
    list.sequence = sequence;
    list.expires = now + std::chrono::hours{1};
    for (size_t i = 0; i < seed_entries_max; ++i) {
      NodeId id;
      id.bytes[0] = static_cast<uint8_t>(i + 1);
      list.entries.push_back({{IpAddress::v4(8, 8, 8, static_cast<uint8_t>(i)), 4000}, id});
    }
    const size_t signature_bytes = sign_sizes(SignAlg::mldsa65).signature;
    for (const auto& key : keys) {
      Bytes signature(signature_bytes);
      provider->rng().fill(signature);
      list.signatures.push_back({SignAlg::mldsa65, to_bytes(key->public_key()), std::move(signature)});
    }
    return seed_list_text(list);
  }
};

// 25. KeyTrap (CVE-2023-50387): sixteen texts, each as long as a record can be, each with eight signatures by real operators.
TEST(Threats, ADnsAnswerFullOfForgedSignatures) {
  Operators operators(8);
  DnsAnswer answer;
  for (uint64_t i = 0; i < 200; ++i) answer.texts.push_back(operators.forged_list(i));
  EXPECT_GE(answer.texts[0].size(), seed_text_bytes_max * 8 / 10);
  for (int i = 0; i < 10'000; ++i)
    answer.addresses.push_back(IpAddress::v4(9, 9, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)));
  DnsSeeds seeds({{"seed.test", operators.hashes, 8}}, ChainId{}, 4000);
  const size_t before = heap::held();
  heap::reset_peak();
  const double began = cpu_seconds();
  size_t checks = 0;
  {
    heap::Counted counted;
    seeds.on_asked(0);
    const auto found = seeds.on_answer(0, answer, now);
    EXPECT_TRUE(found.peers.empty());
    std::vector<bool> valid;
    for (const VerifyWork& work : found.work) {
      ++checks;
      valid.push_back(std::get<VerifyDone>(run_work(work, *operators.provider)).valid);
    }
    EXPECT_TRUE(seeds.on_verified(0, valid).peers.empty());
  }
  const double spent = cpu_seconds() - began;
  EXPECT_EQ(checks, 16u) << "two lists of eight; " << seeds.report()[0].rejected;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_LE(spent, 1.0);
#else
  EXPECT_LE(spent, 0.1);
#endif
  EXPECT_LE(heap::peak() - before, 2 * 16 * seed_text_bytes_max);
  EXPECT_LE(heap::held() - before, 64u * 1024);
  EXPECT_FALSE(seeds.busy());
  EXPECT_FALSE(seeds.report()[0].rejected.empty());
}

// 25. The same with statements that others sign from now on: they and the lists have sixteen checks together.
TEST(Threats, ADnsAnswerFullOfForgedStatements) {
  Operators operators(8);
  const OperatorSet set = make_operator_set(operators.hashes, 4);
  DnsAnswer answer;
  for (uint64_t i = 0; i < 200; ++i) {
    OperatorStatement statement;
    statement.root = operator_root(set);
    statement.sequence = 1 + i;
    statement.set = make_operator_set(operators.hashes, 1);
    for (const auto& key : operators.keys)
      statement.signatures.push_back({SignAlg::mldsa65, to_bytes(key->public_key()), Bytes(3309, 7)});
    answer.texts.push_back(i % 2 == 0 ? operator_statement_text(statement) : operators.forged_list(i));
  }
  DnsSeeds seeds({{"seed.test", operators.hashes, 4}}, ChainId{}, 4000);
  const size_t before = heap::held();
  heap::reset_peak();
  const double began = cpu_seconds();
  size_t checks = 0, steps = 0;
  {
    heap::Counted counted;
    seeds.on_asked(0);
    auto found = seeds.on_answer(0, answer, now);
    for (; !found.work.empty(); ++steps) {
      std::vector<bool> valid;
      for (const VerifyWork& work : found.work) {
        ++checks;
        valid.push_back(std::get<VerifyDone>(run_work(work, *operators.provider)).valid);
      }
      found = seeds.on_verified(0, valid);
    }
    EXPECT_TRUE(found.peers.empty());
  }
  const double spent = cpu_seconds() - began;
  EXPECT_EQ(checks, 16u) << steps << " steps";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_LE(spent, 1.0);
#else
  EXPECT_LE(spent, 0.1);
#endif
  EXPECT_LE(heap::peak() - before, 3 * 16 * seed_text_bytes_max);
  EXPECT_LE(heap::held() - before, 64u * 1024);
  EXPECT_FALSE(seeds.busy());
  EXPECT_EQ(seeds.report()[0].statement, 0u);
}

// 25. The cheapest way to make us work: what is no list at all.
TEST(Threats, ADnsAnswerFullOfNonsense) {
  Operators operators(3);
  DnsAnswer answer;
  const std::string nonsense = std::string(seed_list_prefix) + std::string(seed_text_bytes_max - seed_list_prefix.size(), 'A');
  for (int i = 0; i < 1000; ++i) answer.texts.push_back(nonsense);
  DnsSeeds seeds({{"seed.test", operators.hashes, 2}}, ChainId{}, 4000);
  const double began = cpu_seconds();
  const auto found = seeds.on_answer(0, answer, now);
  EXPECT_TRUE(found.work.empty());
  EXPECT_TRUE(found.peers.empty());
  EXPECT_LE(cpu_seconds() - began, 0.1);
}

}  // namespace
}  // namespace lattice::threats
