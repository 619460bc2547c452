// B7: what a responder under a flood does for each first message that it does not take: a whole Link is made, the 1,242 bytes are
// read, the answer (a retry, or none) is written, the Link goes. CPU time of one core, no sockets.
#include <bench/benchmarks.hpp>
#include <bench/cpu_time.hpp>
#include <bench/link_pair.hpp>
#include <lattice/base/assert.hpp>
#include <lattice/link/admission.hpp>
#include <lattice/link/retry.hpp>

namespace lattice::bench {
namespace {

constexpr double shed_goal = 200'000;
constexpr int shed_count = 50'000;  // of one run
constexpr size_t groups = 1000;     // that the flood comes from

// Nothing is free here: `retries` of the answers are retries, the others silence.
double shed_a_second(Provider& provider, const LinkConfig& base, ByteView message, double retries, size_t answer_bytes) {
  AdmissionLimits limits;
  limits.unproven = {0, 0};
  limits.retries_all = {retries, 0};
  Admission admission(Secret<32>{}, limits);
  LinkConfig config = base;
  config.admission = &admission;
  const Now now = bench_now();
  const double began = thread_cpu_seconds();
  for (int i = 0; i < shed_count; ++i) {
    const auto group = static_cast<size_t>(i) % groups;
    config.remote = {IpAddress::v4(10, static_cast<uint8_t>(group), static_cast<uint8_t>(group >> 8), 1),
                     static_cast<uint16_t>(i)};
    Link link(config, provider, now);
    link.on_bytes(message, now);
    ASSERT(link.pending_output().size() == answer_bytes && link.closed() == (answer_bytes == 0) && !link.poll_work());
  }
  return shed_count / (thread_cpu_seconds() - began);
}

}  // namespace

std::vector<Row> shed_rows(const Options& options) {
  const auto provider = openssl_provider(std::make_unique<SeededRng>(options.seed));
  const auto initiator = new_identity(*provider), responder = new_identity(*provider);
  Link caller(bench_config(Role::initiator, initiator), *provider, bench_now());
  const Bytes message = to_bytes(caller.pending_output());
  const LinkConfig config = bench_config(Role::responder, responder);
  const auto row = [](const char* what) { return Row{.id = "B7", .what = what, .unit = "1/s", .goal_value = shed_goal}; };
  Row asked = row("first messages shed a second, each with a retry"),
      dropped = row("first messages shed a second, without a word");
  for (int run = 0; run < options.runs; ++run) {
    asked.values.push_back(shed_a_second(*provider, config, message, shed_count, retry_bytes + 2));
    dropped.values.push_back(shed_a_second(*provider, config, message, 0, 0));
  }
  return {asked, dropped};
}

}  // namespace lattice::bench
