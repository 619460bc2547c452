// The modelled TCP's window: what it does when a connection is quiet, as a kernel's does (tests/net/fidelity_test.py compares
// them).
#include <lattice/sim/tcp.hpp>

#include <gtest/gtest.h>

namespace lattice::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration round_trip = milliseconds{100};

// A window's worth goes out and is acknowledged.
void fill(Pipe& pipe, Instant now) {
  const size_t bytes = pipe.room();
  pipe.on_sent(bytes, now);
  pipe.on_acknowledged(bytes, false);
}

TEST(Pipe, begins_anew_after_idling) {
  Pipe pipe;
  Instant now{seconds{1}};
  for (int i = 0; i < 3; ++i) fill(pipe, now);
  ASSERT_EQ(pipe.room(), 80 * segment_bytes);
  const auto after = [&](Duration idle) {
    Pipe later = pipe;
    later.restart_after_idle(now + idle, round_trip);
    return later.room() / segment_bytes;
  };
  EXPECT_EQ(after(milliseconds{300}), 80u);  // the retransmission timeout has not passed: 100 + 200 ms
  EXPECT_EQ(after(milliseconds{301}), 40u);  // by halves for each that has
  EXPECT_EQ(after(milliseconds{601}), 20u);
  EXPECT_EQ(after(milliseconds{901}), 10u);
  EXPECT_EQ(after(seconds{3600}), 10u);  // not below the initial window
}

TEST(Pipe, small_messages_do_not_open_the_window) {
  Pipe pipe;
  for (int i = 0; i < 1000; ++i) {
    pipe.on_sent(200, Instant{seconds{1 + i}});
    pipe.on_acknowledged(200, false);
  }
  EXPECT_EQ(pipe.room(), initial_window_bytes);
  fill(pipe, Instant{seconds{2000}});
  EXPECT_EQ(pipe.room(), 2 * initial_window_bytes);
}

TEST(Pipe, a_window_used_by_half_does_not_grow_by_more_than_that) {
  Pipe pipe;
  pipe.on_sent(initial_window_bytes / 2, {});
  pipe.on_acknowledged(initial_window_bytes / 2, false);
  EXPECT_EQ(pipe.room(), initial_window_bytes);
  pipe.on_sent(initial_window_bytes / 2 + segment_bytes, {});
  pipe.on_acknowledged(initial_window_bytes / 2 + segment_bytes, false);
  EXPECT_GT(pipe.room(), initial_window_bytes);
  EXPECT_LT(pipe.room(), 2 * initial_window_bytes);
}

}  // namespace
}  // namespace lattice::sim
