#include <algorithm>

#include <gtest/gtest.h>

#include <lattice/base/random.hpp>
#include <lattice/link/session.hpp>

namespace lattice {
namespace {

// A node under a flood has thousands of these, each with a retry of 46 bytes.
TEST(OutBuffer, TakesNoMoreMemoryThanWhatItHoldsAsksFor) {
  OutBuffer out;
  EXPECT_EQ(out.room(), 0u);
  out.append(Bytes(46, 1));
  EXPECT_LE(out.pending().size() + out.room(), 2048u);
  OutBuffer signed_message;
  signed_message.append(Bytes(6500, 1));
  EXPECT_LE(signed_message.pending().size() + signed_message.room(), 8192u);
  out.sent(46);
  out.release();
  EXPECT_EQ(out.room(), 0u);
}

TEST(OutBuffer, KeepsTheBytesAndTheirOrderWhateverIsSentBetween) {
  SeededRng rng(12);
  for (int run = 0; run < 200; ++run) {
    OutBuffer out;
    Bytes expected;
    uint8_t next = 0;
    for (int step = 0; step < 30; ++step) {
      Bytes more(rng.below(6000));
      for (uint8_t& byte : more) byte = next++;
      out.append(more);
      append(expected, more);
      const size_t sent = rng.below(expected.size() + 1);
      ASSERT_TRUE(std::ranges::equal(out.pending(), expected));
      out.sent(sent);
      expected.erase(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(sent));
    }
    ASSERT_TRUE(std::ranges::equal(out.pending(), expected));
  }
}

}  // namespace
}  // namespace lattice
