// The 16th of the tests that the secure channel must pass (docs/THREATS.md): first messages in masses, against links and their
// admission in virtual time.
#include <gtest/gtest.h>

#include <deque>

#include <lattice/link/admission.hpp>

#include "nodes.hpp"

namespace lattice {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using test::expect_nobody_established;
using test::Nodes;
using test::WithKeys;

// A responder's node in virtual time: one worker, a millisecond for each signature.
struct Flooded : Nodes {
  static constexpr Duration signing = milliseconds{1};
  struct Job {
    std::unique_ptr<Link> link;
    Instant queued;
  };
  Admission admission{Secret<32>{}};
  std::deque<Job> jobs;
  size_t signed_for_strangers = 0;
  Duration worker_free{};

  Flooded() : Nodes({Suite::xxhfs_chacha}) { responder_config.admission = &admission; }

  Link responder_for(const Endpoint& remote) {
    responder_config.remote = remote;
    return Link(responder_config, *provider, time());
  }
  // A first message that nothing follows. Its link waits for its signature.
  void stranger(const Endpoint& remote, ByteView message1) {
    auto link = std::make_unique<Link>(responder_for(remote));
    link->on_bytes(message1, time());
    const auto wish = link->poll_work();
    if (!wish) return;
    ++signed_for_strangers;
    admission.on_work_queued(time().mono);
    jobs.push_back({std::move(link), time().mono});
  }
  void let_worker_work() {
    while (!jobs.empty() && worker_free + signing <= now) {
      worker_free = std::max(worker_free, jobs.front().queued - Instant{}) + signing;
      admission.on_work_done(Instant{} + worker_free - jobs.front().queued, time().mono);
      jobs.pop_front();
    }
    if (jobs.empty()) worker_free = std::max(worker_free, now);
  }
};

TEST(SecureChannel, T16_TenThousandFirstMessagesASecond) {
  for (const bool many_groups : {false, true}) {
    SCOPED_TRACE(many_groups ? "a group each" : "one group");
    Flooded nodes;
    Link attacker(nodes.initiator_config, *nodes.provider, nodes.time());
    const Bytes message1 = to_bytes(attacker.pending_output());
    constexpr int seconds = 3, a_second = 10'000;
    const BucketLimits free = many_groups ? AdmissionLimits{}.unproven_all : AdmissionLimits{}.unproven;
    const auto signed_max = static_cast<size_t>(free.burst + free.per_second * seconds) + 1;
    size_t honest = 0, dials = 0;
    for (int i = 0; i < seconds * a_second; ++i) {
      nodes.now += microseconds{1'000'000 / a_second};
      nodes.let_worker_work();
      const auto low = static_cast<uint8_t>(i), high = static_cast<uint8_t>(i >> 8);
      const auto ip =
          many_groups ? IpAddress::v4(static_cast<uint8_t>(20 + i % 64), low, high, 1) : IpAddress::v4(20, 1, high, low);
      nodes.stranger({ip, 4000}, message1);
      ASSERT_LE(nodes.signed_for_strangers, signed_max) << "after " << i;
      if (i % 3'333 != 3'000) continue;
      ++dials;
      nodes.responder_config.remote = {IpAddress::v4(192, static_cast<uint8_t>(i / 3'333), 0, 1), 4000};
      nodes.handshake_again();
      honest += nodes.both_established();
    }
    EXPECT_EQ(honest, dials) << "an honest peer gets in";
    EXPECT_GE(dials, 9u);
    EXPECT_GT(nodes.signed_for_strangers, 0u);
    EXPECT_LE(nodes.jobs.size(), 120u) << "nobody waits for long";
    EXPECT_LE(nodes.admission.bytes(), 600u * 1024);
  }
}

// Whoever has come as far as message 3 has proven nothing but its address, and names a key.
TEST(SecureChannel, T16_KeyServerCallsStayBounded) {
  WithKeys nodes(Suite::xxhfs_chacha);
  nodes.shared.span()[0] = 0;  // no key is ever good: each comes again
  Admission admission{Secret<32>{}};
  nodes.responder_config.admission = &admission;
  size_t at_responder = 0;
  nodes.worker = [&](const Work& work) -> WorkResult {
    const auto* fetch = std::get_if<OutsideKeyWork>(&work);
    if (fetch == nullptr) return run_work(work, *nodes.provider);
    at_responder += fetch->id.has_value();
    OutsideKey key{KeyId{1}, {}};
    key.key.span()[0] = fetch->id ? 2 : 1;
    return OutsideKeyDone{key};
  };
  constexpr int dials = 150;
  for (int i = 0; i < dials; ++i) {
    nodes.now += milliseconds{10};
    nodes.responder_config.remote = {IpAddress::v4(static_cast<uint8_t>(20 + i), 1, 1, 1), 4000};
    nodes.handshake_again();
    expect_nobody_established(nodes);
  }
  EXPECT_GE(at_responder, 16u);
  EXPECT_LE(at_responder, 16 + 8 * 2u) << "the burst of all, and its rate over a second and a half";
}

}  // namespace
}  // namespace lattice
