// Any bytes as stored bans: refused, or written back byte for byte, and taken up without harm.
#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/peers/reputation.hpp>
#include <lattice/wire/writer.hpp>

using namespace lattice;

static void hold(ByteView file) {
  const auto memory = decode_ban_memory(file, ChainId{});
  if (!memory) return;
  ASSERT(equal(encode_ban_memory(*memory, ChainId{}), file));
  const Now now{Instant{std::chrono::hours{1}}, wall_from_unix(1'800'000'000)};
  Reputation reputation;
  reputation.restore(*memory, now);
  ASSERT(reputation.size() + reputation.nodes() <= memory->bans.size());
  Reputation again;
  again.restore(reputation.memory(now), now);
  ASSERT(again.memory(now) == reputation.memory(now));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hold({data, size});
  // So that the fuzzer need not guess the sum, nor the head.
  wire::Writer with_sum;
  with_sum.bytes({data, size}).u32(crc32c({data, size}));
  hold(with_sum.view());
  Bytes head = encode_ban_memory({}, ChainId{});
  head.resize(8 + 1 + 32);
  wire::Writer with_head;
  with_head.bytes(head).bytes({data, size});
  with_head.u32(crc32c(with_head.view()));
  hold(with_head.view());
  return 0;
}
