// B7: the CPU time of a full handshake, both ends on one thread, against the sum of its operations, each measured alone in the
// same run. What is left over is ours: hashing the transcript, AEAD of the payloads, encoding, allocation.
#include <functional>

#include <bench/benchmarks.hpp>
#include <bench/cpu_time.hpp>
#include <bench/link_pair.hpp>
#include <lattice/base/assert.hpp>
#include <lattice/link/peer_memory.hpp>

namespace lattice::bench {
namespace {

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

// Two nodes that have met under `suite`: each remembers the other's certificate and, where they resume, a ticket.
class Acquainted {
 public:
  Acquainted(Provider& provider, Suite suite, bool resume) : provider_(provider), resume_(resume) {
    const SuiteIds allowed{id_of(suite)};
    initiator_ = bench_config(Role::initiator, new_identity(provider, allowed));
    responder_ = bench_config(Role::responder, new_identity(provider, allowed));
    initiator_.memory = &initiator_memory_;
    responder_.memory = &responder_memory_;
    initiator_.expected = responder_.identity->id;
    for (LinkConfig* config : {&initiator_, &responder_}) {
      config->suites = {suite};
      config->resumes = resume;
    }
    for (int i = 0; i < 2; ++i) meet(false);
  }
  // Of both ends.
  double a_cpu_second(int count) {
    return 1 / seconds_each(count, [&] { meet(resume_); });
  }

 private:
  void meet(bool resumed) {
    LinkPair pair(provider_, initiator_, responder_);
    ASSERT(pair.establish());
    const auto event = pair.initiator.poll_event();
    ASSERT(event && (!resumed || std::get<LinkEstablished>(*event).resumed));
  }

  Provider& provider_;
  bool resume_;
  PeerMemory initiator_memory_, responder_memory_;
  LinkConfig initiator_, responder_;
};

// What a node saves that meets another one again.
std::vector<Row> again_rows(Provider& provider, const Options& options) {
  const auto row = [](const char* what, const char* limit, double goal) {
    return Row{.id = "B7", .what = what, .unit = "1/CPU s", .limit_name = limit, .goal_ratio = goal};
  };
  Row kem = row("0x0021, certificates known, both ends", "0x0001, certificates known", 3);
  Row resumption = row("resumption of 0x0001, both ends", "0x0001, certificates known", 6);
  Acquainted by_kem(provider, Suite::xxhfskem_chacha, false), by_ticket(provider, Suite::xxhfs_chacha, true),
      by_signature(provider, Suite::xxhfs_chacha, false);
  for (int run = 0; run < options.runs; ++run) {
    const double limit = by_signature.a_cpu_second(20);
    kem.values.push_back(by_kem.a_cpu_second(20));
    resumption.values.push_back(by_ticket.a_cpu_second(20));
    kem.limits.push_back(limit);
    resumption.limits.push_back(limit);
  }
  return {kem, resumption};
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
  for (Row& row : again_rows(*provider, options)) rows.push_back(std::move(row));
  for (Row& row : shed_rows(options)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace lattice::bench
