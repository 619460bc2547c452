// B7: the CPU time of a full handshake, both ends on one thread, against the sum of its operations, each measured alone in the
// same run. What is left over is ours: hashing the transcript, AEAD of the payloads, encoding, allocation.
#include <ctime>
#include <functional>

#include <bench/benchmarks.hpp>
#include <bench/link_pair.hpp>
#include <lattice/base/assert.hpp>

namespace lattice::bench {
namespace {

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds_each(int count, const std::function<void()>& work) {
  const double start = thread_cpu_seconds();
  for (int i = 0; i < count; ++i) work();
  return (thread_cpu_seconds() - start) / count;
}

struct Operations {
  double dh_public, dh, kem_key, encapsulate, decapsulate, sign, verify;
  // Both ends of XXhfs with two signatures: e and e; ee, es, se on each side; one KEM exchange; two signatures, two checks.
  double handshake() const { return 2 * dh_public + 6 * dh + kem_key + encapsulate + decapsulate + 2 * sign + 2 * verify; }
};

Operations measure_operations(Provider& provider, int count) {
  DhSecret secret;
  provider.rng().fill(secret.span());
  const DhPublic public_key = provider.dh_public(secret);
  Secret<kem_seed_bytes> seed;
  provider.rng().fill(seed.span());
  Secret<32> entropy;
  provider.rng().fill(entropy.span());
  const auto kem = provider.kem_key(KemAlg::mlkem768, seed);
  const auto sealed = provider.encapsulate(KemAlg::mlkem768, kem->public_key(), entropy);
  const auto signing = provider.signing_key(SignAlg::mldsa65, entropy);
  const Bytes message(170, 7);
  const ByteView context = as_bytes("lattice/1/hs/init");
  const Bytes signature = signing->sign(context, message, entropy);
  uint8_t turn = 0;
  return {
      .dh_public = seconds_each(count, [&] { provider.dh_public(secret); }),
      .dh = seconds_each(count, [&] { ASSERT(provider.dh(secret, public_key)); }),
      .kem_key = seconds_each(count, [&] { provider.kem_key(KemAlg::mlkem768, seed); }),
      .encapsulate = seconds_each(count, [&] { ASSERT(provider.encapsulate(KemAlg::mlkem768, kem->public_key(), entropy)); }),
      .decapsulate = seconds_each(count, [&] { ASSERT(kem->decapsulate(sealed->ciphertext)); }),
      // The time of an ML-DSA signature varies with its rejections: another entropy each time, as in a handshake.
      .sign = seconds_each(count,
                           [&] {
                             entropy.span()[0] = ++turn;
                             signing->sign(context, message, entropy);
                           }),
      .verify = seconds_each(
          count, [&] { ASSERT(provider.verify(SignAlg::mldsa65, signing->public_key(), context, message, signature)); }),
  };
}

}  // namespace

std::vector<Row> handshake_rows(const Options& options) {
  const auto provider = openssl_provider(std::make_unique<SeededRng>(options.seed));
  const auto initiator = new_identity(*provider), responder = new_identity(*provider);
  Row cpu{.id = "B7",
          .what = "full handshake 0x0001, CPU of both ends",
          .unit = "us",
          .limit_name = "sum of its operations, each measured alone",
          .goal_ratio = 0.85,
          .lower_is_better = true};
  for (int run = 0; run < options.runs; ++run) {
    const Operations operations = measure_operations(*provider, 20);
    const double handshake = seconds_each(20, [&] {
      LinkPair pair(*provider, initiator, responder);
      ASSERT(pair.establish());
    });
    cpu.values.push_back(handshake * 1e6);
    cpu.limits.push_back(operations.handshake() * 1e6);
  }
  std::vector<Row> rows{cpu};
  for (Row& row : shed_rows(options)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace lattice::bench
